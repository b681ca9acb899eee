"""The mart of reconciliation: what the lender itself says of its loans, beside what we make of them."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from .book import Position
from .dates import DAY
from .delinquency import Day, Life
from .facts import Row
from .money import NOTHING, cents

MISSING_PAYMENT_DAYS = 31
NO_BREAK = "none"


@dataclass(frozen=True)
class Compared:
    """A position of the lender beside the loan as we have it at the same close."""

    life: Life
    position: Position
    ours: Day

    @property
    def tolerance(self) -> Decimal:
        """A difference of no more than this is none."""
        return self.life.ledger.conventions(self.position.as_of).tol_abs

    @property
    def difference(self) -> Decimal:
        """By how much our outstanding principal is above the lender's."""
        if self.position.outstanding_principal is None:
            return NOTHING
        difference = self.ours.outstanding_principal - self.position.outstanding_principal
        return NOTHING if abs(difference) <= self.tolerance else difference

    @property
    def break_type(self) -> str:
        """The first cause that would explain the difference; `none` where there is none."""
        if self._agrees_with(self.ours):
            return NO_BREAK
        if self._is_of_another_day():
            return "timing"
        if self.difference == 0:
            return "schedule"
        if self._is_a_payment_the_lender_lacks() or self._is_an_instalment_that_we_lack():
            return "missing_payment"
        return "allocation" if abs(self.difference) <= self._paid_beside_principal() else "unexplained"

    def _agrees_with(self, day: Day) -> bool:
        """Whether all that the lender reports is what we have at a close."""
        said, dpd = self.position.outstanding_principal, self.position.dpd
        return (said is None or abs(day.outstanding_principal - said) <= self.tolerance) and dpd in (None, day.dpd)

    def _is_of_another_day(self) -> bool:
        """Whether the lender reports the eve, or the day after."""
        beside = [self.life.on(self.position.as_of - DAY), self.life.on(self.position.as_of + DAY)]
        return any(day is not None and self._agrees_with(day) for day in beside)

    def _is_a_payment_the_lender_lacks(self) -> bool:
        """Whether a payment of the last weeks accounts for what we have less."""
        ledger, as_of = self.life.ledger, self.position.as_of
        return any(
            abs(ledger.components(position)["principal"] + self.difference) <= self.tolerance
            for position, effect in enumerate(ledger.effects)
            if self.difference < 0 and effect.settles and as_of - DAY * MISSING_PAYMENT_DAYS < effect.value_on <= as_of
        )

    def _is_an_instalment_that_we_lack(self) -> bool:
        """Whether an instalment accounts for what we have more: somebody paid it to the lender."""
        version = self.life.ledger.version(self.position.as_of)
        return (
            version is not None
            and self.difference > 0
            and any(abs(i.principal_due - self.difference) <= self.tolerance for i in version.instalments)
        )

    def _paid_beside_principal(self) -> Decimal:
        """What has gone to interest, fees and penalties so far, and may have gone to principal at the lender."""
        ledger = self.life.ledger
        parts = [
            ledger.components(position)
            for position, effect in enumerate(ledger.effects)
            if effect.settles and effect.value_on <= self.position.as_of
        ]
        return sum((part["interest"] + part["fee"] + part["penalty"] for part in parts), NOTHING)


def compared(life: Life) -> list[Compared]:
    """What can be compared of a loan in the book, the oldest first."""
    found = []
    for position in sorted(life.loan.positions, key=lambda position: position.as_of):
        ours = life.on(position.as_of)
        says_something = position.outstanding_principal is not None or position.dpd is not None
        if ours is not None and says_something:
            found.append(Compared(life, position, ours))
    return found


def reconciliation_daily(lives: Sequence[Life]) -> list[Row]:
    """mart_reconciliation_daily: by day and type of break, with the day since which the oldest of them lasts."""
    cells: dict[tuple[dt.date, str], list[tuple[Compared, dt.date | None]]] = defaultdict(list)
    for life in lives:
        broken_since = None
        for one in compared(life):
            break_type = one.break_type
            broken_since = None if break_type == NO_BREAK else broken_since or one.position.as_of
            cells[one.position.as_of, break_type].append((one, broken_since))
    return [
        {
            "lender": lives[0].book.lender,
            "as_of_date": as_of,
            "break_type": break_type,
            "loans": len(found),
            "our_amount": cents(sum((one.ours.outstanding_principal for one, _ in found), NOTHING)),
            "reported_amount": cents(sum((_reported(one) for one, _ in found), NOTHING)),
            "oldest_break_on": min((since for _, since in found if since is not None), default=None),
        }
        for (as_of, break_type), found in cells.items()
    ]


def _reported(one: Compared) -> Decimal:
    """What the lender reports, or what we have where it reports only days past due."""
    said = one.position.outstanding_principal
    return one.ours.outstanding_principal if said is None else said
