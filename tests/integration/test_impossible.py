"""What cannot be, and what no typing catches: rows that are well-formed each, and impossible together.

None of it is used in silence. A delivery in which the lender's own terms contradict themselves is refused; a row that
belongs to nothing is held out and counted; whatever else cannot be is in the marts as the definitions have it, and a
named expectation shows it. All loans stand in one book: one bad row of a lender stops no other.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

import pytest

from arrears import pipeline
from arrears.errors import Refused
from arrears.settings import Role

from ..conftest import Warehouse
from .test_load import Lender, _column
from .test_modes import _resource

DAY = dt.date(2024, 6, 30)
NAME = "odd"
HEADERS = {
    "loans": "no,principal,lent,term",
    "plan": "no,version,n,due,owed,effective",
    "payments": "id,no,n,kind,paid,amount,of_principal,of_interest,reverses",
    "events": "no,day,kind",
}
USUAL_PLAN = ("1,1,2024-02-02,100,", "1,2,2024-03-02,100,")


@dataclass(frozen=True)
class Oddity:
    """A loan lent on 2 January over 200, due in halves in February and March, but for what is said otherwise."""

    lent: str = "2024-01-02"
    principal: str = "200"
    plan: tuple[str, ...] = USUAL_PLAN
    payments: tuple[str, ...] = ()
    events: tuple[str, ...] = ()


ODDITIES = {
    "GOOD": Oddity(payments=("g1,GOOD,1,repayment,2024-02-02,100,100,0,",)),
    "PAID_BEFORE_LENT": Oddity(payments=("e1,PAID_BEFORE_LENT,1,repayment,2024-01-01,100,100,0,",)),
    "ASKS_TOO_LITTLE": Oddity(plan=("1,1,2024-02-02,100,", "1,2,2024-03-02,50,")),
    "ASKS_TOO_MUCH": Oddity(plan=("1,1,2024-02-02,100,", "1,2,2024-03-02,100.02,")),
    "REVERSES_NOTHING": Oddity(payments=(
        "n1,REVERSES_NOTHING,1,repayment,2024-02-02,100,100,0,",
        "n2,REVERSES_NOTHING,,reversal,2024-02-05,100,,,nobody",
    )),
    # overdue for more than 180 days at the end of May
    "REVERSES_NOTHING_LATE": Oddity(
        lent="2023-10-02", plan=("1,1,2023-11-02,100,", "1,2,2023-12-02,100,"),
        payments=(
            "l1,REVERSES_NOTHING_LATE,1,repayment,2024-06-05,50,50,0,",
            "l2,REVERSES_NOTHING_LATE,,reversal,2024-06-06,30,,,nobody",
            "l3,REVERSES_NOTHING_LATE,,chargeback,2024-06-07,30,,,l2",
        ),
    ),
    "REVERSED_TWICE": Oddity(payments=(
        "t1,REVERSED_TWICE,1,repayment,2024-02-02,100,100,0,", "t2,REVERSED_TWICE,2,repayment,2024-03-02,100,100,0,",
        "t3,REVERSED_TWICE,,reversal,2024-03-05,100,,,t2", "t4,REVERSED_TWICE,,reversal,2024-03-06,100,,,t2",
    )),
    "REVERSED_FOR_MORE": Oddity(payments=(
        "m1,REVERSED_FOR_MORE,1,repayment,2024-02-02,100,100,0,",
        "m2,REVERSED_FOR_MORE,,reversal,2024-02-05,150,,,m1",
    )),
    "DUE_BEFORE_LENT": Oddity(plan=("1,1,2024-01-01,100,", "1,2,2024-03-02,100,")),
    "OVERTAKEN": Oddity(plan=(
        *USUAL_PLAN, "2,1,2024-07-02,200,2024-05-01", "3,1,2024-08-02,200,2024-04-01",
    )),
    "DUE_TWICE": Oddity(plan=("1,1,2024-02-02,100,", "1,2,2024-02-02,100,")),
    "NO_FIRST": Oddity(plan=("1,2,2024-02-02,100,", "1,3,2024-03-02,100,")),
    "NO_PLAN": Oddity(plan=()),
    "NOTHING_LENT": Oddity(principal="0", plan=("1,1,2024-02-02,0,",)),
    "REPAID_AFTER": Oddity(
        payments=("a1,REPAID_AFTER,,repayment,2024-04-15,50,,,", "a2,REPAID_AFTER,,recovery,2024-04-16,10,,,"),
        events=("2024-03-10,written_off",),
    ),
    "SPLIT_IN_VAIN": Oddity(payments=("s1,SPLIT_IN_VAIN,2,repayment,2024-02-02,100,80,10,",)),
}  # fmt: skip

# where each is shown, by expectation
SHOWN_ON_DELIVERY = {
    ("loan", "a loan lends something"): None,  # Great Expectations counts these, and names no loan
    ("instalment", "no two instalments of a schedule fall due on one day"): {"DUE_TWICE"},
    ("instalment", "every schedule version takes effect after the one before it"): {"OVERTAKEN"},
    ("payment", "a split adds up to the amount"): {"SPLIT_IN_VAIN"},
}
SHOWN_IN_CANDIDATE: dict[tuple[str, str], set[str] | None] = {
    ("fct_payment", "no payment is before its loan was disbursed"): {"PAID_BEFORE_LENT"},
    ("fct_payment", "a reversal finds what it reverses"): {"REVERSES_NOTHING", "REVERSES_NOTHING_LATE"},
    ("fct_payment", "no more is reversed than was paid"): {"REVERSED_TWICE", "REVERSED_FOR_MORE"},
    ("fct_payment", "nobody repays a loan that has left the book"): {"REPAID_AFTER"},
    ("fct_instalment", "a schedule repays the principal"): {"ASKS_TOO_LITTLE", "ASKS_TOO_MUCH"},
    ("fct_instalment", "the first instalment of a schedule is number 1"): {"NO_FIRST"},
    ("fct_instalment", "nothing falls due before the loan is disbursed"): {"DUE_BEFORE_LENT"},
    ("dim_loan", "every loan has instalments"): {"NO_PLAN"},
    # true of this story as well: its files arrive long after their day
    ("mart_data_quality_daily", "the newest day is in time and whole"): None,
}


def _lender(warehouse: Warehouse, name: str) -> Lender:
    """A lender that sends what it has in four files."""
    lender = Lender(warehouse, warehouse.settings.home, name)
    # the lender says itself what a payment was for: splits count
    lender.document["arrears"]["conventions"] = {"allocation": "reported"}
    lender.document["resources"] = [
        _resource("loans", "loan", "upsert", [
            _column("no", "loan_id"), _column("principal", "principal", "number"),
            _column("lent", "disbursed_on", "date"), _column("term", "term_months", "integer"),
        ], currency="CNY", product="cash"),
        _resource("plan", "instalment", "upsert", [
            _column("no", "loan_id"), _column("version", "schedule_version", "integer"),
            _column("n", "instalment_no", "integer"), _column("due", "due_on", "date"),
            _column("owed", "principal_due", "number"), _column("effective", "effective_on", "date"),
        ]),
        _resource("payments", "payment", "append", [
            _column("id", "payment_id"), _column("no", "loan_id"), _column("n", "instalment_no", "integer"),
            _column("kind", "kind"), _column("paid", "value_on", "date"), _column("amount", "amount", "number"),
            _column("of_principal", "principal", "number"), _column("of_interest", "interest", "number"),
            _column("reverses", "reverses_payment_id"),
        ]),
        _resource("events", "loan_event", "upsert", [
            _column("no", "loan_id"), _column("day", "event_on", "date"), _column("kind", "kind"),
        ]),
    ]  # fmt: skip
    return lender


def _files(oddities: dict[str, Oddity], term: str = "12") -> dict[str, str]:
    rows = {
        "loans": [f"{loan},{odd.principal},{odd.lent},{term}" for loan, odd in oddities.items()],
        "plan": [f"{loan},{row}" for loan, odd in oddities.items() for row in odd.plan],
        "payments": [row for odd in oddities.values() for row in odd.payments],
        "events": [f"{loan},{row}" for loan, odd in oddities.items() for row in odd.events],
    }
    return {name: "\n".join([header, *rows[name], ""]) for name, header in HEADERS.items()}


@dataclass
class Book:
    """What the gates said and what the models hold, once the odd lender was loaded, judged and built."""

    warehouse: Warehouse
    outcomes: dict[str, str]
    tables: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def rows(self, table: str, loan: str) -> list[dict[str, Any]]:
        if table not in self.tables:
            self.tables[table] = [row for (row,) in self.warehouse.rows(f"select to_jsonb(t) from {table} as t")]
        return [row for row in self.tables[table] if row["loan_id"] == loan]

    def one(self, table: str, loan: str, **values: object) -> dict[str, Any]:
        (row,) = [row for row in self.rows(table, loan) if values.items() <= row.items()]
        return row

    def said(self, boundary: str) -> dict[tuple[str, str], tuple[str, str]]:
        """Expectations that did not hold, with their severity and what was seen."""
        found = self.warehouse.rows(
            "select suite, expectation, severity, observed from ops.gate_result join ops.gate_run using (gate_run_id) "
            "where boundary = %s and not success",
            boundary,
        )
        return {(suite, expectation): (severity, observed) for suite, expectation, severity, observed in found}


@pytest.fixture(scope="module")
def book(shared_warehouse: Warehouse) -> Book:
    lender = _lender(shared_warehouse, NAME)
    lender.send(DAY, **_files(ODDITIES))
    loaded = lender.load(DAY)
    assert loaded.rejected == 0
    delivered = pipeline.gate_delivery(loaded.delivery_id, url=lender.url)
    built = pipeline.build(DAY, url=shared_warehouse.url(Role.BUILDER))
    judged = pipeline.gate_candidate(built.build_id, url=shared_warehouse.url(Role.PUBLISHER))
    return Book(shared_warehouse, {"delivery": delivered.outcome, "candidate": judged.outcome})


def _loans_in(observed: str) -> set[str]:
    return {loan for loan in ODDITIES if f"loan_id={loan}," in f"{observed},".replace(";", ",")}


@pytest.mark.parametrize(("boundary", "shown"), [("delivery", SHOWN_ON_DELIVERY), ("candidate", SHOWN_IN_CANDIDATE)])
def test_what_cannot_be_is_shown_by_name_and_stops_nobody(
    boundary: str, shown: dict[tuple[str, str], set[str] | None], book: Book
) -> None:
    """Each expectation shows its loans and no other; all of them are notes."""
    said = book.said(boundary)
    assert {place: severity for place, (severity, _) in said.items()} == dict.fromkeys(shown, "info")
    for place, loans in shown.items():
        assert loans is None or _loans_in(said[place][1]) == loans, (place, said[place])
    assert book.outcomes[boundary] == "pass"


def test_a_reversal_of_an_unknown_payment_is_held_out(book: Book) -> None:
    held = book.one("intermediate.int_orphan", "REVERSES_NOTHING")
    assert (held["entity"], held["reason"], held["orphan_rows"]) == ("payment", "reverses_unknown_payment", 1)
    reversal = book.one("candidate.fct_payment", "REVERSES_NOTHING", payment_id="n2")
    assert reversal["unallocated"] == reversal["amount"] == -100
    assert book.one("candidate.fct_instalment", "REVERSES_NOTHING", instalment_no=1)["status"] == "paid"


def test_what_reverses_an_unknown_payment_takes_back_no_recovery(book: Book) -> None:
    """And what reverses that brings none; the gate counts as the mart does."""
    recovered = "select recovered_next_12m from candidate.mart_long_overdue_monthly where month_end = '2024-05-31'"
    assert book.warehouse.value(recovered) == 50


def test_a_schedule_that_never_is_in_force_measures_nothing(book: Book) -> None:
    """Version 3 starts in April, before version 2 would in May."""
    statuses = {
        row["schedule_version"]: row["status"]
        for row in book.rows("candidate.fct_instalment", "OVERTAKEN")
        if row["instalment_no"] == 1
    }
    assert statuses == {1: "replaced", 2: "replaced", 3: "not_due"}
    assert book.one("candidate.fct_loan_current", "OVERTAKEN")["dpd"] == 0


def test_a_split_that_does_not_add_up_is_not_believed(book: Book) -> None:
    """The instalment that the payment names is; of that it covers what is due, not the 80 that were said."""
    payment = book.one("candidate.fct_payment", "SPLIT_IN_VAIN")
    assert (payment["principal"], payment["interest"], payment["unallocated"]) == (100, 0, 0)
    statuses = {row["instalment_no"]: row["status"] for row in book.rows("candidate.fct_instalment", "SPLIT_IN_VAIN")}
    assert statuses == {1: "overdue", 2: "paid"}


def test_money_after_a_write_off_brings_no_loan_back(book: Book) -> None:
    current = book.one("candidate.fct_loan_current", "REPAID_AFTER")
    assert (current["state"], current["outstanding_principal"], current["dpd"]) == ("written_off", 0, 0)


def test_money_before_the_loan_counts_from_its_first_day(book: Book) -> None:
    instalment = book.one("candidate.fct_instalment", "PAID_BEFORE_LENT", instalment_no=1)
    assert (instalment["status"], instalment["settled_on"]) == ("paid", "2024-01-01")
    assert book.one("candidate.fct_loan_current", "PAID_BEFORE_LENT")["outstanding_principal"] == 100


def test_taking_back_more_than_was_paid_leaves_no_less_than_nothing(book: Book) -> None:
    """Of what was never paid nothing can be taken: the loan owes all of it, and no more."""
    for loan in ("REVERSED_TWICE", "REVERSED_FOR_MORE"):
        assert book.one("candidate.fct_loan_current", loan)["outstanding_principal"] == 200


def test_a_plan_that_does_not_repay_the_principal_settles_no_loan_by_itself(book: Book) -> None:
    """What is outstanding is what was lent; what is overdue is what the plan asks for."""
    for loan, overdue in (("ASKS_TOO_LITTLE", 150), ("ASKS_TOO_MUCH", 200.02)):
        current = book.one("candidate.fct_loan_current", loan)
        assert (current["outstanding_principal"], current["overdue_principal"]) == (200, overdue)


def test_a_loan_without_instalments_is_in_the_book(book: Book) -> None:
    current = book.one("candidate.fct_loan_current", "NO_PLAN")
    assert (current["state"], current["dpd"], current["outstanding_principal"]) == ("active", 0, 200)


@pytest.mark.parametrize("term", ["-12", "0", "601"])
def test_a_delivery_with_an_impossible_term_is_refused(term: str, book: Book) -> None:
    """It is a column shifted by one, and no loan of it can be believed. What stood before still stands."""
    lender = _lender(book.warehouse, "shifted")
    lender.send(DAY, **_files({"FINE": Oddity()}))
    standing = lender.load(DAY).delivery_id
    pipeline.gate_delivery(standing, url=lender.url)
    lender.send(DAY, **_files({"FINE": Oddity()}, term=term))
    shifted = lender.load(DAY).delivery_id
    with pytest.raises(Refused) as refused:
        pipeline.gate_delivery(shifted, url=lender.url)
    assert [reason.split(" (")[0] for reason in refused.value.reasons] == ["loan: a term is 1 to 600 months"]
    status = "select status from ops.delivery where delivery_id = %s"
    assert [book.warehouse.value(status, number) for number in (standing, shifted)] == ["accepted", "refused"]
