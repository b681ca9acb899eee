"""The reference's reckoning of borrowers, scores and early warning, held to stories worked by hand."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ..reference.book import Book, CollectionAction, Convention, Event, Loan, Payment
from ..reference.facts import Row
from ..reference.reckoning import everywhere, reckon
from .lives import FEBRUARY, LAST, amounts, book, loan, monthly, on, pay, plan, row, table, take_back

# Segments

MEASURES = ("borrowers", "overdue_borrowers", "outstanding_principal", "balance_overdue_30")


def elsewhere(*loans: Loan, as_of: dt.date = LAST) -> Book:
    return Book("another_lender", as_of, loans)


def segments(*books: Book, month: int = 2) -> dict[tuple[str, str, str], list[Any]]:
    rows = reckon(books, LAST)["mart_borrower_segment_monthly"]
    return {
        (one["birth_decade"], one["income_band"], one["loan_count_band"]): amounts(one, *MEASURES)
        for one in rows
        if one["lender"] == "a_lender" and one["month_end"].month == month
    }


def test_a_borrowers_loans_are_counted_at_all_lenders_and_summed_at_one() -> None:
    ann: dict[str, Any] = {"identity_hash": "ann", "birth_year": 1990, "income_band": "high"}
    here = book(
        loan(plan(on(1, 15)), loan_id="a", **ann),
        loan(plan(on(2, 10), principal="50"), loan_id="b", **ann),
        loan(plan(on(4, 1), principal="30"), loan_id="c", borrower_id="bo", birth_year=1989),
        loan(plan(on(1, 20)), loan_id="d"),
    )
    there = elsewhere(
        loan(plan(on(4, 1)), loan_id="a", identity_hash="ann", birth_year=1985),
        loan(plan(on(4, 1)), loan_id="b", borrower_id="bo"),  # another bo: the number is only this lender's
        loan(plan(on(2, 1)), pay(FEBRUARY, "100"), loan_id="c", identity_hash="ann"),  # settled by the month-end
    )
    assert segments(here, there) == {
        ("1990s", "high", "3-4"): [1, 1, 150, 100],
        ("1980s", "unknown", "1"): [1, 0, 30, 0],
        ("unknown", "unknown", "1"): [1, 1, 100, 100],
    }
    assert set(segments(here)) == {("1990s", "high", "2"), ("1980s", "unknown", "1"), ("unknown", "unknown", "1")}


def test_what_another_lender_has_not_told_yet_does_not_count() -> None:
    here = book(loan(plan(on(12, 1)), identity_hash="ann"))
    there = elsewhere(loan(plan(on(12, 1)), identity_hash="ann"), as_of=on(2, 28))
    counted = [segments(here, there, month=month) for month in (1, 2)]
    assert [[band for _, _, band in found] for found in counted] == [["2"], ["1"]]


def test_the_newest_loan_in_the_book_says_who_the_borrower_is() -> None:
    here = book(
        loan(plan(on(4, 1)), loan_id="a", identity_hash="ann", birth_year=1979),
        loan(plan(on(4, 1)), loan_id="b", identity_hash="ann", birth_year=1982),
        loan(plan(on(2, 2)), pay(on(2, 1), "100"), loan_id="c", identity_hash="ann", disbursed_on=on(1, 2)),
    )
    assert [list(segments(here, month=month)) for month in (1, 2)] == [
        [("unknown", "unknown", "3-4")],
        [("1980s", "unknown", "2")],
    ]


def test_lenders_can_be_reckoned_one_by_one() -> None:
    here = book(loan(plan(on(4, 1)), identity_hash="ann"))
    there = elsewhere(loan(plan(on(4, 1)), identity_hash="ann"))
    known = everywhere([here, there])
    assert reckon([here], LAST, known) == {
        name: [one for one in rows if one["lender"] == "a_lender"] for name, rows in reckon([here, there], LAST).items()
    }


# Scores


def test_who_was_over_30_days_late_by_mob_6_by_score() -> None:
    loans = (
        loan(plan(on(7, 1)), loan_id="a", credit_score=Decimal("549.99")),  # 30 days late on 31 July
        loan(plan(on(6, 30)), loan_id="b", credit_score=Decimal(500)),  # and 31
        loan(plan(on(2, 1), principal="7"), pay(on(4, 1), "7"), loan_id="c", credit_score=Decimal(820)),
        loan(plan(on(8, 1), principal="9"), loan_id="d", disbursed_on=on(2, 1)),  # MOB 6 ends on day 30
        loan(plan(on(4, 1)), loan_id="e", disbursed_on=on(3, 31)),
        loan(plan(on(8, 1)), loan_id="f", disbursed_on=on(4, 1)),
    )
    columns = ("loans", "ever30_mob6_loans", "disbursed_principal", "ever30_mob6_principal")
    rows = table("mart_score_calibration", *loans, as_of=on(9, 30))
    assert {one["vintage_quarter"] for one in rows} == {on(3, 31)}
    assert {one["score_band"]: amounts(one, *columns) for one in rows} == {
        "500-549": [2, 1, 200, 100],
        "800 and above": [1, 1, 7, 7],
        "unknown": [2, 1, 109, 100],
    }
    assert table("mart_score_calibration", *loans, as_of=on(9, 29)) == []


# Early warning


def warnings(*books: Book, as_of: dt.date = LAST) -> dict[str, dt.date]:
    """The signals of loan l1 at a_lender, each with the day on which it was raised."""
    rows = reckon([replace(one, data_as_of=min(one.data_as_of, as_of)) for one in books], LAST)["mart_early_warning"]
    found = [one for one in rows if (one["lender"], one["loan_id"]) == ("a_lender", "l1")]
    assert {one["as_of_date"] for one in found} <= {as_of}
    return {one["signal"]: one["raised_on"] for one in found}


def raised(a_loan: Loan, signal: str, *days: dt.date, **conventions: Any) -> list[dt.date | None]:
    """At the close of each day since when the signal stands; None: it does not."""
    return [warnings(book(a_loan, **conventions), as_of=day).get(signal) for day in days]


def test_the_first_spell_is_a_signal_and_the_second_is_none() -> None:
    told = loan(plan(*monthly(3)), pay(on(2, 10), "100"))
    days = (FEBRUARY, on(2, 2), on(2, 9), on(2, 10), on(3, 2))
    assert raised(told, "first_missed_payment", *days) == [None, on(2, 2), on(2, 2), None, None]


def test_part_payments_are_a_signal_also_in_default() -> None:
    told = loan(plan(*monthly(2)), pay(on(2, 5), "10"), pay(on(6, 1), "90"), pay(on(6, 10), "1"))
    days = (on(2, 4), on(2, 5), on(5, 31), on(6, 1), on(6, 10))
    assert raised(told, "partial_payment", *days) == [None, on(2, 5), on(2, 5), None, on(6, 10)]
    in_time = loan(plan(*monthly(2)), pay(on(1, 20), "10"))
    assert raised(in_time, "partial_payment", FEBRUARY, on(2, 2)) == [None, on(2, 2)]


def test_days_late_that_lengthen() -> None:
    # 2 days late, 5 days late: the third, due on 1 April, is later than that on the 7th
    told = loan(plan(*monthly(5)), pay(on(2, 3), "100"), pay(on(3, 6), "100"))
    days = (on(4, 6), on(4, 7), on(5, 1), on(5, 2))
    assert raised(told, "days_late_lengthening", *days) == [None, on(4, 7), on(4, 7), None]
    early, on_the_day = (
        loan(told.instalments, *told.payments, pay(paid_on, "100")) for paid_on in (on(4, 6), on(4, 7))
    )
    assert raised(early, "days_late_lengthening", on(4, 7)) == [None]
    assert raised(on_the_day, "days_late_lengthening", on(4, 7), on(4, 20)) == [on(4, 7), on(4, 7)]


def test_days_late_that_do_not_lengthen() -> None:
    as_late = loan(plan(*monthly(3)), pay(on(2, 6), "100"), pay(on(3, 6), "100"))
    open_still = loan(plan(*monthly(3)), pay(on(2, 6), "100"))
    last = loan(plan(*monthly(3)), pay(on(2, 1), "100"), pay(on(3, 2), "100"))
    found = [raised(one, "days_late_lengthening", LAST) for one in (as_late, open_still, last)]
    assert found == [[None], [None], [on(4, 3)]]  # nothing follows the last instalment


def test_only_the_plan_in_force_says_whether_days_late_lengthen() -> None:
    later = plan(*monthly(3), version=2, effective_on=on(6, 1))
    # On the first plan 100 pay February and March at once.
    first = plan(*monthly(3), principal="50")
    told = loan(first + later, pay(on(2, 3), "100"), pay(on(3, 6), "100"), principal="300")
    assert raised(told, "days_late_lengthening", on(5, 31), LAST) == [None, on(4, 7)]


def _promised(day: dt.date, made_on: dt.date, *payments: Payment) -> Loan:
    at = dt.datetime.combine(made_on, dt.time(10), ZoneInfo("Asia/Shanghai"))
    action = CollectionAction("a", at, "phone", promised_amount=Decimal(50), promised_on=day)
    return loan(plan(*monthly(2)), *payments, actions=(action,))


def test_a_broken_promise_stands_to_the_end_of_the_spell() -> None:
    told = _promised(on(2, 10), on(2, 5), pay(on(2, 20), "100"))
    days = (on(2, 10), on(2, 11), on(2, 19), on(2, 20), on(3, 2))
    assert raised(told, "broken_promise", *days) == [None, on(2, 11), on(2, 11), None, None]
    assert raised(told, "broken_promise", on(2, 12), on(2, 13), promise_grace_days="2") == [None, on(2, 13)]
    assert raised(_promised(on(2, 3), on(2, 5)), "broken_promise", on(2, 5), on(2, 6)) == [None, on(2, 6)]
    assert raised(_promised(on(1, 28), on(1, 20)), "broken_promise", on(2, 10)) == [None]  # nothing was late then


def test_a_loan_elsewhere_while_late_here() -> None:
    here = book(loan(plan(*monthly(2)), pay(on(2, 20), "100"), identity_hash="ann"))

    def found(disbursed_on: dt.date, day: dt.date, **more: Any) -> dt.date | None:
        there = loan(plan(on(12, 1)), disbursed_on=disbursed_on, **{"identity_hash": "ann"} | more)
        return warnings(here, elsewhere(there), as_of=day).get("new_loan_elsewhere")

    assert [found(on(2, 5), day) for day in (on(2, 4), on(2, 5), on(2, 19), on(2, 20))] == [
        None, on(2, 5), on(2, 5), None,
    ]  # fmt: skip
    assert [found(day, on(2, 10)) for day in (FEBRUARY, on(2, 2))] == [None, on(2, 2)]
    assert found(on(2, 5), on(2, 10), identity_hash="bo") is None
    assert warnings(here, elsewhere(), as_of=on(2, 10)) == {"first_missed_payment": on(2, 2)}
    same_lender = book(*here.loans, loan(plan(on(12, 1)), disbursed_on=on(2, 5), identity_hash="ann", loan_id="l2"))
    assert "new_loan_elsewhere" not in warnings(same_lender, as_of=on(2, 10))


def test_a_loan_elsewhere_counts_once_it_is_in_that_lenders_book() -> None:
    here = book(loan(plan(*monthly(2)), identity_hash="ann"))
    there = loan(plan(on(12, 1)), disbursed_on=on(2, 5), identity_hash="ann")
    for as_of, expected in ((on(2, 4), None), (on(2, 5), on(2, 5))):
        assert warnings(here, elsewhere(there, as_of=as_of), as_of=on(3, 1)).get("new_loan_elsewhere") == expected
    seasoned = Book("another_lender", LAST, (there,), (Convention("outstanding", "reported"),))
    assert "new_loan_elsewhere" not in warnings(here, seasoned, as_of=on(3, 1))  # it never had a balance


def test_relief_that_has_ended() -> None:
    later = plan(*monthly(3, on(5, 1)), version=2, effective_on=on(3, 10))
    told = loan(plan(*monthly(3)) + later, events=(Event(on(3, 10), "extended"),))
    days = (on(4, 30), on(5, 1), on(7, 29), on(7, 30))
    assert raised(told, "relief_ended", *days) == [None, on(5, 1), on(5, 1), None]
    pauses = (Event(on(3, 5), "paused"), Event(on(3, 10), "resumed"), Event(on(3, 10), "paused"))
    paused = loan(plan(*monthly(3)), events=(*pauses, Event(on(3, 20), "resumed")))
    assert raised(paused, "relief_ended", on(3, 10), on(3, 20), on(6, 17), on(6, 18)) == [
        None, on(3, 20), on(3, 20), None,
    ]  # fmt: skip
    after_the_last = loan(plan(*monthly(2)), events=(Event(on(3, 1), "restructured"),))
    assert raised(after_the_last, "relief_ended", LAST) == [None]


def test_of_several_the_latest_is_shown_and_none_outside_the_book() -> None:
    paid = pay(on(2, 10), "100")
    told = loan(plan(*monthly(2)), paid, take_back(paid, on(2, 12)), pay(on(2, 4), "1"), pay(on(2, 11), "1"))
    # Part of February is paid on the 4th, all of it on the 10th, part of it again since the 12th.
    assert raised(told, "partial_payment", on(2, 9), on(2, 12)) == [on(2, 4), on(2, 12)]
    gone = replace(told, events=(Event(on(3, 10), "written_off"),))
    assert warnings(book(gone), as_of=on(3, 9)) != {}
    assert warnings(book(gone), as_of=on(3, 10)) == {}


def backtest(*loans: Loan, as_of: dt.date, **key: object) -> Row:
    return row(table("mart_early_warning_backtest", *loans, as_of=as_of), **key)


@pytest.mark.parametrize(
    ("as_of", "month_ends"),
    [(on(3, 30), []), (on(3, 31), [on(1, 31)]), (on(4, 29), [on(1, 31), on(2, 29)])],
)
def test_a_month_is_tested_when_its_60_days_are_over(as_of: dt.date, month_ends: list[dt.date]) -> None:
    rows = table("mart_early_warning_backtest", loan(plan(on(2, 20))), as_of=as_of)
    assert sorted({one["month_end"] for one in rows}) == month_ends
    assert len(rows) == 6 * len(month_ends)


def test_what_came_of_loans_with_and_without_a_signal() -> None:
    loans = (
        loan(plan(on(2, 20)), loan_id="goes bad"),
        loan(plan(on(2, 20)), pay(on(3, 22), "100"), loan_id="pays on day 31"),
        loan(plan(on(2, 20)), pay(on(3, 23), "100"), loan_id="is past 30 for a day"),
        loan(plan(on(3, 30)), loan_id="without, bad on day 61"),
        loan(plan(on(3, 29)), loan_id="without, bad on day 60"),
        loan(plan(on(1, 15)), loan_id="past 30 already"),
    )
    found = backtest(*loans, as_of=on(6, 30), signal="first_missed_payment", month_end=on(2, 29))
    assert amounts(found, "flagged_loans", "flagged_m2_60d", "unflagged_loans", "unflagged_m2_60d") == [3, 2, 2, 1]
    nobody = backtest(*loans, as_of=on(6, 30), signal="broken_promise", month_end=on(2, 29))
    assert amounts(nobody, "flagged_loans", "flagged_m2_60d", "unflagged_loans", "unflagged_m2_60d") == [0, 0, 5, 3]
