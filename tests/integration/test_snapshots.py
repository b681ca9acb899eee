"""A lender that sends all it has every day: what changed, went or came back touches its loans, and nothing else does.

Six days of two lenders with the same loans. One loan changes on the third day, says the same on the fourth, is not
listed on the fifth, and is back on the sixth. Another is paid on the fourth, and the plan of a third is cut on the
fifth. Both lenders report the position of every listed loan every day; only of `servicer` is it the balance that
counts. Beside them a simulated lender lists some hundred loans every day.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from arrears import pipeline
from arrears.explain import explain
from arrears.settings import Role, settings
from arrears.simulate import simulate

from ..conftest import Warehouse, days
from .test_day_by_day import Row, Year, differences
from .test_load import Lender, _column
from .test_modes import _resource

DAYS = days(dt.date(2024, 3, 5), dt.date(2024, 3, 10))
FIRST, SECOND, THIRD, FOURTH, FIFTH, SIXTH = DAYS
LENDERS = ("platform", "servicer")
SIMULATED, BOOK = "lakala", 300
LOANS, PLAN, PAYMENTS = "no,product,left", "no,n,due,owed", "id,no,paid,amount"
# Far enough away that no due date passes in these days.
DUE = [dt.date(2024, 6, 20), dt.date(2024, 7, 20)]


def _contract(lender: Lender) -> None:
    loans = _resource(
        "loans", "loan", "snapshot",
        [_column("no", "loan_id"), _column("product", "product"), _column("left", kind="number")],
        currency="CNY", principal="200", disbursed_on="2024-02-15",
    )  # fmt: skip
    position = {"loan_id": "no", "as_of": {"business_date": True}, "outstanding_principal": "left"}
    loans["arrears"]["derives"] = [{"entity": "reported_position", "mode": "append", "fields": position}]
    plan = _resource("plan", "instalment", "snapshot", [
        _column("no", "loan_id"), _column("n", "instalment_no", "integer"), _column("due", "due_on", "date"),
        _column("owed", "principal_due", "number"),
    ])  # fmt: skip
    payments = _resource("payments", "payment", "append", [
        _column("id", "payment_id"), _column("no", "loan_id"), _column("paid", "value_on", "date"),
        _column("amount", "amount", "number"),
    ], kind="repayment")  # fmt: skip
    lender.document["resources"] = [loans, plan, payments]
    lender.document["arrears"]["limits"] = {"fall_in_rows": 1}
    if lender.name == "servicer":
        lender.document["arrears"]["conventions"] = {"outstanding": "reported"}


def _files(day: dt.date, product: str = "b") -> dict[str, tuple[str, list[str]]]:
    """The story. product: what the loan that changes has become on the third day."""
    moving = product if day >= THIRD else "a"
    listed = {"still": "a", "moving": moving, "paying": "a", "cut": "a"}
    if day == FIFTH:
        del listed["moving"]
    instalments = [(loan, number, due) for loan in listed for number, due in enumerate(DUE, start=1)]
    return {
        "loans": (LOANS, [f"{loan},{product},{199 + day.day}" for loan, product in listed.items()]),
        "plan": (PLAN, [
            f"{loan},{number},{due},100" for loan, number, due in instalments
            if (loan, number) != ("cut", 2) or day < FIFTH
        ]),
        "payments": (PAYMENTS, [f"P1,paying,{day},40"] if day == FOURTH else []),
    }  # fmt: skip


@dataclass
class Story:
    """What stood after each day, and which loans its build recomputed."""

    warehouse: Warehouse
    lenders: list[Lender]
    touched: dict[dt.date, set[Row]] = field(default_factory=dict)
    found: dict[tuple[dt.date, str], list[Row]] = field(default_factory=dict)

    def deliver(self, day: dt.date, **more: str) -> None:
        for lender in self.lenders:
            texts = {name: "\n".join([header, *rows, ""]) for name, (header, rows) in _files(day, **more).items()}
            lender.send(day, **texts)
            assert lender.load_and_accept(day).rejected == 0

    def build(self, day: dt.date) -> set[Row]:
        """Build, and say which loans were recomputed."""
        pipeline.build(day, url=self.warehouse.url(Role.BUILDER))
        return set(self.warehouse.rows("select lender, loan_id from staging.stg_touched_loan"))

    def keep(self, day: dt.date) -> None:
        self.touched[day] = self.build(day)
        for name, query in QUERIES.items():
            self.found[day, name] = self.warehouse.rows(query)

    def of(self, day: dt.date, what: str, loan: str) -> list[Row]:
        return [row[1:] for row in self.found[day, what] if row[0] == loan]


QUERIES = {
    "loans": "select loan_id, product, business_date from staging.stg_loan where lender = 'platform'",
    "plan": "select loan_id, instalment_no, business_date from staging.stg_instalment where lender = 'platform' "
    "order by 1, 2",
    "absences": "select loan_id, missing_from, listed_again_on from staging.stg_loan_absence "
    "where lender = 'platform' order by 1, 2",
    "states": "select loan_id, state, reported_outstanding_principal from candidate.fct_loan_current "
    "where lender = 'platform'",
    "balances": "select loan_id, outstanding_principal from candidate.fct_loan_current where lender = 'servicer'",
}


@pytest.fixture(scope="module")
def story(models_alone: None, shared_warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Story:
    told = Story(shared_warehouse, [Lender(shared_warehouse, shared_warehouse.settings.home, name) for name in LENDERS])
    for lender in told.lenders:
        _contract(lender)
    landing = Path(settings().landing)
    simulate(
        start=FIRST, end=SIXTH, loans=BOOK, seed=5, lenders=[SIMULATED], landing=landing,
        truth=tmp_path_factory.mktemp("truth"), workers=1,
    )  # fmt: skip
    for day in DAYS:
        told.deliver(day)
        Year(shared_warehouse, landing, landing).load(day, SIMULATED)
        told.keep(day)
    return told


def _of(lender: str, touched: set[Row]) -> set[Any]:
    return {loan for name, loan in touched if name == lender}


def test_a_day_touches_the_loans_of_which_it_says_something_else(story: Story) -> None:
    assert {day: _of("platform", touched) for day, touched in story.touched.items()} == {
        FIRST: set(),  # everything is built
        SECOND: set(),
        THIRD: {"moving"},
        FOURTH: {"paying"},
        FIFTH: {"moving", "cut"},
        SIXTH: {"moving"},
    }


def test_a_day_of_a_book_touches_a_small_part_of_it(story: Story) -> None:
    """Payments, due dates and new loans of the day: a book is repaid by the month, so some loans in thirty."""
    touched = {day: len(_of(SIMULATED, story.touched[day])) for day in DAYS[1:]}
    assert all(0 < count < BOOK / 5 for count in touched.values()), touched


def test_a_balance_that_counts_touches_the_loans_it_is_of(story: Story) -> None:
    listed = {"still", "moving", "paying", "cut"}
    assert {day: _of("servicer", touched) for day, touched in story.touched.items()} == {
        FIRST: set(), SECOND: listed, THIRD: listed, FOURTH: listed, FIFTH: listed, SIXTH: listed,
    }  # fmt: skip
    assert story.of(FOURTH, "balances", "still") == [(207,)]


def test_what_stands_came_with_the_day_that_first_said_it(story: Story) -> None:
    assert [story.of(day, "loans", "moving") for day in DAYS] == [
        [("a", FIRST)], [("a", FIRST)], [("b", THIRD)], [("b", THIRD)], [("b", THIRD)], [("b", SIXTH)],
    ]  # fmt: skip
    assert {tuple(story.of(day, "loans", "still")) for day in DAYS} == {(("a", FIRST),)}
    assert story.of(FIFTH, "plan", "moving") == [(1, FIRST), (2, FIRST)], "as it was when it was last listed"
    assert story.of(SIXTH, "plan", "moving") == [(1, SIXTH), (2, SIXTH)]
    assert story.of(FOURTH, "plan", "cut") == [(1, FIRST), (2, FIRST)]
    assert story.of(SIXTH, "plan", "cut") == [(1, FIRST)]


def test_a_loan_that_is_gone_is_missing_until_it_is_back(story: Story) -> None:
    assert [story.of(day, "absences", "moving") for day in (FOURTH, FIFTH, SIXTH)] == [
        [], [(FIFTH, None)], [(FIFTH, SIXTH)],
    ]  # fmt: skip
    assert [story.of(day, "states", "moving")[0][0] for day in (FOURTH, FIFTH, SIXTH)] == [
        "active", "unknown", "active",
    ]  # fmt: skip


def test_a_position_is_shown_of_loans_that_nothing_happened_to(story: Story) -> None:
    assert [story.of(day, "states", "still") for day in DAYS] == [[("active", 199 + day.day)] for day in DAYS]


def test_the_file_that_said_it_first_explains_a_loan(story: Story) -> None:
    sources = {
        loan: explain("platform", loan, SIXTH, settings=settings()).loan["source"]["file"]
        for loan in ("still", "moving")
    }
    assert sources == {"still": f"platform/{FIRST}/loans.csv", "moving": f"platform/{SIXTH}/loans.csv"}


def test_days_sent_again_recompute_the_lender_and_all_agrees_with_one_build(story: Story) -> None:
    """The third day as it should have been, and the fourth after it: no comparison with what stands could tell."""
    for day in (THIRD, FOURTH):
        story.deliver(day, product="c")
    assert _of("platform", story.build(SIXTH)) == {"still", "moving", "paying", "cut"}
    year = Year(story.warehouse, settings().home, settings().home)
    step_by_step = year.content()
    year.build_everything(SIXTH)
    assert differences(step_by_step, year.content()) == []
