"""The reference's reckoning of relief, types of debt, long overdue and risk, held to stories worked by hand."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from ..reference.book import Absence, Event, Instalment, Loan, Payment
from ..reference.classification import observed_since, risk_category
from ..reference.delinquency import Life
from ..reference.facts import Row
from .lives import FEBRUARY, amounts, life, loan, monthly, on, pay, plan, row, table, take_back

# Forbearance

LAST_OF_MARCH = on(3, 31, 2021)
OUTCOMES = ("performing_3m", "performing_6m", "performing_12m", "redefaulted_loans", "cosmetic_cures")


def extended(*payments: Payment, loan_id: str = "l1") -> Loan:
    """Three instalments put off by three months on 10 March, when the first two are overdue."""
    later = plan(*monthly(3, on(5, 1)), version=2, effective_on=on(3, 10))
    return loan(plan(*monthly(3)) + later, *payments, events=(Event(on(3, 10), "extended"),), loan_id=loan_id)


def granted(*loans: Loan, as_of: dt.date = LAST_OF_MARCH, **key: object) -> Row:
    return row(table("mart_forbearance_monthly", *loans, as_of=as_of), **key)


def test_what_became_of_an_extension() -> None:
    found = granted(
        extended(),  # 10 June: 40 days past due
        extended(*[pay(day, "100") for day in monthly(3, on(5, 1))], loan_id="l2"),  # settled on 1 July
        extended(pay(on(6, 20), "300"), loan_id="l3"),  # 50 days late, and then settled
        kind="extension",
    )
    assert amounts(found, "loans", "outstanding_principal", "amount_waived") == [3, 900, 0]
    assert amounts(found, *OUTCOMES) == [1, 2, 2, 2, 3]
    assert found["granted_month"] == on(3, 31)


def test_an_outcome_is_known_once_it_is_known_of_all_of_the_month() -> None:
    found = [granted(extended(), as_of=day) for day in (on(6, 29), on(6, 30), on(3, 30, 2021))]
    assert [[one[name] for name in OUTCOMES[:3]] for one in found] == [[None] * 3, [0, None, None], [0, 0, None]]
    assert [granted(extended(), as_of=day)["redefaulted_loans"] for day in (on(5, 31), on(6, 1))] == [0, 1]


def test_a_loan_that_was_over_30_days_late_all_the_time_has_not_redefaulted() -> None:
    told = loan(plan(*monthly(3)), events=(Event(on(4, 10), "restructured"),))  # a plan that nobody sent
    found = granted(told, kind="instalment_plan")
    assert amounts(found, "redefaulted_loans", "cosmetic_cures") == [0, 0]
    paid = loan(plan(*monthly(3)), pay(on(4, 20), "200"), events=(Event(on(4, 10), "restructured"),))
    assert granted(paid)["redefaulted_loans"] == 1  # 19 days late on 20 April, and 31 on 2 May


def test_a_missing_loan_does_not_perform_and_a_settled_one_does() -> None:
    told = extended(*[pay(day, "100") for day in monthly(3, on(5, 1))])
    found = granted(replace(told, absences=(Absence(on(6, 1), on(6, 20)),)))  # on time on 10 June
    assert amounts(found, *OUTCOMES[:3]) == [0, 1, 1]


def test_of_several_grants_of_a_kind_in_a_month_the_first_counts() -> None:
    events = (Event(on(3, 20), "extended"), Event(on(3, 5), "extended"), Event(on(4, 5), "extended"))
    told = loan(plan(*monthly(5)), pay(on(3, 10), "50"), events=(*events, Event(on(3, 20), "restructured")))
    rows = table("mart_forbearance_monthly", told)
    assert sorted((one["kind"], one["granted_month"], one["outstanding_principal"]) for one in rows) == [
        ("extension", on(3, 31), 500),
        ("extension", on(4, 30), 450),
        ("instalment_plan", on(3, 31), 450),
    ]


def test_relief_is_what_a_month_waived_net() -> None:
    waived, also = pay(on(3, 5), "30", "waiver"), pay(on(3, 20), "20", "waiver")
    told = loan(plan(*monthly(3)), waived, also, take_back(also, on(3, 25)), take_back(waived, on(4, 2)))
    rows = table("mart_forbearance_monthly", told)
    assert [amounts(one, "loans", "outstanding_principal", "amount_waived") for one in rows] == [[1, 300, 30]]
    assert table("mart_forbearance_monthly", loan(plan(*monthly(3)), waived, take_back(waived, on(3, 31)))) == []


def test_only_a_loan_in_the_book_is_granted_anything() -> None:
    def told(event_on: dt.date, **more: Any) -> Loan:
        return loan(plan(*monthly(3)), events=(Event(event_on, "extended"), *more.pop("also", ())), **more)

    written_off = Event(on(3, 1), "written_off")
    counted = [
        (told(on(3, 1), also=(written_off,)), 1),  # the eve is what counts
        (told(on(3, 2), also=(written_off,)), 0),
        (told(on(1, 15), disbursed_on=on(1, 15)), 1),
        (told(on(1, 14), disbursed_on=on(1, 15)), 0),
        (told(on(1, 15), disbursed_on=on(1, 15), also=(Event(on(1, 15), "transferred"),)), 0),
    ]
    for one, expected in counted:
        rows = table("mart_forbearance_monthly", one)
        assert sum(found["loans"] for found in rows) == expected


# Types of debt, long overdue


def test_types_of_debt_by_loan_and_borrower() -> None:
    ann: dict[str, Any] = {"identity_hash": "ann"}
    rows = table(
        "mart_debt_type_monthly",
        loan(plan(on(2, 1)), loan_id="a", **ann),
        loan(plan(on(2, 10), interest="5"), loan_id="b", **ann),
        loan(plan(on(2, 1)), pay(on(2, 5), "40"), loan_id="c"),
        loan(plan(on(3, 31)), loan_id="d"),
        loan(plan(on(2, 1)), events=(Event(on(2, 10), "written_off"),), loan_id="e"),
        as_of=on(4, 30),
    )
    columns = ("loans", "borrowers", "outstanding_principal", "overdue_amount")
    february = [one for one in rows if one["month_end"] == on(2, 29)]
    assert {one["debt_type"]: amounts(one, *columns) for one in february} == {
        "overdue_unpaid": [2, 1, 200, 205],
        "partial": [1, 1, 60, 60],
        "default": [1, 1, 0, 0],
    }
    # e was shown once, at the month-end after it left; d is late since 1 April
    april = {one["debt_type"]: one["loans"] for one in rows if one["month_end"] == on(4, 30)}
    assert april == {"overdue_unpaid": 3, "partial": 1}


def test_bands_of_long_overdue_overlap_and_look_a_year_ahead() -> None:
    # 31 December 2020 is day 334
    paid = pay(on(12, 31), "10"), pay(on(1, 1, 2021), "20"), pay(on(12, 31, 2021), "5"), pay(on(1, 1, 2022), "1")
    told = loan(plan(FEBRUARY), *paid, events=(Event(on(6, 1, 2021), "written_off"),), principal="100")
    later = [pay(on(7, 1, 2021), "7", "recovery"), pay(on(8, 1, 2021), "3", "waiver")]
    with_recovery = loan(told.instalments, *told.payments, *later, events=told.events)
    for as_of, is_complete, recovered in ((on(12, 30, 2021), False, 27), (on(12, 31, 2021), True, 32)):
        rows = table("mart_long_overdue_monthly", with_recovery, as_of=as_of)
        december = [one for one in rows if one["month_end"] == on(12, 31)]
        assert {one["dpd_band"] for one in december} == {"271-360", "about_one_year"}
        for one in december:
            assert amounts(one, "loans", "outstanding_principal", "overdue_amount") == [1, 90, 90]
            assert (one["recovered_next_12m"], one["is_complete"]) == (recovered, is_complete)
    assert {one["month_end"] for one in rows if one["dpd_band"] == "361+"} == {
        on(1, 31, 2021), on(2, 28, 2021), on(3, 31, 2021), on(4, 30, 2021), on(5, 31, 2021),
    }  # fmt: skip


# Risk

DUE = monthly(36, on(2, 1, 2024))


def restructured(relieved_on: dt.date, *late: tuple[int, int], events: tuple[Event, ...] = ()) -> Loan:
    """Everything overdue is paid on the day of relief, and everything after it on its day.

    late: of an instalment, by its place in the plan, how many days.
    """
    days_late = dict(late)
    payments = [
        pay(max(due_on, relieved_on) + dt.timedelta(days=days_late.get(number, 0)), "100", called=str(number))
        for number, due_on in enumerate(DUE)
    ]
    told = (Event(relieved_on, "restructured"), *events)
    return loan(plan(*DUE), *payments, events=told, disbursed_on=on(1, 1, 2024))


def categories(a_loan: Loan, *days: dt.date, **conventions: str) -> list[str | None]:
    told = life(a_loan, as_of=on(12, 31, 2026), **conventions)
    return [risk_category(told, told.days[day]) for day in days]


def observed_until(told: Life, relieved_on: dt.date) -> dt.date:
    day = relieved_on
    while observed_since(told, day) is not None:
        day += dt.timedelta(days=1)
    return day


@pytest.mark.parametrize(
    ("dpd", "retail", "card"),
    [
        (0, "normal", "normal"), (1, "special_mention", "special_mention"), (90, "special_mention", "special_mention"),
        (91, "substandard", "substandard"), (121, "substandard", "doubtful"), (181, "substandard", "loss"),
        (271, "doubtful", "loss"), (361, "loss", "loss"),
    ],
)  # fmt: skip
def test_categories_by_days_past_due(dpd: int, retail: str, card: str) -> None:
    told = loan(plan(on(2, 1, 2024)), disbursed_on=on(1, 1, 2024))
    day = on(2, 1, 2024) + dt.timedelta(days=dpd)
    assert categories(told, day) == [retail]
    assert categories(told, day, risk_regime="cn_2023_card") == [card]


def test_nothing_is_classified_before_the_first_rules() -> None:
    told = loan(plan(on(6, 29, 2023)), disbursed_on=on(6, 1, 2023))
    assert categories(told, on(6, 30, 2023), on(7, 1, 2023)) == [None, "special_mention"]
    rows = table("mart_risk_classification_monthly", told, as_of=on(7, 31, 2023))
    assert [(one["month_end"], one["regime"], one["category"], one["rule_version"]) for one in rows] == [
        (on(6, 30, 2023), "ifrs9", "stage_1", "2018-01-01"),
        (on(7, 31, 2023), "ifrs9", "stage_2", "2018-01-01"),
        (on(7, 31, 2023), "cn_2023_retail", "special_mention", "2023-07-01"),
    ]


def test_a_restructured_loan_is_observed_for_a_year_from_its_first_due_date() -> None:
    told = restructured(on(3, 10, 2024))  # the eve: 37 days past due; the next due date: 1 April
    assert observed_until(life(told, as_of=on(12, 31, 2026)), on(3, 10, 2024)) == on(4, 1, 2025)
    days = (on(3, 9, 2024), on(3, 10, 2024), on(3, 31, 2025), on(4, 1, 2025))
    assert categories(told, *days) == ["special_mention"] * 3 + ["normal"]


def test_a_restructured_loan_keeps_its_worst_category_while_it_is_observed() -> None:
    told = restructured(on(5, 10, 2024))  # the eve: 98 days past due; the next due date: 1 June
    days = (on(5, 1, 2024), on(5, 10, 2024), on(5, 31, 2025), on(6, 1, 2025))
    assert categories(told, *days) == ["special_mention", "substandard", "substandard", "normal"]


def test_observation_waits_for_two_periods_paid_on_time() -> None:
    # The 14th instalment, of 1 March 2025, is paid on the 5th: on 1 May the last two periods are clean.
    told = restructured(on(3, 10, 2024), (13, 4))
    assert observed_until(life(told, as_of=on(12, 31, 2026)), on(3, 10, 2024)) == on(5, 1, 2025)
    # Paid on its day it would have ended on 1 April; the instalment before that is no matter.
    earlier = restructured(on(3, 10, 2024), (12, 4))
    assert observed_until(life(earlier, as_of=on(12, 31, 2026)), on(3, 10, 2024)) == on(4, 1, 2025)


def test_relief_under_observation_begins_it_anew_and_forgets_nothing() -> None:
    again = Event(on(12, 15, 2024), "extended")
    told = restructured(on(5, 10, 2024), events=(again,))  # the next due date after it: 1 January 2025
    assert observed_until(life(told, as_of=on(12, 31, 2026)), on(5, 10, 2024)) == on(1, 1, 2026)
    assert categories(told, on(12, 31, 2025), on(1, 1, 2026)) == ["substandard", "normal"]
    # After the end of one observation another begins with what was so on its own eve.
    apart = restructured(on(5, 10, 2024), events=(Event(on(6, 2, 2025), "extended"),))
    assert categories(apart, on(6, 1, 2025), on(6, 2, 2025)) == ["normal", "special_mention"]


def test_without_a_due_date_to_come_observation_counts_from_the_relief() -> None:
    told = loan(plan(on(2, 1, 2024)), disbursed_on=on(1, 1, 2024), events=(Event(on(3, 1, 2024), "restructured"),))
    late = life(told, as_of=on(12, 31, 2025))
    assert observed_since(late, on(12, 31, 2025)) == on(3, 1, 2024)  # never on time again
    paid = loan(told.instalments, pay(on(3, 1, 2024), "50"), pay(on(6, 1, 2025), "50"), events=told.events)
    # One due date only: the loan would have to be on time since the relief.
    assert observed_since(life(paid, as_of=on(12, 31, 2025)), on(12, 31, 2025)) == on(3, 1, 2024)


def test_a_new_version_that_nothing_explains_is_relief_too() -> None:
    later = tuple(
        Instalment(2, i.instalment_no, i.due_on + dt.timedelta(days=10), i.principal_due, effective_on=on(3, 10, 2024))
        for i in plan(*DUE)
    )
    unexplained = loan(plan(*DUE) + later, disbursed_on=on(1, 1, 2024))
    explained = loan(unexplained.instalments, pay(on(3, 10, 2024), "1", "prepayment"), disbursed_on=on(1, 1, 2024))
    found = [life(one, as_of=on(3, 31, 2024)) for one in (unexplained, explained)]
    assert [observed_since(one, on(3, 31, 2024)) for one in found] == [on(3, 10, 2024), None]


def test_stages_by_days_past_due_and_default() -> None:
    told = loan(plan(on(2, 1, 2024)), disbursed_on=on(1, 1, 2024))
    by_days = [(30, 1), (31, 2), (90, 2), (91, 3)]
    for dpd, stage in by_days:
        (current,) = table("fct_loan_current", told, as_of=on(2, 1, 2024) + dt.timedelta(days=dpd))
        assert current["ifrs9_stage"] == stage
    (in_default,) = table("fct_loan_current", told, as_of=on(4, 2, 2024), default_dpd="60")  # 61 days
    assert amounts(in_default, "dpd", "ifrs9_stage") == [61, 3]
    gone = loan(told.instalments, pay(on(2, 1, 2024), "100"), disbursed_on=on(1, 1, 2024))
    (settled,) = table("fct_loan_current", gone, as_of=on(4, 2, 2024))
    assert (settled["ifrs9_stage"], settled["risk_category"]) == (None, None)


def test_the_book_by_category_and_by_stage_is_the_same_book() -> None:
    loans = (
        loan(plan(*monthly(3, on(2, 1, 2024))), loan_id="a", disbursed_on=on(1, 1, 2024)),
        loan(plan(*monthly(3, on(3, 1, 2024))), loan_id="b", disbursed_on=on(1, 1, 2024)),
        loan(plan(on(6, 1, 2024)), loan_id="c", disbursed_on=on(1, 1, 2024)),
    )
    rows = table("mart_risk_classification_monthly", *loans, as_of=on(3, 31, 2024))
    march = [one for one in rows if one["month_end"] == on(3, 31, 2024)]
    assert {(one["regime"], one["category"]): amounts(one, "loans", "outstanding_principal") for one in march} == {
        ("cn_2023_retail", "normal"): [1, 100],
        ("cn_2023_retail", "special_mention"): [2, 600],
        ("ifrs9", "stage_1"): [2, 400],
        ("ifrs9", "stage_2"): [1, 300],
    }
