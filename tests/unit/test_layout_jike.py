"""即科金融's files: as their contract says, the same for the same arguments, wrong and late, and right in the end."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pyarrow.parquet as pq
import pytest

from arrears.simulate.book import day_date
from arrears.simulate.layouts import jike
from arrears.simulate.ledger import STATES
from tests.unit.books import Records, delivered, records_of
from tests.unit.plain_reader import Row, contract_of, violations

LENDER = "jike"
ARGUMENTS: dict[str, Any] = {"start": date(2023, 11, 8), "end": date(2024, 1, 31), "loans": 900, "seed": 11}
START, END = ARGUMENTS["start"], ARGUMENTS["end"]
DAYS = [START + timedelta(days=k) for k in range((END - START).days + 1)]
CHANGES = ("loans", "borrowers", "instalments", "payments", "events")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp(LENDER)
    delivered(folder, LENDER, **ARGUMENTS)
    return folder / "landing" / LENDER


@pytest.fixture(scope="module")
def records() -> Records:
    return records_of(LENDER, **ARGUMENTS)


def _digests(folder: Path) -> dict[str, str]:
    files = (p for p in folder.rglob("*") if p.is_file())
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def _rows(folder: Path, day: date, name: str) -> list[Row]:
    return pl.read_parquet(folder / day.isoformat() / f"{name}_{day:%Y%m%d}.parquet").to_dicts()


def _all(folder: Path, name: str) -> Iterator[tuple[date, Row]]:
    for day in DAYS:
        yield from ((day, row) for row in _rows(folder, day, name))


def _newest(folder: Path, name: str, *key: str) -> dict[tuple[Any, ...], Row]:
    """Of every key the row with the newest instant, then the newest delivery; without those that were deleted."""
    changes: dict[tuple[Any, ...], Row] = {}
    ordered = sorted(_all(folder, name), key=lambda found: (found[1]["updated_at"], found[0]))
    for _, row in ordered:
        changes[tuple(row[k] for k in key)] = row
    return {k: row for k, row in changes.items() if row["op"] != "D"}


def test_same_arguments_same_bytes(run: Path, tmp_path: Path) -> None:
    delivered(tmp_path, LENDER, **ARGUMENTS)
    assert _digests(tmp_path / "landing" / LENDER) == _digests(run)


def test_a_longer_simulation_repeats_the_days_before(run: Path, tmp_path: Path) -> None:
    tomorrow = END + timedelta(days=1)
    delivered(tmp_path, LENDER, **(ARGUMENTS | {"end": tomorrow, "write_from": END}))
    longer = _digests(tmp_path / "landing" / LENDER)
    assert len(longer) == 16
    assert {k: v for k, v in longer.items() if k.startswith(END.isoformat())}.items() <= _digests(run).items()


def test_every_file_keeps_its_contract(run: Path) -> None:
    resources = contract_of(LENDER)["resources"]
    for day in DAYS:
        for resource in resources:
            rows = _rows(run, day, resource["name"])
            assert list(violations(resource, rows, day)) == [], (resource["name"], day)
            assert all(row["updated_at"].date() <= day for row in rows if "op" in row)
    assert len(_digests(run)) == len(DAYS) * (len(resources) + 1)
    assert {p.read_bytes() for p in run.rglob("_SUCCESS")} == {b""}


def test_columns_have_the_types_of_a_warehouse(run: Path) -> None:
    found = {}
    for name in jike._SCHEMAS:
        schema = pq.read_schema(run / START.isoformat() / f"{name}_{START:%Y%m%d}.parquet")
        assert schema.names == list(jike._SCHEMAS[name])
        found |= {f"{name}.{field.name}": str(field.type).removeprefix("large_") for field in schema}
    wanted = {
        f"{name}.{column}": str(kind) for name, columns in jike._SCHEMAS.items() for column, kind in columns.items()
    }
    assert found == wanted
    assert found["payments.amount"] == "decimal128(18, 2)"
    assert found["payments.updated_at"] == "timestamp[us, tz=Asia/Shanghai]"


def test_rows_are_out_of_order(run: Path) -> None:
    for name in CHANGES:
        instants = [row["updated_at"] for row in _rows(run, START, name)]
        assert instants != sorted(instants)


def test_payments_are_the_engine_s_in_the_end(run: Path, records: Records) -> None:
    ids = jike.writer(records.book, records.run.ledger, START).loan_ids(0, len(records.book))
    p = records.payments
    booked = sorted(
        (ids[loan], jike._KINDS[kind], Decimal(int(amount)) / 100, day_date(int(value)), day_date(int(posted)))
        for loan, kind, amount, value, posted in zip(p.loan, p.kind, p.amount, p.value_on, p.posted_on, strict=True)
    )
    newest = _newest(run, "payments", "payment_id").values()
    assert sorted((r["loan_id"], r["kind"], r["amount"], r["value_on"], r["posted_on"]) for r in newest) == booked
    assert {"RPY", "PRE", "REV", "WVR", "GUA", "BBK", "RFD"} <= {r["kind"] for r in newest}


def test_events_plans_loans_and_borrowers_are_the_engine_s_in_the_end(run: Path, records: Records) -> None:
    book, ledger, events = records.book, records.run.ledger, records.events
    ids = jike.writer(book, ledger, START).loan_ids(0, len(book))
    assert sorted(_newest(run, "events", "loan_id", "kind", "event_on")) == sorted(
        (ids[loan], jike._EVENTS[kind], day_date(day))
        for loan, kind, day in zip(events.loan, events.kind, records.event_days, strict=True)
    )

    loans = _newest(run, "loans", "loan_id")
    wanted = {(i,): ("normal", *STATES[1:])[s] for i, s in zip(ids, ledger.state, strict=True)}
    assert {k: row["status"] for k, row in loans.items()} == wanted
    assert all(row["credit_score"] in (None, book.score[k]) for k, row in enumerate(loans[i,] for i in ids))

    plans = _newest(run, "instalments", "loan_id", "instalment_no", "schedule_version")
    amounts = (ledger.principal_due, ledger.interest_due, book.fee_due, ledger.penalty_due)
    names = ("principal_due", "interest_due", "fee_due", "penalty_due")
    for row, loan in enumerate(book.loan_of):
        if not book.planless[loan]:
            sent = plans[ids[loan], row - book.offset[loan] + 1, ledger.version[loan]]
            assert sent["due_on"] == day_date(int(ledger.due[row]))
            assert [sent[n] for n in names] == [Decimal(int(a[row])) / 100 for a in amounts]
    assert {loan for loan, _, _ in plans} == {i for i, none in zip(ids, book.planless, strict=True) if not none}

    missing = len(records.book.borrowers.risk) - len(_newest(run, "borrowers", "borrower_id"))
    assert 0 < missing < 0.03 * len(records.book.borrowers.risk)


def test_data_is_late_wrong_and_incomplete(run: Path) -> None:
    operations: dict[str, Counter[str]] = {name: Counter(row["op"] for _, row in _all(run, name)) for name in CHANGES}
    assert set(operations["payments"]) == {"I", "U", "D"}
    assert all(operations[name]["U"] for name in ("loans", "borrowers", "instalments"))

    history: dict[str, list[tuple[date, Row]]] = defaultdict(list)
    for day, row in _all(run, "payments"):
        history[row["payment_id"]].append((day, row))
    corrected = [found for found in history.values() if found[-1][1]["op"] == "U"]
    for (first_day, first), (last_day, last) in corrected:
        assert first["op"] == "I"
        assert 0 <= (last_day - first_day).days <= 7 or first_day == START
        assert (first["amount"], first["value_on"]) != (last["amount"], last["value_on"]) or first["posted_on"] < START
    assert any(first[1]["amount"] != last[1]["amount"] for first, last in corrected)
    assert any(first[1]["value_on"] != last[1]["value_on"] for first, last in corrected)
    deleted = [found for found in history.values() if found[-1][1]["op"] == "D"]
    assert deleted
    assert all({**f, "op": 0, "updated_at": 0} == {**d, "op": 0, "updated_at": 0} for (_, f), (_, d) in deleted)

    late = [
        row["updated_at"].astimezone(ZoneInfo("Asia/Shanghai")).date() < day
        for name in ("payments", "events")
        for day, row in _all(run, name)
        if day > START
    ]
    assert any(late)
    loans = [row for _, row in _all(run, "loans") if row["op"] == "I"]
    assert 0.02 < sum(row["credit_score"] is None for row in loans) / len(loans) < 0.15
    assert any(row["channel"] is None for row in loans)
    assert any(row["income"] is None for _, row in _all(run, "borrowers"))


def test_all_is_right_at_the_end_of_every_month(run: Path) -> None:
    """What a month-end's delivery leaves pending would make the truth of that month-end untestable."""
    final = _newest(run, "payments", "payment_id")
    for end in (date(2023, 11, 30), date(2023, 12, 31)):
        seen: dict[tuple[Any, ...], Row] = {}
        found = [(row["updated_at"], day, row) for day, row in _all(run, "payments") if day <= end]
        for _, _, row in sorted(found, key=lambda f: f[:2]):
            seen[row["payment_id"],] = row
        known = {key: row for key, row in seen.items() if row["op"] != "D"}
        assert known == {key: row for key, row in final.items() if row["posted_on"] <= end}


def test_penalties_grow(run: Path) -> None:
    found: dict[tuple[Any, ...], list[tuple[Any, Decimal]]] = defaultdict(list)
    for _, row in _all(run, "instalments"):
        key = row["loan_id"], row["instalment_no"], row["schedule_version"]
        found[key].append((row["updated_at"], row["penalty_due"]))
    grown = [[penalty for _, penalty in sorted(told)] for told in found.values() if len(told) > 1]
    assert any(len(told) > 2 for told in grown)
    assert all(told == sorted(set(told)) for told in grown)


def test_a_delivery_a_month_comes_to_the_same(run: Path, tmp_path: Path) -> None:
    delivered(tmp_path, LENDER, **(ARGUMENTS | {"every": "month"}))
    monthly = tmp_path / "landing" / LENDER
    days = [date(2023, 11, 30), date(2023, 12, 31), END]
    assert sorted(p.name for p in monthly.iterdir()) == [d.isoformat() for d in days]
    for name in ("borrowers", "instalments", "payments", "events"):
        rows = [row for day in days for row in _rows(monthly, day, name)]
        assert sorted(map(repr, rows)) == sorted(repr(row) for _, row in _all(run, name))
    for resource in contract_of(LENDER)["resources"]:
        for day in days:
            assert list(violations(resource, _rows(monthly, day, resource["name"]), day)) == []
