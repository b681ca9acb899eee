"""What a lender books, as columns: payments, events, collection actions, the days and the month-ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from arrears.simulate.book import Ints

Bools = npt.NDArray[np.bool_]

REPAYMENT, PREPAYMENT, REVERSAL, WAIVER, RECOVERY, CHARGEBACK, REFUND, COMPENSATION, BUYBACK = range(9)
"""Kinds of payment, in the order in which layouts spell them."""

WRITTEN_OFF, EXTENDED, SETTLEMENT, TRANSFERRED, RESTRUCTURED, PAUSED, RESUMED = range(7)
"""Kinds of loan event, likewise."""

DEBIT, APP, TRANSFER, COLLECTED, NO_CHANNEL = range(5)
"""Channels of payment, likewise."""

PHONE, SMS, VISIT, LETTER, IN_APP, LEGAL = range(6)
"""Channels of collection, likewise."""

NOBODY, DEBTOR, CONTACT = -1, 0, 1
"""Whom a collection action reached."""

NO_ANSWER, REFUSED, PROMISED, PAID_ALREADY, HARDSHIP, COMPLAINED, DELIVERED = range(7)
"""Outcomes of a collection action, likewise. What is sent and not spoken is DELIVERED."""

PAYMENTS_A_DAY = 10**7
"""A payment's id is its value day times this, plus its running number in the day."""

ACTIONS_A_DAY = 10**7
"""A collection action's id is its day times this, plus its running number in the day."""


@dataclass(frozen=True)
class Payments:
    """Payment records, one row each. All amounts are positive: the kind says which way they go."""

    id: Ints
    loan: Ints
    value_on: Ints
    posted_on: Ints
    kind: Ints
    amount: Ints
    reverses: Ints
    """Id of the payment that a reversal or chargeback takes back; -1 for other kinds."""
    channel: Ints

    def __len__(self) -> int:
        return len(self.id)

    def where(self, rows: Bools) -> Payments:
        """Some of the rows."""
        return Payments(*(getattr(self, f.name)[rows] for f in fields(self)))


@dataclass(frozen=True)
class Events:
    """Things that happened to loans on one day, one row each."""

    loan: Ints
    kind: Ints
    amount: Ints
    months: Ints
    """By how many months an extension or restructuring moves due days; 0 for other kinds."""

    def __len__(self) -> int:
        return len(self.loan)


@dataclass(frozen=True)
class Actions:
    """Collection actions of one day, one row each, by order of id."""

    id: Ints
    loan: Ints
    at: Ints
    """Seconds since 1970-01-01 00:00 UTC."""
    channel: Ints
    agency: Ints
    """Position in `Profile.agencies`; -1 in-house."""
    connected: Bools
    party: Ints
    outcome: Ints
    promised_amount: Ints
    """In the smallest unit of the currency; -1 where nothing was promised."""
    promised_on: Ints
    """The day by which it was promised; -1 likewise."""
    complaint: Bools

    def __len__(self) -> int:
        return len(self.id)

    def where(self, rows: Bools | Ints) -> Actions:
        """Some of the rows, or all in another order."""
        return Actions(*(getattr(self, f.name)[rows] for f in fields(self)))

    def numbered(self, day: int) -> Actions:
        """The same with their ids, in the order in which they stand."""
        return replace(self, id=day * ACTIONS_A_DAY + 1 + np.arange(len(self)))


def no_actions() -> Actions:
    """A day without collection."""
    none, never = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.bool_)
    return Actions(none, none, none, none, none, never, none, none, none, none, never)


@dataclass(frozen=True)
class Day:
    """What a lender books on one day, for its delivery."""

    day: int
    delivered_on: int
    """Business date of the delivery that carries it: the day itself, unless the lender delivers less often."""
    loans: tuple[int, int]
    """The loans disbursed today: a range of the book."""
    borrowers: tuple[int, int]
    """The borrowers whose first loan that is: a range of the book."""
    payments: Payments
    """Posted today, by order of id."""
    events: Events
    replanned: Ints
    """Loans that were given a new plan today."""
    actions: Actions
    moved: Ints
    """Loans of which amounts of some instalment (penalty, interest) changed today without a new plan."""


@dataclass(frozen=True)
class MonthEnd:
    """Every loan's state at a month-end, one row a loan, in the book's order."""

    day: int
    state: np.ndarray[tuple[int], np.dtype[np.int8]]
    dpd: Ints
    contractual_dpd: Ints
    outstanding: Ints
    overdue_principal: Ints
    overdue_amount: Ints
    restructured: Bools


Records = TypeVar("Records", Payments, Events, Actions)


def join(parts: Sequence[Records]) -> Records:
    """Records one after another. There must be a part."""
    kind = type(parts[0])
    return kind(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(kind)))


def payments(
    kind: int | Ints, loan: Ints, day: int, amount: Ints, channel: int | Ints = NO_CHANNEL, reverses: Ints | None = None
) -> Payments:
    """Payments valued and posted on one day, still without their ids (-1)."""
    count = len(loan)
    on, none = np.full(count, day, dtype=np.int64), np.full(count, -1, dtype=np.int64)
    kinds, channels = (np.broadcast_to(np.asarray(c, dtype=np.int64), (count,)) for c in (kind, channel))
    return Payments(none, loan, on, on, kinds, amount, none if reverses is None else reverses, channels)


def events(kind: int, loan: Ints, amount: Ints | None = None, months: Ints | None = None) -> Events:
    """Events of one kind."""
    nothing = np.zeros(len(loan), dtype=np.int64)
    kinds = np.full(len(loan), kind, dtype=np.int64)
    return Events(loan, kinds, nothing if amount is None else amount, nothing if months is None else months)
