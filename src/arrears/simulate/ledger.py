"""The simulator's own bookkeeping: what every loan owes, has been paid and is short of, forward in time.

This is the truth that the pipeline is held to, so it shares no code and no method with the pipeline. It rests on
one observation: the default waterfall (oldest instalment first; inside one fee, interest, principal) is a total
order of everything a loan will ever owe, so a loan's whole payment history is one number, its *credit*: payments
and waivers less reversals. What is settled, short and overdue follows from where that number falls in the running
total of the plan. A reversal lowers the credit, and the instalment it had paid is open again from its original
due day.

Rules (docs: metrics.md), where that page leaves room:

- An instalment counts into overdue amounts from the day after its due day, as it does into DPD.
- A full prepayment covers everything due by its day and all principal still to come; the interest and fees
  to come are owed no longer, from that day until the prepayment is reversed. What it paid above that is
  interest accrued in the current period.
- A write-off takes the whole outstanding principal; the claim and its days go on, the loan stays written off.
- An extension moves the due days of every instalment from the oldest short one on by whole months from the
  original anchor; interest for the longer time is added to the last instalment, never to one partly paid.

Money is int64 in the smallest currency unit, days are int32 days since 1970-01-01.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from arrears.simulate.book import Book, Days, Ints, add_months, months_between

TOLERANCE = 1
"""A shortfall up to this (0.01 of the currency) is no shortfall."""

ACTIVE, SETTLED, WRITTEN_OFF = 0, 1, 2
STATES = ("active", "settled", "written_off")

NEVER = np.int32(2**31 - 1)

_SPAN = 10**11
"""More than any loan ever owes: loan number × span + running total orders all instalments of all loans."""

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Position:
    """What some loans stand at, one row a loan."""

    outstanding: Ints
    overdue_principal: Ints
    overdue_amount: Ints
    oldest_due: Days
    """Due day of the oldest short instalment, due or not; NEVER where nothing is short."""
    settled: Bools


class Ledger:
    """State of every loan of a book at the close of one day. Moved forward by its methods only."""

    def __init__(self, book: Book) -> None:
        self.book = book
        count = len(book)
        owed = book.principal_due + book.interest_due + book.fee_due
        loan = book.loan_of.astype(np.int64)
        running = np.cumsum(owed)
        before = np.concatenate([[0], running])[book.offset[:-1]]
        self.total = running - before[loan]
        """Running total owed within the loan, per instalment, in the plan now in force."""
        self.original_total = self.total.copy()
        running = np.cumsum(book.principal_due)
        before = np.concatenate([[0], running])[book.offset[:-1]]
        self.principal_total = running - before[loan]
        self._key = loan * _SPAN + self.total
        self.due = book.due.copy()
        self.interest_due = book.interest_due.copy()

        self.credit = np.zeros(count, dtype=np.int64)
        self.prepaid = np.zeros(count, dtype=np.bool_)
        self.written_off = np.zeros(count, dtype=np.bool_)
        self.version = np.ones(count, dtype=np.int64)
        self.fallen = np.zeros(count, dtype=np.int64)
        """Instalments due before today."""

        self.state = np.zeros(count, dtype=np.int8)
        self.terminal_on = np.full(count, NEVER, dtype=np.int32)
        self.outstanding = book.principal.copy()
        self.overdue_principal = np.zeros(count, dtype=np.int64)
        self.oldest_due = self.due[book.offset[:-1]].copy()

    # ── asking ──────────────────────────────────────────────────────────────────────────────────────────

    def last(self, loans: Ints) -> Ints:
        """Row of each loan's last instalment."""
        rows: Ints = self.book.offset[loans + 1] - 1
        return rows

    def reached(self, loans: Ints, credit: Ints) -> Ints:
        """Row of the first instalment that a credit does not cover; one past the last where it covers all."""
        found = np.searchsorted(self._key, loans * _SPAN + credit, side="right")
        rows: Ints = np.minimum(found, self.book.offset[loans + 1]).astype(np.int64)
        return rows

    def owed_by(self, loans: Ints, fallen: Ints) -> Ints:
        """Owed on the first `fallen` instalments of each loan."""
        at = np.maximum(self.book.offset[loans] + fallen - 1, 0)
        return np.asarray(np.where(fallen > 0, self.total[at], 0), dtype=np.int64)

    def short_of(self, loans: Ints, rows: Ints) -> Ints:
        """What is missing to have everything up to an instalment (a row) paid."""
        return np.asarray(np.maximum(self.total[rows] - self.credit[loans], 0), dtype=np.int64)

    def oldest_short(self, loans: Ints) -> Ints:
        """Row of the oldest instalment short by more than the tolerance; one past the last where none is."""
        return self.reached(loans, self.credit[loans] + TOLERANCE)

    def days_past_due(self, loans: Ints, day: int) -> Ints:
        """DPD at the close of a day, as the state stands."""
        return np.maximum(day - self.oldest_due[loans].astype(np.int64), 0)

    def payoff(self, loans: Ints, day: int) -> Ints:
        """What settles a loan today: what is short of instalments due by now, all principal not yet paid, and
        interest accrued since the last due day (actual/360, half up) as far as no credit has covered it."""
        book = self.book
        coming = book.offset[loans] + self.fallen[loans]
        at = np.minimum(coming, self.last(loans))
        fallen = self.fallen[loans] + ((self.due[at] == day) & (coming <= self.last(loans)))
        previous = np.maximum(book.offset[loans] + fallen - 1, 0)
        since = np.where(fallen > 0, self.due[previous], book.disbursed[loans]).astype(np.int64)
        ahead = book.principal[loans] - np.where(fallen > 0, self.principal_total[previous], 0)
        accrued = (ahead * book.rate_bp[loans] * np.clip(day - since, 0, 31) + 1_800_000) // 3_600_000
        surplus = self.credit[loans] - self.owed_by(loans, fallen)
        unpaid = np.minimum(self.position(loans).outstanding, ahead)
        interest_covered = np.maximum(surplus, 0) - (ahead - unpaid)
        accrued_open = np.maximum(accrued - np.maximum(interest_covered, 0), 0)
        return np.asarray(np.maximum(-surplus, 0) + unpaid + accrued_open, dtype=np.int64)

    def position(self, loans: Ints, credit: Ints | None = None, prepaid: Bools | None = None) -> Position:
        """Where loans stand, optionally had their credit been another."""
        book = self.book
        credit = self.credit[loans] if credit is None else credit
        prepaid = self.prepaid[loans] if prepaid is None else prepaid
        start, stop = book.offset[loans], book.offset[loans + 1]
        row = self.reached(loans, credit)
        open_ = row < stop
        at = np.minimum(row, stop - 1)
        previous = np.maximum(at - 1, 0)
        inside = at > start
        into = credit - np.where(inside, self.total[previous], 0)
        of_row = np.clip(into - book.fee_due[at] - self.interest_due[at], 0, book.principal_due[at])
        paid_back = np.where(open_, np.where(inside, self.principal_total[previous], 0) + of_row, book.principal[loans])
        fallen = self.fallen[loans]
        due_by_now = np.where(fallen > 0, self.principal_total[np.maximum(start + fallen - 1, 0)], 0)

        within = open_ & (self.total[at] - credit <= TOLERANCE)  # this one is as good as paid: look at the next
        short = row + within
        is_short = (short < stop) & ~prepaid
        outstanding = np.where(prepaid, 0, book.principal[loans] - paid_back)
        return Position(
            outstanding=outstanding,
            overdue_principal=np.where(prepaid, 0, np.maximum(due_by_now - paid_back, 0)),
            overdue_amount=np.where(prepaid, 0, np.maximum(self.owed_by(loans, fallen) - credit, 0)),
            oldest_due=np.where(is_short, self.due[np.minimum(short, stop - 1)], NEVER).astype(np.int32),
            settled=~is_short & (outstanding <= TOLERANCE),
        )

    def contractual_days_past_due(
        self, loans: Ints, day: int, credit: Ints | None = None, prepaid: Bools | None = None
    ) -> Ints:
        """DPD on the plan as it was agreed at disbursement. Instalments are walked one by one."""
        book = self.book
        credit = self.credit[loans] if credit is None else credit
        prepaid = self.prepaid[loans] if prepaid is None else prepaid
        oldest = np.full(len(loans), int(NEVER), dtype=np.int64)
        for k in range(int(book.term[loans].max(initial=0)) - 1, -1, -1):
            at = np.minimum(book.offset[loans] + k, self.last(loans))
            short = (book.term[loans] > k) & (self.original_total[at] - credit > TOLERANCE)
            oldest = np.where(short, book.due[at], oldest)
        return np.where(prepaid, 0, np.maximum(day - oldest, 0))

    # ── moving ──────────────────────────────────────────────────────────────────────────────────────────

    def fall_due(self, rows: Ints) -> None:
        """These instalments were due yesterday: they count as overdue from today."""
        self.fallen[self.book.loan_of[rows]] += 1

    def add_credit(self, loans: Ints, amounts: Ints) -> None:
        """Payments and waivers (positive), reversals (negative). A loan may come more than once."""
        np.add.at(self.credit, loans, amounts)

    def extend(self, loans: Ints, day: int, months: Ints, with_interest: Bools) -> tuple[Ints, Ints]:
        """Give late loans a new plan from today: the first instalment that is short falls due `months`
        months after the current month.

        Returns the months by which due days moved, per loan, and the rows whose due day changed.
        """
        book = self.book
        first = self.oldest_short(loans)
        moved = months_between(self.due[first], day) + months
        last = self.last(loans)
        longest = int((last - first).max(initial=-1)) + 1
        changed: list[Ints] = []
        for k in range(longest):
            some = np.flatnonzero(first + k <= last)
            rows = first[some] + k
            number = rows - book.offset[loans[some]] + 1
            self.due[rows] = add_months(book.disbursed[loans[some]], number + moved[some])
            changed.append(rows)
        extra = (self.outstanding[loans] * book.rate_bp[loans] * moved + 60_000) // 120_000
        extra = np.where(with_interest & (last > first), extra, 0)
        self.interest_due[last] += extra
        self.total[last] += extra
        self._key[last] += extra
        self.version[loans] += 1
        self.fallen[loans] = first - book.offset[loans]
        return moved, np.sort(np.concatenate(changed)) if changed else np.zeros(0, dtype=np.int64)

    def write_off(self, loans: Ints, day: int) -> Ints:
        """Write loans off at the close of a day. Returns the principal written off."""
        amounts: Ints = self.outstanding[loans].copy()
        self.written_off[loans] = True
        self.state[loans] = WRITTEN_OFF
        self.terminal_on[loans] = day
        self.outstanding[loans] = 0
        return amounts

    def close(self, loans: Ints, day: int) -> Ints:
        """Bring the state of loans that something happened to up to date. Returns those newly settled."""
        at = self.position(loans)
        self.oldest_due[loans] = at.oldest_due
        self.overdue_principal[loans] = at.overdue_principal
        gone = self.written_off[loans]
        self.outstanding[loans] = np.where(gone, 0, at.outstanding)
        was = self.state[loans] == SETTLED
        settled = at.settled & ~gone
        self.state[loans] = np.where(gone, WRITTEN_OFF, np.where(settled, SETTLED, ACTIVE))
        newly: Ints = loans[settled & ~was]
        self.terminal_on[newly] = day
        self.terminal_on[loans[was & ~settled]] = NEVER
        return newly
