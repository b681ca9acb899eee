"""The simulator's own bookkeeping: what every loan owes, has been paid and is short of, forward in time.

This is the truth that the pipeline is held to, so it shares no code and no method with the pipeline. It rests on
one observation: the waterfall (oldest instalment first; inside one fee, interest, principal, penalty) is a total
order of everything a loan will ever owe, so a loan's whole payment history is one number, its *credit*: payments
and waivers less reversals. What is settled, short and overdue follows from where that number falls in the running
total of the plan. A reversal lowers the credit, and the instalment it had paid is open again from its original
due day; after a chargeback it is open from the day of the chargeback (see `reopenings`).

Rules (docs: metrics.md), where that page leaves room:

- An instalment counts into overdue amounts from the day after its due day, as it does into DPD; one that a
  chargeback opened again, from the day after the chargeback.
- A full prepayment covers everything due by its day and all principal still to come; the interest and fees
  to come are owed no longer, from that day until the prepayment is reversed. What it paid above that is
  interest accrued in the current period.
- A loan that leaves the book (written off, transferred, compensated, bought back) has no outstanding principal; the
  borrower's debt and its days go on.
- An extension moves the due days of every instalment from the oldest short one on by whole months from the
  original anchor; interest for the longer time is added to the last instalment, never to one partly paid.
  A restructuring does the same and halves the interest of the instalments after that one.
- A part prepayment is the next instalment, brought forward and made larger; those after it are worked out anew.
- A penalty has no part in DPD and overdue amounts, but money goes to it before it goes to the next instalment. It is
  charged only on an instalment that no payment ever went past, so that it never re-allocates an earlier one.
- A day inside a pause (from the day of the event to the day before the clock runs again) does not count into
  DPD. It does count into the contractual DPD.

Money is int64 in the smallest currency unit, days are int32 days since 1970-01-01.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from arrears.simulate.book import Book, Days, Ints, add_months, distinct, months_between
from arrears.simulate.reopenings import Reopenings

TOLERANCE = 1
"""A shortfall up to this (0.01 of the currency) is no shortfall."""

ACTIVE, SETTLED, WRITTEN_OFF, TRANSFERRED, COMPENSATED, BOUGHT_BACK = range(6)
STATES = ("active", "settled", "written_off", "transferred", "compensated", "bought_back")

NEVER = np.int32(2**31 - 1)

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Position:
    """What some loans stand at, one row a loan."""

    outstanding: Ints
    overdue_principal: Ints
    overdue_amount: Ints
    oldest_due: Days
    """Day from which days past due count: the earliest due day of a short instalment, due or not, or the day of the
    chargeback that opened it again; NEVER where nothing is short."""
    settled: Bools


@dataclass(frozen=True)
class PartPrepayment:
    """What a part prepayment would be today, one row a loan."""

    loan: Ints
    row: Ints
    """The instalment that is brought forward."""
    principal: Ints
    interest: Ints


class Ledger:
    """State of every loan of a book at the close of one day. Moved forward by its methods only."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self._init_plan(book)
        count = len(book)

        self.credit = np.zeros(count, dtype=np.int64)
        self.highest_credit = np.zeros(count, dtype=np.int64)
        self.prepaid = np.zeros(count, dtype=np.bool_)
        self.prepaid_from = np.zeros(count, dtype=np.int64)
        """Of a prepaid loan: row of the first instalment not due by the day of the prepayment."""
        self.gone = np.zeros(count, dtype=np.int8)
        """The state in which a loan left the book for good; 0 while it has not."""
        self.version = np.ones(count, dtype=np.int64)
        self.restructured = np.zeros(count, dtype=np.bool_)
        """Extended or given new terms because it was late."""
        self.fallen = np.zeros(count, dtype=np.int64)
        """Instalments due before today."""
        self.paused_from = np.full(count, NEVER, dtype=np.int32)
        self.paused_until = np.full(count, NEVER, dtype=np.int32)
        """The loan's pause: the first day on which the clock stands, and the first on which it runs again."""

        self._reopenings = Reopenings(count)

        self.state = np.zeros(count, dtype=np.int8)
        self.terminal_on = np.full(count, NEVER, dtype=np.int32)
        self.outstanding = book.principal.copy()
        self.overdue_principal = np.zeros(count, dtype=np.int64)
        self.oldest_due = self.due[book.offset[:-1]].copy()

    def _init_plan(self, book: Book) -> None:
        self.due = book.due.copy()
        self.principal_due = book.principal_due.copy()
        self.interest_due = book.interest_due.copy()
        self.penalty_due = np.zeros(len(book.due), dtype=np.int64)
        """Per instalment: charged for being late, so far."""
        self.last_paid_on = np.full(len(book.due), -1, dtype=np.int32)
        """Per instalment: the day on which it last received cash, taken back since or not; -1 never."""

        loan = book.loan_of.astype(np.int64)
        starts = book.offset[:-1]

        def running(amounts: Ints) -> Ints:
            total = np.cumsum(amounts)
            before = np.concatenate([[0], total])[starts]
            return np.asarray(total - before[loan], dtype=np.int64)

        self.total = running(book.principal_due + book.interest_due + book.fee_due)
        """Running total owed within the loan, penalties included, per instalment, in the plan now in force."""
        self.original_total = self.total.copy()
        """The same for the first plan, without the penalty of the instalment itself."""
        self.principal_total = running(book.principal_due)
        self.penalty_total = np.zeros(len(book.due), dtype=np.int64)
        self.settled_at = self.total
        """The same without the penalty of the instalment itself: from there it is no longer short. One array until the
        first penalty."""

    # ── asking ──────────────────────────────────────────────────────────────────────────────────────────

    def last(self, loans: Ints) -> Ints:
        """Row of each loan's last instalment."""
        rows: Ints = self.book.offset[loans + 1] - 1
        return rows

    def reached(self, loans: Ints, credit: Ints) -> Ints:
        """Row of the first instalment that a credit does not cover; one past the last where it covers all."""
        return self._first_above(self.total, loans, credit)

    def _first_above(self, running: Ints, loans: Ints, amounts: Ints) -> Ints:
        """Row of each loan's first instalment whose running total is above an amount; one past the last where none
        is. All loans are halved at once: a loan's rows lie close together, the whole plan's do not."""
        low, high = self.book.offset[loans], self.book.offset[loans + 1]
        newest = len(running) - 1
        for _ in range(int((high - low).max(initial=0)).bit_length()):
            middle = (low + high) >> 1
            below = (running[np.minimum(middle, newest)] <= amounts) & (low < high)
            low, high = np.where(below, middle + 1, low), np.where(below, high, middle)
        return low

    def oldest_short(self, loans: Ints, credit: Ints | None = None) -> Ints:
        """Row of the oldest instalment short by more than the tolerance; one past the last where none is."""
        credit = self.credit[loans] if credit is None else credit
        return self._first_above(self.settled_at, loans, credit + TOLERANCE)

    def owed_by(self, loans: Ints, fallen: Ints) -> Ints:
        """Owed on the first `fallen` instalments of each loan, penalties included."""
        at = np.maximum(self.book.offset[loans] + fallen - 1, 0)
        return np.asarray(np.where(fallen > 0, self.total[at], 0), dtype=np.int64)

    def short_of(self, loans: Ints, rows: Ints) -> Ints:
        """What is missing to have everything up to an instalment (a row) paid, its penalty included."""
        return np.asarray(np.maximum(self.total[rows] - self.credit[loans], 0), dtype=np.int64)

    def days_past_due(self, loans: Ints, day: int) -> Ints:
        """DPD at the close of a day, as the state stands."""
        return self.clock(loans, self.oldest_due[loans].astype(np.int64), day)

    def is_paused(self, loans: Ints, day: int) -> Bools:
        """Whether the clock of loans stands still on a day."""
        paused: Bools = (self.paused_from[loans] <= day) & (day < self.paused_until[loans])
        return paused

    def clock(self, loans: Ints, since: Ints, day: int) -> Ints:
        """Days after `since` (one per loan) up to a day, without those inside a pause."""
        first = np.maximum(self.paused_from[loans].astype(np.int64), since + 1)
        after = np.minimum(self.paused_until[loans].astype(np.int64), day + 1)
        return np.asarray(np.maximum(day - since, 0) - np.maximum(after - first, 0), dtype=np.int64)

    def paid_of(self, rows: Ints) -> tuple[Ints, Ints, Ints, Ints]:
        """What instalments (rows of the plan) have received by now: principal, interest, fee, penalty."""
        fee_due, interest_due = self.book.fee_due[rows], self.interest_due[rows]
        principal_due, penalty_due = self.principal_due[rows], self.penalty_due[rows]
        loans = self.book.loan_of[rows].astype(np.int64)
        into = self.credit[loans] - (self.total[rows] - fee_due - interest_due - principal_due - penalty_due)
        fee = np.clip(into, 0, fee_due)
        interest = np.clip(into - fee_due, 0, interest_due)
        principal = np.clip(into - fee_due - interest_due, 0, principal_due)
        penalty = np.clip(into - fee_due - interest_due - principal_due, 0, penalty_due)

        # A prepayment paid the principal to come, and above it the interest of the current instalment.
        ahead = self.settled_early(rows)
        first = self.prepaid_from[loans]
        covered = np.where(first > self.book.offset[loans], self.total[first - 1], 0)
        back = np.where(first > self.book.offset[loans], self.principal_total[first - 1], 0)
        accrued = np.maximum(self.credit[loans] - covered - (self.book.principal[loans] - back), 0)
        return (
            np.where(ahead, principal_due, principal),
            np.where(ahead, np.where(rows == first, accrued, 0), interest),
            np.where(ahead, 0, fee),
            np.where(ahead, 0, penalty),
        )

    def settled_early(self, rows: Ints) -> Bools:
        """Whether instalments (rows of the plan) were still to come when a full prepayment settled them."""
        loans = self.book.loan_of[rows]
        early: Bools = self.prepaid[loans] & (rows >= self.prepaid_from[loans])
        return early

    def payoff(self, loans: Ints, day: int) -> Ints:
        """What settles a loan today: what is short of instalments due by now, all principal not yet paid, and
        interest accrued since the last due day (actual/360, half up) as far as no credit has covered it."""
        book = self.book
        fallen = self._due_by(loans, day)
        previous = np.maximum(book.offset[loans] + fallen - 1, 0)
        since = np.where(fallen > 0, self.due[previous], book.disbursed[loans]).astype(np.int64)
        ahead = book.principal[loans] - np.where(fallen > 0, self.principal_total[previous], 0)
        accrued = (ahead * book.rate_bp[loans] * np.clip(day - since, 0, 31) + 1_800_000) // 3_600_000
        surplus = self.credit[loans] - self.owed_by(loans, fallen)
        unpaid = np.minimum(self.position(loans).outstanding, ahead)
        interest_covered = np.maximum(surplus, 0) - (ahead - unpaid)
        accrued_open = np.maximum(accrued - np.maximum(interest_covered, 0), 0)
        return np.asarray(np.maximum(-surplus, 0) + unpaid + accrued_open, dtype=np.int64)

    def _due_by(self, loans: Ints, day: int) -> Ints:
        """How many instalments are due by today, today's included."""
        coming = self.book.offset[loans] + self.fallen[loans]
        today = self.due[np.minimum(coming, self.last(loans))] == day
        return np.asarray(self.fallen[loans] + (today & (coming <= self.last(loans))), dtype=np.int64)

    def part_prepayment(self, loans: Ints, day: int, share: Ints) -> PartPrepayment:
        """A part prepayment of some thousandths of the principal, in whole yuan, for those of the loans that can
        make one: nothing short and nothing paid ahead, and two instalments left after the one brought forward."""
        book = self.book
        fallen = self._due_by(loans, day)
        row = book.offset[loans] + fallen
        can = (self.credit[loans] == self.owed_by(loans, fallen)) & (row + 2 <= self.last(loans)) & (fallen > 0)
        loans, row, share = loans[can], row[can], share[can]
        left = book.principal[loans] - self.principal_total[row - 1]
        part = np.maximum(left * share // 100_000 * 100, self.principal_due[row])
        days = np.clip(day - self.due[row - 1].astype(np.int64), 0, 31)
        interest = (left * book.rate_bp[loans] * days + 1_800_000) // 3_600_000
        sensible = (part < left) & (part > 0)
        return PartPrepayment(loans[sensible], row[sensible], part[sensible], interest[sensible])

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
        before_principal = book.fee_due[at] + self.interest_due[at]
        of_row = np.clip(into - before_principal, 0, self.principal_due[at])
        paid_back = np.where(open_, np.where(inside, self.principal_total[previous], 0) + of_row, book.principal[loans])

        fallen = self.fallen[loans]
        newest = np.maximum(start + fallen - 1, 0)
        due_by_now = np.where(fallen > 0, self.principal_total[newest], 0)
        # Without penalties, from the instalment that the money has reached to the newest that is due.
        owed = self.total[newest] - self.penalty_total[newest]
        owed_before = np.where(inside, self.total[previous] - self.penalty_total[previous], 0)
        missing = owed - owed_before - np.clip(into, 0, before_principal + self.principal_due[at])

        short = self._oldest_short_from(row, loans, credit)
        is_short = (short < stop) & ~prepaid
        outstanding = np.where(prepaid, 0, book.principal[loans] - paid_back)
        at_close = Position(
            outstanding=outstanding,
            overdue_principal=np.where(prepaid, 0, np.maximum(due_by_now - paid_back, 0)),
            overdue_amount=np.where(prepaid | (row > newest) | (fallen == 0), 0, np.maximum(missing, 0)),
            oldest_due=np.where(is_short, self.due[np.minimum(short, stop - 1)], NEVER).astype(np.int32),
            settled=~is_short & (outstanding <= TOLERANCE),
        )
        self._count_reopened(at_close, np.flatnonzero(self._reopenings.concerned[loans] & is_short), loans, credit)
        return at_close

    def _count_reopened(self, at: Position, some: Ints, loans: Ints, credit: Ints) -> None:
        """Put right the position of some of the loans, on which chargebacks opened instalments again: their days count
        from the chargeback, and on its own day nothing is overdue by it."""
        if not len(some):
            return
        loans, credit = loans[some], credit[some]
        opened = self._opened_on(self.settled_at)
        at.oldest_due[some] = self._oldest_day(loans, credit, self.settled_at, np.maximum(self.due, opened))

        rows, start = self._rows_of(loans)
        nth = np.arange(len(rows)) - start
        before_principal = self.book.fee_due[rows] + self.interest_due[rows]
        owed = before_principal + self.principal_due[rows]
        term = self.book.term[loans]
        into = np.repeat(credit, term) - (self.total[rows] - self.penalty_due[rows] - owed)
        principal = self.principal_due[rows] - np.clip(into - before_principal, 0, self.principal_due[rows])
        missing = owed - np.clip(into, 0, owed)
        today = (opened[rows] == self._reopenings.opened_on) & (nth < np.repeat(self.fallen[loans], term))
        first = np.cumsum(term) - term
        at.overdue_principal[some] -= np.add.reduceat(np.where(today, principal, 0), first)
        at.overdue_amount[some] -= np.add.reduceat(np.where(today, missing, 0), first)

    def _opened_on(self, settled_at: Ints) -> Days:
        """Per row of a plan, given by its running totals: the day of the chargeback since which the instalment is open
        again, if it is short; 0 where there was none."""
        found = np.zeros(len(settled_at), dtype=np.int32)
        stretches = self._reopenings.stretches
        first = self._first_above(settled_at, stretches.loan, stretches.above + TOLERANCE)
        count = self._first_above(settled_at, stretches.loan, stretches.up_to + TOLERANCE) - first
        rows = np.repeat(first - np.cumsum(count) + count, count) + np.arange(int(count.sum()))
        found[rows] = np.repeat(stretches.day, count)
        return found

    def _oldest_day(self, loans: Ints, credit: Ints, settled_at: Ints, since: Days) -> Ints:
        """The earliest day among the instalments that are short on a plan, given by its running totals and the day of
        each instalment; NEVER where nothing is."""
        rows, _ = self._rows_of(loans)
        term = self.book.term[loans]
        short = settled_at[rows] - np.repeat(credit, term) > TOLERANCE
        days = np.where(short, since[rows], NEVER).astype(np.int64)
        return np.asarray(np.minimum.reduceat(days, np.cumsum(term) - term), dtype=np.int64)

    def _oldest_short_from(self, row: Ints, loans: Ints, credit: Ints) -> Ints:
        """`oldest_short`, given the row that the credit has reached: mostly the same one."""
        if self.settled_at is not self.total:
            return self.oldest_short(loans, credit)
        at = np.minimum(row, self.last(loans))
        nearly = np.flatnonzero((row < self.book.offset[loans + 1]) & (self.total[at] - credit <= TOLERANCE))
        short = row.copy()
        short[nearly] = self.oldest_short(loans[nearly], credit[nearly])
        return short

    def contractual_days_past_due(
        self, loans: Ints, day: int, credit: Ints | None = None, prepaid: Bools | None = None
    ) -> Ints:
        """DPD on the plan as it was agreed at disbursement, pauses or not; chargebacks count as on the plan in force.
        Instalments are walked one by one."""
        book = self.book
        credit = self.credit[loans] if credit is None else credit
        prepaid = self.prepaid[loans] if prepaid is None else prepaid
        oldest = np.full(len(loans), int(NEVER), dtype=np.int64)
        for k in range(int(book.term[loans].max(initial=0)) - 1, -1, -1):
            at = np.minimum(book.offset[loans] + k, self.last(loans))
            short = (book.term[loans] > k) & (self.original_total[at] - credit > TOLERANCE)
            oldest = np.where(short, book.due[at], oldest)
        some = np.flatnonzero(self._reopenings.concerned[loans])
        if len(some):
            since = np.maximum(book.due, self._opened_on(self.original_total))
            oldest[some] = self._oldest_day(loans[some], credit[some], self.original_total, since)
        return np.where(prepaid, 0, np.maximum(day - oldest, 0))

    # ── moving: money ───────────────────────────────────────────────────────────────────────────────────

    def fall_due(self, rows: Ints) -> Ints:
        """Begin a day: these instalments were due yesterday and count as overdue from today, as do those that
        chargebacks opened again yesterday. Returns the loans of both."""
        loans = self.book.loan_of[rows].astype(np.int64)
        self.fallen[loans] += 1
        return np.concatenate([loans, self._reopenings.begin_day()])

    def charge_back(self, loans: Ints, amounts: Ints) -> None:
        """Payments are claimed back. A loan may come more than once."""
        self._reopenings.claim(loans)
        self.add_credit(loans, -amounts)

    def take_back(self, loans: Ints, amounts: Ints) -> None:
        """Money goes back otherwise: returned by the bank, refunded. A loan may come more than once."""
        self._reopenings.take_back(loans)
        self.add_credit(loans, -amounts)

    def add_credit(self, loans: Ints, amounts: Ints) -> None:
        """Waivers (positive) and what is taken back (negative). A loan may come more than once."""
        np.add.at(self.credit, loans, amounts)
        self.highest_credit[loans] = np.maximum(self.highest_credit[loans], self.credit[loans])

    def receive(self, loans: Ints, amounts: Ints, day: int) -> None:
        """Cash from borrowers: each loan at most once."""
        first = np.minimum(self.reached(loans, self.credit[loans]), self.last(loans))
        self.add_credit(loans, amounts)
        beyond = self._first_above(self.total, loans, self.credit[loans] - 1)
        self._mark_paid(first, np.clip(beyond, first, self.last(loans)), day)

    def prepay(self, loans: Ints, day: int) -> None:
        """These loans, having received their payoff today, are prepaid."""
        first = self.book.offset[loans] + self._due_by(loans, day)
        self.prepaid_from[loans] = first
        self.prepaid[loans] = True
        some = first <= self.last(loans)
        self._mark_paid(first[some], self.last(loans)[some], day)

    def _mark_paid(self, first: Ints, last: Ints, day: int) -> None:
        self.last_paid_on[first] = day
        for k in range(1, int((last - first).max(initial=0)) + 1):
            first, last = first[first + k <= last], last[first + k <= last]
            self.last_paid_on[first + k] = day

    # ── moving: plans ───────────────────────────────────────────────────────────────────────────────────

    def extend(self, loans: Ints, day: int, months: Ints, with_interest: Bools) -> tuple[Ints, Ints]:
        """Give late loans a new plan from today: the first instalment that is short falls due `months`
        months after the current month.

        Returns the months by which due days moved, per loan, and the rows whose due day changed.
        """
        first, last = self.oldest_short(loans), self.last(loans)
        moved, rows = self._postpone(loans, first, day, months)
        extra = (self.outstanding[loans] * self.book.rate_bp[loans] * moved + 60_000) // 120_000
        extra = np.where(with_interest & (last > first), extra, 0)
        self.interest_due[last] += extra
        self._add_up(loans)
        return moved, rows

    def restructure(self, loans: Ints, day: int, months: Ints) -> tuple[Ints, Ints]:
        """Give late loans new terms from today: an extension, and half the interest from the second instalment of
        the new plan on. Returns what `extend` returns."""
        first = self.oldest_short(loans)
        moved, rows = self._postpone(loans, first, day, months)
        cheaper = rows[rows > first[np.searchsorted(loans, self.book.loan_of[rows])]]
        self.interest_due[cheaper] //= 2
        self._add_up(loans)
        return moved, rows

    def _postpone(self, loans: Ints, first: Ints, day: int, months: Ints) -> tuple[Ints, Ints]:
        book, before = self.book, self.due[first]
        number = first - book.offset[loans] + 1
        agreed = add_months(book.disbursed[loans], number)  # a plan may have been moved before: count from the anchor
        shift = months_between(agreed, day) + months
        last = self.last(loans)
        changed: list[Ints] = []
        for k in range(int((last - first).max(initial=-1)) + 1):
            some = np.flatnonzero(first + k <= last)
            rows = first[some] + k
            self.due[rows] = add_months(book.disbursed[loans[some]], number[some] + k + shift[some])
            changed.append(rows)
        moved = months_between(before, self.due[first])
        self.version[loans] += 1
        self.restructured[loans] = True
        self.fallen[loans] = first - book.offset[loans]
        return moved, np.sort(np.concatenate(changed)) if changed else np.zeros(0, dtype=np.int64)

    def prepay_part(self, part: PartPrepayment, day: int) -> Ints:
        """Bring the next instalment forward to today and work out those after it anew: the same due days, level
        amounts, one month's interest each, and for the first of them that of the days since today as well.

        Returns what falls due today by it, per loan.
        """
        book, loans, row = self.book, part.loan, part.row
        last, rate = self.last(loans), book.rate_bp[loans]
        balance = book.principal[loans] - self.principal_total[row - 1] - part.principal
        stub = (balance * rate * np.maximum(self.due[row].astype(np.int64) - day, 0) + 1_800_000) // 3_600_000
        self.due[row] = day
        self.principal_due[row], self.interest_due[row] = part.principal, part.interest
        monthly = rate / 120_000
        with np.errstate(divide="ignore", invalid="ignore"):
            level = np.where(rate > 0, balance * monthly / (1 - (1 + monthly) ** -(last - row)), balance / (last - row))
        annuity = np.rint(level).astype(np.int64)
        bullet = book.bullet[loans]
        for k in range(1, int((last - row).max(initial=0)) + 1):
            some = np.flatnonzero(row + k <= last)
            at = row[some] + k
            interest = (balance[some] * rate[some] + 60_000) // 120_000
            level_part = np.where(bullet[some], 0, np.minimum(annuity[some] - interest, balance[some]))
            of_principal = np.where(at == last[some], balance[some], level_part)
            self.principal_due[at] = of_principal
            self.interest_due[at] = interest + (stub[some] if k == 1 else 0)
            balance[some] -= of_principal
        self.version[loans] += 1
        self._add_up(loans)
        return np.asarray(part.principal + part.interest + book.fee_due[row], dtype=np.int64)

    def charge_penalties(self, loans: Ints, rate_bp: int) -> Ints:
        """Charge a penalty on every overdue instalment of these loans for what it is short of, half up, unless a
        payment ever went past it. Returns the loans on which one was charged."""
        book = self.book
        first = self.oldest_short(loans)
        newest = book.offset[loans] + self.fallen[loans] - 1
        charged: list[Ints] = []
        for k in range(int((newest - first).max(initial=-1)) + 1):
            some = np.flatnonzero(first + k <= newest)
            row, loan = first[some] + k, loans[some]
            owed = self.principal_due[row] + self.interest_due[row] + book.fee_due[row]
            paid = np.clip(self.credit[loan] - (self.total[row] - self.penalty_due[row] - owed), 0, owed)
            penalty = ((owed - paid) * rate_bp + 5_000) // 10_000
            counts = (self.total[row] > self.highest_credit[loan]) & (penalty > 0)
            self.penalty_due[row[counts]] += penalty[counts]
            charged.append(loan[counts])
        some = distinct(np.concatenate(charged)) if charged else np.zeros(0, dtype=np.int64)
        if len(some):
            if self.settled_at is self.total:
                self.settled_at = self.total.copy()
            self._add_up(some)
            self._add_up_original(some[self.version[some] == 1])
        return some

    def _rows_of(self, loans: Ints) -> tuple[Ints, Ints]:
        """All rows of loans, and for each the position of its loan's first row among them."""
        term = self.book.term[loans]
        starts = np.cumsum(term) - term
        rows = np.repeat(self.book.offset[loans] - starts, term) + np.arange(int(term.sum()))
        return rows, np.repeat(starts, term)

    def _add_up(self, loans: Ints) -> None:
        """The running totals of loans whose plan has changed."""
        rows, start = self._rows_of(loans)

        def running(amounts: Ints) -> Ints:
            total = np.concatenate([[0], np.cumsum(amounts)])
            return np.asarray(total[1:] - total[start], dtype=np.int64)

        owed = self.principal_due[rows] + self.interest_due[rows] + self.book.fee_due[rows]
        self.total[rows] = running(owed + self.penalty_due[rows])
        self.principal_total[rows] = running(self.principal_due[rows])
        self.penalty_total[rows] = running(self.penalty_due[rows])
        if self.settled_at is not self.total:
            self.settled_at[rows] = self.total[rows] - self.penalty_due[rows]

    def _add_up_original(self, loans: Ints) -> None:
        """A penalty charged while the first plan is in force is one of that plan."""
        rows, _ = self._rows_of(loans)
        self.original_total[rows] = self.total[rows] - self.penalty_due[rows]

    # ── moving: states ──────────────────────────────────────────────────────────────────────────────────

    def pause(self, loans: Ints, day: int, until: Ints) -> None:
        """Stop the clock of loans from a day on; it runs again from `until`. A loan is paused at most once."""
        self.paused_from[loans] = day
        self.paused_until[loans] = until

    def leave(self, loans: Ints, day: int, state: int) -> Ints:
        """Take loans out of the book for good at the close of a day. Returns the principal that was outstanding."""
        amounts: Ints = self.outstanding[loans].copy()
        self.gone[loans] = state
        self.state[loans] = state
        self.terminal_on[loans] = day
        self.outstanding[loans] = 0
        return amounts

    def close(self, loans: Ints, day: int) -> Ints:
        """Bring the state of loans that something happened to (each once) up to date. Returns those newly settled."""
        self._reopenings.close_day(loans, self.credit[loans], self.prepaid[loans], day)
        at = self.position(loans)
        self.oldest_due[loans] = at.oldest_due
        self.overdue_principal[loans] = at.overdue_principal
        gone = self.gone[loans] > 0
        self.outstanding[loans] = np.where(gone, 0, at.outstanding)
        was = self.state[loans] == SETTLED
        settled = at.settled & ~gone
        self.state[loans] = np.where(gone, self.gone[loans], np.where(settled, SETTLED, ACTIVE))
        newly: Ints = loans[settled & ~was]
        self.terminal_on[newly] = day
        self.terminal_on[loans[was & ~settled & ~gone]] = NEVER
        return newly
