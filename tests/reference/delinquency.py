"""A loan day by day: its state, its days past due and its amounts at every close."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from . import seeds
from .book import Book, Loan, Payment, Position
from .clock import NEVER_PAUSED
from .conventions import Conventions, Rulebook
from .dates import DAY, days
from .ledger import NOTHING_LATE, Ledger, Standing
from .money import NOTHING
from .schedule import Version

IN_THE_BOOK = ("active", "unknown")


@dataclass(frozen=True, slots=True)
class Day:
    """A loan at the close of a day. Days past due and amounts are 0 once it has left the book.

    bucket: of days past due, or the state in which the loan left. oldest_due_on: due date from which days past due
    count, None where nothing is overdue; in a pause something can be without a day being counted. has_part_paid: is
    part of that instalment paid; what is waived is not.
    """

    day: dt.date
    state: str
    scheme: str
    bucket: str
    dpd: int
    contractual_dpd: int
    outstanding_principal: Decimal
    overdue_principal: Decimal
    overdue_amount: Decimal
    oldest_due_on: dt.date | None
    has_part_paid: bool
    debt_type: str | None
    is_restructured: bool

    @property
    def is_in_book(self) -> bool:
        """Whether the loan counts as active."""
        return self.state in IN_THE_BOOK

    @property
    def bucket_order(self) -> int:
        """How bad the bucket of days past due is: 0 for none."""
        return next(bucket.sort_order for bucket in seeds.buckets(self.scheme) if bucket.name == self.bucket)

    def is_past(self, threshold: int) -> bool:
        """Whether the loan is in the book and more days past due than a threshold of its scheme."""
        return self.is_in_book and self.dpd >= seeds.thresholds(self.scheme)[threshold]


@dataclass(frozen=True)
class Ending:
    """How a loan ended other than by being repaid. amount: what the event says; None where it says nothing."""

    on: dt.date
    state: str
    amount: Decimal | None


class Life:
    """A loan from the day it enters the book to data_as_of."""

    def __init__(self, book: Book, loan: Loan, rules: Rulebook) -> None:
        self.book = book
        self.loan = loan
        self.ledger = Ledger(loan, rules)
        self._closes: dict[dt.date, Day] = {}

    @property
    def data_as_of(self) -> dt.date:
        """The last day that is known."""
        return self.book.data_as_of

    @cached_property
    def is_seasoned(self) -> bool:
        """Whether the loan enters the book with the lender's first balance and not when it is disbursed."""
        return self.ledger.conventions(self.loan.disbursed_on).outstanding == "reported"

    @cached_property
    def entered_on(self) -> dt.date | None:
        """The day on which the loan enters the book; None where it has not by data_as_of."""
        if self.is_seasoned:
            entered_on = min((position.as_of for position in self.counted_positions), default=None)
        else:
            entered_on = self.loan.disbursed_on
        return entered_on if entered_on is not None and entered_on <= self.data_as_of else None

    @cached_property
    def counted_positions(self) -> list[Position]:
        """The lender's balances, oldest first: one without an amount counts, as 0, once the loan is called settled."""
        said_on = self.ledger.settled_event_on
        return sorted(
            (
                position
                for position in self.loan.positions
                if position.outstanding_principal is not None or (said_on is not None and position.as_of >= said_on)
            ),
            key=lambda position: position.as_of,
        )

    @cached_property
    def ending(self) -> Ending | None:
        """The first of all events and payments that end the loan for good."""
        endings = [
            Ending(event.event_on, seeds.terminal_events()[event.kind], event.amount)
            for event in self.loan.events
            if event.kind in seeds.terminal_events()
        ]
        for payment in self.loan.payments:
            state = seeds.payment_kinds()[payment.kind].terminal_state
            if state is not None and not self._is_undone(payment):
                endings.append(Ending(payment.value_on, state, None))
        return min(endings, key=lambda ending: (ending.on, ending.state), default=None)

    def _is_undone(self, payment: Payment) -> bool:
        """Whether all of a payment is taken back, by payments that are not taken back themselves."""
        named = {other.reverses_payment_id for other in self.loan.payments}
        takers = [other for other in self.loan.payments if other.reverses_payment_id == payment.payment_id]
        taken_back = sum((abs(taker.amount) for taker in takers if taker.payment_id not in named), NOTHING)
        return bool(takers) and taken_back >= abs(payment.amount)

    def has_ended(self, day: dt.date) -> bool:
        """Whether the loan has ended other than by being repaid, by the close of a day."""
        return self.ending is not None and self.ending.on <= day

    # The days

    @cached_property
    def days(self) -> dict[dt.date, Day]:
        """Every close from the day the loan enters the book to data_as_of, in order."""
        if self.entered_on is None:
            return {}
        return {day: self._kept_close(day) for day in days(self.entered_on, self.data_as_of)}

    def on(self, day: dt.date) -> Day | None:
        """The loan at the close of a day; None before it has entered the book."""
        if self.entered_on is None or not self.entered_on <= day <= self.data_as_of:
            return None
        return self._kept_close(day)

    def in_book(self, day: dt.date) -> Day | None:
        """The loan at the close of a day on which it is in the book, else None."""
        found = self.on(day)
        return found if found is not None and found.is_in_book else None

    @cached_property
    def days_in_book(self) -> list[Day]:
        """The days on which the loan is in the book."""
        return [day for day in self.days.values() if day.is_in_book]

    def is_settled(self, day: dt.date) -> bool:
        """Whether nothing can be short at the close of a day because the loan is repaid, whatever its schedule says."""
        found = self.on(day)
        return (found is not None and found.state == "settled") or self.ledger.payoff(day) is not None

    def _kept_close(self, day: dt.date) -> Day:
        if day not in self._closes:
            self._closes[day] = self._close(day)
        return self._closes[day]

    def _close(self, day: dt.date) -> Day:
        conventions = self.ledger.conventions(day)
        left = self.principal_left(day)
        state = self._state(day, conventions, left)
        if state not in IN_THE_BOOK:
            return self._left_the_book(day, state, conventions)
        standing = self.standing(day)
        return Day(
            day=day,
            state=state,
            scheme=conventions.scheme,
            bucket=seeds.bucket_of(conventions.scheme, max(standing.dpd - conventions.grace_days, 0)).name,
            dpd=standing.dpd,
            contractual_dpd=self._contractual(day).dpd,
            outstanding_principal=left,
            overdue_principal=sum((late.short_principal for late in standing.late), NOTHING),
            overdue_amount=sum((late.short for late in standing.late), NOTHING),
            oldest_due_on=None if standing.oldest is None else standing.oldest.due_on,
            has_part_paid=standing.oldest is not None and standing.oldest.has_part_paid,
            debt_type=_debt_type(standing, conventions),
            is_restructured=self._is_restructured(day),
        )

    def _left_the_book(self, day: dt.date, state: str, conventions: Conventions) -> Day:
        debt_type = "default" if state == "written_off" else None
        restructured = self._is_restructured(day)
        return Day(
            day, state, conventions.scheme, state, 0, 0, NOTHING, NOTHING, NOTHING, None, False, debt_type, restructured
        )

    # What a day is made of

    def standing(self, day: dt.date) -> Standing:
        """How the loan stands on the schedule in force at the close of a day."""
        if self.ledger.payoff(day) is not None:
            return NOTHING_LATE
        return self.ledger.standing(self.ledger.version(day), day, self.ledger.conventions(day), self.ledger.pauses)

    def still_past_due_on_the_old_plan(self, day: dt.date) -> bool:
        """Whether with the schedule and the conventions of the eve the loan would be past due at the close of a day."""
        if self.ledger.payoff(day) is not None:
            return False
        eve = day - DAY
        old = self.ledger.standing(self.ledger.version(eve), day, self.ledger.conventions(eve), self.ledger.pauses)
        return old.dpd > 0

    def _contractual(self, day: dt.date) -> Standing:
        """How the loan would stand had its schedule never changed and its clock never been paused."""
        if not self.ledger.versions or self.ledger.payoff(day) is not None:
            return NOTHING_LATE
        return self.ledger.standing(self.ledger.versions[0], day, self.ledger.conventions(day), NEVER_PAUSED)

    def principal_left(self, day: dt.date) -> Decimal:
        """Disbursed and not repaid at the close of a day, or the lender's newest balance."""
        payoff = self.ledger.payoff(day)
        if payoff is not None:
            return self.loan.principal - payoff.version.total("principal")
        conventions = self.ledger.conventions(day)
        if conventions.outstanding == "reported":
            known = [position for position in self.counted_positions if position.as_of <= day]
            if known:
                return known[-1].outstanding_principal or NOTHING
        version = self.ledger.version(day)
        if version is None:
            return self.loan.principal
        settled = self.ledger.settled(version, conventions, self.ledger.count(day)).values()
        return self.loan.principal - sum((parts["principal"] for parts in settled), NOTHING)

    def _state(self, day: dt.date, conventions: Conventions, left: Decimal) -> str:
        if self.ending is not None and self.left_otherwise_on is not None and self.left_otherwise_on <= day:
            return self.ending.state
        if self._is_repaid(day, conventions, left):
            return "settled"
        is_missing = any(
            absence.missing_from <= day and (absence.listed_again_on is None or day < absence.listed_again_on)
            for absence in self.loan.absences
        )
        return "unknown" if is_missing else "active"

    @cached_property
    def left_otherwise_on(self) -> dt.date | None:
        """The day on which the loan leaves the book without being repaid: that of its ending, or, where it was settled
        on the eve and so had left, the first close after it at which it is not repaid any more."""
        if self.ending is None or self.ending.on > self.data_as_of:
            return None
        eve = self.ending.on - DAY
        if self.entered_on is None or eve < self.entered_on or not self._is_repaid_at(eve):
            return self.ending.on
        return next((day for day in days(self.ending.on, self.data_as_of) if not self._is_repaid_at(day)), None)

    def _is_repaid_at(self, day: dt.date) -> bool:
        return self._is_repaid(day, self.ledger.conventions(day), self.principal_left(day))

    def _is_repaid(self, day: dt.date, conventions: Conventions, left: Decimal) -> bool:
        """Whether no principal is left and nothing is short on any instalment, due or not."""
        version = self.ledger.version(day)
        largest = conventions.tol_abs if version is None else self.ledger.largest_tolerance(version, conventions)
        if left > largest:
            return False
        said_on = self.ledger.settled_event_on
        if conventions.outstanding == "reported" and said_on is not None and said_on <= day:
            return True
        if version is None or self.ledger.payoff(day) is not None:
            return True
        return not any(self.ledger.short(version, conventions, self.ledger.count(day)).values())

    def _is_restructured(self, day: dt.date) -> bool:
        return any(relieved_on <= day for relieved_on in self.relief_days)

    @cached_property
    def relief_days(self) -> list[dt.date]:
        """The days of events that extend or restructure, and of new versions that no prepayment explains."""
        told = {event.event_on for event in self.loan.events if event.kind in seeds.restructuring_events()}
        return sorted(
            told | {version.starts_on for version in self.unexplained_versions if version.starts_on is not None}
        )

    @property
    def unexplained_versions(self) -> list[Version]:
        """Schedules that came into force after the first one, and on a day on which nothing was prepaid."""
        return [
            version
            for version in self.ledger.versions
            if version.starts_on is not None
            and self.ledger.version(version.starts_on) is version
            and not self._is_prepaid_on(version.starts_on)
        ]

    def _is_prepaid_on(self, day: dt.date | None) -> bool:
        return any(payment.kind == "prepayment" and payment.value_on == day for payment in self.loan.payments)

    # Single instalments, measured whatever becomes of the loan

    def is_short(self, version: Version, conventions: Conventions, number: int, day: dt.date) -> bool:
        """Whether an instalment is short at the close of a day, on its own plan even if that is replaced by then."""
        return not self.is_settled(day) and self.ledger.short(version, conventions, self.ledger.count(day))[number] > 0


def _debt_type(standing: Standing, conventions: Conventions) -> str | None:
    if standing.dpd > conventions.default_dpd:
        return "default"
    if standing.dpd == 0 or standing.oldest is None:
        return None
    return "partial" if standing.oldest.has_part_paid else "overdue_unpaid"
