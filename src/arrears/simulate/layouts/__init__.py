"""How each lender writes its deliveries: one module a lender, found by its name.

A layout module offers what `Layout` lists. To add a lender, add a module; nothing else names it. What layouts share is
in modules whose names begin with an underscore.
"""

from __future__ import annotations

import importlib
import pkgutil
from datetime import date
from typing import Protocol, cast

from arrears.simulate.book import Book, Ints, Profile
from arrears.simulate.engine import Day
from arrears.simulate.faults import FileFormat
from arrears.simulate.ledger import Ledger
from arrears.simulate.writers import Landing


class DeliveryWriter(Protocol):
    """Writes one lender's deliveries, each from what was booked since the one before."""

    files: int
    """Files written so far."""
    bytes: int
    """Bytes written so far."""

    def record(self, day: Day, landing: Landing | None) -> None:
        """Take a day's bookings into the open delivery, that of `day.delivered_on`; opens it where none is.

        landing: None makes the delivery without writing it.
        """

    def deliver(self, day: int, touched: Ints) -> None:
        """Finish the open delivery at the close of `day`. touched: loans whose position may have changed."""

    def loan_ids(self, first: int, last: int) -> list[str]:
        """The ids by which the files name a range of the book's loans."""


class Layout(Protocol):
    """A layout module."""

    PROFILE: Profile
    FORMAT: FileFormat
    """How faults read and write its files."""

    def writer(self, book: Book, ledger: Ledger, start: date) -> DeliveryWriter:
        """A writer whose first delivery is for `start`."""


def names() -> list[str]:
    """The lenders that can be simulated, by name."""
    return sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_"))


def find(lender: str) -> Layout:
    """The layout of a lender.

    Raises ValueError, naming those there are, where there is none.
    """
    if lender not in names():
        raise ValueError(f"no simulator for lender {lender!r}; there is one for: {', '.join(names())}")
    return cast(Layout, importlib.import_module(f"{__name__}.{lender}"))


__all__ = ["DeliveryWriter", "Layout", "find", "names"]
