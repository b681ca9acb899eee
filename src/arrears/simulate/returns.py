"""Money that goes back: debits that the bank returns, payments claimed back weeks later, credit balances refunded."""

from __future__ import annotations

import numpy as np

from arrears.simulate.agenda import Agenda
from arrears.simulate.book import Habits, Ints, stream
from arrears.simulate.ledger import ACTIVE, SETTLED, Ledger
from arrears.simulate.records import (
    CHARGEBACK,
    DEBIT,
    NO_CHANNEL,
    PREPAYMENT,
    REFUND,
    REPAYMENT,
    REVERSAL,
    Bools,
    Payments,
    payments,
)


class Returns:
    """What of a lender's payments goes back, and when. Takes it out of the ledger on that day."""

    def __init__(self, seed: int, lender: str, habits: Habits, ledger: Ledger) -> None:
        self._seed, self._lender, self._habits, self._ledger = seed, lender, habits, ledger
        self._debits = Agenda(4)
        self._claims = Agenda(3)
        self._refunds = Agenda(1)
        self.awaited = np.zeros(len(ledger.credit), dtype=np.int64)
        """Per loan: debits that will come back."""
        self.firm = np.zeros(len(ledger.credit), dtype=np.bool_)
        """Per loan: nothing of it ever goes back."""

    def expect(self, u: np.ndarray[tuple[int, int], np.dtype[np.float64]], today: int, booked: Payments) -> Bools:
        """Decide which of today's payments will go back. u: two draws a payment. Returns the debits among them; they
        come back on `again`."""
        back: Bools = (booked.channel == DEBIT) & (u[:, 0] < self._habits.returned) & ~self.firm[booked.loan]
        prepaid = (booked.kind == PREPAYMENT).astype(np.int64)
        self._debits.put(
            self.again(u, today)[back], booked.id[back], booked.loan[back], booked.amount[back], prepaid[back]
        )
        np.add.at(self.awaited, booked.loan[back], 1)
        if self._habits.chargeback > 0:
            self._expect_claims(today, booked)
        return back

    @staticmethod
    def again(u: np.ndarray[tuple[int, int], np.dtype[np.float64]], today: int) -> Ints:
        """The day on which a debit comes back, if it does."""
        return today + 1 + np.floor(u[:, 1] * 5).astype(np.int64)

    def _expect_claims(self, today: int, booked: Payments) -> None:
        v = stream(self._seed, self._lender, "claims", today + 10**6).random((len(booked), 2))
        claimed = (booked.kind == REPAYMENT) & (booked.channel != DEBIT) & (v[:, 0] < self._habits.chargeback)
        claimed &= ~self.firm[booked.loan]
        day = today + 14 + np.floor(v[:, 1] * 46).astype(np.int64)
        self._claims.put(day[claimed], booked.id[claimed], booked.loan[claimed], booked.amount[claimed])

    def expect_refunds(self, today: int, settled: Ints) -> None:
        """Decide which of the loans settled today are paid back what they have too much."""
        if self._habits.refund <= 0 or not len(settled):
            return
        v = stream(self._seed, self._lender, "refunds", today + 10**6).random((len(settled), 2))
        chosen = (self._credit_balance(settled) > 0) & (v[:, 0] < self._habits.refund)
        day = today + 3 + np.floor(v[:, 1] * 8).astype(np.int64)
        self._refunds.put(day[chosen], settled[chosen])

    def debits(self, today: int) -> Payments:
        """Debits returned by the bank today."""
        ids, loans, amounts, prepaid = self._debits.take(today)
        self._ledger.take_back(loans, amounts)
        self._ledger.prepaid[loans[prepaid == 1]] = False
        np.add.at(self.awaited, loans, -1)
        return payments(REVERSAL, loans, today, amounts, NO_CHANNEL, ids)

    def claims(self, today: int) -> Payments:
        """Payments claimed back today. A loan prepaid since, or out of the book, is left alone."""
        ids, loans, amounts = self._claims.take(today)
        state = self._ledger.state[loans]
        stands = ((state == ACTIVE) | (state == SETTLED)) & ~self._ledger.prepaid[loans]
        ids, loans, amounts = ids[stands], loans[stands], amounts[stands]
        self._ledger.charge_back(loans, amounts)
        return payments(CHARGEBACK, loans, today, amounts, NO_CHANNEL, ids)

    def refunds(self, today: int) -> Payments:
        """Credit balances paid back today."""
        (loans,) = self._refunds.take(today)
        loans = loans[self._ledger.state[loans] == SETTLED]
        amounts = self._credit_balance(loans)
        loans, amounts = loans[amounts > 0], amounts[amounts > 0]
        self._ledger.take_back(loans, amounts)
        return payments(REFUND, loans, today, amounts)

    def _credit_balance(self, loans: Ints) -> Ints:
        ledger = self._ledger
        surplus = ledger.credit[loans] - ledger.total[ledger.last(loans)]
        return np.asarray(np.where(ledger.prepaid[loans], 0, np.maximum(surplus, 0)), dtype=np.int64)
