"""The published layout of marketplace loans: files that keep their contract, payments that can be derived from them.

What was paid is told by nothing but the standing of instalments, so a slow reader takes the differences of
successive rows and holds them to the simulator's own records.
"""

from __future__ import annotations

import csv
import hashlib
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from arrears.simulate import layouts, simulate
from arrears.simulate.book import day_date, day_number, draw_book
from arrears.simulate.engine import Simulation
from arrears.simulate.posted import PostedBook
from arrears.simulate.records import REVERSAL, WAIVER, Payments, payments
from arrears.simulate.writers import Landing
from tests.unit import keeping

LENDER = "paipai"
START, END = date(2023, 9, 20), date(2024, 1, 31)
TOL = 1  # fen
NOTHING = r"\N"


def _fen(text: str) -> int:
    amount = Decimal(text) * 100
    assert amount % 1 == 0
    return int(amount)


def _rows(path: Path) -> tuple[list[str], list[list[str]]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        header, *rows = csv.reader(file)
    return header, rows


@dataclass
class Run:
    """What a run delivered, and what it booked."""

    landing: Path
    truth: Path
    booked: list[Payments]
    waiting: set[str]
    """Loans with payments that were booked and not delivered."""
    ids: list[str]

    def table(self, day: date, name: str) -> list[dict[str, str]]:
        header, rows = _rows(self.landing / LENDER / day.isoformat() / f"{name}.csv")
        return [dict(zip(header, row, strict=True)) for row in rows]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp(LENDER)
    arguments = {"start": START, "end": END, "loans": 600, "seed": 5}
    simulate(**arguments, lenders=[LENDER], landing=folder / "landing", truth=folder / "truth")
    # Once more by hand, to see what is booked.
    layout = layouts.find(LENDER)
    book = draw_book(lender=LENDER, profile=layout.PROFILE, **arguments)
    again = Simulation(seed=5, lender=LENDER, profile=layout.PROFILE, book=book, start=START, end=END)
    writer = layout.writer(book, again.ledger, START)
    booked = []
    for day in again.run():
        writer.record(day, None)
        booked.append(day.payments)
        if day.day >= again.start:
            writer.deliver(day.day, again.touched)
    ids = writer.loan_ids(0, len(book))
    waiting = {ids[loan] for loan in writer.posted.waiting()}
    return Run(folder / "landing", folder / "truth", booked, waiting, ids)


def _days(first: date = START, last: date = END) -> list[date]:
    return [first + timedelta(days=k) for k in range((last - first).days + 1)]


# ── the files ───────────────────────────────────────────────────────────────────────────────────────────


def test_every_file_keeps_its_contract(run: Run) -> None:
    contract, files = keeping.contract(LENDER), 0
    for day in _days():
        for resource in contract["resources"]:
            path = run.landing / LENDER / day.isoformat() / keeping.file_of(resource, day)
            data = path.read_bytes()
            assert data.startswith(b"\xef\xbb\xbf")
            assert data.endswith(b"\r\n")
            assert data.count(b"\n") == data.count(b"\r\n")
            assert keeping.violations(resource, *_rows(path), day) == [], path
            files += 1
        assert (run.landing / LENDER / day.isoformat() / "_SUCCESS").read_bytes() == b""
        files += 1
    assert files == sum(1 for path in run.landing.rglob("*") if path.is_file())


def test_the_columns_are_the_published_ones() -> None:
    listing = "ListingId,借款金额,借款期限,借款利率,借款成功日期,初始评级,借款类型,是否首标,年龄,性别,"
    listing += "手机认证,户口认证,视频认证,学历认证,征信认证,淘宝认证,"
    listing += "历史成功借款次数,历史成功借款金额,总待还本金,历史正常还款期数,历史逾期还款期数"
    position = "我的投资金额,当前到期期数,当前还款期数,已还本金,已还利息,待还本金,待还利息,标当前逾期天数,标当前状态,"
    position += "上次还款日期,上次还款本金,上次还款利息,下次计划还款日期,下次计划还款本金,下次计划还款利息,recorddate"
    instalment = "ListingId,期数,还款状态,应还本金,应还利息,剩余本金,剩余利息,到期日期,还款日期,recorddate"
    files = {r["path"]: [f["name"] for f in r["schema"]["fields"]] for r in keeping.contract(LENDER)["resources"]}
    assert files["LC.csv"] == listing.split(",")
    assert files["LCIS.csv"] == [*listing.split(","), *position.split(",")]
    assert files["LP.csv"] == instalment.split(",")


def test_same_arguments_same_bytes(run: Run, tmp_path: Path) -> None:
    last = START + timedelta(days=12)
    simulate(start=START, end=last, loans=600, seed=5, lenders=[LENDER], landing=tmp_path, truth=tmp_path / "truth")
    for day in _days(START, last - timedelta(days=1)):
        for path in (tmp_path / LENDER / day.isoformat()).iterdir():
            other = run.landing / LENDER / day.isoformat() / path.name
            assert hashlib.sha256(path.read_bytes()).digest() == hashlib.sha256(other.read_bytes()).digest(), path


def test_every_listing_has_its_instalments_and_its_person(run: Run) -> None:
    known: set[str] = set()
    for day in _days():
        listings = {row["ListingId"]: row for row in run.table(day, "LC")}
        assert not known & set(listings)
        known |= set(listings)
        assert [row["ListingId"] for row in run.table(day, "USER")] == list(listings)
        due = defaultdict(list)
        for row in run.table(day, "LP"):
            due[row["ListingId"]].append(row)
        assert set(due) <= known
        for listing, row in listings.items():
            assert [int(r["期数"]) for r in due[listing]] == list(range(1, int(row["借款期限"]) + 1))
            assert sum(_fen(r["应还本金"]) for r in due[listing]) == _fen(row["借款金额"])
    assert known == set(run.ids[: len(known)])


def test_one_person_keeps_one_identity_over_listings(run: Run) -> None:
    people = [row for day in _days() for row in run.table(day, "USER")]
    listings = Counter(row["身份证号"] for row in people)
    first = {row["ListingId"]: row["是否首标"] for day in _days() for row in run.table(day, "LC")}
    assert Counter(first.values())["是"] == len(listings) < len(people)
    for row in people:
        assert row["出生年份"] == row["身份证号"][6:10]


def test_the_position_carries_the_listing_as_it_was_listed(run: Run) -> None:
    listed: dict[str, dict[str, str]] = {}
    written: Counter[bool] = Counter()
    for day in _days():
        listed |= {row["ListingId"]: row for row in run.table(day, "LC")}
        for row in run.table(day, "LCIS"):
            assert listed[row["ListingId"]].items() <= row.items()
            if row["上次还款日期"] != NOTHING:
                written["-" in row["上次还款日期"]] += 1
    assert min(written[True], written[False]) > 1_000, "one column, two ways of writing dates"


# ── instalments, and the payments between them ──────────────────────────────────────────────────────────


@dataclass
class Version:
    """An instalment as one delivery has it. Amounts in fen."""

    sent: date
    due: date
    standing: str
    principal: int
    interest: int
    principal_left: int
    interest_left: int
    paid_on: date | None

    @property
    def paid(self) -> int:
        return self.principal + self.interest - self.principal_left - self.interest_left


@dataclass
class Listing:
    instalments: dict[int, list[Version]] = field(default_factory=lambda: defaultdict(list))

    def at(self, day: date) -> list[Version]:
        """Each instalment by what was paid by a day, whenever it was sent."""
        return [
            [v for v in versions if v.paid_on is None or v.paid_on <= day][-1]
            for _, versions in sorted(self.instalments.items())
        ]

    def sent_by(self, day: date) -> list[Version]:
        """Each instalment as it was last sent."""
        return [[v for v in versions if v.sent <= day][-1] for _, versions in sorted(self.instalments.items())]


def _dpd(instalments: list[Version], day: date) -> int:
    late = [v.due for v in instalments if v.due < day and v.principal_left + v.interest_left > TOL]
    return (day - min(late)).days if late else 0


@pytest.fixture(scope="module")
def listings(run: Run) -> dict[str, Listing]:
    found: dict[str, Listing] = defaultdict(Listing)
    for day in _days():
        for row in run.table(day, "LP"):
            paid_on = None if row["还款日期"] == NOTHING else date.fromisoformat(row["还款日期"])
            amounts = (_fen(row[name]) for name in ("应还本金", "应还利息", "剩余本金", "剩余利息"))
            version = Version(day, date.fromisoformat(row["到期日期"]), row["还款状态"], *amounts, paid_on)
            found[row["ListingId"]].instalments[int(row["期数"])].append(version)
    return dict(found)


def _booked(run: Run) -> tuple[Counter[str], Counter[tuple[str, date]]]:
    """The simulator's own records: what was posted by the first delivery, and afterwards by value day."""
    before: Counter[str] = Counter()
    since: Counter[tuple[str, date]] = Counter()
    for p in run.booked:
        for loan, kind, amount, value_on, posted_on in zip(
            p.loan, p.kind, p.amount, p.value_on, p.posted_on, strict=True
        ):
            signed = -int(amount) if kind == REVERSAL else int(amount)
            if posted_on <= day_number(START):
                before[run.ids[loan]] += signed
            else:
                since[run.ids[loan], day_date(int(value_on))] += signed
    return before, since


def _derived(listings: dict[str, Listing]) -> tuple[Counter[str], Counter[tuple[str, date]]]:
    """The same from instalments: what the first delivery says is paid, and afterwards the differences."""
    first: Counter[str] = Counter()
    differences: Counter[tuple[str, date]] = Counter()
    for name, listing in listings.items():
        for versions in listing.instalments.values():
            paid = 0
            for version in versions:
                if version.sent == START:
                    first[name] += version.paid
                elif version.paid_on is not None:
                    differences[name, version.paid_on] += version.paid - paid
                paid = version.paid
    return first, differences


def test_differences_between_rows_are_the_payments_to_the_fen_and_the_day(
    run: Run, listings: dict[str, Listing]
) -> None:
    before, since = _booked(run)
    first, differences = _derived(listings)
    assert len(run.waiting) < 5
    assert {k: v for k, v in first.items() if v} == {k: v for k, v in before.items() if v}
    told, booked = ({k: v for k, v in found.items() if v and k[0] not in run.waiting} for found in (differences, since))
    assert told == booked
    assert len(told) > 800
    assert any(v < 0 for v in told.values()), "reversals"


def test_a_row_is_sent_when_it_is_new_or_stands_otherwise(listings: dict[str, Listing]) -> None:
    for name, listing in listings.items():
        for versions in listing.instalments.values():
            for earlier, later in pairwise(versions):
                assert earlier.sent < later.sent
                amounts = [(v.principal_left, v.interest_left, v.interest) for v in (earlier, later)]
                assert amounts[0] != amounts[1], (name, later)
                assert later.paid_on is not None
                assert later.paid_on <= later.sent


def test_the_standing_says_what_the_amounts_say(listings: dict[str, Listing]) -> None:
    seen: Counter[str] = Counter()
    for listing in listings.values():
        for versions in listing.instalments.values():
            for v in versions:
                left = v.principal_left + v.interest_left
                seen[v.standing] += 1
                if v.standing == "0":
                    assert (v.paid, v.paid_on) == (0, None)
                    continue
                assert v.paid_on is not None
                if v.standing == "4":
                    assert left > 0
                    seen["all came back"] += v.paid == 0
                else:
                    assert left == 0
                if v.standing in "12":
                    assert (v.paid_on <= v.due) == (v.standing == "1")
                if v.standing == "3":
                    assert v.paid_on < v.due
                    seen["without interest"] += v.interest == 0
    assert all(seen[what] > 10 for what in ("0", "1", "2", "3", "4", "without interest"))
    assert seen["all came back"] > 0


def test_an_early_settlement_restates_the_interest_of_what_was_ahead(listings: dict[str, Listing]) -> None:
    settled = [listing.sent_by(END) for listing in listings.values()]
    settled = [rows for rows in settled if any(v.standing == "3" for v in rows)]
    assert settled
    for rows in settled:
        ahead = [v for v in rows if v.standing == "3"]
        assert rows[-len(ahead) :] == ahead, "everything that was not yet due, and nothing else"
        assert all(v.interest == 0 for v in ahead[2:])
        assert len({v.paid_on for v in ahead}) == 1


def test_a_listing_tells_the_borrowers_history_as_it_was(run: Run, listings: dict[str, Listing]) -> None:
    person = {row["ListingId"]: row["身份证号"] for day in _days() for row in run.table(day, "USER")}
    earlier: dict[str, list[dict[str, str]]] = defaultdict(list)
    told = 0
    for day in _days():
        listed = run.table(day, "LC")
        for row in listed:
            before = earlier[person[row["ListingId"]]]
            if day > START:
                rows = [v for old in before for v in listings[old["ListingId"]].sent_by(day - timedelta(days=1))]
                assert int(row["历史成功借款次数"]) == len(before)
                assert _fen(row["历史成功借款金额"]) == sum(_fen(old["借款金额"]) for old in before)
                assert _fen(row["总待还本金"]) == sum(v.principal_left for v in rows)
                assert int(row["历史正常还款期数"]) == sum(v.standing in "13" for v in rows)
                assert int(row["历史逾期还款期数"]) == sum(v.standing == "2" for v in rows)
                told += len(before) > 0
        for row in listed:
            earlier[person[row["ListingId"]]].append(row)
    assert told > 20


# ── positions ───────────────────────────────────────────────────────────────────────────────────────────


def test_the_position_agrees_with_the_instalments_sent_so_far(run: Run, listings: dict[str, Listing]) -> None:
    states: Counter[str] = Counter()
    for day in _days():
        for row in run.table(day, "LCIS"):
            rows = listings[row["ListingId"]].sent_by(day)
            states[row["标当前状态"]] += 1
            assert int(row["标当前逾期天数"]) == _dpd(rows, day)
            assert _fen(row["待还本金"]) == sum(v.principal_left for v in rows)
            assert _fen(row["待还利息"]) == sum(v.interest_left for v in rows)
            assert _fen(row["已还本金"]) == sum(v.principal - v.principal_left for v in rows)
            assert _fen(row["已还利息"]) == sum(v.interest - v.interest_left for v in rows)
            assert int(row["当前到期期数"]) == sum(v.due <= day for v in rows)
            open_rows = [v for v in rows if v.principal_left + v.interest_left > 0]
            assert int(row["当前还款期数"]) == len(rows) - len(open_rows)
            assert row["下次计划还款日期"] == (open_rows[0].due.isoformat() if open_rows else NOTHING)
            assert _fen(row["下次计划还款本金"]) == (open_rows[0].principal_left if open_rows else 0)
            if row["标当前状态"] == "已还清":
                assert all(v.principal_left + v.interest_left <= TOL for v in rows)
    assert all(states[state] > 20 for state in ("正常还款中", "逾期中", "已还清"))


def test_overdue_listings_are_reported_daily_and_all_open_ones_at_month_ends(
    run: Run, listings: dict[str, Listing]
) -> None:
    gone: set[str] = set()
    for day in _days():
        position = {row["ListingId"]: row for row in run.table(day, "LCIS")}
        assert not gone & set(position), "a transferred listing comes once more, and never again"
        for name, listing in listings.items():
            if name in gone or min(v[0].sent for v in listing.instalments.values()) > day:
                continue
            rows = listing.sent_by(day)
            is_open = any(v.principal_left + v.interest_left > TOL for v in rows)
            is_month_end = (day + timedelta(days=1)).day == 1
            if is_open and (is_month_end or _dpd(rows, day) > 0):
                assert name in position, (name, day)
        gone |= {name for name, row in position.items() if row["标当前状态"] == "已债转"}


def test_transfers_are_told_on_their_day(run: Run) -> None:
    told = [row for day in _days()[1:] for row in run.table(day, "LCIS") if row["标当前状态"] == "已债转"]
    assert told
    assert all(int(row["标当前逾期天数"]) > 60 and _fen(row["待还本金"]) > 0 for row in told)


def test_the_truth_agrees_with_the_files(run: Run, listings: dict[str, Listing]) -> None:
    """Month-ends before the first delivery cannot be told from it: of each instalment it has only the last payment."""
    transferred = {
        row["ListingId"]: day for day in _days() for row in run.table(day, "LCIS") if row["标当前状态"] == "已债转"
    }
    seen: Counter[str] = Counter()
    for path in sorted((run.truth / LENDER).glob("*.parquet")):
        frame = pl.read_parquet(path)
        day = frame["as_of"][0]
        if day < START:
            continue
        for truth in frame.iter_rows(named=True):
            name = truth["loan_id"]
            if name in run.waiting:
                continue
            rows = listings[name].at(day)
            left = sum(v.principal_left for v in rows)
            settled = all(v.principal_left + v.interest_left <= TOL for v in rows)
            gone = transferred.get(name, date.max) <= day
            state = "transferred" if gone else "settled" if settled else "active"
            seen[state] += 1
            assert truth["state"] == state, (name, day)
            assert truth["dpd"] == _dpd(rows, day), (name, day)
            assert truth["outstanding_principal"] * 100 == (0 if gone else left), (name, day)
            overdue = [v for v in rows if v.due < day]
            assert truth["overdue_principal"] * 100 == sum(v.principal_left for v in overdue), (name, day)
    assert min(seen["active"], seen["settled"]) > 200


# ── what the layout cannot show, and the borrowers ──────────────────────────────────────────────────────


def test_a_payment_that_instalments_cannot_show_is_refused() -> None:
    profile = layouts.find(LENDER).PROFILE
    book = draw_book(seed=1, lender=LENDER, profile=profile, start=START, end=END, loans=20)
    one = np.ones(1, dtype=np.int64)
    waiver = payments(WAIVER, 0 * one, 20_000, one)
    with pytest.raises(ValueError, match="no place in this layout for payments of kind 3"):
        PostedBook(book).post(waiver)


def test_borrowers_are_young_and_of_low_income_and_loans_small(run: Run) -> None:
    people = [row for day in _days() for row in run.table(day, "USER")]
    low = sum(row["收入档"] in ("3000元以下", "3000-5000元") for row in people)
    assert low > len(people) / 2
    listed = [row for day in _days() for row in run.table(day, "LC")]
    assert sum(int(row["年龄"]) < 30 for row in listed) > len(listed) * 0.45
    amounts = sorted(_fen(row["借款金额"]) for row in listed)
    assert amounts[len(amounts) // 2] < 5_000_00
    assert set(Counter(row["借款类型"] for row in listed)) == {"电商", "APP闪电", "普通", "其他"}


def test_faults_read_and_write_its_files(run: Run) -> None:
    form = layouts.find(LENDER).FORMAT
    for resource in (form.roles.loans, form.roles.payments):
        data = Landing(str(run.landing), LENDER)
        path = data.path(form.folder(START), form.file_name(resource, START))
        content = Path(path).read_bytes()
        table = form.parse(resource, content)
        assert table.header[0] == "ListingId"
        assert form.render(resource, table) == content
        assert {form.roles.loan_id} <= set(table.header)
    assert form.date_text(date(2024, 1, 5)) == "2024/1/5"
