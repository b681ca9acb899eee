"""The simulator's truth, held to the files: a slow bookkeeper replays every loan from what was delivered.

It shares nothing with the simulator. Every payment is put on instalments and components one by one, by the rules
of metrics.md, and again from the start for every day that is asked about.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from arrears.simulate import simulate

START, END = date(2023, 9, 20), date(2024, 1, 31)
TOL = 1  # fen


@dataclass
class Due:
    on: date
    fee: int
    interest: int
    principal: int

    @property
    def owed(self) -> int:
        return self.fee + self.interest + self.principal


@dataclass
class Loan:
    principal: int = 0
    disbursed: date = date.min
    plans: dict[int, tuple[date, list[Due]]] = field(default_factory=dict)
    payments: list[tuple[date, str, str, int, str]] = field(default_factory=list)  # day, id, kind, amount, reverses
    written_off: date | None = None
    settled_on: list[date] = field(default_factory=list)


@dataclass(frozen=True)
class Standing:
    state: str
    dpd: int
    contractual_dpd: int
    outstanding: int
    overdue_principal: int
    overdue_amount: int


def _day(text: str) -> date:
    return datetime.strptime(text, "%Y%m%d").date()


def _read(landing: Path, name: str) -> list[tuple[date, dict[str, str]]]:
    rows = []
    for path in sorted(landing.glob(f"*/{name}_*.txt")):
        lines = path.read_text("gb18030").split("\n")
        header = lines[0].split("|")
        rows += [(_day(path.stem[-8:]), dict(zip(header, line.split("|"), strict=True))) for line in lines[1:-2]]
    return rows


def _loans(landing: Path) -> dict[str, Loan]:
    loans: dict[str, Loan] = defaultdict(Loan)
    for _, row in _read(landing, "LOAN"):
        loan = loans[row["借据号"]]
        loan.principal, loan.disbursed = int(row["借款金额"]), _day(row["放款日期"])
    for _, row in sorted(_read(landing, "PLAN"), key=lambda r: int(r[1]["期数"])):
        _, plan = loans[row["借据号"]].plans.setdefault(int(row["版本"]), (_day(row["生效日期"]), []))
        plan.append(Due(_day(row["应还日"]), int(row["应还费用"]), int(row["应还利息"]), int(row["应还本金"])))
    for _, row in _read(landing, "PAY"):
        loans[row["借据号"]].payments.append(
            (_day(row["交易日期"]), row["流水号"], row["类型"], int(row["金额"]), row["原流水号"])
        )
    for _, row in _read(landing, "EVENT"):
        if row["事件"] == "核销":
            assert loans[row["借据号"]].written_off is None, "written off once"
            loans[row["借据号"]].written_off = _day(row["发生日期"])
        if row["事件"] == "结清":
            loans[row["借据号"]].settled_on.append(_day(row["发生日期"]))
    return dict(loans)


def _allocate(loan: Loan, plan: list[Due], day: date) -> tuple[list[dict[str, int]], bool]:
    """What each component of each instalment is still short of at the close of a day; whether prepaid."""
    short = [{"fee": i.fee, "interest": i.interest, "principal": i.principal} for i in plan]
    come = [p for p in loan.payments if p[0] <= day]
    returned = {reverses for *_, reverses in come if reverses}
    live = [p for p in come if p[2] != "退回" and p[1] not in returned]

    def pour(amount: int, cells: list[tuple[dict[str, int], str]]) -> int:
        for instalment, component in cells:
            part = min(amount, instalment[component])
            instalment[component] -= part
            amount -= part
        return amount

    for _, _, _, amount, _ in (p for p in live if p[2] != "提前结清"):
        pour(amount, [(i, c) for i in short for c in ("fee", "interest", "principal")])
    for on, _, _, amount, _ in (p for p in live if p[2] == "提前结清"):
        due = [s for s, i in zip(short, plan, strict=True) if i.on <= on]
        ahead = short[len(due) :]
        left = pour(amount, [(i, c) for i in due for c in ("fee", "interest", "principal")])
        left = pour(left, [(i, "principal") for i in ahead])
        if left == 0 and any(i["principal"] for i in ahead):
            raise AssertionError("a prepayment that does not cover the principal")
        for i in ahead:
            i["fee"] = i["interest"] = 0
        return short, True
    return short, False


def _dpd(plan: list[Due], short: list[dict[str, int]], day: date) -> int:
    late = [i.on for i, s in zip(plan, short, strict=True) if i.on < day and sum(s.values()) > TOL]
    return (day - min(late)).days if late else 0


def _stand(loan: Loan, day: date) -> Standing:
    _, plan = max((p for p in loan.plans.values() if p[0] <= day), key=lambda p: p[0])
    short, prepaid = _allocate(loan, plan, day)
    _, original = loan.plans[1]
    # A full prepayment ends the loan on every plan, also where the original one asked for more by then.
    contractual = 0 if prepaid else _dpd(original, _allocate(loan, original, day)[0], day)
    outstanding = sum(s["principal"] for s in short)
    due = [s for s, i in zip(short, plan, strict=True) if i.on < day]
    settled = all(sum(s.values()) <= TOL for s in short) and outstanding <= TOL
    gone = loan.written_off is not None and loan.written_off <= day
    return Standing(
        state="written_off" if gone else "settled" if settled else "active",
        dpd=_dpd(plan, short, day),
        contractual_dpd=contractual,
        outstanding=0 if gone else outstanding,
        overdue_principal=sum(s["principal"] for s in due),
        overdue_amount=sum(sum(s.values()) for s in due),
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("replayed")
    landing, truth = folder / "landing", folder / "truth"
    simulate(start=START, end=END, loans=600, seed=5, lenders=["lakala"], landing=landing, truth=truth)
    return folder


@pytest.fixture(scope="module")
def loans(run: Path) -> dict[str, Loan]:
    return _loans(run / "landing" / "lakala")


def _fen(amount: Decimal) -> int:
    assert (amount * 100) % 1 == 0
    return int(amount * 100)


def test_truth_agrees_with_the_files_to_the_fen(run: Path, loans: dict[str, Loan]) -> None:
    compared: Counter[str] = Counter()
    for path in sorted((run / "truth" / "lakala").glob("*.parquet")):
        frame = pl.read_parquet(path)
        day = frame["as_of"][0]
        assert sorted(frame["loan_id"]) == sorted(key for key, loan in loans.items() if loan.disbursed <= day)
        for row in frame.iter_rows(named=True):
            says = Standing(
                row["state"],
                row["dpd"],
                row["contractual_dpd"],
                _fen(row["outstanding_principal"]),
                _fen(row["overdue_principal"]),
                _fen(row["overdue_amount"]),
            )
            assert says == _stand(loans[row["loan_id"]], day), (row["loan_id"], day)
            compared[row["state"]] += 1
            compared["late"] += row["dpd"] > 0
            compared["restructured"] += row["is_restructured"]
            compared["cosmetic"] += row["dpd"] < row["contractual_dpd"]
    assert all(compared[what] > 20 for what in ("active", "settled", "written_off", "late", "restructured", "cosmetic"))


def test_the_lenders_own_position_agrees_day_by_day(run: Path, loans: dict[str, Loan]) -> None:
    """On every day of a month, and only a tenth of the loans: it is slow. The last day may lack late postings."""
    states = {"正常": "active", "逾期": "active", "已结清": "settled", "已核销": "written_off"}
    some = set(sorted(loans)[::7])
    compared = 0
    for day, row in _read(run / "landing" / "lakala", "LOAN"):
        if row["借据号"] in some and day >= END - timedelta(days=31) and day < END:
            at = _stand(loans[row["借据号"]], day)
            said = (states[row["状态"]], int(row["逾期天数"]), int(row["剩余本金"]), int(row["逾期本金"]))
            assert said == (at.state, at.dpd, at.outstanding, at.overdue_principal), (row["借据号"], day)
            compared += 1
    assert compared > 1_000


def test_loans_leave_the_snapshot_only_when_over(run: Path, loans: dict[str, Loan]) -> None:
    listed: dict[date, set[str]] = defaultdict(set)
    for day, row in _read(run / "landing" / "lakala", "LOAN"):
        listed[day].add(row["借据号"])
    left = {loan for day in sorted(listed)[1:] for loan in listed[day - timedelta(days=1)] - listed[day]}
    assert left
    assert all(_stand(loans[loan], END).state in ("settled", "written_off") for loan in left)


def test_every_behaviour_occurs(run: Path, loans: dict[str, Loan]) -> None:
    payments = _read(run / "landing" / "lakala", "PAY")
    kinds = Counter(row["类型"] for _, row in payments)
    assert set(kinds) == {"还款", "提前结清", "退回", "减免", "核销回收"}
    ids = [row["流水号"] for _, row in payments]
    assert len(ids) == len(set(ids))
    amounts = {row["流水号"]: (row["借据号"], row["金额"]) for _, row in payments}
    for _, row in payments:
        if row["类型"] == "退回":
            assert amounts[row["原流水号"]] == (row["借据号"], row["金额"])
    assert any(row["交易日期"] < row["入账日期"] for _, row in payments), "late posting"
    events = Counter(row["事件"] for _, row in _read(run / "landing" / "lakala", "EVENT"))
    assert set(events) == {"核销", "展期", "结清"}
    bullets = [loan for loan in loans.values() if loan.plans[1][1][0].principal == 0]
    assert bullets
    assert all(sum(i.principal for i in loan.plans[1][1]) == loan.principal for loan in loans.values())
    assert any(len(loan.settled_on) > 1 for loan in loans.values()), "settled, returned, settled again"
    dpds = [int(row["逾期天数"]) for day, row in _read(run / "landing" / "lakala", "LOAN") if day == START]
    assert sum(d > 180 for d in dpds) > sum(0 < d <= 30 for d in dpds) / 2, "a long-overdue book"
