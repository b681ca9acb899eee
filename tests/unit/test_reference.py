"""The reference held to the definitions' vectors and to stories of loans worked by hand."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from ..reference.book import Absence, Book, Convention, Event, Instalment, Loan, Position
from ..reference.clock import days_past_due
from ..reference.conventions import Conventions, Rulebook
from ..reference.dates import add_months
from ..reference.facts import Row
from ..reference.reckoning import lives, reckon
from .lives import (
    FEBRUARY,
    LAST,
    NEW_YEAR,
    amounts,
    at,
    book,
    dpd_and_overdue,
    dpds,
    life,
    loan,
    money,
    monthly,
    on,
    pay,
    plan,
    row,
    ruled,
    table,
    take_back,
)

# Vectors


def vector_a() -> Loan:
    paid = pay(on(2, 1), "100")
    return loan(
        plan(*monthly(11)),
        paid,
        take_back(paid, on(2, 3)),
        pay(on(3, 1), "100"),
        pay(on(4, 1), "50"),
        pay(on(4, 10), "80"),
    )


@pytest.mark.parametrize(
    ("month", "day", "payments", "expected"),
    [
        pytest.param(2, 1, 5, 0, id="paid on the due day"),
        pytest.param(2, 3, 5, 2, id="the payment is returned"),
        pytest.param(3, 1, 2, 29, id="nothing more by 1 March"),
        pytest.param(3, 1, 3, 0, id="February is settled, March is due today"),
        pytest.param(3, 2, 5, 1, id="March is one day late"),
        pytest.param(4, 1, 3, 31, id="1 April"),
        pytest.param(4, 1, 4, 31, id="half of March is paid"),
        pytest.param(4, 10, 5, 9, id="50 close March and 30 go to April"),
        pytest.param(4, 16, 5, 15, id="16 April"),
    ],
)
def test_vector_a(month: int, day: int, payments: int, expected: int) -> None:
    told = vector_a()
    by_then = loan(told.instalments, *told.payments[:payments])
    assert at(life(by_then), month, day).dpd == expected


@pytest.mark.parametrize(
    ("day_count", "day", "expected"),
    [
        ("mba", on(4, 29), 0),
        ("mba", on(4, 30), 30),
        ("mba", on(5, 31), 60),
        ("ots", on(4, 30), 0),
        ("ots", on(5, 1), 30),
        ("ots", on(5, 31), 30),
        ("30_360", on(4, 30), 29),
        ("30_360", on(5, 1), 30),
        ("30_360", on(5, 31), 59),
        ("days", on(5, 31), 60),
    ],
)
def test_vector_b(day_count: str, day: dt.date, expected: int) -> None:
    told = life(loan(plan(on(4, 1))), day_count=day_count)
    assert at(told, day.month, day.day).dpd == expected


def test_vector_d_month_ends_keep_their_anchor() -> None:
    due_on = [on(1, 31), on(2, 29), on(3, 31)]
    assert [add_months(on(1, 31), months) for months in range(3)] == due_on
    assert add_months(on(1, 31, 2021), 1) == on(2, 28, 2021)
    told = life(loan(plan(*due_on), pay(on(1, 31), "100"), pay(on(2, 29), "100")))
    assert dpds(told, (1, 31), (2, 29), (3, 31), (4, 1)) == [0, 0, 0, 1]


# Conventions


def conventions(**own: str) -> Conventions:
    return life(loan(()), LAST, **own).ledger.conventions(LAST)


def test_the_closest_convention_rules_and_of_those_the_newest() -> None:
    rows = (
        Convention("grace_days", "9", on(6, 1)),
        Convention("grace_days", "3", product="cash"),
        Convention("grace_days", "5", on(9, 1), product="cash"),
        Convention("tol_abs", "1", on(6, 1)),
    )
    rules = {product: Rulebook(Book("a_lender", LAST, (), rows), product) for product in ("cash", "car")}
    assert [rules["cash"].on(day).grace_days for day in (on(5, 31), on(6, 1), on(9, 1))] == [3, 3, 5]
    assert [rules["car"].on(day).grace_days for day in (on(5, 31), on(6, 1))] == [0, 9]
    assert rules["car"].on(on(5, 31)).tol_abs == Decimal("0.01")
    assert rules["car"].on(on(6, 1)).tol_abs == Decimal(1)


def test_first_day_counts_the_due_day_as_one() -> None:
    told = life(loan(plan(on(4, 1))), first_day="1")
    assert dpds(told, (3, 31), (4, 1), (4, 2)) == [0, 1, 2]
    assert at(told, 4, 1).overdue_amount == 100


def test_grace_moves_the_bucket_and_not_the_days() -> None:
    told = life(loan(plan(on(4, 1))), grace_days="3")
    assert [(at(told, 4, day).dpd, at(told, 4, day).bucket) for day in (4, 5)] == [(3, "M0"), (4, "M1")]


def test_30_360_may_count_no_day_for_an_instalment_that_is_overdue() -> None:
    told = life(loan(plan(on(3, 30))), day_count="30_360")
    assert dpd_and_overdue(told, 3, 31) == [0, 100]
    assert days_past_due(on(1, 31), on(2, 28), conventions(day_count="30_360")) == 28
    assert days_past_due(on(1, 31), on(3, 31), conventions(day_count="30_360")) == 60


def test_missed_payments_count_instalments_and_not_days() -> None:
    told = life(loan(plan(*monthly(6)), pay(on(3, 10), "150")), basis="missed_payments")
    # 1 March: February not yet followed by an overdue March. 2 March: two are missed. 10 March: 50 of March are.
    assert dpds(told, (2, 2), (3, 1), (3, 2), (3, 10), (4, 2)) == [30, 30, 60, 0, 30]
    assert at(told, 4, 2).overdue_amount == 150


def test_a_missed_payment_may_lack_its_tolerance() -> None:
    paid = [pay(on(2, 1), amount) for amount in ("0.01", "0.02")]
    found = [life(loan(plan(on(2, 1)), one), basis="missed_payments") for one in paid]
    assert [at(one, 2, 2).dpd for one in found] == [30, 0]


def test_a_due_date_on_a_day_off_moves_to_the_next_working_day() -> None:
    told = life(loan(plan(on(5, 1))), non_working_day="next")  # Labour Day: 1 to 5 May 2020
    assert dpds(told, (5, 6), (5, 7)) == [0, 1]
    assert at(told, 5, 7).oldest_due_on == on(5, 6)


def test_a_due_date_stays_in_a_year_whose_calendar_is_unknown() -> None:
    saturday = on(1, 5, 2013)
    told = loan(plan(saturday), disbursed_on=on(12, 1, 2012))
    found = life(told, as_of=on(2, 1, 2013), non_working_day="next").on(on(1, 6, 2013))
    assert found is not None
    assert found.dpd == 1


def test_a_convention_changes_from_its_day_and_rewrites_no_day_before() -> None:
    changed = ruled(
        loan(plan(*monthly(2)), pay(on(2, 1), "95")),
        Convention("tol_abs", "5", on(2, 20)),
        Convention("scheme", "tape29", on(2, 10)),
    )
    (told,) = lives(changed)
    assert dpds(told, (2, 2), (2, 19), (2, 20), (3, 2)) == [1, 18, 0, 1]
    assert [at(told, 2, day).bucket for day in (9, 10)] == ["M1", "1-29"]
    spells = reckon([changed], LAST)["fct_delinquency_spell"]
    assert (spells[0]["exited_on"], spells[0]["exit_reason"]) == (on(2, 20), "restructured")


def test_days_before_disbursement_are_measured_by_the_conventions_of_its_day() -> None:
    # 98 come before the loan is paid out; the tolerance that makes them all of its 100 holds from the day it is.
    told = loan(plan(FEBRUARY, interest="10"), pay(on(1, 5), "98", "prepayment"), disbursed_on=on(1, 10))
    (early,) = lives(ruled(told, Convention("tol_abs", "5", on(1, 10))))
    (late,) = lives(ruled(told, Convention("tol_abs", "5", on(1, 11))))
    assert [at(one, 1, 10).state for one in (early, late)] == ["settled", "active"]


def test_an_instalment_was_settled_when_the_conventions_it_is_judged_by_say_so() -> None:
    # By the tolerance in force at the end the 95 settle February at once, whatever was said then.
    within = ruled(loan(plan(*monthly(2)), pay(on(2, 1), "95")), Convention("tol_abs", "5", on(2, 20)))
    (first, _) = reckon([within], LAST)["fct_instalment"]
    assert (first["settled_on"], first["status"], first["days_late"]) == (on(2, 1), "paid", 0)
    # The waterfall puts the first 100 into February; by the lender's word, which counts in the end, they were March's.
    paid = (pay(on(3, 1), "100", instalment_no=2), pay(on(3, 10), "100", instalment_no=1))
    by_number = ruled(loan(plan(*monthly(2)), *paid), Convention("allocation", "reported", on(6, 1)))
    rows = reckon([by_number], LAST)["fct_instalment"]
    assert [(one["settled_on"], one["days_late"]) for one in rows] == [(on(3, 10), 38), (on(3, 1), 0)]


def test_only_components_that_count_are_short() -> None:
    told = loan(plan(on(2, 1), principal="90", interest="10"), pay(on(2, 1), "10"))
    with_all, interest_only = life(told), life(told, components="interest")
    assert [at(one, 2, 2).dpd for one in (with_all, interest_only)] == [1, 0]
    assert at(interest_only, 2, 2).outstanding_principal == 90


def test_an_amount_within_the_tolerance_is_not_short() -> None:
    cent, two_cents = (life(loan(plan(on(2, 1)), pay(on(2, 1), paid))) for paid in ("99.99", "99.98"))
    share = life(loan(plan(on(2, 1)), pay(on(2, 1), "98")), tol_pct="0.02")
    assert [at(one, 2, 2).dpd for one in (cent, two_cents, share)] == [0, 1, 0]
    assert [at(one, 2, 2).state for one in (cent, two_cents, share)] == ["settled", "active", "settled"]


# Payments


def test_the_waterfall_pays_the_oldest_first_and_inside_it_in_order() -> None:
    split = plan(on(2, 1), on(3, 1), principal="70", interest="20", fee="7", penalty="3")
    paid = table("fct_payment", loan(split, pay(on(2, 1), "20"), pay(on(3, 1), "85")))
    columns = ("penalty", "fee", "interest", "principal", "unallocated")
    assert amounts(paid[0], *columns) == money("3", "7", "10", "0", "0")
    assert amounts(paid[1], *columns) == money("3", "2", "10", "70", "0")


def test_a_penalty_keeps_no_instalment_overdue() -> None:
    told = loan(plan(on(2, 1), penalty="5"), pay(on(2, 1), "100"))
    assert at(life(told, allocation_order="fee,interest,principal,penalty"), 2, 2).state == "settled"
    assert at(life(told), 2, 2).state == "active"


def test_a_surplus_covers_later_instalments_and_goes_over_into_a_new_version() -> None:
    extended = plan(*monthly(3, on(4, 1)), version=2, effective_on=on(3, 20))
    told = life(loan(plan(*monthly(3)) + extended, pay(on(2, 1), "250"), events=(Event(on(3, 20), "extended"),)))
    # The first plan has 50 of April open; on the second one 250 cover April and May and half of June.
    assert dpds(told, (3, 2), (4, 2), (5, 2), (6, 1), (6, 2)) == [0, 0, 0, 0, 1]
    assert at(told, 6, 2).contractual_dpd == 62


def test_more_than_everything_owed_is_unallocated() -> None:
    (paid,) = table("fct_payment", loan(plan(on(2, 1)), pay(on(2, 1), "130")))
    assert amounts(paid, "principal", "unallocated") == money("100", "30")


def test_a_reversal_reopens_the_original_due_date_even_of_a_settled_loan() -> None:
    paid = pay(on(2, 1), "100")
    told = life(loan(plan(on(2, 1)), paid, take_back(paid, on(5, 1))))
    assert [at(told, *day).state for day in ((2, 1), (4, 30), (5, 1))] == ["settled", "settled", "active"]
    assert dpd_and_overdue(told, 5, 1) == [90, 100]


def test_a_chargeback_reopens_on_its_own_date() -> None:
    paid = pay(on(2, 1), "100")
    told = life(loan(plan(*monthly(2)), paid, take_back(paid, on(2, 20), "chargeback")))
    assert dpds(told, (2, 20), (2, 21), (3, 2)) == [0, 1, 11]
    assert at(told, 3, 2).oldest_due_on == on(2, 20)


def test_a_chargeback_beside_a_bank_return_keeps_the_original_due_date() -> None:
    paid, also = pay(on(2, 1), "60"), pay(on(2, 1), "40", called="also")
    told = loan(plan(on(2, 1)), paid, also, take_back(paid, on(2, 20), "chargeback"), take_back(also, on(2, 20)))
    assert dpds(life(told), (2, 19), (2, 20)) == [0, 19]


def test_a_chargeback_reopens_nothing_that_was_never_closed() -> None:
    paid = pay(on(2, 1), "50")
    told = loan(plan(on(2, 1)), paid, take_back(paid, on(2, 20), "chargeback"))
    assert dpds(life(told), (2, 21)) == [20]


def test_the_clock_of_a_chargeback_ends_when_the_instalment_is_paid_again() -> None:
    paid, again = pay(on(2, 1), "100"), pay(on(3, 1), "100")
    told = loan(plan(on(2, 1)), paid, take_back(paid, on(2, 20), "chargeback"), again, take_back(again, on(3, 5)))
    assert dpds(life(told), (2, 29), (3, 1), (3, 5)) == [9, 0, 33]


def test_a_chargeback_is_judged_by_the_conventions_of_the_day_described() -> None:
    paid = pay(on(2, 1), "97")
    told = loan(plan(on(2, 1)), paid, take_back(paid, on(2, 20), "chargeback"))
    (changed,) = lives(ruled(told, Convention("tol_abs", "5", on(3, 10))))
    # To the cent February was never closed, so it counts from 1 February. Short by 3 of a tolerated 5 it was, until the
    # chargeback of 20 February.
    assert dpds(changed, (2, 21), (3, 9), (3, 10)) == [20, 37, 19]


def test_a_reversal_of_an_unknown_payment_has_no_effect() -> None:
    orphan = pay(on(2, 3), "100", "reversal", reverses_payment_id="unheard of", principal=Decimal(100))
    told = loan(plan(on(2, 1)), pay(on(2, 1), "100"), orphan)
    assert at(life(told), 2, 3).dpd == 0
    assert amounts(table("fct_payment", told)[1], "amount", "principal", "unallocated") == money("-100", "0", "-100")


def test_what_is_reversed_says_what_the_reversal_counts_as() -> None:
    waived = pay(on(2, 1), "100", "waiver")
    told = loan(plan(on(2, 1), on(12, 1)), waived, take_back(waived, on(2, 10)))
    february = row(table("mart_balance_bridge_monthly", told), month_end=on(2, 29))
    assert amounts(february, "scheduled_principal", "waived", "closing") == money("0", "0", "200")
    assert [one["is_reversed"] for one in table("fct_payment", told)] == [True, False]


@pytest.mark.parametrize("allocation", ["waterfall", "reported"])
def test_a_reversal_of_a_recovery_takes_over_its_split_if_the_amounts_are_equal(allocation: str) -> None:
    recovered = pay(on(6, 1), "40", "recovery", principal=Decimal(30), fee=Decimal(10))
    part = pay(on(6, 4), "15", "reversal", reverses_payment_id=recovered.payment_id)
    told = loan(plan(on(2, 1)), recovered, take_back(recovered, on(6, 3)), part)
    columns = ("amount", "principal", "fee", "unallocated")
    assert [amounts(one, *columns) for one in table("fct_payment", told, allocation=allocation)] == [
        money("40", "30", "10", "0"),
        money("-40", "-30", "-10", "0"),
        money("-15", "0", "0", "-15"),
    ]


def test_money_taken_back_is_taken_back_however_its_sign_is_sent() -> None:
    told = loan(plan(on(2, 1)), pay(on(2, 1), "100"), pay(on(2, 3), "-40", "refund"))
    assert dpd_and_overdue(life(told), 2, 3) == [2, 40]
    assert amounts(table("fct_payment", told)[1], "amount", "principal") == money("-40", "-40")


def test_a_waiver_taken_back_is_no_cash_either() -> None:
    waived = pay(on(2, 1), "100", "waiver")
    (curve,) = table(
        "mart_collection_curve", loan(plan(on(2, 1)), waived, take_back(waived, on(2, 10))), as_of=on(2, 29)
    )
    assert curve["amount_collected_to_date"] == 0


def test_events_of_one_day_net_at_its_close() -> None:
    paid = pay(on(2, 1), "100", called="1")
    told = life(loan(plan(on(2, 1)), paid, pay(on(2, 1), "100", "reversal", called="2", reverses_payment_id="1")))
    assert dpds(told, (2, 1), (2, 2)) == [0, 1]


# Allocation as the lender reports it


def test_reported_splits_go_where_the_lender_put_them_and_the_rest_to_the_pool() -> None:
    told = loan(
        plan(on(2, 1), on(3, 1), on(4, 1), principal="80", interest="20"),
        pay(on(2, 1), "100", instalment_no=2, principal=Decimal(80), interest=Decimal(20)),
        pay(on(2, 2), "30", instalment_no=3),
        pay(on(2, 3), "90", instalment_no=3),
        pay(on(2, 4), "40", instalment_no=9),
    )
    # March by its split; April by name, 20 of 120 over; these 20 and the 40 of an unknown number go to February.
    rows = table("fct_instalment", told, allocation="reported")
    assert [amounts(one, "principal_paid", "interest_paid") for one in rows] == [
        money("40", "20"),
        money("80", "20"),
        money("80", "20"),
    ]
    assert [one["settled_on"] for one in rows] == [None, on(2, 1), on(2, 3)]
    assert dpds(life(told, allocation="reported"), (4, 2)) == [61]


def test_a_reported_split_that_does_not_add_up_is_none() -> None:
    told = loan(
        plan(on(2, 1), principal="80", interest="20"),
        pay(on(2, 1), "50", instalment_no=1, principal=Decimal(50), interest=Decimal(5)),
    )
    (paid,) = table("fct_payment", told, allocation="reported")
    assert amounts(paid, "principal", "interest") == money("30", "20")


def test_under_reported_a_reversal_takes_over_number_and_split() -> None:
    second = pay(on(2, 1), "100", instalment_no=2, principal=Decimal(80), interest=Decimal(20))
    first = pay(on(2, 2), "100", instalment_no=1, principal=Decimal(80), interest=Decimal(20))
    told = loan(plan(on(2, 1), on(3, 1), principal="80", interest="20"), second, first, take_back(second, on(3, 5)))
    assert dpds(life(told, allocation="reported"), (3, 4), (3, 5)) == [0, 4]
    assert at(life(told, allocation="reported"), 3, 5).overdue_principal == 80


def test_under_reported_no_more_is_settled_than_money_is_there() -> None:
    both = (
        pay(on(2, 1), "100", instalment_no=2, principal=Decimal(80), interest=Decimal(20)),
        pay(on(2, 1), "100", called="named only", instalment_no=1),
    )
    schedule = plan(on(2, 1), on(3, 1), principal="80", interest="20")
    # 170 of 200 go back without a word on what for: the older keeps the 30 that are left, its interest first.
    told = loan(schedule, *both, pay(on(2, 5), "170", "refund"))
    rows = table("fct_instalment", told, allocation="reported")
    assert [amounts(one, "interest_paid", "principal_paid") for one in rows] == [money("20", "10"), money("0", "0")]
    assert dpd_and_overdue(life(told, allocation="reported"), 2, 5) == [4, 70]
    taken = table("fct_payment", told, allocation="reported")[-1]
    assert amounts(taken, "principal", "interest", "unallocated") == money("-150", "-20", "0")


def test_under_reported_a_reversal_that_splits_another_way_takes_everything_back() -> None:
    paid = pay(on(2, 1), "100", instalment_no=1, principal=Decimal(100))
    other = pay(on(2, 4), "100", "reversal", reverses_payment_id=paid.payment_id, penalty=Decimal(100))
    told = life(loan(plan(on(2, 1)), paid, other), allocation="reported")
    # The principal has 100 and the penalty -100, which is none: but there is no money left.
    assert dpd_and_overdue(told, 2, 4) == [3, 100]


def test_under_reported_money_that_comes_after_a_debt_fills_it_first() -> None:
    told = loan(plan(on(2, 1)), pay(on(1, 20), "60", "refund"), pay(on(2, 1), "100", instalment_no=1))
    assert dpd_and_overdue(life(told, allocation="reported"), 2, 2) == [1, 60]


# Pauses


def test_a_pause_stands_the_clock_still_only_inside_the_unpaid_time() -> None:
    around = (Event(on(2, 11), "paused"), Event(on(2, 21), "resumed"))
    told = life(loan(plan(on(2, 1)), events=around))
    assert dpds(told, (2, 10), (2, 15), (2, 20), (2, 21), (3, 1)) == [9, 9, 9, 10, 19]
    assert [at(told, *day).contractual_dpd for day in ((2, 15), (3, 1))] == [14, 29]
    before = (Event(on(1, 5), "paused"), Event(on(1, 25), "resumed"))
    assert dpds(life(loan(plan(on(2, 1)), events=before)), (2, 10)) == [9]


def test_what_falls_due_inside_a_pause_is_overdue_and_counts_no_days() -> None:
    events = (Event(on(1, 25), "paused"), Event(on(2, 11), "resumed"))
    told = life(loan(plan(on(2, 1)), events=events))
    assert dpds(told, (2, 2), (2, 10), (2, 11), (2, 12)) == [0, 0, 1, 2]
    assert [at(told, *day).overdue_amount for day in ((2, 1), (2, 2), (2, 11))] == [0, 100, 100]
    assert [at(told, *day).oldest_due_on for day in ((2, 1), (2, 2))] == [None, on(2, 1)]
    assert [at(told, *day).debt_type for day in ((2, 2), (2, 11))] == [None, "overdue_unpaid"]
    (instalment,) = table("fct_instalment", loan(plan(on(2, 1)), events=events[:1]))
    assert (instalment["status"], instalment["days_late"]) == ("overdue", 334)


def test_payments_missed_inside_a_pause_are_not_counted_until_it_ends() -> None:
    events = (Event(on(2, 20), "paused"), Event(on(3, 11), "resumed"))
    told = life(loan(plan(*monthly(6)), events=events), basis="missed_payments")
    assert dpd_and_overdue(told, 3, 10) == [30, 200]
    assert dpd_and_overdue(told, 3, 11) == [60, 200]


def test_resumed_and_paused_on_one_day_leaves_things_as_they_are() -> None:
    both = (Event(on(2, 15), "paused"), Event(on(2, 15), "resumed"))
    paused = life(loan(plan(on(2, 1)), events=(Event(on(2, 11), "paused"), *both)))
    assert dpds(paused, (2, 14), (2, 15), (3, 1)) == [9, 9, 9]
    running = life(loan(plan(on(2, 1)), events=both))
    assert dpds(running, (2, 14), (2, 15), (3, 1)) == [13, 14, 29]


# Schedule versions


def extended_loan() -> Loan:
    later = plan(*monthly(3, on(5, 1)), version=2, effective_on=on(3, 10))
    return loan(plan(*monthly(3)) + later, events=(Event(on(3, 10), "extended"),))


def test_an_extension_restarts_days_past_due_and_not_contractual_days() -> None:
    told = life(extended_loan())
    assert dpds(told, (3, 9), (3, 10), (5, 2)) == [37, 0, 1]
    assert [at(told, *day).contractual_dpd for day in ((3, 10), (5, 2))] == [38, 91]
    assert [at(told, *day).is_restructured for day in ((3, 9), (3, 10))] == [False, True]


def test_an_extension_is_no_cure() -> None:
    spells = table("fct_delinquency_spell", extended_loan(), as_of=on(4, 30))
    assert [(one["entered_on"], one["exited_on"], one["exit_reason"]) for one in spells] == [
        (on(2, 2), on(3, 10), "extended")
    ]
    without_event = loan(extended_loan().instalments)
    assert table("fct_delinquency_spell", without_event, as_of=on(4, 30))[0]["exit_reason"] == "restructured"
    recovery = table("mart_recovery_monthly", extended_loan())
    assert row(recovery, entry_bucket="M1", entry_month=on(2, 29), window_days=60)["cured_loans"] == 0


@pytest.mark.parametrize("kind", ["extended", "restructured"])
def test_a_loan_paid_out_of_a_new_one_is_no_cure(kind: str) -> None:
    told = loan(plan(on(2, 1)), pay(on(3, 5), "100", "prepayment"), events=(Event(on(3, 5), kind),))
    (spell,) = table("fct_delinquency_spell", told)
    assert (spell["exited_on"], spell["exit_reason"]) == (on(3, 5), kind)
    assert row(table("mart_recovery_monthly", told), entry_bucket="M1", window_days=60)["cured_loans"] == 0


def test_who_pays_what_is_overdue_on_the_day_of_an_extension_is_cured() -> None:
    told = extended_loan()
    paid = loan(told.instalments, pay(on(3, 10), "200"), events=told.events)
    assert table("fct_delinquency_spell", paid)[0]["exit_reason"] == "paid"


def test_instalments_of_a_replaced_version_are_judged_on_its_last_day() -> None:
    told = loan(extended_loan().instalments, pay(on(2, 1), "100"), pay(on(3, 10), "100"))
    rows = table("fct_instalment", told)
    assert [(one["schedule_version"], one["status"]) for one in rows] == [
        (1, "paid"),
        (1, "replaced"),
        (1, "replaced"),
        (2, "paid"),
        (2, "paid"),
        (2, "overdue"),
    ]
    assert [one["days_late"] for one in rows[:2]] == [0, None]


def test_a_version_without_a_date_starts_when_it_was_delivered() -> None:
    due_on = enumerate(monthly(2, on(3, 1)), 1)
    second = tuple(Instalment(2, number, day, Decimal(100), known_on=on(2, 10)) for number, day in due_on)
    assert dpds(life(loan(plan(*monthly(2)) + second)), (2, 9), (2, 10)) == [8, 0]


def test_a_part_prepayment_plans_the_rest_anew_and_restructures_nothing() -> None:
    anew = plan(on(2, 1), on(3, 1), on(4, 1), version=2, effective_on=on(2, 15))
    shrunk = tuple(
        Instalment(2, i.instalment_no, i.due_on, Decimal(amount), effective_on=i.effective_on)
        for i, amount in zip(anew, ("100", "150", "50"), strict=True)
    )
    told = loan(plan(*monthly(3)) + shrunk, pay(on(2, 1), "100"), pay(on(2, 15), "150", "prepayment"))
    assert dpds(life(told), (3, 2), (4, 2)) == [0, 1]
    assert at(life(told), 4, 2).overdue_amount == 50
    assert not at(life(told), 4, 2).is_restructured


# Repaid, ended, missing


def test_a_full_prepayment_removes_interest_not_yet_accrued() -> None:
    prepaid = pay(on(2, 15), "210", "prepayment")
    told = loan(plan(*monthly(3), principal="100", interest="10"), pay(on(2, 1), "110"), prepaid)
    # 300 of principal and 10 of interest due by 15 February make 310; 320 are there.
    assert [at(life(told), 2, day).state for day in (14, 15)] == ["active", "settled"]
    parts = table("fct_payment", told)[1]
    assert amounts(parts, "principal", "interest", "unallocated") == money("200", "10", "0")
    for amount, state in (("199.99", "settled"), ("199.98", "active")):
        just = loan(told.instalments, pay(on(2, 1), "110"), pay(on(2, 15), amount, "prepayment"))
        assert at(life(just), 2, 15).state == state


def test_what_a_full_prepayment_is_split_into() -> None:
    told = loan(plan(*monthly(3), interest="10", fee="5"), pay(on(2, 1), "115"), pay(on(2, 15), "210", "prepayment"))
    # 325 are there: all 300 of principal, the fee of 5 due by then, and what is left is interest.
    assert amounts(table("fct_payment", told)[1], "principal", "fee", "interest") == money("200", "0", "10")


def test_a_loan_repaid_early_misses_no_later_instalment() -> None:
    told = loan(plan(*monthly(3), interest="10"), pay(on(2, 1), "110"), pay(on(2, 15), "200", "prepayment"))
    rows = table("mart_first_payment_default", told)
    assert amounts(row(rows, instalment_no=3, window_days=1), "eligible_loans", "short_loans") == [1, 0]
    instalments = table("fct_instalment", told)
    assert [(one["settled_on"], one["status"]) for one in instalments] == [
        (on(2, 1), "paid"),
        (on(2, 15), "paid"),
        (on(2, 15), "paid"),
    ]


def test_a_payoff_ends_with_its_reversal() -> None:
    prepaid = pay(on(2, 15), "200", "prepayment")
    told = loan(
        plan(*monthly(3), principal="100", interest="10"),
        pay(on(2, 1), "110"),
        prepaid,
        take_back(prepaid, on(3, 5)),
    )
    told_life = life(told)
    assert [at(told_life, *day).state for day in ((2, 15), (3, 4), (3, 5))] == ["settled", "settled", "active"]
    assert dpd_and_overdue(told_life, 3, 5) == [4, 110]
    assert at(told_life, 3, 5).outstanding_principal == 200
    assert [one["month_end"] for one in table("fct_loan_month", told, as_of=on(4, 30))] == [
        on(1, 31),
        on(2, 29),
        on(3, 31),
        on(4, 30),
    ]
    bridge = table("mart_balance_bridge_monthly", told)
    assert row(bridge, month_end=on(2, 29))["prepaid"] == 200
    assert row(bridge, month_end=on(3, 31))["prepaid"] == -200


def test_the_lenders_word_settles_nothing_that_is_short() -> None:
    # Waterfall with interest last: 210 cover all principal, and 10 of interest that has fallen due stay open.
    told = loan(
        plan(on(2, 1), on(3, 1), principal="100", interest="10"),
        pay(on(3, 1), "210"),
        events=(Event(on(3, 4), "settled"),),
    )
    order = "penalty,fee,principal,interest"
    assert [at(life(told, allocation_order=order), 3, day).state for day in (3, 4)] == ["active", "active"]
    assert at(life(told, allocation_order=order), 3, 4).dpd == 3
    rows = table("fct_instalment", told, allocation_order=order)
    assert [(one["settled_on"], one["status"]) for one in rows] == [(on(3, 1), "paid_late"), (None, "partial")]


def test_the_lenders_word_alone_settles_nothing() -> None:
    told = loan(plan(*monthly(2)), pay(on(2, 1), "100"), events=(Event(on(2, 10), "settled"),))
    assert at(life(told), 3, 2).state == "active"
    assert at(life(told), 3, 2).dpd == 1


def test_nothing_is_short_on_any_schedule_while_a_loan_is_paid_off() -> None:
    # The second schedule asks for 150 of the 200: these are paid off, and 50 stay open that no schedule asks for.
    shorter = plan(on(6, 1), principal="150", version=2, effective_on=on(3, 10))
    told = loan(plan(*monthly(2)) + shorter, pay(on(4, 1), "150"), events=(Event(on(4, 5), "settled"),))
    assert [at(life(told), 4, day).contractual_dpd for day in (4, 5)] == [34, 0]
    assert [at(life(told), 4, day).outstanding_principal for day in (4, 5)] == [50, 50]
    assert [at(life(told), 4, day).state for day in (4, 5)] == ["active", "active"]


def test_what_a_payment_settles_on_a_day_on_which_the_lender_calls_the_loan_settled() -> None:
    # But for a cent of interest all is there already, and 21.49 are split as a payoff before the prepayment comes.
    told = loan(
        plan(on(2, 1), principal="20", interest="1.50"),
        pay(on(2, 1), "21.49"),
        pay(on(3, 1), "21.50", "prepayment"),
        events=(Event(on(3, 1), "settled"),),
    )
    columns = ("principal", "interest", "unallocated")
    assert amounts(table("fct_payment", told)[1], *columns) == money("0", "0.01", "21.49")


def test_a_payoff_covers_what_is_due_beside_principal_in_the_order_of_the_conventions() -> None:
    # 2 of the 4 of penalty are waived; where penalties are covered last, interest and fee had been paid before.
    told = loan(
        plan(on(2, 1), principal="20", interest="3", fee="1", penalty="4"),
        pay(on(3, 1), "26"),
        pay(on(3, 1), "2", "waiver", called="waived"),
        events=(Event(on(3, 1), "settled"),),
    )
    columns = ("principal", "interest", "fee", "penalty")
    rows = table("fct_payment", told, allocation_order="fee,interest,principal,penalty")
    assert [amounts(one, *columns) for one in rows] == [money("20", "3", "1", "2"), money("0", "0", "0", "2")]


def test_a_prepayment_pays_off_only_with_itself_among_the_payments_of_its_day() -> None:
    day = on(1, 15)
    told = loan(
        plan(*monthly(2), principal="20", interest="5"),
        pay(day, "25", called="1"),
        pay(day, "20", called="2"),
        pay(day, "5", "prepayment", called="0", posted_on=on(1, 17)),
    )
    # 45 would pay all principal, but are two repayments by the waterfall; the prepayment comes last.
    columns = ("payment_id", "principal", "interest")
    assert [amounts(one, *columns) for one in table("fct_payment", told)] == [
        ["1", *money("20", "5")],
        ["2", *money("15", "5")],
        ["0", *money("5", "0")],
    ]


@pytest.mark.parametrize(
    ("kind", "state"),
    [("written_off", "written_off"), ("transferred", "transferred")],
)
def test_a_terminal_event_takes_the_loan_out_of_the_book_for_good(kind: str, state: str) -> None:
    told = loan(plan(*monthly(3)), pay(on(6, 1), "300"), events=(Event(on(5, 10), kind),))
    found = life(told)
    assert [at(found, *day).state for day in ((5, 9), (5, 10), (6, 1))] == ["active", state, state]
    assert amounts(row(table("fct_loan_month", told), month_end=on(5, 31)), "dpd", "outstanding_principal") == [0, 0]
    assert table("fct_loan_month", told)[-1]["month_end"] == on(5, 31)
    assert table("fct_delinquency_spell", told)[0]["exit_reason"] == state
    assert row(table("mart_balance_bridge_monthly", told), month_end=on(5, 31))[state] == 300


def test_a_loan_that_left_on_the_first_of_a_month_is_shown_at_its_end() -> None:
    told = loan(plan(on(12, 1)), events=(Event(on(5, 1), "transferred"),))
    assert [(one["month_end"], one["state"]) for one in table("fct_loan_month", told)][-2:] == [
        (on(4, 30), "active"),
        (on(5, 31), "transferred"),
    ]


def test_a_loan_that_was_settled_leaves_the_book_no_second_time() -> None:
    def shown(written_off_on: dt.date) -> list[tuple[dt.date, str]]:
        told = loan(plan(on(2, 1)), pay(on(2, 1), "100"), events=(Event(written_off_on, "written_off"),))
        return [(one["month_end"], one["state"]) for one in table("fct_loan_month", told)]

    assert shown(on(5, 10)) == [(on(1, 31), "active"), (on(2, 29), "settled")]
    assert shown(on(2, 10)) == [(on(1, 31), "active"), (on(2, 29), "settled")]


def test_what_comes_in_after_a_write_off_is_not_repaid_principal() -> None:
    told = loan(plan(on(2, 1)), pay(on(2, 12), "100"), events=(Event(on(2, 10), "written_off", Decimal(90)),))
    february = row(table("mart_balance_bridge_monthly", told), month_end=on(2, 29))
    assert amounts(february, "opening", "scheduled_principal", "written_off", "corrections") == money(
        "100", "0", "90", "-10"
    )
    recovery = row(table("mart_recovery_monthly", told), window_days=15)
    assert recovery["collected_principal"] == 0


def test_what_is_written_off_is_what_the_payments_of_the_day_leave() -> None:
    columns = ("disbursed", "scheduled_principal", "written_off", "corrections", "closing")
    paid_that_day = loan(plan(on(2, 1), on(3, 1)), pay(on(1, 10), "40"), events=(Event(on(1, 10), "written_off"),))
    (january,) = table("mart_balance_bridge_monthly", paid_that_day, as_of=on(1, 31))
    assert amounts(january, *columns) == money("200", "40", "160", "0", "0")
    at_once = loan(plan(on(2, 1)), events=(Event(NEW_YEAR, "written_off"),))
    (january,) = table("mart_balance_bridge_monthly", at_once, as_of=on(1, 31))
    assert amounts(january, *columns) == money("100", "0", "100", "0", "0")


def test_of_a_settled_loan_nothing_is_written_off() -> None:
    # A cent within the tolerance stays open for ever: it is no loss.
    told = loan(plan(on(2, 1)), pay(on(1, 10), "99.99"), events=(Event(on(1, 20), "written_off"),))
    (january,) = table("mart_balance_bridge_monthly", told, as_of=on(1, 31))
    assert amounts(january, "scheduled_principal", "written_off", "corrections", "closing") == money(
        "99.99", "0", "-0.01", "0"
    )


def test_money_that_ends_a_loan_or_comes_after_it_settles_no_instalment() -> None:
    told = loan(
        plan(on(2, 1)),
        pay(on(5, 10), "105", "compensation"),
        pay(on(6, 1), "40", "recovery", principal=Decimal(30), fee=Decimal(10)),
    )
    assert [at(life(told), 5, day).state for day in (9, 10)] == ["active", "compensated"]
    compensation, recovery = table("fct_payment", told)
    assert amounts(compensation, "principal", "unallocated") == money("0", "105")
    assert amounts(recovery, "principal", "fee", "unallocated") == money("30", "10", "0")
    may = row(table("mart_balance_bridge_monthly", told), month_end=on(5, 31))
    assert amounts(may, "opening", "transferred", "corrections", "closing") == money("100", "100", "0", "0")


def test_a_compensation_that_is_reversed_ends_nothing() -> None:
    paid = pay(on(5, 10), "100", "compensation")
    assert at(life(loan(plan(on(2, 1)), paid, take_back(paid, on(5, 12)))), 5, 11).state == "active"


def test_of_one_day_the_state_first_in_the_alphabet_wins() -> None:
    events = (Event(on(5, 10), "written_off"), Event(on(5, 10), "transferred"))
    assert at(life(loan(plan(on(2, 1)), events=events)), 5, 10).state == "transferred"


def test_a_loan_missing_without_a_reason_is_unknown_and_stays_in_the_book() -> None:
    absent = (Absence(on(3, 10), on(3, 20)), Absence(on(4, 10)))
    told = loan(plan(on(2, 1)), absences=absent)
    days = ((3, 9), (3, 10), (3, 20), (4, 10))
    assert [at(life(told), *day).state for day in days] == ["active", "unknown", "active", "unknown"]
    assert at(life(told), 3, 10).dpd == 38
    rolled = row(table("mart_roll_rate_monthly", told), from_month_end=on(3, 31))
    assert (rolled["from_state"], rolled["to_state"]) == ("M2", "unknown")
    assert row(table("mart_overdue_rate_monthly", told), month_end=on(4, 30))["active_loans"] == 1


def test_a_waiver_is_no_cash_and_no_cure() -> None:
    told = loan(plan(*monthly(2)), pay(on(2, 20), "100", "waiver"), pay(on(3, 1), "100"))
    (spell,) = table("fct_delinquency_spell", told)
    assert (spell["exited_on"], spell["exit_reason"], spell["max_dpd"]) == (on(2, 20), "waived", 18)
    assert [one["status"] for one in table("fct_instalment", told)] == ["waived", "paid"]
    curve = row(table("mart_collection_curve", told), due_month=on(2, 29), months_since_due=0)
    assert amounts(curve, "amount_due", "amount_collected_to_date") == money("100", "0")


def test_a_waiver_of_what_is_not_overdue_yet_is_no_exit() -> None:
    # 100 are paid first and settle what is overdue; the waiver goes to March.
    told = loan(plan(*monthly(3)), pay(on(2, 20), "100", called="1"), pay(on(2, 20), "50", "waiver", called="2"))
    assert table("fct_delinquency_spell", told)[0]["exit_reason"] == "paid"


def test_a_waiver_of_what_was_charged_back_is_an_exit_too() -> None:
    paid = pay(on(2, 1), "100")
    told = loan(plan(*monthly(2)), paid, take_back(paid, on(2, 20), "chargeback"), pay(on(2, 25), "100", "waiver"))
    (spell, _) = table("fct_delinquency_spell", told)
    assert (spell["first_missed_due_on"], spell["entered_on"], spell["exited_on"], spell["exit_reason"]) == (
        on(2, 20),
        on(2, 21),
        on(2, 25),
        "waived",
    )


# The lender's own balance


def test_under_reported_the_loan_enters_with_its_first_balance_and_ends_with_the_lenders_word() -> None:
    told = loan(
        plan(*monthly(3)),
        pay(on(2, 1), "100", principal=Decimal(90)),
        pay(on(3, 1), "100", principal=Decimal(95)),
        events=(Event(on(4, 5), "settled"),),
        positions=(
            Position(on(2, 10), Decimal(210)),
            Position(on(3, 10), Decimal(115), dpd=0),
            Position(on(3, 20), None, dpd=7),
            Position(on(4, 6), None),
        ),
    )
    found = life(told, outstanding="reported")
    assert found.entered_on == on(2, 10)
    days = ((2, 10), (3, 9), (3, 25), (4, 5), (4, 6))
    assert [at(found, *day).outstanding_principal for day in days] == money("210", "210", "115", "115", "0")
    assert [at(found, 4, day).state for day in (5, 6)] == ["active", "settled"]
    bridge = table("mart_balance_bridge_monthly", told, outstanding="reported")
    columns = ("opening", "disbursed", "scheduled_principal", "corrections", "closing")
    assert amounts(bridge[0], *columns) == money("0", "210", "0", "0", "210")
    assert amounts(bridge[1], *columns) == money("210", "0", "95", "0", "115")
    (current,) = table("fct_loan_current", told, as_of=on(3, 31), outstanding="reported")
    assert (current["reported_dpd"], current["reported_outstanding_principal"]) == (7, None)


# Odd loans


def test_a_loan_of_nothing_is_settled_from_the_start() -> None:
    told = loan((), principal="0")
    assert at(life(told), 1, 1).state == "settled"
    assert table("fct_loan_month", told) == []
    assert table("fct_loan_current", told)[0]["state"] == "settled"


def test_a_loan_without_instalments_is_never_overdue_and_never_repaid() -> None:
    told = loan((), pay(on(2, 1), "100", "prepayment"), principal="100")
    assert (at(life(told), 12, 31).state, at(life(told), 12, 31).dpd) == ("active", 0)
    assert amounts(table("fct_payment", told)[0], "principal", "unallocated") == money("0", "100")


def test_a_bullet_loan_falls_due_at_once() -> None:
    told = life(loan(plan(on(6, 30), principal="1000", interest="60")))
    assert dpd_and_overdue(told, 6, 30) == [0, 0]
    assert dpd_and_overdue(told, 7, 1) == [1, 1060]
    assert at(told, 7, 1).overdue_principal == 1000


def test_an_instalment_of_nothing_is_settled_on_its_due_date() -> None:
    rows = table("fct_instalment", loan(plan(on(2, 1), principal="0"), principal="50"))
    assert (rows[0]["settled_on"], rows[0]["status"], rows[0]["days_late"]) == (on(2, 1), "paid", 0)


def test_a_loan_dated_tomorrow_is_not_in_the_book() -> None:
    told = loan(plan(on(2, 1)), disbursed_on=on(1, 2))
    tables = reckon([book(told, as_of=on(1, 1))], on(1, 1))
    assert tables["fct_loan_current"] == tables["mart_delinquency_daily"] == []
    assert tables["fct_instalment"][0]["status"] == "not_due"


def test_debt_types_by_severity() -> None:
    nothing, part = loan(plan(on(2, 1))), loan(plan(on(2, 1)), pay(on(2, 5), "1"))
    assert [at(life(nothing), *day).debt_type for day in ((2, 1), (2, 2), (5, 1), (5, 2))] == [
        None,
        "overdue_unpaid",
        "overdue_unpaid",
        "default",
    ]
    assert at(life(part), 2, 5).debt_type == "partial"


# Marts


def test_every_bucket_is_a_row_of_every_day_with_a_loan() -> None:
    rows = table("mart_delinquency_daily", loan(plan(on(1, 2)), pay(on(1, 4), "100")), as_of=on(1, 6))
    assert {one["as_of_date"] for one in rows} == {on(1, 1), on(1, 2), on(1, 3)}
    assert len(rows) == 3 * 8
    assert amounts(row(rows, as_of_date=on(1, 3), bucket="M1"), "loans", "overdue_principal") == [1, 100]


def test_overdue_rates_have_one_population_and_count_people_once() -> None:
    good = loan(plan(on(12, 1)), loan_id="good", identity_hash="ann")
    bad = loan(plan(on(1, 15), principal="300"), loan_id="bad", identity_hash="ann")
    gone = loan(plan(on(1, 15)), loan_id="gone", events=(Event(on(1, 20), "written_off"),))
    rows = table("mart_overdue_rate_monthly", good, bad, gone, as_of=on(2, 28, 2021))
    january = row(rows, month_end=on(1, 31))
    assert amounts(january, "active_loans", "active_borrowers", "overdue_borrowers") == [2, 1, 1]
    assert amounts(january, "outstanding_principal", "balance_overdue_1", "overdue_rate") == money("400", "300", "0.75")
    year_later = row(rows, month_end=on(1, 31, 2021))
    assert amounts(year_later, "overdue_rate_yoy_pp", "par30_rate_yoy_pp") == money("25", "100")
    quarters = table("mart_overdue_rate_quarterly", good, bad, as_of=on(7, 1))
    assert [one["quarter_end"] for one in quarters] == [on(3, 31), on(6, 30)]
    ageing = table("mart_ageing_quarterly", good, bad, as_of=on(7, 1))
    third_bucket = row(ageing, quarter_end=on(3, 31), bucket="M3")
    assert amounts(third_bucket, "loans", "share_of_outstanding") == [1, Decimal("0.75")]
    assert len(ageing) == 2 * 8


def test_roll_rates_hold_every_loan_of_the_cohort() -> None:
    told = loan(plan(*monthly(3)), pay(on(4, 20), "300"))
    rows = table("mart_roll_rate_monthly", told, as_of=on(5, 31))
    assert [(one["from_state"], one["to_state"], one["opening_principal"]) for one in rows] == [
        ("M0", "M1", 300),
        ("M1", "M2", 300),
        ("M2", "settled", 300),
    ]


def test_a_vintage_remembers_what_was_ever_late() -> None:
    told = loan(plan(*monthly(3)), pay(on(3, 10), "300"))
    rows = table("mart_vintage", told, loan(plan(*monthly(3)), loan_id="l2", disbursed_on=on(1, 20)), as_of=on(4, 15))
    assert [one["mob"] for one in rows if one["threshold_dpd"] == 0] == [0, 1, 2]
    at_2 = row(rows, mob=2, threshold_dpd=30)
    assert amounts(at_2, "loans", "disbursed_principal", "ever_loans", "ever_balance") == [2, 600, 2, 600]
    assert amounts(at_2, "current_loans", "current_balance") == [1, 300]
    assert row(rows, mob=1, threshold_dpd=30)["ever_loans"] == 0


def test_first_payment_default_looks_at_the_close_of_each_window() -> None:
    told = loan(plan(*monthly(2)), pay(on(2, 6), "100"))
    rows = table("mart_first_payment_default", told, as_of=on(3, 10))
    first = {one["window_days"]: one["short_loans"] for one in rows if one["instalment_no"] == 1}
    assert first == {1: 1, 3: 1, 7: 0, 15: 0, 30: 0}
    second = {
        one["window_days"]: (one["short_loans"], one["exclusive_short_loans"])
        for one in rows
        if one["instalment_no"] == 2
    }
    assert second == {1: (1, 0), 3: (1, 0), 7: (1, 1)}


def test_first_payment_default_measures_on_after_a_write_off_and_not_after_settlement() -> None:
    gone = loan(plan(on(2, 1)), loan_id="gone", events=(Event(on(2, 2), "written_off"),))
    early = loan(plan(on(2, 1)), pay(on(1, 15), "100"), loan_id="early")
    before = loan(plan(on(2, 1)), loan_id="before", events=(Event(on(1, 31), "transferred"),))
    rows = table("mart_first_payment_default", gone, early, before)
    assert amounts(row(rows, window_days=7), "eligible_loans", "short_loans") == [2, 1]


def test_an_instalment_is_judged_by_the_conventions_of_its_due_date_ever_after() -> None:
    # On 1 February only interest counts, and 10 of it are paid; from the 5th on principal counts too.
    told = ruled(
        loan(plan(on(2, 1), principal="90", interest="10"), pay(on(2, 1), "10"), pay(on(2, 20), "60")),
        Convention("components", "interest"),
        Convention("components", "principal,interest,fee", on(2, 5)),
        Convention("allocation_order", "principal,penalty,fee,interest", on(2, 5)),
        as_of=on(3, 31),
    )
    (changed,) = lives(told)
    assert dpds(changed, (2, 4), (2, 5)) == [0, 4]
    tables = reckon([told], on(3, 31))
    assert [one["short_loans"] for one in tables["mart_first_payment_default"]] == [0] * 5
    curve = tables["mart_collection_curve"]
    assert [amounts(one, "amount_due", "amount_collected_to_date") for one in curve] == [money("10", "10")] * 2


def test_inflow_is_of_loans_on_time_on_the_eve() -> None:
    rows = table("mart_inflow_daily", loan(plan(*monthly(3)), pay(on(3, 1), "150")), as_of=on(4, 30))
    assert [(one["due_on"], one["is_first_instalment"], one["short_instalments"]) for one in rows] == [
        (on(2, 1), True, 1)
    ]
    on_the_day = loan(plan(on(2, 1)), disbursed_on=on(2, 1))
    assert table("mart_inflow_daily", on_the_day) == []


def test_an_instalment_falls_due_once_on_the_plan_in_force_that_day() -> None:
    # Numbers 1 and 2 on the first plan, before it was replaced on 10 March; number 3 on the second.
    curve = table("mart_collection_curve", extended_loan())
    assert [one["due_month"] for one in curve if one["months_since_due"] == 0] == [on(2, 29), on(3, 31), on(7, 31)]


def test_recovery_counts_cash_after_the_entry_net_of_returns() -> None:
    back = pay(on(2, 4), "30")
    told = loan(plan(*monthly(2)), pay(on(2, 2), "20"), back, take_back(back, on(2, 8)), pay(on(2, 20), "80"))
    rows = table("mart_recovery_monthly", told, as_of=on(6, 30))
    february = {one["window_days"]: one for one in rows if one["entry_month"] == on(2, 29)}
    assert february[3]["entry_overdue_principal"] == 80
    assert [february[window]["collected_principal"] for window in (3, 7, 15, 30)] == money("30", "0", "0", "80")
    assert [february[window]["cured_loans"] for window in (15, 30)] == [0, 1]
    assert february[30]["redefaulted_90d_loans"] == 1  # March is missed
    assert [february[30][f"followed_{what}_loans"] for what in ("cured", "redefaulted")] == [1, 1]
    young = table("mart_recovery_monthly", told, as_of=on(5, 19))  # 89 days after the cure of 20 February
    (cell,) = [one for one in young if (one["entry_month"], one["window_days"]) == (on(2, 29), 30)]
    assert [cell[f"{what}_loans"] for what in ("cured", "redefaulted_90d", "followed_cured")] == [1, 1, 0]


def test_of_several_entries_in_a_month_the_first_counts() -> None:
    february = (on(2, 1), on(2, 14))
    instalments = tuple(
        Instalment(1, number, day, amount)
        for number, day, amount in zip((1, 2), february, (Decimal(100), Decimal(70)), strict=True)
    )
    rows = table("mart_recovery_monthly", loan(instalments, pay(on(2, 5), "100")))
    first = row(rows, entry_bucket="M1", window_days=3)
    assert amounts(first, "entered_loans", "entry_overdue_principal", "cured_loans") == [1, 100, 1]


def test_only_a_spell_that_ends_by_payment_is_cured() -> None:
    rows = table("mart_recovery_monthly", loan(plan(*monthly(2)), pay(on(2, 4), "100", "waiver")), as_of=on(2, 29))
    assert amounts(row(rows, window_days=3), "entered_loans", "cured_loans", "collected_principal") == [1, 0, 0]


def test_the_collection_curve_sets_cash_against_what_fell_due() -> None:
    told = loan(plan(*monthly(2)), pay(on(1, 20), "10"), pay(on(3, 5), "120"))
    rows = table("mart_collection_curve", told, as_of=on(3, 31))
    assert [(one["due_month"], one["months_since_due"], one["amount_collected_to_date"]) for one in rows] == [
        (on(2, 29), 0, 10),
        (on(2, 29), 1, 100),
        (on(3, 31), 0, 30),
    ]


def test_the_bridge_of_30_days_past_due_names_every_way() -> None:
    rows = table("mart_delinquency_bridge_monthly", loan(plan(*monthly(5)), pay(on(5, 20), "350")), as_of=on(6, 30))
    columns = ("opening_30", "rolled_in", "cured", "paid_down", "other", "closing_30")
    assert amounts(row(rows, month_end=on(3, 31)), *columns) == money("0", "500", "0", "0", "0", "500")
    assert amounts(row(rows, month_end=on(5, 31)), *columns) == money("500", "0", "150", "350", "0", "0")
    paid = pay(on(3, 10), "50")
    returned = table("mart_delinquency_bridge_monthly", loan(plan(*monthly(5)), paid, take_back(paid, on(4, 10))))
    assert amounts(row(returned, month_end=on(4, 30)), *columns) == money("450", "0", "0", "0", "50", "500")
    moved = table("mart_delinquency_bridge_monthly", _extended_when_30_late(), as_of=on(4, 30))
    assert amounts(row(moved, month_end=on(4, 30)), *columns) == money("300", "0", "0", "0", "-300", "0")
    partly = (pay(on(4, 5), "100"), pay(on(4, 10), "200", "waiver"))  # February paid; March, and April, are forgiven
    forgiven = table("mart_delinquency_bridge_monthly", loan(plan(*monthly(4)), *partly), as_of=on(4, 30))
    assert amounts(row(forgiven, month_end=on(4, 30)), *columns) == money("400", "0", "0", "100", "-300", "0")
    settled = (pay(on(4, 5), "300"), pay(on(4, 10), "100", "waiver"))
    rest = table("mart_delinquency_bridge_monthly", loan(plan(*monthly(4)), *settled), as_of=on(4, 30))
    assert amounts(row(rest, month_end=on(4, 30)), *columns) == money("400", "0", "0", "300", "-100", "0")


def _extended_when_30_late() -> Loan:
    later = plan(*monthly(3, on(6, 1)), version=2, effective_on=on(4, 10))
    return loan(plan(*monthly(3)) + later, events=(Event(on(4, 10), "extended"),))


def _stories() -> list[Loan]:
    back = pay(on(2, 15), "200", "prepayment")
    return [
        vector_a(),
        extended_loan(),
        _extended_when_30_late(),
        loan(plan(*monthly(3), interest="10"), pay(on(2, 1), "110"), back, take_back(back, on(3, 5))),
        loan(plan(*monthly(3)), pay(on(3, 2), "60", "waiver"), events=(Event(on(6, 10), "written_off", Decimal(200)),)),
        loan(plan(*monthly(3)), pay(on(5, 10), "300", "buyback"), absences=(Absence(on(4, 1)),)),
    ]


def _named_apart(loans: list[Loan]) -> list[Loan]:
    return [Loan(**{**vars(one), "loan_id": f"l{number}"}) for number, one in enumerate(loans)]


def _outstanding(rows: list[Row], **key: object) -> Decimal:
    held = [one for one in rows if all(one[column] == value for column, value in key.items())]
    return sum((one["outstanding_principal"] for one in held), Decimal(0))


def test_the_tables_tie() -> None:
    tables = reckon([book(*_named_apart(_stories()), as_of=on(8, 31))], on(8, 31))
    months = tables["fct_loan_month"]
    for bridge in tables["mart_balance_bridge_monthly"]:
        gone = sum(bridge[way] for way in ("scheduled_principal", "prepaid", "waived", "written_off", "transferred"))
        assert bridge["closing"] == bridge["opening"] + bridge["disbursed"] - gone + bridge["corrections"]
        assert bridge["closing"] == _outstanding(months, month_end=bridge["month_end"])
    for bridge in tables["mart_delinquency_bridge_monthly"]:
        gone = sum(bridge[way] for way in ("cured", "paid_down", "written_off"))
        assert bridge["closing_30"] == bridge["opening_30"] + bridge["rolled_in"] - gone + bridge["other"]
    for rate in tables["mart_overdue_rate_monthly"]:
        daily = tables["mart_delinquency_daily"]
        assert rate["outstanding_principal"] == _outstanding(daily, as_of_date=rate["month_end"])
    for paid in tables["fct_payment"]:
        parts = sum(paid[part] for part in ("principal", "interest", "fee", "penalty", "unallocated"))
        assert parts == paid["amount"]


def test_a_book_known_past_the_business_date_is_refused() -> None:
    with pytest.raises(ValueError, match="past the business date 2020-01-01"):
        reckon([book(as_of=on(1, 2))], on(1, 1))
