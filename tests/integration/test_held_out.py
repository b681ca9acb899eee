"""What no file shows by itself: rows that wait for others, and rows that say again or otherwise what was said before.

The loader takes them (see `test_situations`). All these faults stand in one book of four lenders, each on days of its
own, and three builds show what staging and the marts make of them before and after what they wait for has come.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from arrears import pipeline
from arrears.contract import contract_for
from arrears.delivery import Delivery
from arrears.load import load, registry
from arrears.settings import Role, settings
from arrears.simulate import FAULTS, Injection, layouts, simulate
from arrears.simulate.faults import FileFormat, Order, inject
from arrears.simulate.writers import Landing
from arrears.warehouse.connect import connect

from ..conftest import Warehouse, days
from .test_dbt import dbt
from .test_load import Lender, _column
from .test_modes import _resource
from .test_situations import cases

FORMS: dict[str, FileFormat] = {name: layouts.find(name).FORMAT for name in layouts.names()}
LENDERS = [name for name, form in FORMS.items() if form.roles.payment_id]
DAYS = days(dt.date(2024, 1, 17), dt.date(2024, 1, 23))
LAST = DAYS[-1]
# Those that invent an id take it from the day before: on days of their own they do not invent the same.
ON = {
    "id_reused": DAYS[1], "payment_twice": DAYS[2], "reversal_before_payment": DAYS[3], "payment_before_loan": DAYS[5],
    "orphan_payment": LAST, "orphan_instalment": LAST, "loan_disappears": LAST,
}  # fmt: skip
APPLYING = [(fault, name) for fault in ON for name in LENDERS if FAULTS[fault].applies(FORMS[name])]


def test_every_fault_that_is_held_out_is_followed_on() -> None:
    assert sorted(APPLYING) == sorted(cases("held out"))


def _of(fault: str) -> list[str]:
    return [name for applying, name in APPLYING if applying == fault]


@dataclass
class Book:
    """What was injected by fault and lender, and what the models held as of a date."""

    warehouse: Warehouse
    done: dict[tuple[str, str], list[Injection]]
    found: dict[tuple[dt.date, str], list[dict[str, Any]]] = field(default_factory=dict)

    def keep(self, day: dt.date, target: Path) -> None:
        """Build as of a date and read what it holds: the next build replaces it."""
        done = dbt(
            self.warehouse, target, "build", "--resource-type", "model", "--resource-type", "seed", "--select",
            "+fct_loan_current", "+int_orphan", "stg_payment_conflict", "--vars", f'{{"business_date": "{day}"}}',
        )  # fmt: skip
        assert done.returncode == 0, done.stdout
        for table in ("staging.stg_payment", "staging.stg_payment_conflict", "staging.stg_loan_absence",
                      "intermediate.int_orphan", "intermediate.int_payment", "candidate.fct_loan_current"):  # fmt: skip
            rows = [row for (row,) in self.warehouse.rows(f"select to_jsonb(t) from {table} as t")]
            self.found[day, table.partition(".")[2]] = rows

    def rows(self, day: dt.date, table: str, lender: str, **values: object) -> list[dict[str, Any]]:
        """Rows of a lender as of a date that have these values."""
        return [row for row in self.found[day, table] if row["lender"] == lender and values.items() <= row.items()]

    def one(self, fault: str, lender: str, column: str) -> Injection:
        """What a fault did to a column."""
        return next(each for each in self.done[fault, lender] if each.column == column)


@pytest.fixture(scope="module")
def book(shared_warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Book:
    landing, aside = tmp_path_factory.mktemp("landing"), tmp_path_factory.mktemp("aside")
    done = {}
    for name in LENDERS:
        loans = 200 if FORMS[name].roles.medium == "workbook" else 400
        simulate(start=DAYS[0], end=LAST, loans=loans, seed=8, landing=landing, truth=aside, lenders=[name], workers=1)
    for fault, name in APPLYING:
        done[fault, name] = _injected(fault, name, landing, aside)
    for name in LENDERS:
        for day in DAYS:
            delivery = Delivery(contract_for(settings().lenders, name, day), day, str(landing))
            url = shared_warehouse.url(Role.LOADER)
            result = load(delivery, url=url, pii_key=settings().pii_key_bytes)
            assert result.rejected == 0
            with connect(url, "test") as connection, connection.cursor() as cursor:
                registry.accept(cursor, result.delivery_id)
    _deliver_odd_loans(shared_warehouse)
    book = Book(shared_warehouse, done)
    for day in (DAYS[2], DAYS[4], LAST):
        book.keep(day, tmp_path_factory.mktemp("dbt"))
    return book


def _injected(fault: str, name: str, landing: Path, aside: Path) -> list[Injection]:
    """On its day. An instalment nobody knows, which has no id to invent, on the latest that has instalments."""
    place = {name: (Landing(str(landing), name), FORMS[name])}
    for day in reversed(DAYS) if fault == "orphan_instalment" else [ON[fault]]:
        try:
            return inject([Order(fault, name, day)], landings=place, seed=8, withheld=aside)
        except ValueError as error:
            if fault != "orphan_instalment" or "choose another day" not in str(error):
                raise
    raise AssertionError(f"{fault} is possible on none of the days: simulate more")


# ── payments ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("lender", _of("payment_twice"))
def test_a_payment_sent_twice_counts_once(lender: str, book: Book) -> None:
    number = book.one("payment_twice", lender, FORMS[lender].roles.payment_id).value
    sent = "select count(*) from raw.payment where lender = %s and payment_id = %s"
    assert book.warehouse.value(sent, lender, number) == 2
    assert len(book.rows(LAST, "stg_payment", lender, payment_id=number)) == 1
    assert len(book.rows(LAST, "int_payment", lender, payment_id=number)) == 1
    assert book.rows(LAST, "stg_payment_conflict", lender, payment_id=number) == []


@pytest.mark.parametrize("lender", _of("id_reused"))
def test_an_id_given_to_another_payment(lender: str, book: Book) -> None:
    """Where payments are appended, the first one stands and the other waits for the lender's word. Where a payment can
    be changed, it has been."""
    number = book.one("id_reused", lender, FORMS[lender].roles.payment_id).value
    (standing,) = book.rows(LAST, "stg_payment", lender, payment_id=number)
    conflicts = book.rows(LAST, "stg_payment_conflict", lender, payment_id=number)
    on_the_day = ON["id_reused"].isoformat()
    if FORMS[lender].roles.mode == "changes":
        assert (standing["business_date"], standing["value_on"], conflicts) == (on_the_day, on_the_day, [])
    else:
        assert standing["business_date"] == DAYS[0].isoformat()
        (conflict,) = conflicts
        assert (conflict["value_on"], conflict["business_date"]) == (on_the_day, on_the_day)
        waiting = book.rows(LAST, "int_orphan", lender, reason="conflicting_payment_id", loan_id=standing["loan_id"])
        assert [row["orphan_rows"] for row in waiting] == [1]
    (back,) = book.rows(LAST, "int_payment", lender, kind="reversal", value_on=on_the_day, loan_id=standing["loan_id"])
    (first,) = book.rows(LAST, "int_payment", lender, payment_id=number)
    assert first["is_reversed"]
    assert back["amount"] == -first["amount"]


@pytest.mark.parametrize("lender", _of("reversal_before_payment"))
def test_a_reversal_waits_for_its_payment(lender: str, book: Book) -> None:
    number = book.one("reversal_before_payment", lender, FORMS[lender].roles.payment_id).value
    before, after = DAYS[2], DAYS[4]
    (waiting,) = book.rows(before, "int_payment", lender, payment_id=f"{number}R")
    assert waiting["effect"] == 0
    assert book.rows(before, "int_payment", lender, payment_id=number) == []
    held = {"entity": "payment", "reason": "reverses_unknown_payment", "loan_id": waiting["loan_id"]}
    assert [row["orphan_rows"] for row in book.rows(before, "int_orphan", lender, **held)] == [1]

    (payment,) = book.rows(after, "int_payment", lender, payment_id=number)
    (reversal,) = book.rows(after, "int_payment", lender, payment_id=f"{number}R")
    assert payment["effect"] == -reversal["effect"] > 0
    assert book.rows(after, "int_orphan", lender, **held) == []


@pytest.mark.parametrize("lender", _of("payment_before_loan"))
def test_a_payment_waits_for_its_loan(lender: str, book: Book) -> None:
    loan = book.done["payment_before_loan", lender][-1].value
    before, after = DAYS[4], LAST
    held = {"entity": "payment", "reason": "unknown_loan", "loan_id": loan}
    assert [row["orphan_rows"] for row in book.rows(before, "int_orphan", lender, **held)] == [1]
    assert book.rows(before, "int_payment", lender, loan_id=loan) == []
    assert book.rows(before, "fct_loan_current", lender, loan_id=loan) == []

    assert book.rows(after, "int_orphan", lender, **held) == []
    assert len(book.rows(after, "int_payment", lender, loan_id=loan)) == 1
    assert len(book.rows(after, "fct_loan_current", lender, loan_id=loan)) == 1


@pytest.mark.parametrize(
    ("fault", "lender"), [(fault, name) for fault, name in APPLYING if fault in ("orphan_payment", "orphan_instalment")]
)
def test_rows_of_a_loan_nobody_knows_are_held_out_and_counted(fault: str, lender: str, book: Book) -> None:
    (done,) = book.done[fault, lender]
    entity = fault.removeprefix("orphan_")
    kept = book.warehouse.value(
        f"select count(*) from raw.{entity} where lender = %s and loan_id = %s", lender, done.value
    )
    held = book.rows(LAST, "int_orphan", lender, entity=entity, reason="unknown_loan", loan_id=done.value)
    assert [row["orphan_rows"] for row in held] == [kept] == [1]
    for table in ("int_payment", "fct_loan_current"):
        assert book.rows(LAST, table, lender, loan_id=done.value) == []


# ── loans ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("lender", _of("loan_disappears"))
def test_a_loan_that_is_no_longer_listed_is_unknown_and_never_settled(lender: str, book: Book) -> None:
    (done,) = book.done["loan_disappears", lender]
    assert [row["missing_from"] for row in book.rows(LAST, "stg_loan_absence", lender, loan_id=done.value)] == [
        LAST.isoformat()
    ]
    (before,) = book.rows(DAYS[4], "fct_loan_current", lender, loan_id=done.value)
    (now,) = book.rows(LAST, "fct_loan_current", lender, loan_id=done.value)
    assert before["state"] != now["state"] == "unknown"


ODD_LOANS = {
    "EMPTY": ("0", []), "NO_PLAN": ("100", []), "BULLET": ("100", [("2024-01-20", "100")]),
    "NOTHING_DUE": ("100", [("2024-01-10", "0"), ("2024-02-10", "100")]),
    "SIXTY": ("6000", [(f"{2024 + n // 12}-{n % 12 + 1:02}-28", "100") for n in range(60)]),
}  # fmt: skip
"""Principal, and the due date and principal of each instalment."""


def _deliver_odd_loans(warehouse: Warehouse) -> None:
    """Loans at the edges: all that is asked of them is that they hurt nobody. The delivery gate lets them pass."""
    lender = Lender(warehouse, warehouse.settings.home, "odd")
    loans = _resource("loans", "loan", "upsert", [
        _column("no", "loan_id"), _column("product", "product"), _column("amount", "principal", "number"),
        _column("lent", "disbursed_on", "date"),
    ], currency="CNY")  # fmt: skip
    plan = _resource("plan", "instalment", "upsert", [
        _column("no", "loan_id"), _column("n", "instalment_no", "integer"), _column("due", "due_on", "date"),
        _column("owed", "principal_due", "number"),
    ])  # fmt: skip
    lender.document["resources"] = [loans, plan]
    listed = [f"{name},consumer,{principal},2024-01-02" for name, (principal, _) in ODD_LOANS.items()]
    due = [
        f"{name},{number},{day},{owed}"
        for name, (_, instalments) in ODD_LOANS.items()
        for number, (day, owed) in enumerate(instalments, start=1)
    ]
    texts = {
        "loans": "\n".join(["no,product,amount,lent", *listed, ""]), "plan": "\n".join(["no,n,due,owed", *due, ""]),
    }  # fmt: skip
    lender.send(LAST, **texts)
    result = lender.load(LAST)
    assert result.rejected == 0
    assert pipeline.gate_delivery(result.delivery_id, url=lender.url).outcome == "pass"


def test_loans_at_the_edges(book: Book) -> None:
    """Without principal, without instalments, with a single one, with one of zero, over sixty months."""
    found = {row["loan_id"]: row for row in book.rows(LAST, "fct_loan_current", "odd")}
    numbers = ("dpd", "outstanding_principal", "overdue_principal")
    assert {loan: tuple(row[number] for number in numbers) for loan, row in found.items()} == {
        "EMPTY": (0, 0, 0), "NO_PLAN": (0, 100, 0), "BULLET": (3, 100, 100), "NOTHING_DUE": (0, 100, 0),
        "SIXTY": (0, 6000, 0),
    }  # fmt: skip
