"""The traps of payments: what a naive build makes of money that comes back, in part, too much, or is none."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from ..reference.book import CollectionAction
from .stories import Marts, due, event, loan, on, paid, rule, undone

THREE = [due(1, "2024-02-01", 100), due(2, "2024-03-01", 100), due(3, "2024-04-01", 100)]
REPORTED = [rule("allocation", "reported")]

# ── 8: money that comes back ─────────────────────────────────────────────────────────────────────────────


def test_trap_08_a_returned_payment_reopens_the_old_instalment(marts: Marts) -> None:
    """A payment that its return nets away leaves no trace: the instalment re-opens with its first due date, and was
    paid until then."""
    first = paid("2024-02-01", 100)
    told = loan(300, "2024-01-01", THREE, [first, undone(first, "2024-02-15")])
    closes = {"2024-02-01": (0, 0), "2024-02-14": (0, 0), "2024-02-15": (14, 100), "2024-02-29": (28, 100)}
    assert marts.at(list(closes), told, "dpd", "overdue_amount") == closes

    now = marts.of("2024-02-29", told)
    assert now.rows("fct_payment", "kind", "amount", "principal", "is_reversed") == [
        ("repayment", 100, 100, True), ("reversal", -100, -100, False),
    ]  # fmt: skip
    # the history of the days before the return is not rewritten
    days = now.rows("mart_delinquency_daily", "as_of_date", bucket="M1", loans=1)
    assert days == [on(f"2024-02-{day}") for day in range(15, 30)]


def test_trap_08_the_instalment_that_was_paid_reopens_and_no_other(marts: Marts) -> None:
    """Where the lender says which instalment money was for, its return re-opens that one, however many were paid since:
    from 1 February to 10 March are 38 days."""
    first, second = paid("2024-02-01", 100, of=1), paid("2024-03-01", 100, of=2)
    told = loan(300, "2024-01-01", THREE, [first, second, undone(first, "2024-03-10")])
    now = marts.of("2024-03-10", told, rules=REPORTED)
    columns = ("dpd", "oldest_unpaid_due_on", "overdue_amount")
    assert now.one("fct_loan_current", *columns) == (38, on("2024-02-01"), 100)
    assert now.rows("fct_instalment", "instalment_no", "status", "principal_paid") == [
        (1, "overdue", 0), (2, "paid", 100), (3, "not_due", 0),
    ]  # fmt: skip


def test_trap_08_a_settled_loan_becomes_active_again(marts: Marts) -> None:
    """Settled is not for ever: the last payment is returned, and the loan is back in the book with what it owes."""
    last = paid("2024-03-01", 100)
    told = loan(200, "2024-01-01", THREE[:2], [paid("2024-02-01", 100), last, undone(last, "2024-03-05")])
    closes = {
        "2024-02-29": ("active", 0, 100), "2024-03-01": ("settled", 0, 0), "2024-03-04": ("settled", 0, 0),
        "2024-03-05": ("active", 4, 100), "2024-03-31": ("active", 30, 100),
    }  # fmt: skip
    assert marts.at(list(closes), told, "state", "dpd", "outstanding_principal") == closes
    months = marts.of("2024-03-31", told).rows("mart_overdue_rate_monthly", "active_loans", "balance_overdue_1")
    assert months == [(1, 0), (1, 0), (1, 100)]


def test_trap_08_a_settled_loan_reopened_keeps_its_months_apart(marts: Marts) -> None:
    """Paid off in February, returned in April: February says settled, March says nothing, April is in the book."""
    only = paid("2024-02-05", 100)
    told = loan(100, "2024-01-05", [due(1, "2024-02-05", 100)], [only, undone(only, "2024-04-10")])
    assert marts.of("2024-04-30", told).rows("fct_loan_month", "month_end", "state", "dpd") == [
        (on("2024-01-31"), "active", 0), (on("2024-02-29"), "settled", 0), (on("2024-04-30"), "active", 85),
    ]  # fmt: skip


# ── 9: what is not the borrower's cash ───────────────────────────────────────────────────────────────────

TWO_FAR_APART = [due(1, "2024-02-01", 100), due(2, "2024-05-01", 100)]


def test_trap_09_a_waiver_is_not_cash_and_no_cure(marts: Marts) -> None:
    """A waiver ends the delinquency as a payment would, but nothing was collected, recovered or cured."""
    told = loan(200, "2024-01-01", TWO_FAR_APART, [paid("2024-02-10", 100, "waiver")])
    now = marts.of("2024-03-31", told)
    assert now.one("fct_delinquency_spell", "entered_on", "exited_on", "exit_reason") == (
        on("2024-02-02"), on("2024-02-10"), "waived",
    )  # fmt: skip
    assert now.one("fct_instalment", "status", "principal_paid", instalment_no=1) == ("waived", 100)
    entered = ("entered_loans", "entry_overdue_principal", "collected_principal", "cured_loans")
    assert now.one("mart_recovery_monthly", *entered, entry_bucket="M1", window_days=30) == (1, 100, 0, 0)
    assert now.rows("mart_collection_curve", "months_since_due", "amount_due", "amount_collected_to_date") == [
        (0, 100, 0), (1, 100, 0),
    ]  # fmt: skip
    flows = ("opening", "scheduled_principal", "waived", "corrections", "closing")
    assert now.one("mart_balance_bridge_monthly", *flows, month_end="2024-02-29") == (200, 0, 100, 0, 100)


def test_trap_09_a_waiver_takes_a_loan_out_of_30_without_curing_it(marts: Marts) -> None:
    """Half of what keeps it there is paid, half forgiven; of another loan the rest is forgiven once most is paid."""
    told = loan(200, "2024-01-01", TWO_FAR_APART, [paid("2024-04-05", 50), paid("2024-04-10", 50, "waiver")])
    now = marts.of("2024-04-30", told)
    flows = ("opening_30", "rolled_in", "cured", "paid_down", "written_off", "other", "closing_30")
    assert now.one("mart_delinquency_bridge_monthly", *flows, month_end="2024-03-31") == (0, 200, 0, 0, 0, 0, 200)
    assert now.one("mart_delinquency_bridge_monthly", *flows, month_end="2024-04-30") == (200, 0, 0, 50, 0, -150, 0)
    settled = loan(200, "2024-01-01", TWO_FAR_APART, [paid("2024-04-05", 140), paid("2024-04-10", 60, "waiver")])
    now = marts.of("2024-04-30", settled)
    assert now.one("mart_delinquency_bridge_monthly", *flows, month_end="2024-04-30") == (200, 0, 0, 140, 0, -60, 0)


def test_trap_09_a_waived_penalty_beside_full_payment_is_a_cure(marts: Marts) -> None:
    """The lender covers penalties last and calls the loan settled on the day on which it waives one: all else had been
    paid, so the waiver is for the penalty, and takes back no interest to make room for it."""
    plan = [due(1, "2024-02-01", 100, 10, 2, 3), due(2, "2024-03-01", 100, 10, 2, 4)]
    payments = [paid("2024-02-10", 115), paid("2024-03-20", 114), paid("2024-03-20", 2, "waiver")]
    told = loan(200, "2024-01-01", plan, payments, [event("2024-03-20", "settled")])
    now = marts.of("2024-03-31", told, rules=[rule("allocation_order", "fee,interest,principal,penalty")])
    assert now.rows("fct_payment", "value_on", "kind", "principal", "interest", "fee", "penalty") == [
        (on("2024-02-10"), "repayment", 100, 10, 2, 3), (on("2024-03-20"), "repayment", 100, 10, 2, 2),
        (on("2024-03-20"), "waiver", 0, 0, 0, 2),
    ]  # fmt: skip
    spells = now.rows("fct_delinquency_spell", "exited_on", "exit_reason")
    assert spells == [(on("2024-02-10"), "paid"), (on("2024-03-20"), "paid")]


def test_trap_09_a_refund_takes_back_what_was_collected(marts: Marts) -> None:
    """100 came on the due day, 40 went back nine days later: 60 are collected, and 40 are overdue since the due day."""
    told = loan(200, "2024-01-01", TWO_FAR_APART, [paid("2024-02-01", 100), paid("2024-02-10", 40, "refund")])
    closes = {"2024-02-09": (0, 0), "2024-02-10": (9, 40)}
    assert marts.at(list(closes), told, "dpd", "overdue_amount") == closes
    now = marts.of("2024-02-29", told)
    assert now.one("mart_collection_curve", "amount_due", "amount_collected_to_date") == (100, 60)
    flows = ("scheduled_principal", "corrections", "closing")
    assert now.one("mart_balance_bridge_monthly", *flows, month_end="2024-02-29") == (60, 0, 140)


def test_trap_09_a_chargeback_reopens_on_its_own_date(marts: Marts) -> None:
    """The payer claims the money back on 20 February: it is no longer collected, and days count from that day on."""
    first = paid("2024-02-01", 100)
    told = loan(200, "2024-01-01", TWO_FAR_APART, [first, undone(first, "2024-02-20", "chargeback")])
    closes = {"2024-02-19": 0, "2024-02-20": 0, "2024-02-21": 1, "2024-02-29": 9}
    assert marts.at(list(closes), told, "dpd") == closes
    now = marts.of("2024-02-29", told)
    assert now.one("fct_loan_current", "overdue_amount", "outstanding_principal") == (100, 200)
    assert now.one("mart_collection_curve", "amount_due", "amount_collected_to_date") == (100, 0)


def test_trap_09_a_return_of_money_that_never_came_takes_back_none(marts: Marts) -> None:
    """The bank returns 60 that nobody knows: the 100 that came of a debt more than half a year old stay recovered, and
    the promise of them is kept. Once the payment of the 60 is told of, it has come and gone."""
    unheard = paid("2024-09-10", 60)
    told = loan(300, "2024-01-01", THREE, [paid("2024-09-12", 100), undone(unheard, "2024-09-13")])
    promise = CollectionAction(
        "A1", dt.datetime(2024, 9, 11, 10, tzinfo=ZoneInfo("Asia/Shanghai")), "phone",
        promised_amount=Decimal(100), promised_on=on("2024-09-15"),
    )  # fmt: skip
    for payments in (told.payments, (unheard, *told.payments)):
        now = marts.of("2024-09-30", replace(told, payments=payments, actions=(promise,)))
        assert now.one("mart_long_overdue_monthly", "recovered_next_12m", month_end="2024-08-31") == 100
    now = marts.of("2024-09-30", replace(told, actions=(promise,)))
    assert now.one("fct_collection_action", "promise_kept") == "kept"
    assert now.one("fct_payment", "amount", "principal", "unallocated", kind="reversal") == (-60, 0, -60)


def test_trap_09_compensation_is_not_repayment(marts: Marts) -> None:
    """The guarantor pays the funder: the loan leaves the book as compensated, and the borrower has paid nothing."""
    told = loan(200, "2024-01-01", TWO_FAR_APART, [paid("2024-02-20", 200, "compensation")])
    now = marts.of("2024-03-31", told)
    assert now.one("fct_loan_current", "state", "outstanding_principal", "dpd") == ("compensated", 0, 0)
    assert now.one("fct_delinquency_spell", "exit_reason") == "compensated"
    flows = ("scheduled_principal", "prepaid", "transferred", "corrections", "closing")
    assert now.one("mart_balance_bridge_monthly", *flows, month_end="2024-02-29") == (0, 0, 200, 0, 0)
    entered = ("entered_loans", "collected_principal", "cured_loans")
    assert now.one("mart_recovery_monthly", *entered, entry_bucket="M1", window_days=30) == (1, 0, 0)
    assert set(now.rows("mart_collection_curve", "amount_collected_to_date")) == {0}
    assert now.one("fct_payment", "principal", "unallocated") == (0, 200)


# ── 10: too much of it ───────────────────────────────────────────────────────────────────────────────────


def test_trap_10_money_ahead_on_one_instalment_hides_no_shortfall_of_another(marts: Marts) -> None:
    """On 10 March 200 have fallen due and 200 were paid, none of it for the first instalment: 38 days, 100 overdue."""
    ahead = [paid("2024-02-25", 100, of=2, principal=100), paid("2024-02-26", 100, of=3, principal=100)]
    now = marts.of("2024-03-10", loan(300, "2024-01-01", THREE, ahead), rules=REPORTED)
    assert now.one("fct_loan_current", "dpd", "overdue_amount", "outstanding_principal") == (38, 100, 100)
    assert now.rows("fct_instalment", "instalment_no", "status") == [(1, "overdue"), (2, "paid"), (3, "paid")]


def test_trap_10_what_is_paid_beyond_an_instalment_is_for_the_next(marts: Marts) -> None:
    """250 on the first due day cover two instalments and half of the third."""
    told = loan(300, "2024-01-01", THREE, [paid("2024-02-01", 250)])
    closes = {"2024-02-01": (0, 0, 50), "2024-03-02": (0, 0, 50), "2024-04-01": (0, 0, 50), "2024-04-02": (1, 50, 50)}
    assert marts.at(list(closes), told, "dpd", "overdue_amount", "outstanding_principal") == closes


def test_trap_10_a_credit_balance_lowers_no_principal_and_covers_what_comes(marts: Marts) -> None:
    """330 for 300: the principal left is nil and not -30; of 40 that a later schedule adds, 10 are then short."""
    later = [
        *(due(one.instalment_no, str(one.due_on), 100, version=2, since="2024-05-10") for one in THREE),
        due(4, "2024-06-01", 0, 40, version=2, since="2024-05-10"),
    ]
    told = loan(300, "2024-01-01", [*THREE, *later], [paid("2024-02-01", 330)])
    closes = {
        "2024-02-01": ("settled", 0, 0, 0), "2024-05-09": ("settled", 0, 0, 0), "2024-06-01": ("active", 0, 0, 0),
        "2024-06-02": ("active", 0, 1, 10),
    }  # fmt: skip
    assert marts.at(list(closes), told, "state", "outstanding_principal", "dpd", "overdue_amount") == closes
    now = marts.of("2024-06-02", told)
    assert now.one("fct_payment", "principal", "interest", "unallocated") == (300, 0, 30)
    closing = now.rows("mart_balance_bridge_monthly", "closing")
    assert min(closing) == 0


# ── 11: before its time ──────────────────────────────────────────────────────────────────────────────────

WITH_INTEREST = [due(1, "2024-02-01", 100, 10), due(2, "2024-03-01", 100, 10), due(3, "2024-04-01", 100, 10)]


def test_trap_11_a_full_prepayment_owes_no_interest_for_the_time_after_it(marts: Marts) -> None:
    """110 in time, then all principal left, 200, in mid-cycle: settled, and no instalment ever falls short again."""
    told = loan(300, "2024-01-01", WITH_INTEREST, [paid("2024-02-01", 110), paid("2024-02-15", 200, "prepayment")])
    settled = ("settled", 0, 0, 0)
    closes = {"2024-02-14": ("active", 200, 0, 0), "2024-02-15": settled, "2024-03-02": settled, "2024-05-01": settled}
    assert marts.at(list(closes), told, "state", "outstanding_principal", "overdue_amount", "dpd") == closes
    now = marts.of("2024-05-01", told)
    assert now.rows("fct_payment", "kind", "principal", "interest", "unallocated") == [
        ("prepayment", 200, 0, 0), ("repayment", 100, 10, 0),
    ]  # fmt: skip
    assert now.rows("fct_delinquency_spell", "spell_no") == []
    flows = ("scheduled_principal", "prepaid", "corrections", "closing")
    assert now.one("mart_balance_bridge_monthly", *flows, month_end="2024-02-29") == (100, 200, 0, 0)


def test_trap_11_a_prepayment_a_little_short_settles_nothing(marts: Marts) -> None:
    """199.98 where 200 settle: two cents are beyond the tolerance, and the interest goes on accruing."""
    told = loan(300, "2024-01-01", WITH_INTEREST, [paid("2024-02-01", 110), paid("2024-02-15", "199.98", "prepayment")])
    # 309.98 cover 110, 110 and 89.98 of the last 110
    short = Decimal("20.02")
    closes = {"2024-02-15": ("active", 0, 0), "2024-04-01": ("active", 0, 0), "2024-04-02": ("active", 1, short)}
    assert marts.at(list(closes), told, "state", "dpd", "overdue_amount") == closes


def test_trap_11_a_part_prepayment_goes_by_its_new_schedule(marts: Marts) -> None:
    """100 ahead of time halve what is left: 55 a month are then in time, though the first plan says 110. It is no
    restructuring."""
    new = [
        due(1, "2024-02-01", 100, 10, version=2, since="2024-02-15"),
        due(2, "2024-02-15", 100, version=2, since="2024-02-15"),
        due(3, "2024-03-01", 50, 5, version=2, since="2024-02-15"),
        due(4, "2024-04-01", 50, 5, version=2, since="2024-02-15"),
    ]
    money = [paid("2024-02-01", 110), paid("2024-02-15", 100, "prepayment"), paid("2024-03-01", 55)]
    told = loan(300, "2024-01-01", [*WITH_INTEREST, *new], money)
    closes = {
        "2024-02-15": (0, 0, 100, False), "2024-03-02": (0, 0, 50, False), "2024-04-01": (0, 0, 50, False),
        "2024-04-02": (1, 55, 50, False),
    }  # fmt: skip
    assert marts.at(list(closes), told, "dpd", "overdue_amount", "outstanding_principal", "is_restructured") == closes


# ── 13: cents and fees ───────────────────────────────────────────────────────────────────────────────────

WITH_FEES = [due(1, "2024-02-01", 90, 0, 10, 5), due(2, "2024-03-01", 90, 0, 10)]


@pytest.mark.parametrize(
    ("order", "dpd", "principal_short", "split"),
    [
        ("penalty,fee,interest,principal", 4, 5, (5, 10, 85)),
        ("principal,interest,fee,penalty", 0, 0, (0, 10, 90)),
    ],
)
def test_trap_13_a_penalty_eats_of_a_payment_so_that_the_instalment_stays_short(
    marts: Marts, order: str, dpd: int, principal_short: int, split: tuple[int, ...]
) -> None:
    """100 are due and 100 are paid, but a penalty of 5 comes first: 5 of principal stay open, and the clock runs on.
    Under a convention that pays penalties last nothing is short."""
    told = loan(180, "2024-01-01", WITH_FEES, [paid("2024-02-05", 100)])
    now = marts.of("2024-02-05", told, rules=[rule("allocation_order", order)])
    assert now.one("fct_payment", "penalty", "fee", "principal") == split
    columns = ("dpd", "overdue_principal", "overdue_amount")
    assert now.one("fct_loan_current", *columns) == (dpd, principal_short, principal_short)


THIRDS = [due(1, "2024-02-01", "333.33"), due(2, "2024-03-01", "333.33"), due(3, "2024-04-01", "333.34")]


@pytest.mark.parametrize(
    ("last", "tolerance", "state", "dpd", "overdue"),
    [
        ("333.34", "0", "settled", 0, "0"),
        ("333.33", "0.01", "settled", 0, "0"),
        ("333.33", "0", "active", 1, "0.01"),
        ("333.32", "0.01", "active", 1, "0.02"),
    ],
)
def test_trap_13_the_last_instalment_carries_the_cents(
    marts: Marts, last: str, tolerance: str, state: str, dpd: int, overdue: str
) -> None:
    """A thousand in three: who pays 333.33 three times is one cent short, which the default tolerance forgives."""
    money = [paid("2024-02-01", "333.33"), paid("2024-03-01", "333.33"), paid("2024-04-01", last)]
    now = marts.of("2024-04-02", loan(1000, "2024-01-01", THIRDS, money), rules=[rule("tol_abs", tolerance)])
    assert now.one("fct_loan_current", "state", "dpd", "overdue_amount") == (state, dpd, Decimal(overdue))


@pytest.mark.parametrize(("amount", "dpd"), [("31.68", 0), ("31.67", 1)])
def test_trap_13_a_tolerance_in_per_cent_is_whole_cents(marts: Marts, amount: str, dpd: int) -> None:
    """Five per cent of 33.35 are 1.6675, which is 1.67 of money: 1.67 may be missing, and 1.68 may not."""
    told = loan("33.35", "2024-01-01", [due(1, "2024-02-01", "33.35")], [paid("2024-02-01", amount)])
    rules = [rule("tol_abs", "0"), rule("tol_pct", "0.05")]
    assert marts.of("2024-02-02", told, rules=rules).one("fct_loan_current", "dpd") == dpd


def test_trap_13_ten_times_a_tenth_is_one(marts: Marts) -> None:
    """In binary fractions ten tenths are less than one: without tolerance the loan would never settle."""
    assert sum([0.1] * 10) < 1
    tenths = [paid(f"2024-01-{day}", "0.10") for day in range(11, 21)]
    now = marts.of("2024-02-02", loan(1, "2024-01-01", [due(1, "2024-02-01", 1)], tenths), rules=[rule("tol_abs", "0")])
    assert now.one("fct_loan_current", "state", "dpd", "outstanding_principal") == ("settled", 0, 0)
