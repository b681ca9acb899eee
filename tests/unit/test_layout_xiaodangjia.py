"""小当家's files: as their contract says, the same for the same arguments, and all that the engine booked."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from arrears.simulate.book import day_date
from arrears.simulate.layouts import xiaodangjia
from arrears.simulate.ledger import STATES
from tests.unit.books import Records, delivered, records_of
from tests.unit.plain_reader import Row, columns_of, contract_of, violations

LENDER = "xiaodangjia"
ARGUMENTS: dict[str, Any] = {"start": date(2023, 12, 18), "end": date(2024, 2, 6), "loans": 300, "seed": 11}
START, END = ARGUMENTS["start"], ARGUMENTS["end"]
DAYS = [START + timedelta(days=k) for k in range((END - START).days + 1)]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp(LENDER)
    delivered(folder, LENDER, **ARGUMENTS)
    return folder / "landing" / LENDER


@pytest.fixture(scope="module")
def records() -> Records:
    return records_of(LENDER, **ARGUMENTS)


def _flat(found: dict[str, Any], columns: dict[str, Any]) -> Row:
    """An object with its parts as columns, dates and instants as such."""
    flat: Row = {}
    for name, value in found.items():
        flat |= {f"{name}.{part}": v for part, v in value.items()} if isinstance(value, dict) else {name: value}
    for name, value in flat.items():
        kind = columns.get(name, {"type": "string"})["type"]
        if kind == "date" and value is not None:
            flat[name] = date.fromisoformat(value)
        if kind == "datetime" and value is not None:
            flat[name] = datetime.fromisoformat(value)
    return flat


def _resource(name: str) -> dict[str, Any]:
    return next(r for r in contract_of(LENDER)["resources"] if r["name"] == name)


def _rows(folder: Path, day: date, resource: dict[str, Any]) -> list[Row]:
    lines = gzip.decompress((folder / f"{day:%Y/%m/%d}" / resource["arrears"]["file"]).read_bytes()).decode("utf-8")
    assert lines == "" or lines.endswith("\n")
    columns = columns_of(resource)
    return [_flat(json.loads(line, parse_float=Decimal), columns) for line in lines.splitlines()]


def _all(folder: Path, name: str) -> Iterator[Row]:
    resource = _resource(name)
    for day in DAYS:
        yield from _rows(folder, day, resource)


def _digests(folder: Path) -> dict[str, str]:
    files = (p for p in folder.rglob("*") if p.is_file())
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def test_same_arguments_same_bytes(run: Path, tmp_path: Path) -> None:
    delivered(tmp_path, LENDER, **ARGUMENTS)
    assert _digests(tmp_path / "landing" / LENDER) == _digests(run)


def test_a_longer_simulation_repeats_the_days_before(run: Path, tmp_path: Path) -> None:
    tomorrow = END + timedelta(days=1)
    delivered(tmp_path, LENDER, **(ARGUMENTS | {"end": tomorrow}))
    longer = _digests(tmp_path / "landing" / LENDER)
    assert {name: digest for name, digest in longer.items() if f"{tomorrow:%Y/%m/%d}" not in name} == _digests(run)
    delivered(tmp_path / "only", LENDER, **(ARGUMENTS | {"end": tomorrow, "write_from": tomorrow}))
    assert _digests(tmp_path / "only" / "landing" / LENDER).items() <= longer.items()


def test_every_file_keeps_its_contract(run: Path) -> None:
    resources = contract_of(LENDER)["resources"]
    for day in DAYS:
        for resource in resources:
            assert list(violations(resource, _rows(run, day, resource), day)) == [], (resource["name"], day)
    files = len(_digests(run))
    assert files == len(DAYS) * (len(resources) + 1)


def test_the_manifest_is_right_about_every_file(run: Path) -> None:
    for day in DAYS:
        folder = run / f"{day:%Y/%m/%d}"
        manifest = json.loads((folder / "manifest.json").read_bytes())
        assert manifest["business_date"] == day.isoformat()
        assert {f["name"] for f in manifest["files"]} == {p.name for p in folder.iterdir()} - {"manifest.json"}
        for file in manifest["files"]:
            data = (folder / file["name"]).read_bytes()
            assert file["sha256"] == hashlib.sha256(data).hexdigest()
            assert file["rows"] == len(gzip.decompress(data).splitlines())
            assert data[4:8] == b"\0\0\0\0", "no time in it"


def test_amounts_have_two_decimals(run: Path) -> None:
    text = gzip.decompress((run / f"{START:%Y/%m/%d}" / "loans.jsonl.gz").read_bytes()).decode()
    assert '"principal":' in text
    principal = [line.split('"principal":')[1].split(",")[0] for line in text.splitlines()]
    assert all(p == f"{Decimal(p):.2f}" for p in principal)


def test_payments_are_the_engine_s(run: Path, records: Records) -> None:
    ids = xiaodangjia.writer(records.book, records.run.ledger, START).loan_ids(0, len(records.book))
    p = records.payments
    kinds = ("repay", "prepay", "return", "waive", "recover", "chargeback", "refund", "guarantor", "buyback")
    booked = sorted(
        (ids[loan], kinds[kind], Decimal(int(amount)) / 100, day_date(int(value)), day_date(int(posted)))
        for loan, kind, amount, value, posted in zip(p.loan, p.kind, p.amount, p.value_on, p.posted_on, strict=True)
    )
    rows = list(_all(run, "payments"))
    sent = sorted((r["loan_id"], r["kind"], r["amount"], r["dates.value"], r["dates.posted"]) for r in rows)
    assert sent == booked
    assert {"repay", "prepay", "return", "waive", "guarantor"} <= {r["kind"] for r in rows}
    by_id = {r["id"]: r for r in rows}
    assert len(by_id) == len(rows)
    for row in rows:
        if row["kind"] == "return":
            assert by_id[row["reverses"]]["loan_id"] == row["loan_id"]


def test_plans_and_statuses_are_the_engine_s_in_the_end(run: Path, records: Records) -> None:
    book, ledger = records.book, records.run.ledger
    ids = xiaodangjia.writer(book, ledger, START).loan_ids(0, len(book))
    status = {row["id"]: row["status"] for row in _all(run, "loans")}
    assert status == {i: ("normal", *STATES[1:])[s] for i, s in zip(ids, ledger.state, strict=True)}
    plans = {(r["loan_id"], r["no"], r["version"]): r for r in _all(run, "plans")}
    for row, loan in enumerate(book.loan_of):
        sent = plans[ids[loan], row - book.offset[loan] + 1, ledger.version[loan]]
        assert sent["due"] == day_date(int(ledger.due[row]))
        amounts = (ledger.principal_due, ledger.interest_due, book.fee_due, ledger.penalty_due)
        names = ("principal", "interest", "fee", "penalty")
        assert [sent[f"amounts.{n}"] for n in names] == [Decimal(int(a[row])) / 100 for a in amounts]
    assert {loan for loan, _, version in plans if version == 1} == set(ids), "the first plan of every loan"


def test_penalties_grow(run: Path) -> None:
    penalties: dict[tuple[str, int, int], list[Decimal]] = {}
    for row in _all(run, "plans"):
        penalties.setdefault((row["loan_id"], row["no"], row["version"]), []).append(row["amounts.penalty"])
    grown = [found for found in penalties.values() if len(found) > 1]
    assert grown
    assert all(found == sorted(found) and found[-1] > found[0] for found in grown)


def test_collection_is_heavy_and_not_always_polite(run: Path, records: Records) -> None:
    actions = list(_all(run, "actions"))
    assert len(actions) == len(records.actions) > len(records.book)
    assert {"phone", "sms", "visit"} <= {a["channel"] for a in actions}
    assert {a["agency"] for a in actions} == {None, *(agency.name for agency in xiaodangjia.PROFILE.agencies)}
    assert any(a["complaint"] for a in actions)
    assert any(a["contact.party"] == "contact" for a in actions)
    promised = [a for a in actions if a["contact.outcome"] == "promised"]
    assert promised
    assert all(a["promise.amount"] > 0 and a["promise.on"] >= a["acted_at"].date() for a in promised)
    at = [int(a["acted_at"].timestamp()) for a in actions]
    assert sorted(at) == sorted(int(t) for t in records.actions.at)


def test_positions_cover_what_moved_what_is_late_and_month_ends(run: Path, records: Records) -> None:
    resource, ledger = _resource("positions"), records.run.ledger
    ids = np.array(xiaodangjia.writer(records.book, ledger, START).loan_ids(0, len(records.book)))
    moved = {ids[loan] for loan in records.days[-1].payments.loan}
    last = {r["loan_id"]: r for r in _rows(run, END, resource)}
    assert moved <= set(last)
    for i, loan in enumerate(ids):
        late = ledger.oldest_due[i] < records.run.end and ledger.state[i] == 0
        assert not late or last[loan]["dpd"] > 0 or ledger.paused_from[i] < records.run.end
    month_end = {r["loan_id"] for r in _rows(run, date(2024, 1, 31), resource)}
    assert len(month_end) > len({r["loan_id"] for r in _rows(run, date(2024, 1, 30), resource)})


def test_a_delivery_a_month_carries_the_same(run: Path, tmp_path: Path) -> None:
    delivered(tmp_path, LENDER, **(ARGUMENTS | {"every": "month"}))
    monthly = tmp_path / "landing" / LENDER
    days = [date(2023, 12, 31), date(2024, 1, 31), END]
    assert sorted(p.parent for p in monthly.rglob("manifest.json")) == [monthly / f"{d:%Y/%m/%d}" for d in days]
    for name, key in (("payments", "id"), ("actions", "id"), ("loans", "id"), ("borrowers", "id")):
        resource = _resource(name)
        rows = [row for day in days for row in _rows(monthly, day, resource)]
        assert {row[key]: row for row in rows} == {row[key]: row for row in _all(run, name)}
    for resource in contract_of(LENDER)["resources"]:
        for day in days:
            assert list(violations(resource, _rows(monthly, day, resource), day)) == []
