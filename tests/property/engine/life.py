"""A loan while its life is being told: what has been said of it so far."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from ...reference.book import Absence, CollectionAction, Event, Instalment, Loan, Payment, Position
from .dice import Dice
from .people import Borrower
from .schedules import cents, money, newest_version

PARTS = ("penalty", "fee", "interest", "principal")


@dataclass
class Life:
    """The loan and the hand that fate deals it.

    names_instalments, sends_split: of how many payments in four the lender says to which instalment they go, and how
    they are split.
    """

    dice: Dice
    loan_id: str
    product: str
    principal: int
    disbursed_on: dt.date
    data_as_of: dt.date
    names_instalments: int
    sends_split: int
    timezone: str
    instalments: list[Instalment] = field(default_factory=list)
    payments: list[Payment] = field(default_factory=list)
    events: dict[tuple[dt.date, str], Event] = field(default_factory=dict)
    positions: dict[dt.date, Position] = field(default_factory=dict)
    absences: list[Absence] = field(default_factory=list)
    actions: list[CollectionAction] = field(default_factory=list)

    @property
    def plan(self) -> list[Instalment]:
        """The newest version of the schedule; empty if there is none."""
        return newest_version(self.instalments) if self.instalments else []

    def day(self) -> dt.date:
        """Any day of the life up to data_as_of."""
        return self.disbursed_on + dt.timedelta(days=self.dice.whole(0, (self.data_as_of - self.disbursed_on).days))

    def happen(self, kind: str, day: dt.date, amount: Decimal | None = None) -> None:
        """Add an event; of a kind on a day there is one. What lies after data_as_of nobody has heard of."""
        if day <= self.data_as_of:
            self.events[day, kind] = Event(day, kind, amount)

    def pay(
        self, kind: str, day: dt.date, amount: int, instalment: Instalment | None = None, reverses: str | None = None
    ) -> Payment | None:
        """Add a payment of so many cents, named and split as this lender does it; None if it lies after data_as_of."""
        if day > self.data_as_of:
            return None
        named = instalment is not None and self.dice.chance(self.names_instalments, 4)
        split = self._split(instalment, amount) if self.dice.chance(self.sends_split, 4) else {}
        payment = Payment(
            f"{self.loan_id}-{len(self.payments) + 1}", day, kind, money(amount), self._posted_on(day),
            self._number(instalment) if instalment is not None and named else None,
            reverses_payment_id=reverses, **split,
        )  # fmt: skip
        self.payments.append(payment)
        return payment

    def _posted_on(self, day: dt.date) -> dt.date | None:
        if not self.dice.chance(1, 4):
            return None
        return min(day + dt.timedelta(days=self.dice.whole(0, 2)), self.data_as_of)

    def _number(self, instalment: Instalment) -> int:
        """Nearly always the right one; seldom one that the schedule does not have."""
        return 99 if self.dice.chance(1, 20) else instalment.instalment_no

    def _split(self, instalment: Instalment | None, amount: int) -> dict[str, Decimal]:
        """A payment's parts: as the instalment has them, all in one, or not adding up to the amount."""
        how = self.dice.pick(("due", "due", "due", "one", "wrong"))
        if how == "one" or instalment is None:
            return {self.dice.pick(PARTS): money(amount)}
        left, parts = amount, {}
        for part in PARTS:
            parts[part] = min(cents(getattr(instalment, f"{part}_due")), left)
            left -= parts[part]
        parts["interest"] += left
        if how == "wrong":
            parts["principal"] += 100
        return {part: money(value) for part, value in parts.items() if value or self.dice.chance(1, 2)}

    def loan(self, borrower: Borrower, credit_score: Decimal | None) -> Loan:
        return Loan(
            self.loan_id, self.product, money(self.principal), self.disbursed_on, max(len(self.plan), 1),
            borrower.borrower_id, borrower.identity_hash, _by_version(self.instalments), tuple(self.payments),
            tuple(event for _, event in sorted(self.events.items())),
            tuple(position for _, position in sorted(self.positions.items())), tuple(self.absences),
            tuple(self.actions), credit_score, borrower.birth_year, borrower.income_band,
        )  # fmt: skip


def _by_version(instalments: Sequence[Instalment]) -> tuple[Instalment, ...]:
    return tuple(sorted(instalments, key=lambda one: (one.schedule_version, one.instalment_no)))
