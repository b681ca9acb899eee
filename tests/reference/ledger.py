"""What a loan is short of at the close of a day, on any version of its schedule."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from .book import Instalment, Loan
from .clock import Pauses, days_past_due, overdue_from
from .conventions import Conventions, Rulebook
from .dates import DAY
from .money import NOTHING
from .schedule import COMPONENTS, Version, clock_due, due, owed, tolerance, version_on, versions
from .settlement import Effect, Settled, effects, settle, total


@dataclass(frozen=True)
class Late:
    """An instalment that is short and overdue. due_on: the due date from which its days past due count.

    has_part_paid: some of what is settled of it is not waived.
    """

    instalment: Instalment
    due_on: dt.date
    short: Decimal
    short_principal: Decimal
    has_part_paid: bool


@dataclass(frozen=True)
class Standing:
    """How a loan stands on one version at the close of a day: what is overdue, oldest first, and its days past due.

    Both a pause and a day count by months may leave 0 days where something is overdue.
    """

    late: tuple[Late, ...]
    dpd: int

    @property
    def oldest(self) -> Late | None:
        """The short instalment with the earliest due date."""
        return self.late[0] if self.late else None


NOTHING_LATE = Standing((), 0)


@dataclass(frozen=True)
class Payoff:
    """The day on which a loan was paid off, with the version and the conventions that were in force then."""

    on: dt.date
    version: Version
    conventions: Conventions

    def settled(self, money: Decimal) -> dict[str, Decimal]:
        """What so much money settles: principal first, then what else is due by the day in the order of the
        conventions, and with what is left the interest that is not."""
        parts = dict.fromkeys(COMPONENTS, NOTHING)
        accrued = {part: self.version.total(part, due_by=self.on) for part in COMPONENTS[1:]}
        beside = [(part, accrued[part]) for part in self.conventions.allocation_order if part != "principal"]
        lapsed = ("interest", self.version.total("interest") - accrued["interest"])
        for part, room in [("principal", self.version.total("principal")), *beside, lapsed]:
            poured = min(money, room)
            parts[part] += poured
            money -= poured
        return parts


class Ledger:
    """A loan's schedule and payments, to be asked for any day.

    `count` is always a number of payments in their order: an answer for (day, count) is that of the close of the day
    as though nothing but those payments had happened.
    """

    def __init__(self, loan: Loan, rules: Rulebook) -> None:
        self.loan = loan
        self.rules = rules
        self.versions = versions(loan)
        self.effects = effects(loan)
        self.pauses = Pauses.of(loan.events)
        self.settled_event_on = min((event.event_on for event in loan.events if event.kind == "settled"), default=None)
        self._value_days = [effect.value_on for effect in self.effects]
        self._settled: dict[tuple[int, Conventions, int], Settled] = {}
        self._short: dict[tuple[int, Conventions, int], dict[int, Decimal]] = {}
        self._largest_tolerance: dict[tuple[int, Conventions], Decimal] = {}
        self._open: dict[tuple[int, Conventions, int], list[Late]] = {}
        self._payoffs: dict[tuple[int, bool], Payoff | None] = {}

    def conventions(self, day: dt.date) -> Conventions:
        """The conventions in force on a day; before the loan is disbursed those of the day on which it is."""
        return self.rules.on(max(day, self.loan.disbursed_on))

    def version(self, day: dt.date) -> Version | None:
        """The version in force on a day; None where the loan has no instalments."""
        return version_on(self.versions, day)

    def count(self, day: dt.date) -> int:
        """How many payments have a value date up to a day."""
        return bisect_right(self._value_days, day)

    # What is settled and what is short

    def settled(self, version: Version, conventions: Conventions, count: int) -> Settled:
        """What the first payments settle of a version, poured from scratch (kept, because it is asked for often)."""
        key = (version.number, conventions, count)
        if key not in self._settled:
            self._settled[key] = settle(version, conventions, self.effects[:count])
        return self._settled[key]

    def short(self, version: Version, conventions: Conventions, count: int) -> dict[int, Decimal]:
        """By instalment number what is short: owed and not settled, nothing where that is within the tolerance."""
        key = (version.number, conventions, count)
        if key not in self._short:
            settled = self.settled(version, conventions, count)
            shortfall = {}
            for instalment in version.instalments:
                parts = settled[instalment.instalment_no]
                left = owed(instalment, conventions) - sum(parts[c] for c in conventions.components)
                shortfall[instalment.instalment_no] = left if left > tolerance(instalment, conventions) else NOTHING
            self._short[key] = shortfall
        return self._short[key]

    def largest_tolerance(self, version: Version, conventions: Conventions) -> Decimal:
        """The most that counts as nothing on any instalment of a version."""
        key = (version.number, conventions)
        if key not in self._largest_tolerance:
            most = max(tolerance(instalment, conventions) for instalment in version.instalments)
            self._largest_tolerance[key] = max(conventions.tol_abs, most)
        return self._largest_tolerance[key]

    def value_days(self, until: dt.date) -> list[dt.date]:
        """The days up to a day on which what is short can change, because payments have them as value date."""
        return sorted({day for day in self._value_days if day <= until})

    # Chargebacks start the clock anew

    def reopened_on(self, version: Version, conventions: Conventions, day: dt.date) -> dict[int, dt.date]:
        """By instalment number the day of the chargeback that re-opened it, for those it still holds for at a close.

        A plan, that is a version with conventions, has one timeline of its own: the days before are judged by the same.
        """
        reopened: dict[int, dt.date] = {}
        if not any(effect.payment.kind == "chargeback" for effect in self.effects):
            return reopened
        before = self.short(version, conventions, 0)
        for changed in self.value_days(until=day):
            now = self.short(version, conventions, self.count(changed))
            for number, short in now.items():
                if short == 0:
                    reopened.pop(number, None)
                elif before[number] == 0 and self._is_charged_back(changed):
                    reopened[number] = changed
            before = now
        return reopened

    def _is_charged_back(self, day: dt.date) -> bool:
        """Whether of the money taken back on a day all was charged back."""
        taken_back = [e.payment.kind for e in self.effects if e.value_on == day and e.settled < 0]
        return bool(taken_back) and set(taken_back) == {"chargeback"}

    # Days past due

    def standing(self, version: Version | None, day: dt.date, conventions: Conventions, pauses: Pauses) -> Standing:
        """How the loan stands on a version at the close of a day, leaving aside whether it is paid off or at an end."""
        if version is None:
            return NOTHING_LATE
        late = tuple(
            found
            for found in self._open_instalments(version, day, conventions)
            if overdue_from(found.due_on, conventions) <= day
        )
        return Standing(late, _days_past_due(late, day, conventions, pauses)) if late else NOTHING_LATE

    def _open_instalments(self, version: Version, day: dt.date, conventions: Conventions) -> list[Late]:
        """All instalments short at the close of a day, due or not, by the due date from which their days count."""
        key = (version.number, conventions, self.count(day))
        if key not in self._open:
            reopened = self.reopened_on(version, conventions, day)
            short = self.short(version, conventions, self.count(day))
            settled = self.settled(version, conventions, self.count(day))
            found = []
            for i in version.instalments:
                number = i.instalment_no
                if short[number] > 0:
                    waived = self._waived(version, conventions, number, day)
                    found.append(_late(i, short[number], settled[number], waived, conventions, reopened.get(number)))
            self._open[key] = sorted(found, key=lambda late: late.due_on)
        return self._open[key]

    def _waived(self, version: Version, conventions: Conventions, number: int, day: dt.date) -> Decimal:
        """What of an instalment is settled at a close without money."""
        return sum(
            (
                self.settled_by(position, version, conventions, number)
                for position, effect in enumerate(self.effects[: self.count(day)])
                if effect.settles and not effect.is_cash
            ),
            NOTHING,
        )

    def overdue_from(self, version: Version, instalment: Instalment, conventions: Conventions, day: dt.date) -> dt.date:
        """The first day on which an instalment is overdue, as its clock stands at a close."""
        reopened_on = self.reopened_on(version, conventions, day).get(instalment.instalment_no)
        return overdue_from(_clock_start(instalment, conventions, reopened_on), conventions)

    # Paid off before the end of the plan

    def payoff(self, day: dt.date, count: int | None = None) -> Payoff | None:
        """The earliest day since which all that a full repayment takes has been there at every close.

        Between two payments nothing but the lender's word can change the answer: it is found once and kept.
        """
        if not self.versions:
            return None
        count = self.count(day) if count is None else count
        key = (count, self.settled_event_on is not None and self.settled_event_on <= day)
        if key not in self._payoffs:
            self._payoffs[key] = self._find_payoff(day, count)
        return self._payoffs[key]

    def _find_payoff(self, day: dt.date, count: int) -> Payoff | None:
        for trigger in self._triggers(day, count):
            version = self.version(trigger)
            assert version is not None
            if self.conventions(trigger).outstanding != "computed":
                continue
            threshold = self._demand(trigger, version) - self.conventions(trigger).tol_abs
            if all(money >= threshold for money in self._closes(trigger, day, count)):
                return Payoff(trigger, version, self.conventions(trigger))
        return None

    def _triggers(self, day: dt.date, count: int) -> list[dt.date]:
        """The days on which it is asked whether the loan is paid off."""
        said_on = self.settled_event_on
        asked = set() if said_on is None else {said_on}
        for effect in self.effects[:count]:
            is_prepaid = effect.payment.kind == "prepayment" and effect.settled > 0
            is_said = said_on is not None and effect.value_on >= said_on and effect.settles
            if is_prepaid or is_said:
                asked.add(effect.value_on)
        return sorted(trigger for trigger in asked if trigger <= day)

    def _demand(self, day: dt.date, version: Version) -> Decimal:
        """All principal and what else is due by then."""
        beside = sum((version.total(component, due_by=day) for component in COMPONENTS[1:]), NOTHING)
        return version.total("principal") + beside

    def _closes(self, first: dt.date, last: dt.date, count: int) -> list[Decimal]:
        """The money there at the close of every day on which it can have changed, from first to last."""
        moved = {effect.value_on for effect in self.effects[:count] if first < effect.value_on <= last}
        return [total(self.effects[: min(count, self.count(day))]) for day in (first, *sorted(moved))]

    # By payment

    def cash(self, first: dt.date, last: dt.date) -> Decimal:
        """The borrower's money with a value date from first to last: what was taken back is below 0."""
        return sum((e.amount for e in self.effects if e.is_cash and first <= e.value_on <= last), NOTHING)

    def components(self, position: int) -> dict[str, Decimal]:
        """What the payment at a position settles, by component, on the version in force on its value date."""
        return self._components[position]

    @cached_property
    def _components(self) -> list[dict[str, Decimal]]:
        return [self._component_parts(position) for position in range(len(self.effects))]

    def _component_parts(self, position: int) -> dict[str, Decimal]:
        effect = self.effects[position]
        if not effect.settles:
            return _kept_split(effect)
        before, after = (self._settled_in_all(effect.value_on, count) for count in (position, position + 1))
        return {component: after[component] - before[component] for component in COMPONENTS}

    def _settled_in_all(self, day: dt.date, count: int) -> dict[str, Decimal]:
        version = self.version(day)
        if version is None:
            return dict.fromkeys(COMPONENTS, NOTHING)
        payoff = self.payoff(day, count)
        if payoff is not None:
            return payoff.settled(total(self.effects[:count]))
        settled = self.settled(version, self.conventions(day), count).values()
        return {component: sum((parts[component] for parts in settled), NOTHING) for component in COMPONENTS}

    def settled_by(self, position: int, version: Version, conventions: Conventions, number: int) -> Decimal:
        """What the payment at a position settles of one instalment of a plan, of the components that count in it."""
        before = self.settled(version, conventions, position)[number]
        after = self.settled(version, conventions, position + 1)[number]
        return sum((after[component] - before[component] for component in conventions.components), NOTHING)


def _kept_split(effect: Effect) -> dict[str, Decimal]:
    """Money that settles no instalment keeps the lender's split, unless what it names is unknown."""
    if effect.split is None or effect.is_orphan:
        return dict.fromkeys(COMPONENTS, NOTHING)
    return effect.split


def _clock_start(instalment: Instalment, conventions: Conventions, reopened_on: dt.date | None) -> dt.date:
    """The due date from which an instalment's days count: a chargeback's own date if that is later."""
    due_on = clock_due(instalment, conventions)
    return due_on if reopened_on is None else max(due_on, reopened_on)


def _late(
    instalment: Instalment,
    short: Decimal,
    settled: dict[str, Decimal],
    waived: Decimal,
    conventions: Conventions,
    reopened_on: dt.date | None,
) -> Late:
    counts_principal = "principal" in conventions.components
    counted = sum((settled[component] for component in conventions.components), NOTHING)
    return Late(
        instalment,
        _clock_start(instalment, conventions, reopened_on),
        short,
        due(instalment, "principal") - settled["principal"] if counts_principal else NOTHING,
        counted > max(waived, NOTHING),
    )


def _days_past_due(late: Sequence[Late], day: dt.date, conventions: Conventions, pauses: Pauses) -> int:
    """The days that the clock has counted: while it stands still it sees nothing new fall overdue."""
    running = pauses.last_running(day)
    seen = [one for one in late if overdue_from(one.due_on, conventions) <= running]
    if not seen:
        return 0
    if conventions.basis == "missed_payments":
        return _missed_payments(seen, conventions)
    due_on = seen[0].due_on
    paused = pauses.paused_days(overdue_from(due_on, conventions), running)
    return days_past_due(due_on + DAY * paused, running, conventions)


def _missed_payments(late: Sequence[Late], conventions: Conventions) -> int:
    """How many of the oldest instalment the overdue amount makes, as months of 30 days."""
    oldest = late[0].instalment
    amount = sum((one.short for one in late), NOTHING) + tolerance(oldest, conventions)
    return 30 * int(amount // owed(oldest, conventions))
