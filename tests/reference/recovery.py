"""The mart of recoveries: what is collected after a loan has entered a bucket."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from .dates import DAY, month_end
from .delinquency import Day, Life
from .facts import Row, Spell, spells
from .money import NOTHING, cents

WINDOWS = (3, 7, 15, 30, 60, 90)
REDEFAULT_DAYS = 90


@dataclass(frozen=True)
class Entry:
    """A loan's first entry of a month into a bucket, and all spells of the loan."""

    life: Life
    day: Day
    spells: tuple[Spell, ...]

    def collected(self, window: int) -> Decimal:
        """Principal that cash has settled within so many days after the entry, net, while the loan had not ended."""
        ledger = self.life.ledger
        last = self.day.day + DAY * window
        if self.life.ending is not None:
            last = min(last, self.life.ending.on)
        return sum(
            (
                ledger.components(position)["principal"]
                for position, effect in enumerate(ledger.effects)
                if effect.settles and effect.is_cash and self.day.day < effect.value_on <= last
            ),
            NOTHING,
        )

    def is_cured(self, window: int) -> bool:
        """Whether the spell ended by payment within so many days."""
        spell = self._spell
        return (
            spell.exit_reason == "paid"
            and spell.exited_on is not None
            and spell.exited_on <= self.day.day + DAY * window
        )

    @property
    def is_followed(self) -> bool:
        """Whether the days after the end of the spell in which another would be a re-default are over."""
        ended = self._spell.exited_on
        return ended is not None and ended + DAY * REDEFAULT_DAYS <= self.life.data_as_of

    @property
    def is_redefaulted(self) -> bool:
        """Whether another spell is known to have begun soon after the end of this one."""
        ended = self._spell.exited_on
        return ended is not None and any(
            ended <= later.entered_on <= ended + DAY * REDEFAULT_DAYS
            for later in self.spells
            if later.number > self._spell.number
        )

    @property
    def _spell(self) -> Spell:
        (found,) = [spell for spell in self.spells if spell.entered_on <= self.day.day <= spell.days[-1].day]
        return found


def entries(life: Life) -> list[Entry]:
    """A loan's entries into worse buckets: of several into one bucket in a month the first."""
    found: dict[tuple[dt.date, str], Entry] = {}
    all_spells = tuple(spells(life))
    for day in life.days_in_book:
        eve = life.in_book(day.day - DAY)
        if eve is not None and eve.bucket_order < day.bucket_order:
            found.setdefault((month_end(day.day), day.bucket), Entry(life, day, all_spells))
    return list(found.values())


def recovery_monthly(lives: Sequence[Life]) -> list[Row]:
    """mart_recovery_monthly: by month of entry and bucket what came in within each window that is over."""
    cells: dict[tuple[str, dt.date, str, int], list[Entry]] = defaultdict(list)
    for life in lives:
        for entry in entries(life):
            for window in WINDOWS:
                if entry.day.day + DAY * window <= life.data_as_of:
                    key = (life.loan.product, month_end(entry.day.day), entry.day.bucket, window)
                    cells[key].append(entry)
    return [
        {
            "lender": lives[0].book.lender,
            "product": product,
            "entry_month": entry_month,
            "entry_bucket": bucket,
            "window_days": window,
            "entered_loans": len(entered),
            "entry_overdue_principal": cents(sum((entry.day.overdue_principal for entry in entered), NOTHING)),
            "collected_principal": cents(sum((entry.collected(window) for entry in entered), NOTHING)),
            "cured_loans": len(cured := [entry for entry in entered if entry.is_cured(window)]),
            "redefaulted_90d_loans": sum(entry.is_redefaulted for entry in cured),
            "followed_cured_loans": sum(entry.is_followed for entry in cured),
            "followed_redefaulted_loans": sum(entry.is_redefaulted and entry.is_followed for entry in cured),
        }
        for (product, entry_month, bucket, window), entered in cells.items()
    ]
