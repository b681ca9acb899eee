"""Named cases: lives on which the models and the reference once disagreed, shrunk to the facts that it took.

Each is a function without arguments that returns a book of one lender; its docstring tells the story.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from ...reference.book import Absence, Book, Convention, Event, Instalment, Loan, Payment, Position


def _on(day: str) -> dt.date:
    return dt.date.fromisoformat(day)


def _due(number: int, day: str, principal: str, interest: str = "0", fee: str = "0", penalty: str = "0") -> Instalment:
    return Instalment(1, number, _on(day), Decimal(principal), Decimal(interest), Decimal(fee), Decimal(penalty))


def _paid(number: int, day: str, amount: str, kind: str = "repayment", **more: Any) -> Payment:
    parts: dict[str, Any] = {
        name: Decimal(str(value)) if name in ("principal", "interest", "fee", "penalty") else value
        for name, value in more.items()
    }
    return Payment(f"P{number}", _on(day), kind, Decimal(amount), **parts)


def _event(day: str, kind: str) -> Event:
    return Event(_on(day), kind)


def _version(number: int, since: str, *instalments: Instalment) -> list[Instalment]:
    return [
        Instalment(
            number, one.instalment_no, one.due_on, one.principal_due, one.interest_due, one.fee_due, one.penalty_due,
            effective_on=_on(since), known_on=_on(since),
        )
        for one in instalments
    ]  # fmt: skip


def _book(
    as_of: str,
    principal: str,
    disbursed: str,
    instalments: Sequence[Instalment],
    payments: Sequence[Payment] = (),
    events: Sequence[Event] = (),
    conventions: Sequence[Convention] = (),
    positions: Sequence[Position] = (),
    absences: Sequence[Absence] = (),
) -> Book:
    loan = Loan(
        "L1", "cash", Decimal(principal), _on(disbursed), max(len(instalments), 1), instalments=tuple(instalments),
        payments=tuple(payments), events=tuple(events), positions=tuple(positions), absences=tuple(absences),
    )  # fmt: skip
    return Book("lender", _on(as_of), (loan,), tuple(conventions))


# ── leaving the book ─────────────────────────────────────────────────────────────────────────────────────


def written_off_long_after_it_was_settled() -> Book:
    """A settled loan is written off a year later: it left the book once, and gets no second row for it."""
    return _book(
        "2025-12-31", "100", "2024-03-09", [_due(1, "2024-04-09", "50"), _due(2, "2024-05-09", "50")],
        [_paid(1, "2024-04-12", "50"), _paid(2, "2024-05-09", "50")], [_event("2025-08-05", "written_off")],
    )  # fmt: skip


def written_off_in_the_month_it_was_settled() -> Book:
    """It was settled first: that it is written off ten days later takes nothing out of the book."""
    return _book(
        "2025-12-31", "320", "2025-09-10", [_due(1, "2025-10-01", "320", "1.50")], [_paid(1, "2025-10-01", "321.50")],
        [_event("2025-10-11", "written_off")],
    )  # fmt: skip


def settled_and_written_off_and_paid_back() -> Book:
    """Settled, written off ten days later, and then its payment is returned: what comes back is written off then."""
    return _book(
        "2025-12-31", "320", "2025-09-10", [_due(1, "2025-10-01", "320", "1.50")],
        [_paid(1, "2025-10-01", "321.50"),
         _paid(2, "2025-11-20", "321.50", "reversal", reverses_payment_id="P1"), _paid(3, "2025-11-25", "321.50")],
        [Event(_on("2025-10-11"), "written_off", Decimal(5))],
    )  # fmt: skip


def written_off_on_the_day_of_disbursement() -> Book:
    """In the book at no close: no month shows it, and no vintage; the bridge lets it in and out."""
    return _book(
        "2025-12-31", "740.99", "2025-08-18", [_due(1, "2025-09-30", "740.99", "10")],
        events=[_event("2025-08-18", "written_off")],
    )  # fmt: skip


def a_loan_of_nothing() -> Book:
    """Principal zero and no instalments: settled at once, never in the book."""
    return _book("2025-12-14", "0", "2024-03-24", [])


def paid_on_the_day_of_its_exit() -> Book:
    """Compensated on the day of a payment: what is transferred is what that payment left."""
    return _book(
        "2025-12-31", "740", "2025-12-07", [_due(1, "2025-12-14", "370"), _due(2, "2025-12-21", "370")],
        [_paid(1, "2025-12-14", "123.33"), _paid(2, "2025-12-14", "310", "compensation")],
    )  # fmt: skip


def overpaid_and_then_written_off() -> Book:
    """The instalments sum to more than was lent; settled, so there is nothing to write off."""
    return _book(
        "2025-12-30", "340.99", "2025-07-01", [_due(1, "2025-07-08", "350.99", "1.50")],
        [_paid(1, "2025-07-08", "352.49")], [_event("2025-10-27", "written_off")],
    )  # fmt: skip


def written_off_without_ever_being_reported() -> Book:
    """The balance is the lender's and it never sent one: never in the book, and its instalments are written off."""
    return _book(
        "2025-12-14", "900", "2024-09-24", [_due(1, "2024-10-24", "450"), _due(2, "2026-10-24", "450")],
        events=[_event("2025-12-10", "written_off")], conventions=[Convention("outstanding", "reported")],
    )  # fmt: skip


def first_reported_after_it_was_written_off() -> Book:
    """The lender's first balance comes after the loan's end: in the bridge it goes in and out on that day."""
    return _book(
        "2025-12-31", "560", "2025-08-14", [_due(1, "2025-11-15", "560")], events=[_event("2025-08-27", "written_off")],
        conventions=[Convention("outstanding", "reported")], positions=[Position(_on("2025-09-23"), Decimal(550))],
    )  # fmt: skip


def written_off_for_an_amount_before_it_was_reported() -> Book:
    """What the event names leaves with the first balance, and not a month before it has come in."""
    return _book(
        "2025-12-31", "560", "2025-08-14", [_due(1, "2025-11-15", "560")],
        events=[Event(_on("2025-08-27"), "written_off", Decimal(500))],
        conventions=[Convention("outstanding", "reported")], positions=[Position(_on("2025-09-23"), Decimal(550))],
    )  # fmt: skip


# ── schedules, pauses, settlement ────────────────────────────────────────────────────────────────────────


def due_within_an_open_pause() -> Book:
    """What falls due in a pause without an end is overdue, and no day past due: only the clock stands still."""
    return _book(
        "2025-12-31", "100", "2025-10-06", [_due(1, "2025-12-29", "100", "5")], [_paid(1, "2025-12-20", "50")],
        [_event("2025-12-01", "paused")],
    )  # fmt: skip


def settled_before_its_plan_was_restated() -> Book:
    """Instalments of zero in a version that begins after the loan has settled: settled when the loan was."""
    plan = [_due(1, "2025-09-30", "530", "3.33"), _due(2, "2025-10-31", "530.01", "3.33")]
    later = _version(2, "2025-11-08", *plan, _due(3, "2025-12-08", "0"), _due(4, "2026-02-08", "0"))
    return _book(
        "2025-12-31", "1060.01", "2025-08-15", [*plan, *later],
        [_paid(1, "2025-09-30", "533.33"), _paid(2, "2025-10-31", "533.34")], [_event("2025-11-08", "restructured")],
    )  # fmt: skip


def paid_off_before_a_convention_changed() -> Book:
    """The change of a convention does not settle the last instalment of a loan that was paid off before."""
    return _book(
        "2025-12-31", "220", "2024-01-28",
        [_due(1, "2024-02-28", "0", "5"), _due(2, "2024-03-28", "0", "5"), _due(3, "2024-04-28", "220", "5")],
        [_paid(1, "2024-02-28", "5"), _paid(2, "2024-03-25", "225", "prepayment")],
        conventions=[Convention("non_working_day", "next", _on("2025-08-28"))],
    )  # fmt: skip


def called_settled_between_two_payments() -> Book:
    """The lender's word makes it paid off; the waiver after it finds nothing left to settle."""
    return _book(
        "2025-12-31", "820.99", "2025-08-21",
        [_due(1, "2025-09-30", "410.49", "5", "2"), _due(2, "2025-10-30", "410.50", "5", "2")],
        [_paid(1, "2025-09-26", "834.99"), _paid(2, "2025-10-25", "85", "waiver")],
        [_event("2025-10-22", "settled")],
    )  # fmt: skip


def paid_off_on_a_shorter_plan() -> Book:
    """The newer version sums to less than was lent: paid off on it, not settled, and late on neither version."""
    plan = [_due(1, "2024-06-28", "180", "10"), _due(2, "2024-07-28", "180", "10"), _due(3, "2024-08-28", "180", "10")]
    return _book(
        "2025-12-31", "540", "2024-05-10", [*plan, *_version(2, "2024-09-24", *plan[:2])],
        [_paid(1, "2024-06-28", "190"), _paid(2, "2024-07-28", "190")], [_event("2025-06-13", "settled")],
    )  # fmt: skip


def a_prepayment_of_nothing() -> Book:
    """A prepayment of 0.00 is no occasion to look whether the loan is paid off."""
    return _book(
        "2025-12-31", "20", "2025-10-14",
        [_due(1, "2025-11-01", "10", "5", penalty="3.33"), _due(2, "2025-12-01", "10", "5", penalty="3.33")],
        [_paid(1, "2025-10-27", "190"), _paid(2, "2025-11-05", "0", "prepayment")],
    )  # fmt: skip


def called_settled_with_a_waived_penalty() -> Book:
    """All but a penalty that is covered last was repaid: the waiver is for the penalty, and interest stays paid."""
    return _book(
        "2025-12-31", "300", "2025-09-01", [_due(1, "2025-10-01", "150", "10", "2", "3"), _due(2, "2025-11-01", "150",
        "10", "2", "4")], [_paid(1, "2025-10-20", "165"), _paid(2, "2025-11-20", "164"),
        _paid(3, "2025-11-20", "2", "waiver")], [_event("2025-11-20", "settled")],
        [Convention("allocation_order", "fee,interest,principal,penalty")],
    )  # fmt: skip


def called_settled_on_the_day_of_a_prepayment() -> Book:
    """One cent short and called settled: what stands before the first payment of a day is the close of the eve."""
    return _book(
        "2025-12-31", "20", "2024-12-11", [_due(1, "2025-01-29", "20", "1.50")],
        [_paid(1, "2025-04-19", "21.49"), _paid(2, "2025-12-18", "21.50", "prepayment")],
        [_event("2025-12-18", "settled")],
    )  # fmt: skip


def repaid_and_prepaid_on_one_day() -> Book:
    """Paid off at the close of the day: by the first of its payments with which the sum is reached."""
    return _book(
        "2025-12-31", "40", "2025-11-23",
        [_due(1, "2025-11-30", "13", "10"), _due(2, "2025-11-30", "13", "10"), _due(3, "2025-11-30", "14", "10")],
        [_paid(1, "2025-11-23", "23.33"), _paid(2, "2025-11-23", "23.33", "prepayment", posted_on=_on("2025-11-25")),
         _paid(3, "2025-11-23", "23.34")],
    )  # fmt: skip


def returned_twice_on_a_day() -> Book:
    """The first return takes what had come after the payoff; only the second one of the day breaks it."""
    return _book(
        "2025-12-31", "100", "2025-12-10", [_due(1, "2026-01-29", "100", "5")],
        [_paid(1, "2025-12-20", "100", "prepayment"), _paid(2, "2025-12-27", "50"),
         _paid(3, "2025-12-29", "50", "reversal", reverses_payment_id="P2"),
         _paid(4, "2025-12-29", "100", "reversal", reverses_payment_id="P1")],
    )  # fmt: skip


def prepaid_and_returned_on_one_day() -> Book:
    """Paid off at no close; yet the prepayment was for all principal, and its return takes that back."""
    return _book(
        "2025-12-31", "100", "2025-12-10", [_due(1, "2026-01-29", "100", "5")],
        [_paid(1, "2025-12-20", "100", "prepayment"),
         _paid(2, "2025-12-20", "100", "reversal", reverses_payment_id="P1")],
    )  # fmt: skip


def called_settled_where_principal_is_covered_first() -> Book:
    """All principal is repaid and the last interest is not: the lender's word settles nothing that is short."""
    return _book(
        "2025-12-31", "200", "2025-08-10", [_due(1, "2025-09-01", "100", "10"), _due(2, "2025-10-01", "100", "10")],
        [_paid(1, "2025-09-20", "210")], [_event("2025-10-05", "settled")],
        [Convention("allocation_order", "principal,interest,fee,penalty")],
    )  # fmt: skip


def announced_for_after_a_change_of_conventions() -> Book:
    """Known today: a schedule from February on, and a convention from January on. Its instalments are shown today."""
    plan = [_due(1, "2025-11-01", "100"), _due(2, "2026-03-01", "100")]
    announced = [replace(one, known_on=_on("2025-12-01")) for one in _version(2, "2026-02-01", *plan)]
    return _book(
        "2025-12-31", "200", "2025-10-01", [*plan, *announced], [_paid(1, "2025-11-01", "100")],
        conventions=[Convention("tol_abs", "1", _on("2026-01-01"))],
    )  # fmt: skip


def waived_in_part_and_not_paid() -> Book:
    """A part of the oldest instalment is waived, and nothing is paid on it until a month later."""
    return _book(
        "2025-12-31", "200", "2025-08-10", [_due(1, "2025-09-01", "100", "10"), _due(2, "2025-10-01", "100", "10")],
        [_paid(1, "2025-09-20", "40", "waiver"), _paid(2, "2025-11-20", "5")],
    )  # fmt: skip


# ── returns of returns ───────────────────────────────────────────────────────────────────────────────────


def a_return_that_is_returned() -> Book:
    """The bank takes the money back and gives it again: from that day on the instalment is paid as it was."""
    return _book(
        "2025-12-31", "200", "2025-08-10", [_due(1, "2025-09-01", "100", "10"), _due(2, "2025-12-01", "100", "10")],
        [_paid(1, "2025-09-01", "110", instalment_no=1, principal=100, interest=10),
         _paid(2, "2025-09-05", "110", "reversal", reverses_payment_id="P1"),
         _paid(3, "2025-09-09", "-110", "reversal", reverses_payment_id="P2")],
        conventions=[Convention("allocation", "reported")],
    )  # fmt: skip


def a_waiver_taken_back_and_granted_after_all() -> Book:
    """What is given again is a waiver as it was at first, and no cash; and the bank is right only the third time."""
    return _book(
        "2025-12-31", "200", "2025-08-10", [_due(1, "2025-09-01", "200", "10")],
        [_paid(1, "2025-09-03", "60", "waiver"), _paid(2, "2025-09-05", "60", "reversal", reverses_payment_id="P1"),
         _paid(3, "2025-09-09", "60", "chargeback", reverses_payment_id="P2"),
         _paid(4, "2025-09-15", "60", "reversal", reverses_payment_id="P3")],
    )  # fmt: skip


def a_return_of_a_return_of_nothing_known() -> Book:
    """The payment that was returned at first is not there: neither its return nor what undoes that has an effect."""
    return _book(
        "2025-12-31", "100", "2025-08-10", [_due(1, "2025-09-01", "100")],
        [_paid(2, "2025-09-05", "100", "reversal", reverses_payment_id="P1"),
         _paid(3, "2025-09-09", "100", "reversal", reverses_payment_id="P2")],
    )  # fmt: skip


def compensated_and_taken_back_in_part() -> Book:
    """The guarantor takes a fifth of its money back: the loan is compensated all the same."""
    return _book(
        "2025-12-31", "200", "2025-08-10", [_due(1, "2025-09-01", "200")],
        [_paid(1, "2025-10-01", "200", "compensation"),
         _paid(2, "2025-10-20", "40", "reversal", reverses_payment_id="P1")],
    )  # fmt: skip


def compensated_and_taken_back_in_two_parts() -> Book:
    """All of it is taken back in the end: the borrower has owed all the time."""
    return _book(
        "2025-12-31", "200", "2025-08-10", [_due(1, "2025-09-01", "200")],
        [_paid(1, "2025-10-01", "200", "compensation"),
         _paid(2, "2025-10-20", "40", "reversal", reverses_payment_id="P1"),
         _paid(3, "2025-10-25", "160", "reversal", reverses_payment_id="P1")],
    )  # fmt: skip


def compensated_after_all() -> Book:
    """What was taken back from the guarantor comes again: compensated from the first day on."""
    return _book(
        "2025-12-31", "200", "2025-08-10", [_due(1, "2025-09-01", "200")],
        [_paid(1, "2025-10-01", "200", "compensation"),
         _paid(2, "2025-10-20", "200", "reversal", reverses_payment_id="P1"),
         _paid(3, "2025-10-25", "200", "reversal", reverses_payment_id="P2")],
    )  # fmt: skip


# ── as reported ──────────────────────────────────────────────────────────────────────────────────────────


def returned_with_another_split() -> Book:
    """All of a payment went to principal, its reversal names penalty: what is fixed beyond the total is given back."""
    return _book(
        "2025-12-14", "320", "2025-10-22", [_due(1, "2025-11-30", "160", "5"), _due(2, "2025-12-30", "160", "5")],
        [_paid(1, "2025-11-30", "165", instalment_no=1, principal=165),
         _paid(2, "2025-12-03", "165", "reversal", penalty=165, reverses_payment_id="P1")],
        conventions=[Convention("allocation", "reported")],
    )  # fmt: skip


def charged_back_without_a_number() -> Book:
    """Every payment names its instalment and the chargeback none: the youngest instalment gives the money back."""
    return _book(
        "2025-12-31", "340", "2025-03-04", [_due(1, "2025-04-01", "170", "1"), _due(2, "2025-05-01", "170", "1")],
        [_paid(1, "2025-04-01", "85.50", instalment_no=1), _paid(2, "2025-05-04", "85.50", instalment_no=2),
         _paid(3, "2025-06-06", "85.50", "chargeback")],
        conventions=[Convention("allocation", "reported")],
    )  # fmt: skip


def refunded_before_anything_was_paid() -> Book:
    """A refund of more than was paid is owed by nobody, and weighs on what is paid later."""
    return _book(
        "2025-12-31", "720", "2024-11-25", [_due(1, "2025-01-31", "720", "3.33")],
        [_paid(1, "2025-04-04", "95", "refund"), _paid(2, "2025-06-04", "723.33", instalment_no=1)],
        conventions=[Convention("allocation", "reported")],
    )  # fmt: skip


def chargeback_before_the_allocation_changed() -> Book:
    """Payments are read as reported from September on: then August's chargeback has re-opened August's instalment."""
    return _book(
        "2025-12-14", "300", "2025-06-10",
        [_due(1, "2025-07-15", "100"), _due(2, "2025-08-15", "100"), _due(3, "2025-09-15", "100")],
        [_paid(1, "2025-07-15", "100", instalment_no=99), _paid(2, "2025-08-15", "100", instalment_no=2),
         _paid(3, "2025-08-30", "100", "chargeback", reverses_payment_id="P1")],
        conventions=[Convention("allocation", "reported", _on("2025-09-28"))],
    )  # fmt: skip


def paid_out_of_turn_before_the_allocation_changed() -> Book:
    """The second instalment was paid first: settled on different days by the waterfall of then and as reported now."""
    return _book(
        "2025-12-14", "120", "2024-05-05", [_due(1, "2024-05-12", "60"), _due(2, "2024-05-13", "60")],
        [_paid(1, "2024-05-24", "60", instalment_no=1), _paid(2, "2024-05-14", "60", instalment_no=2)],
        conventions=[Convention("allocation", "reported", _on("2025-09-28"))],
    )  # fmt: skip


def buyback_with_a_split_taken_back() -> Book:
    """A reversal takes over the split of the buyback that it names, though neither settles an instalment."""
    return _book(
        "2025-12-14", "200", "2024-05-07", [_due(1, "2024-06-01", "200")],
        [_paid(1, "2024-11-27", "260", "buyback", interest=260),
         _paid(2, "2025-01-05", "260", "reversal", reverses_payment_id="P1")],
    )  # fmt: skip


def repaid_more_than_was_lent_and_still_late() -> Book:
    """A schedule may ask for more principal than was lent: the balance is below zero and a cent or two are late."""
    return _book(
        "2024-12-31", "620", "2024-01-28", [_due(1, "2024-02-01", "630", interest="1")],
        [_paid(1, "2024-02-01", "630.98")],
    )  # fmt: skip


# ── conventions in mid-life ──────────────────────────────────────────────────────────────────────────────


def principal_stops_counting_after_the_due_day() -> Book:
    """First-payment default is judged by what counted when the instalment fell due, also after a new era began."""
    return _book(
        "2025-12-31", "320", "2024-02-18", [_due(1, "2024-03-31", "160"), _due(2, "2024-04-30", "160")],
        conventions=[Convention("components", "interest,fee", _on("2024-05-03"))],
    )  # fmt: skip


def another_scheme_in_mid_life() -> Book:
    """The daily book has the buckets of the day's scheme, and none of the scheme of before or after."""
    return _book(
        "2024-06-30", "100", "2024-02-08", [_due(1, "2024-03-31", "100")],
        conventions=[Convention("scheme", "tape29", _on("2024-02-23"))],
    )  # fmt: skip


CASES: tuple[Callable[[], Book], ...] = (
    written_off_long_after_it_was_settled,
    written_off_in_the_month_it_was_settled,
    settled_and_written_off_and_paid_back,
    written_off_on_the_day_of_disbursement,
    a_loan_of_nothing,
    paid_on_the_day_of_its_exit,
    overpaid_and_then_written_off,
    written_off_without_ever_being_reported,
    first_reported_after_it_was_written_off,
    written_off_for_an_amount_before_it_was_reported,
    due_within_an_open_pause,
    settled_before_its_plan_was_restated,
    paid_off_before_a_convention_changed,
    called_settled_between_two_payments,
    called_settled_with_a_waived_penalty,
    paid_off_on_a_shorter_plan,
    a_prepayment_of_nothing,
    called_settled_on_the_day_of_a_prepayment,
    repaid_and_prepaid_on_one_day,
    returned_twice_on_a_day,
    prepaid_and_returned_on_one_day,
    called_settled_where_principal_is_covered_first,
    announced_for_after_a_change_of_conventions,
    waived_in_part_and_not_paid,
    a_return_that_is_returned,
    a_waiver_taken_back_and_granted_after_all,
    a_return_of_a_return_of_nothing_known,
    compensated_and_taken_back_in_part,
    compensated_and_taken_back_in_two_parts,
    compensated_after_all,
    returned_with_another_split,
    charged_back_without_a_number,
    refunded_before_anything_was_paid,
    chargeback_before_the_allocation_changed,
    paid_out_of_turn_before_the_allocation_changed,
    buyback_with_a_split_taken_back,
    repaid_more_than_was_lent_and_still_late,
    principal_stops_counting_after_the_due_day,
    another_scheme_in_mid_life,
)
