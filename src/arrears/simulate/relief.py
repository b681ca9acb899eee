"""What a lender grants borrowers in trouble: extensions, new terms, pauses."""

from __future__ import annotations

import numpy as np

from arrears.simulate.agenda import Agenda
from arrears.simulate.book import Ints, stream
from arrears.simulate.ledger import ACTIVE, NEVER, Bools, Ledger
from arrears.simulate.records import EXTENDED, PAUSED, RESTRUCTURED, RESUMED, Events, events, join


class Relief:
    """Grants of one lender. Each looks at the loan again on the day itself: it may have been paid since."""

    def __init__(self, seed: int, lender: str, ledger: Ledger) -> None:
        self._seed, self._lender, self._ledger = seed, lender, ledger
        self._resuming = Agenda(1)

    def extend(self, rng: np.random.Generator, today: int, loans: Ints) -> tuple[Events, Ints]:
        """Extend late loans that were never given a new plan. Returns the events and the rows whose due day moved."""
        ledger = self._ledger
        if len(loans):
            loans = loans[self._is_late(loans, today) & (ledger.version[loans] == 1)]
        if not len(loans):
            return events(EXTENDED, loans), loans
        ledger.outstanding[loans] = ledger.position(loans).outstanding
        months = rng.integers(1, 4, len(loans))
        moved, rows = ledger.extend(loans, today, months, rng.random(len(loans)) < 0.7)
        return events(EXTENDED, loans, ledger.outstanding[loans].copy(), moved), rows

    def restructure(self, today: int, loans: Ints) -> tuple[Events, Ints]:
        """Give late loans new terms, each at most twice a new plan. loans: in order. Returns what `extend` returns."""
        ledger = self._ledger
        if len(loans):
            loans = loans[self._is_late(loans, today) & (ledger.version[loans] <= 2)]
        if not len(loans):
            return events(RESTRUCTURED, loans), loans
        ledger.outstanding[loans] = ledger.position(loans).outstanding
        months = stream(self._seed, self._lender, "terms", today + 10**6).integers(1, 4, len(loans))
        moved, rows = ledger.restructure(loans, today, months)
        return events(RESTRUCTURED, loans, ledger.outstanding[loans].copy(), moved), rows

    def pause(self, today: int, loans: Ints) -> Events:
        """Stop the clock of late loans that it was never stopped for, and have those run again whose time has come."""
        ledger = self._ledger
        (again,) = self._resuming.take(today)
        loans = loans[self._is_late(loans, today) & (ledger.paused_from[loans] == NEVER)]
        if len(loans):
            days = stream(self._seed, self._lender, "pauses", today + 10**6).integers(30, 91, len(loans))
            ledger.pause(loans, today, today + days)
            self._resuming.put(today + days, loans)
        return join([events(PAUSED, loans), events(RESUMED, again)])

    def _is_late(self, loans: Ints, today: int) -> Bools:
        """Late by yesterday's books, and today's: a debit may have come back since, or everything been paid."""
        ledger = self._ledger
        first, last = ledger.oldest_short(loans), ledger.last(loans)
        late = (ledger.state[loans] == ACTIVE) & (ledger.oldest_due[loans] < today) & (first <= last)
        return np.asarray(late & (ledger.due[np.minimum(first, last)] < today), dtype=np.bool_)
