"""The reference's reconciliation with the lender's own figures, held to stories worked by hand."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from ..reference.book import Event, Payment, Position
from ..reference.facts import Row
from .lives import amounts, loan, monthly, on, pay, plan, table


def said(month: int, day: int, outstanding: str | None, dpd: int | None = None) -> Position:
    return Position(on(month, day), None if outstanding is None else Decimal(outstanding), dpd=dpd)


def rows(*positions: Position, payments: tuple[Payment, ...] = (), **conventions: Any) -> list[Row]:
    """Of a loan of three times 100 and 10 of interest, due on the first of February, March and April."""
    told = loan(plan(*monthly(3), interest="10"), *payments, positions=positions)
    return table("mart_reconciliation_daily", told, **conventions)


FIRST_PAID = (pay(on(2, 5), "110"),)


@pytest.mark.parametrize(
    ("position", "expected"),
    [
        pytest.param(said(2, 20, "200", 0), "none", id="agrees"),
        pytest.param(said(2, 20, None, 0), "none", id="only days, and they agree"),
        pytest.param(said(2, 20, "200"), "none", id="only money, and it agrees"),
        pytest.param(said(2, 20, "200.01", 0), "none", id="within the tolerance"),
        pytest.param(said(2, 5, "300", 3), "timing", id="the eve of the payment"),
        pytest.param(said(2, 4, "200", 0), "timing", id="the day of the payment, a day too soon"),
        pytest.param(said(2, 5, None, 3), "timing", id="the days of the eve"),
        pytest.param(said(2, 5, "300", 0), "missing_payment", id="the money of the eve, the days of today"),
        pytest.param(said(2, 20, "200", 5), "schedule", id="the same money, other days"),
        pytest.param(said(2, 20, None, 5), "schedule", id="no money, other days"),
        pytest.param(said(3, 6, "300", 0), "missing_payment", id="a payment of 30 days ago is lacking"),
        pytest.param(said(3, 7, "300", 0), "unexplained", id="one of 31 days ago would be there"),
        pytest.param(said(2, 20, "100"), "missing_payment", id="an instalment more is paid at the lender"),
        pytest.param(said(2, 20, "199"), "allocation", id="less than went to interest"),
        pytest.param(said(2, 20, "210"), "allocation", id="just what went to interest"),
        pytest.param(said(2, 20, "210.02"), "unexplained", id="more than that"),
    ],
)
def test_the_first_cause_that_explains_a_break(position: Position, expected: str) -> None:
    (found,) = rows(position, payments=FIRST_PAID)
    assert found["break_type"] == expected


def test_the_tolerance_is_a_convention() -> None:
    found = [rows(said(2, 20, "203", 0), payments=FIRST_PAID, tol_abs=tolerance) for tolerance in ("3", "2.99")]
    assert [one["break_type"] for (one,) in found] == ["none", "allocation"]


def test_a_position_counts_while_the_loan_is_known_and_says_something() -> None:
    assert rows(said(2, 20, None)) == []
    told = loan(plan(*monthly(3)), positions=(said(1, 9, "300", 0), said(1, 10, "300", 0)), disbursed_on=on(1, 10))
    assert [one["as_of_date"] for one in table("mart_reconciliation_daily", told)] == [on(1, 10)]
    assert table("mart_reconciliation_daily", told, as_of=on(1, 9)) == []


def test_a_loan_that_has_left_owes_nothing() -> None:
    positions = (said(5, 31, "300", 120), said(6, 2, "300", 122), said(6, 3, "0", 0))
    told = loan(plan(*monthly(3)), positions=positions, events=(Event(on(6, 1), "written_off"),))
    found = table("mart_reconciliation_daily", told)
    assert [(one["break_type"], one["our_amount"], one["reported_amount"]) for one in found] == [
        ("none", 300, 300),
        ("unexplained", 0, 300),
        ("none", 0, 0),
    ]


def test_amounts_and_loans_of_a_day_by_cause() -> None:
    loans = [
        loan(plan(*monthly(3)), positions=positions, loan_id=f"l{number}")
        for number, positions in enumerate(
            [(said(2, 20, "300", 19),), (said(2, 20, None, 19),), (said(2, 20, "299", 19),), (said(2, 20, "250"),)]
        )
    ]
    found = {one["break_type"]: one for one in table("mart_reconciliation_daily", *loans)}
    columns = ("loans", "our_amount", "reported_amount")
    assert {name: amounts(one, *columns) for name, one in found.items()} == {
        "none": [2, 600, 600],
        "unexplained": [2, 600, 549],
    }


def test_a_break_is_as_old_as_its_run_without_a_day_that_agrees() -> None:
    def at(days: list[tuple[int, str]], loan_id: str) -> list[Position]:
        return [said(2, day, outstanding) for day, outstanding in days]

    first = at([(5, "1"), (6, "300"), (8, "2"), (9, "100"), (10, "3")], "first")
    second = at([(9, "1"), (10, "2")], "second")
    loans = [
        loan(plan(*monthly(3)), positions=tuple(positions), loan_id=str(number))
        for number, positions in enumerate((first, second))
    ]
    found = table("mart_reconciliation_daily", *loans)
    since: dict[tuple[dt.date, str], dt.date | None] = {
        (one["as_of_date"], one["break_type"]): one["oldest_break_on"] for one in found
    }
    assert since == {
        (on(2, 5), "unexplained"): on(2, 5),
        (on(2, 6), "none"): None,
        (on(2, 8), "unexplained"): on(2, 8),
        (on(2, 9), "unexplained"): on(2, 8),
        (on(2, 10), "unexplained"): on(2, 8),
    }
