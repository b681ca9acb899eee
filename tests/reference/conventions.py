"""Which conventions rule a product on a day."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal

from . import seeds
from .book import Book


@dataclass(frozen=True)
class Conventions:
    """All conventions in force on a day. Two days with equal ones, side by side, belong to one era.

    Those that do not bear on days past due and amounts make no era of their own.
    """

    first_day: int
    tol_abs: Decimal
    tol_pct: Decimal
    grace_days: int
    outstanding: str
    allocation: str
    allocation_order: tuple[str, ...]
    scheme: str
    basis: str
    day_count: str
    non_working_day: str
    components: frozenset[str]
    default_dpd: int
    risk_regime: str = field(compare=False)
    promise_grace_days: int = field(compare=False)
    promise_kept_share: Decimal = field(compare=False)


class Rulebook:
    """The conventions of a lender's products by day."""

    def __init__(self, book: Book, product: str) -> None:
        # name, value, effective_from, closeness: 2 the product's own, 1 the lender's, 0 the default
        self._rows = [(name, value, start, 0) for name, value, start in seeds.default_conventions()]
        self._rows += [
            (own.name, own.value, own.effective_from, 1 if own.product is None else 2)
            for own in book.conventions
            if own.product in (None, product)
        ]
        self.starts = sorted({start for _, _, start, _ in self._rows})
        self._eras = {start: self._read(start) for start in self.starts}

    def on(self, day: dt.date) -> Conventions:
        """The conventions in force at the close of a day."""
        return self._eras[max(start for start in self.starts if start <= day)]

    def _value(self, name: str, day: dt.date) -> str:
        """Of the rows in force the closest, and of those the newest."""
        candidates = [
            (closeness, start, value)
            for row_name, value, start, closeness in self._rows
            if row_name == name and start <= day
        ]
        if not candidates:
            raise ValueError(f"no convention {name} on {day}: give it a default in the seed conventions.csv")
        return max(candidates)[2]

    def _read(self, day: dt.date) -> Conventions:
        return Conventions(
            first_day=int(self._value("first_day", day)),
            tol_abs=Decimal(self._value("tol_abs", day)),
            tol_pct=Decimal(self._value("tol_pct", day)),
            grace_days=int(self._value("grace_days", day)),
            outstanding=self._value("outstanding", day),
            allocation=self._value("allocation", day),
            allocation_order=_words(self._value("allocation_order", day)),
            scheme=self._value("scheme", day),
            basis=self._value("basis", day),
            day_count=self._value("day_count", day),
            non_working_day=self._value("non_working_day", day),
            components=frozenset(_words(self._value("components", day))),
            default_dpd=int(self._value("default_dpd", day)),
            risk_regime=self._value("risk_regime", day),
            promise_grace_days=int(self._value("promise_grace_days", day)),
            promise_kept_share=Decimal(self._value("promise_kept_share", day)),
        )


def _words(listed: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in listed.split(","))
