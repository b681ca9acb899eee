"""Which loans a delivery says something about, and what a lender says of where they stand."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from arrears.simulate.book import Book, Ints, day_date
from arrears.simulate.ledger import ACTIVE, NEVER, SETTLED, STATES, Bools, Ledger
from arrears.simulate.records import Day

_OVERDUE = len(STATES)
STATUSES = ("normal", *STATES[1:], "overdue")
"""A lender's words for where a loan stands, by the code of `status`."""


def status(state: npt.NDArray[np.integer[Any]], late: Bools) -> Ints:
    """Positions in `STATUSES` of loans by their state in the ledger; late: which of them are."""
    return np.where((state == ACTIVE) & late, _OVERDUE, state).astype(np.int64)


class Positions:
    """Keeps, from one delivery to the next, the loans that something happened to."""

    def __init__(self, book: Book, ledger: Ledger) -> None:
        self._ledger = ledger
        self._known = 0
        self._noted = np.zeros(len(book), dtype=np.bool_)

    def note(self, day: Day) -> None:
        """Take a day's bookings into account."""
        self._known = day.loans[1]
        self._noted[slice(*day.loans)] = True
        for loans in (day.payments.loan, day.events.loan, day.moved, day.replanned):
            self._noted[loans] = True

    def changed(self, touched: Ints) -> Ints:
        """Loans that something happened to since the last delivery; touched: others that may have changed."""
        return np.union1d(np.flatnonzero(self._noted), touched)

    def reported(self, day: int, touched: Ints) -> Ints:
        """Loans to report at the close of a day: changed or overdue ones; on a month-end, all that are open besides."""
        ledger, known = self._ledger, slice(self._known)
        if day_date(day + 1).day == 1:
            rest = ledger.terminal_on[known] == NEVER
        else:
            rest = (ledger.oldest_due[known] < day) & (ledger.state[known] == ACTIVE)
        return np.union1d(np.flatnonzero(rest), self.changed(touched))

    def delivered(self) -> None:
        """What happened has been told."""
        self._noted[:] = False

    def days_late(self, loans: Ints, day: int) -> Ints:
        """Days past due as a lender counts them: none once a loan is settled."""
        return np.where(self._ledger.state[loans] == SETTLED, 0, self._ledger.days_past_due(loans, day))


__all__ = ["STATUSES", "Positions", "status"]
