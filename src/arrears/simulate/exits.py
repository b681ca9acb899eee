"""How loans leave the book for good while something is still owed."""

from __future__ import annotations

import numpy as np

from arrears.simulate.book import Book, Habits, Ints, day_date, stream
from arrears.simulate.ledger import ACTIVE, BOUGHT_BACK, COMPENSATED, TRANSFERRED, WRITTEN_OFF, Ledger
from arrears.simulate.records import BUYBACK, COMPENSATION, Events, Payments, events, join, payments
from arrears.simulate.records import TRANSFERRED as TRANSFER_EVENT
from arrears.simulate.records import WRITTEN_OFF as WRITE_OFF_EVENT

_SALE_DAY, _GUARANTEE_DAY, _WRITE_OFF_DAY = 0, 2, 4
"""Weekdays, Monday being 0."""
_SOLD_FROM = 60
_COMPENSATED_AT, _BOUGHT_BACK_AT = (80, 120), (60, 120)


class Exits:
    """Which of a lender's late loans leave the book today: written off, sold, or paid by somebody else."""

    def __init__(self, seed: int, lender: str, habits: Habits, book: Book, ledger: Ledger) -> None:
        self._seed, self._lender, self._habits = seed, lender, habits
        self._book, self._ledger = book, ledger
        self._guarantee = self._guarantees(len(book))

    def _guarantees(self, loans: int) -> tuple[Ints, Ints]:
        """Per loan: what somebody else will pay it as (-1: nobody will), and at how many days past due."""
        habits = self._habits
        if habits.compensation + habits.buyback <= 0:
            return np.full(loans, -1), np.zeros(loans, dtype=np.int64)
        u = stream(self._seed, self._lender, "guarantees").random((loans, 2))
        bounds = np.cumsum([habits.compensation, habits.buyback])
        kind = np.array([COMPENSATION, BUYBACK, -1])[np.searchsorted(bounds, u[:, 0], side="right")]
        low, high = np.where(kind == COMPENSATION, _COMPENSATED_AT[0], _BOUGHT_BACK_AT[0]), _COMPENSATED_AT[1]
        return kind, (low + np.floor(u[:, 1] * (high - low))).astype(np.int64)

    def paid_by_others(self, today: int, known: int, busy: Ints) -> Payments:
        """Guarantors and the platform pay for late loans: what is overdue and all principal to come. The claim is
        theirs from then on. busy: loans that something was booked for today; their turn comes next week."""
        kind, at = self._guarantee
        none = np.zeros(0, dtype=np.int64)
        if day_date(today).weekday() != _GUARANTEE_DAY or (kind < 0).all():
            return payments(COMPENSATION, none, today, none)
        late = self._late(today, known, _BOUGHT_BACK_AT[0])
        late = late[(kind[late] >= 0) & (self._ledger.days_past_due(late, today) >= at[late])]
        late = late[~np.isin(late, busy)]
        position = self._ledger.position(late)
        amounts = position.outstanding + position.overdue_amount - position.overdue_principal
        for paid_as, state in ((COMPENSATION, COMPENSATED), (BUYBACK, BOUGHT_BACK)):
            self._ledger.leave(late[kind[late] == paid_as], today, state)
        return payments(kind[late], late, today, amounts)

    def sold(self, today: int, known: int, awaited: Ints) -> Events:
        """Claims sold at the close of today."""
        none = np.zeros(0, dtype=np.int64)
        if day_date(today).weekday() != _SALE_DAY or self._habits.transfer <= 0:
            return events(TRANSFER_EVENT, none)
        late = self._late(today, known, _SOLD_FROM)
        u = stream(self._seed, self._lender, "sales", today + 10**6).random(len(late))
        late = late[(u < self._habits.transfer) & (awaited[late] == 0) & (self._ledger.outstanding[late] > 0)]
        return events(TRANSFER_EVENT, late, self._ledger.leave(late, today, TRANSFERRED))

    def written_off(self, today: int, known: int, awaited: Ints) -> Events:
        """Loans written off at the close of today. awaited: per loan, debits that will come back."""
        ledger = self._ledger
        if day_date(today).weekday() != _WRITE_OFF_DAY:
            return events(WRITE_OFF_EVENT, np.zeros(0, dtype=np.int64))
        late = self._late(today, known, 90)
        late = late[awaited[late] == 0]
        late = late[ledger.days_past_due(late, today) >= self._book.write_off_at[late]]
        late = late[ledger.outstanding[late] > 0]
        return events(WRITE_OFF_EVENT, late, ledger.leave(late, today, WRITTEN_OFF))

    def at_close(self, today: int, known: int, awaited: Ints) -> Events:
        """All loans that leave at the close of today without a payment."""
        return join([self.sold(today, known, awaited), self.written_off(today, known, awaited)])

    def _late(self, today: int, known: int, days: int) -> Ints:
        late = np.flatnonzero(self._ledger.oldest_due[:known] < today - days)
        found: Ints = late[self._ledger.state[late] == ACTIVE]
        return found
