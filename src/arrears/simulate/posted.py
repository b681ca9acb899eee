"""Instalments as a lender's books show them: what posted payments have settled of each, and since when.

For layouts that send no payments, only the standing of every instalment. Such a file has one day of payment for a
row, so payments of one loan with different value days are booked one day after another, the earliest first; then
the differences between successive files are the payments, to the fen and the day.

A payment goes to the oldest open instalment first, in it to interest before principal. A full prepayment pays the
instalments due by its day as agreed and the principal of all others; what it paid above that is the interest
charged for the current instalment, and the later ones carry none. A reversal takes both back.

Money is int64 in fen; days are days since 1970-01-01. There are no fees, waivers or new plans in such a layout.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from arrears.simulate.book import Book, Ints
from arrears.simulate.ledger import NEVER, TOLERANCE
from arrears.simulate.records import PREPAYMENT, REPAYMENT, REVERSAL, Payments, join

OPEN, PAID_IN_TIME, PAID_LATE, PAID_EARLY, PART_PAID = range(5)
"""Standings of an instalment. One whose payments all came back is PART_PAID with everything open."""

NEVER_PAID = -1

Bools = npt.NDArray[np.bool_]


class PostedBook:
    """Standing of every instalment (a row of the plan) and of every loan, moved forward by `post` only."""

    def __init__(self, book: Book) -> None:
        self.book = book
        loans, rows = len(book), len(book.due)
        self.interest = book.interest_due.copy()
        """Per instalment: interest charged; as agreed unless the loan was prepaid."""
        self.paid_principal = np.zeros(rows, dtype=np.int64)
        self.paid_interest = np.zeros(rows, dtype=np.int64)
        self.paid_on = np.full(rows, NEVER_PAID, dtype=np.int32)
        """Per instalment: value day of the last payment or reversal."""
        self.standing = np.zeros(rows, dtype=np.int8)

        self.repaid_principal = np.zeros(loans, dtype=np.int64)
        self.repaid_interest = np.zeros(loans, dtype=np.int64)
        self.charged_interest = np.add.reduceat(book.interest_due, book.offset[:-1]) if loans else np.zeros(0, np.int64)
        self.instalments_paid = np.zeros(loans, dtype=np.int64)
        self.paid_late = np.zeros(loans, dtype=np.int64)
        """Per loan: instalments paid, after their due day."""
        self.oldest_due = book.due[book.offset[:-1]].copy()
        """Per loan: due day of the oldest instalment short by more than the tolerance; NEVER where none is."""
        self.last_on = np.full(loans, NEVER_PAID, dtype=np.int64)
        """Per loan: value day of the last payment, and its parts."""
        self.last_principal = np.zeros(loans, dtype=np.int64)
        self.last_interest = np.zeros(loans, dtype=np.int64)

        owed = book.principal_due + book.interest_due
        running = np.cumsum(owed) - owed
        self._owed_before = running - np.repeat(running[book.offset[:-1]], book.term)
        self._credit = np.zeros(loans, dtype=np.int64)
        self._prepaid_by = np.full(loans, -1, dtype=np.int64)
        self._prepaid_on = np.full(loans, int(NEVER), dtype=np.int64)
        """Per loan: id and value day of the payment that prepaid it."""
        self._waiting: Payments | None = None

    # ── asking ──────────────────────────────────────────────────────────────────────────────────────────

    def outstanding(self, loans: Ints) -> Ints:
        """Principal not yet repaid."""
        return np.asarray(self.book.principal[loans] - self.repaid_principal[loans], dtype=np.int64)

    def days_past_due(self, loans: Ints, day: int) -> Ints:
        """DPD at the close of a day."""
        return np.maximum(day - self.oldest_due[loans].astype(np.int64), 0)

    def is_settled(self, loans: Ints) -> Bools:
        """Whether nothing is short by more than the tolerance."""
        settled: Bools = self.oldest_due[loans] == NEVER
        return settled

    def waiting(self) -> Ints:
        """Loans with payments that wait for the next day."""
        none = np.zeros(0, dtype=np.int64)
        return none if self._waiting is None else self._waiting.loan

    def rows_of(self, loans: Ints) -> Ints:
        """The rows of the loans' plans, loan by loan."""
        term = self.book.term[loans]
        nth = np.arange(int(term.sum())) - np.repeat(np.cumsum(term) - term, term)
        return np.asarray(np.repeat(self.book.offset[loans], term) + nth, dtype=np.int64)

    # ── moving ──────────────────────────────────────────────────────────────────────────────────────────

    def post(self, payments: Payments) -> Ints:
        """Book what was posted on a day. Returns the rows that stand otherwise than before.

        Raises ValueError for payments of a kind that the standing of an instalment cannot show.
        """
        other = np.setdiff1d(payments.kind, [REPAYMENT, PREPAYMENT, REVERSAL])
        if len(other):
            raise ValueError(f"no place in this layout for payments of kind {other[0]}: see the lender's habits")
        now = self._one_value_day_a_loan(payments)
        if not len(now):
            return np.zeros(0, dtype=np.int64)
        np.add.at(self._credit, now.loan, np.where(now.kind == REVERSAL, -now.amount, now.amount))
        returned = (now.kind == REVERSAL) & (now.reverses == self._prepaid_by[now.loan])
        self._prepaid_by[now.loan[returned]], self._prepaid_on[now.loan[returned]] = -1, int(NEVER)
        prepays = now.kind == PREPAYMENT
        self._prepaid_by[now.loan[prepays]] = now.id[prepays]
        self._prepaid_on[now.loan[prepays]] = now.value_on[prepays]
        loans, firsts = np.unique(now.loan, return_index=True)
        return self._allocate(loans, now.value_on[firsts])

    def _one_value_day_a_loan(self, payments: Payments) -> Payments:
        """The payments to book now; those of a later value day wait until the next day."""
        if self._waiting is not None:
            payments = join([self._waiting, payments])
        loans, of = np.unique(payments.loan, return_inverse=True)
        earliest = np.full(len(loans), int(NEVER))
        np.minimum.at(earliest, of, payments.value_on)
        now = payments.value_on == earliest[of]
        self._waiting = payments.where(~now)
        return payments.where(now)

    def _allocate(self, loans: Ints, value_on: Ints) -> Ints:
        """Work out anew where the instalments of some loans stand. Returns the rows that changed."""
        book = self.book
        rows, term = self.rows_of(loans), book.term[loans]
        starts = np.cumsum(term) - term
        of = np.repeat(np.arange(len(loans)), term)
        agreed, principal = book.interest_due[rows], book.principal_due[rows]

        into = np.clip(self._credit[loans][of] - self._owed_before[rows], 0, principal + agreed)
        interest = np.minimum(into, agreed)
        ahead = book.due[rows] > self._prepaid_on[loans][of]
        paid_principal = np.where(ahead, principal, into - interest)
        # Interest paid in advance stays where it was; the rest of the money is interest of the current instalment.
        interest = np.where(ahead, self.paid_interest[rows], interest)
        rest = self._credit[loans] - np.add.reduceat(paid_principal + interest, starts)
        current = ahead & np.r_[True, ~ahead[:-1] | (of[1:] != of[:-1])]
        interest[current] += rest[of[current]]
        charged = np.where(ahead, interest, agreed)

        now = _Standing(loans, starts, rows, value_on[of], paid_principal, interest, charged, ahead)
        self._note_money(now, value_on)
        changed = self._note_rows(now)
        self._note_loans(now)
        return changed

    def _note_money(self, now: _Standing, value_on: Ints) -> None:
        """What came in for each loan, before its rows are written down."""
        principal = now.by_loan(now.principal - self.paid_principal[now.rows])
        interest = now.by_loan(now.interest - self.paid_interest[now.rows])
        pays = principal + interest > 0
        loans = now.loans[pays]
        self.last_on[loans] = value_on[pays]
        self.last_principal[loans] = np.maximum(principal, 0)[pays]
        self.last_interest[loans] = np.maximum(interest, 0)[pays]

    def _note_rows(self, now: _Standing) -> Ints:
        rows = now.rows
        changed = (
            (now.principal != self.paid_principal[rows])
            | (now.interest != self.paid_interest[rows])
            | (now.charged != self.interest[rows])
        )
        paid = self._short(now) == 0
        in_time = now.value_on <= self.book.due[rows]
        standing = np.select([now.ahead, paid & in_time, paid], [PAID_EARLY, PAID_IN_TIME, PAID_LATE], PART_PAID)
        where: Ints = rows[changed]
        self.paid_principal[where], self.paid_interest[where] = now.principal[changed], now.interest[changed]
        self.interest[where] = now.charged[changed]
        self.standing[where] = standing[changed]
        self.paid_on[where] = now.value_on[changed]
        return where

    def _note_loans(self, now: _Standing) -> None:
        loans, short = now.loans, self._short(now)
        self.repaid_principal[loans] = now.by_loan(now.principal)
        self.repaid_interest[loans] = now.by_loan(now.interest)
        self.charged_interest[loans] = now.by_loan(now.charged)
        self.instalments_paid[loans] = now.by_loan(short == 0)
        self.paid_late[loans] = now.by_loan(self.standing[now.rows] == PAID_LATE)
        due = np.where(short > TOLERANCE, self.book.due[now.rows], NEVER)
        self.oldest_due[loans] = np.minimum.reduceat(due, now.starts)

    def _short(self, now: _Standing) -> Ints:
        short: Ints = self.book.principal_due[now.rows] + now.charged - now.principal - now.interest
        return short


@dataclass(frozen=True)
class _Standing:
    """Where the instalments of some loans stand, one row an instalment, those of a loan together."""

    loans: Ints
    starts: Ints
    """Per loan: where its rows begin."""
    rows: Ints
    """Rows of the plan."""
    value_on: Ints
    principal: Ints
    """Paid."""
    interest: Ints
    charged: Ints
    """Interest charged."""
    ahead: Bools
    """Whether a full prepayment paid it before it was due."""

    def by_loan(self, values: Ints | Bools) -> Ints:
        """Values of the rows, summed by loan."""
        return np.asarray(np.add.reduceat(values.astype(np.int64), self.starts), dtype=np.int64)


__all__ = [
    "NEVER_PAID",
    "OPEN",
    "PAID_EARLY",
    "PAID_IN_TIME",
    "PAID_LATE",
    "PART_PAID",
    "PostedBook",
]
