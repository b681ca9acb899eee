"""What chargebacks have opened again: an instalment claimed back falls due anew on the day of the claim.

A loan's payment history is one number, its credit (see `ledger`), so a chargeback is a stretch of that number: from
where it left the credit up to where the credit had closed the day before. An instalment that is settled by an
amount inside the stretch was paid and is short again, whatever the plan. Money that comes later covers the stretch
from below, and what it covers at the close of a day is settled: should a bank return lay it bare once more, it is
short from its original due day. A day on which money also goes back otherwise opens no stretch.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from arrears.simulate.book import Days, Ints

Bools = npt.NDArray[np.bool_]

_EVERYTHING = np.int64(2**62)
"""The credit of a prepaid loan: nothing is short on any plan."""


@dataclass(frozen=True)
class Stretches:
    """Stretches of credit that chargebacks opened, one row a stretch; those of a loan do not overlap."""

    loan: Ints
    day: Days
    """Of the chargeback."""
    above: Ints
    """Credit above which the stretch is open still."""
    up_to: Ints
    """Credit before the chargeback: the stretch ends there."""

    def where(self, some: Bools) -> Stretches:
        """Some of the rows."""
        return Stretches(*(getattr(self, f.name)[some] for f in fields(self)))


class Reopenings:
    """The stretches open in a book, kept from one close to the next."""

    def __init__(self, loans: int) -> None:
        none = np.zeros(0, dtype=np.int64)
        self.stretches = Stretches(none, none.astype(np.int32), none, none)
        self.concerned = np.zeros(loans, dtype=np.bool_)
        """Per loan: whether a stretch of it is open."""
        self._closed = np.zeros(loans, dtype=np.int64)
        """Per loan: the credit of its last close."""
        self._claimed = np.zeros(loans, dtype=np.bool_)
        self._returned = np.zeros(loans, dtype=np.bool_)
        """Per loan: money that went back today, by chargeback and otherwise."""
        self._newest: Ints = none
        self.opened_on = -1
        """The day now closed if a stretch opened on it; -1 otherwise, and from the next morning on."""

    def claim(self, loans: Ints) -> None:
        """A chargeback takes money back from these loans today."""
        self._claimed[loans] = True

    def take_back(self, loans: Ints) -> None:
        """Money goes back otherwise today: bank returns, refunds."""
        self._returned[loans] = True

    def begin_day(self) -> Ints:
        """What yesterday's close covered is settled. Returns the loans that chargebacks opened again yesterday."""
        newest, self._newest, self.opened_on = self._newest, np.zeros(0, dtype=np.int64), -1
        if len(self.stretches.loan):
            at = self.stretches
            above = np.maximum(at.above, self._closed[at.loan])
            self.concerned[at.loan] = False
            self.stretches = Stretches(at.loan, at.day, above, at.up_to).where(above < at.up_to)
            self.concerned[self.stretches.loan] = True
        return newest

    def close_day(self, loans: Ints, credit: Ints, prepaid: Bools, day: int) -> None:
        """Close a day for the loans that something happened to. loans: each once; credit, prepaid: theirs."""
        claimed = loans[self._claimed[loans]]
        if len(claimed):
            self._open(claimed[~self._returned[claimed]], day)
            self._claimed[claimed] = False
        self._returned[loans] = False
        self._closed[loans] = np.where(prepaid, _EVERYTHING, credit)

    def _open(self, loans: Ints, day: int) -> None:
        at, none = self.stretches, np.zeros(len(loans), dtype=np.int64)
        self.stretches = Stretches(
            loan=np.concatenate([at.loan, loans]),
            day=np.concatenate([at.day, np.full(len(loans), day, dtype=np.int32)]),
            above=np.concatenate([at.above, none]),
            up_to=np.concatenate([at.up_to, self._closed[loans]]),
        )
        self.concerned[loans] = True
        self._newest, self.opened_on = loans, day
