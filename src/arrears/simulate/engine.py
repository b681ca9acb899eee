"""One lender, day by day: who pays what, what the ledger makes of it, and what goes into the delivery.

The order within a day: loans are disbursed, yesterday's due instalments become overdue, borrowers decide, returned
debits come back, payments and waivers arrive, extensions are granted, the books close, loans are
written off (Fridays), and the delivery of the day is written. A book begins 18 months before the first delivery;
what happened before goes into the first delivery, which so carries the lender's whole history.

Every day draws from its own random stream, so simulating a day longer repeats the days before exactly.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import date

import numpy as np

from arrears.simulate import behaviour
from arrears.simulate.behaviour import Borrowers, Intentions
from arrears.simulate.book import Book, Days, Ints, Profile, day_date, day_number, stream
from arrears.simulate.ledger import ACTIVE, NEVER, SETTLED, Ledger

REPAYMENT, PREPAYMENT, REVERSAL, WAIVER, RECOVERY = range(5)
"""Kinds of payment, in the order in which layouts spell them."""

WRITTEN_OFF, EXTENDED, SETTLEMENT = range(3)
"""Kinds of loan event, likewise."""

DEBIT, APP, TRANSFER, COLLECTED, NO_CHANNEL = range(5)
"""Channels of payment, likewise."""

PAYMENTS_A_DAY = 10**7
"""A payment's id is its value day times this, plus its running number in the day."""

_FOLLOW_UP_DAYS = 30
_RECOVERY_YEARS = 2
_LATE_POSTING = 0.3
_FRIDAY = 4


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
    """Id of the payment that came back; -1 for other kinds."""
    channel: Ints

    def __len__(self) -> int:
        return len(self.id)

    def where(self, rows: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Payments:
        """Some of the rows."""
        return Payments(*(getattr(self, f.name)[rows] for f in fields(self)))


@dataclass(frozen=True)
class Events:
    """Things that happened to loans on one day, one row each."""

    loan: Ints
    kind: Ints
    amount: Ints
    months: Ints
    """By how many months an extension moves due days; 0 for other kinds."""

    def __len__(self) -> int:
        return len(self.loan)


@dataclass(frozen=True)
class Day:
    """What a lender books on one day, for its delivery."""

    day: int
    loans: tuple[int, int]
    """The loans disbursed today: a range of the book."""
    borrowers: tuple[int, int]
    """The borrowers whose first loan that is: a range of the book."""
    payments: Payments
    """Posted today, by order of id."""
    events: Events
    replanned: Ints
    """Loans that were given a new plan today."""


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
    restructured: np.ndarray[tuple[int], np.dtype[np.bool_]]


def _join(parts: list[Payments]) -> Payments:
    return Payments(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Payments)))


class _Calendar:
    """Columns of numbers that wait for their day."""

    def __init__(self) -> None:
        self._days: dict[int, list[tuple[Ints, ...]]] = defaultdict(list)

    def put(self, day: Ints, *columns: Ints) -> None:
        if not len(day):
            return
        order = np.argsort(day, kind="stable")
        ordered = day[order]
        sorted_columns = [c[order] for c in columns]
        cuts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
        for k, a in enumerate(cuts):
            b = cuts[k + 1] if k + 1 < len(cuts) else len(ordered)
            self._days[int(ordered[a])].append(tuple(c[a:b] for c in sorted_columns))

    def take(self, day: int, width: int) -> tuple[Ints, ...]:
        parts = self._days.pop(day, [])
        if not parts:
            return tuple(np.zeros(0, dtype=np.int64) for _ in range(width))
        return tuple(np.concatenate([p[k] for p in parts]).astype(np.int64) for k in range(width))


class Simulation:
    """A lender's book moving through time.

    `run` gives a `Day` for every day from the book's beginning to `end`, with `ledger` at that day's close;
    `month_end` gives the truth of the day just run.
    """

    def __init__(self, *, seed: int, lender: str, profile: Profile, book: Book, start: date, end: date) -> None:
        self.seed, self.lender, self.profile, self.book = seed, lender, profile, book
        self.start, self.end = day_number(start), day_number(end)
        self.first = min(int(book.disbursed[0]), self.start) if len(book) else self.start
        """The first day of the book."""
        self.ledger = Ledger(book)
        self.borrowers = Borrowers(book, profile.habits)
        self.known = 0
        """Loans disbursed by now: the first so many of the book."""
        self.touched: Ints = np.zeros(0, dtype=np.int64)
        """Loans whose position may have changed today."""
        self._order = np.argsort(book.due, kind="stable")
        self._sorted_due = book.due[self._order]
        self._moved = _Calendar()
        self._meant = _Calendar()
        self._returns = _Calendar()
        self._follow_ups = _Calendar()
        self._followed = np.zeros(len(book), dtype=np.bool_)
        self._to_come_back = np.zeros(len(book), dtype=np.int64)
        self._unposted: Payments | None = None
        self._rows_paid: Ints = np.zeros(0, dtype=np.int64)

    # ── the days ────────────────────────────────────────────────────────────────────────────────────────

    def run(self) -> Iterator[Day]:
        """The days from the first disbursement to the end, in order."""
        for today in range(self.first, self.end + 1):
            yield self._day(today)

    def _day(self, today: int) -> Day:
        ledger, book = self.ledger, self.book
        rng = stream(self.seed, self.lender, "day", today + 10**6)
        before, self.known = self.known, int(np.searchsorted(book.disbursed, today, side="right"))
        fallen = self._due_on(today - 1)
        ledger.fall_due(fallen)

        self._decide(rng, today)
        reversals = self._come_back(today)
        payments, waivers, extensions = self._pay(rng, today)
        booked = self._numbered(rng, today, [reversals, payments, waivers])
        extended = self._extend(rng, today, extensions)

        self.touched = np.unique(
            np.concatenate(
                [
                    np.arange(before, self.known),
                    book.loan_of[fallen].astype(np.int64),
                    booked.loan,
                    extended.loan,
                ]
            )
        )
        settled = ledger.close(self.touched, today)
        written_off = self._write_off(today)
        events = Events(
            loan=np.concatenate([extended.loan, settled, written_off.loan]),
            kind=np.concatenate([extended.kind, np.full(len(settled), SETTLEMENT), written_off.kind]),
            amount=np.concatenate([extended.amount, np.zeros(len(settled), dtype=np.int64), written_off.amount]),
            months=np.concatenate([extended.months, np.zeros(len(settled) + len(written_off), dtype=np.int64)]),
        )
        self.touched = np.union1d(self.touched, written_off.loan)
        return Day(
            day=today,
            loans=(before, self.known),
            borrowers=(self._people_of(before), self._people_of(self.known)),
            payments=self._posted(today, booked),
            events=events,
            replanned=extended.loan,
        )

    def month_end(self, today: int) -> MonthEnd:
        """The truth at the close of the day just run, over all loans disbursed by then.

        On the last day of the simulation it leaves out what is posted later: nobody was told of it.
        """
        ledger = self.ledger
        loans = np.arange(self.known)
        credit, prepaid = ledger.credit[: self.known], ledger.prepaid[: self.known]
        if today == self.end and self._unposted is not None:
            late = self._unposted
            credit, prepaid = credit.copy(), prepaid.copy()
            np.add.at(credit, late.loan, -late.amount)
            prepaid[late.loan[late.kind == PREPAYMENT]] = False
        at = ledger.position(loans, credit, prepaid)
        gone = ledger.written_off[: self.known]
        dpd = np.maximum(today - at.oldest_due.astype(np.int64), 0)
        contractual = dpd.copy()
        moved = np.flatnonzero(ledger.version[: self.known] > 1)
        contractual[moved] = ledger.contractual_days_past_due(moved, today, credit[moved], prepaid[moved])
        return MonthEnd(
            day=today,
            state=np.where(gone, 2, np.where(at.settled, 1, 0)).astype(np.int8),
            dpd=dpd,
            contractual_dpd=contractual,
            outstanding=np.where(gone, 0, at.outstanding),
            overdue_principal=at.overdue_principal,
            overdue_amount=at.overdue_amount,
            restructured=ledger.version[: self.known] > 1,
        )

    # ── parts of a day ──────────────────────────────────────────────────────────────────────────────────

    def _people_of(self, loans: int) -> int:
        return int(np.searchsorted(self.book.first_loan, loans, side="left"))

    def _due_on(self, day: int) -> Ints:
        """Rows of the plan that fall due on a day, by the plans in force."""
        a, b = np.searchsorted(self._sorted_due, [day, day + 1])
        rows = self._order[a:b]
        moved = self._moved.take(day, 1)[0]
        rows = np.concatenate([rows, moved])
        return np.unique(rows[self.ledger.due[rows] == day])

    def _coming_due(self, day: int) -> Ints:
        a, b = np.searchsorted(self._sorted_due, [day, day + 1])
        moved = [m[0] for m in self._moved._days.get(day, [])]
        rows = np.concatenate([self._order[a:b], *moved])
        return np.unique(rows[self.ledger.due[rows] == day])

    def _decide(self, rng: np.random.Generator, today: int) -> None:
        ledger, book = self.ledger, self.book
        rows = self._coming_due(today + behaviour.LEAD_DAYS)
        rows = rows[ledger.state[book.loan_of[rows]] == ACTIVE]
        (again,) = self._follow_ups.take(today, 1)
        self._followed[again] = False
        late = again[ledger.state[again] == ACTIVE]
        late = late[~np.isin(late, book.loan_of[rows])]
        coming = np.minimum(book.offset[late] + ledger.fallen[late], ledger.last(late))
        self._intend(self.borrowers.decide(rng, ledger, today, np.concatenate([rows, coming])))
        gone = again[ledger.written_off[again]]
        gone = gone[today - ledger.terminal_on[gone] < _RECOVERY_YEARS * 365]
        self._intend(self.borrowers.recoveries(rng, ledger, today, gone))
        lasts = book.loan_of[rows[rows == ledger.last(book.loan_of[rows].astype(np.int64))]].astype(np.int64)
        matured = late[ledger.fallen[late] == book.term[late]]
        self._follow(np.concatenate([lasts, matured, gone]), today + _FOLLOW_UP_DAYS)

    def _follow(self, loans: Ints, day: int) -> None:
        """Have loans looked at again on a day, unless they are down for one already."""
        some = np.unique(loans[~self._followed[loans]])
        self._followed[some] = True
        self._follow_ups.put(np.full(len(some), day), some)

    def _intend(self, meant: Intentions) -> None:
        self._meant.put(meant.day, meant.loan, meant.manner, meant.row, meant.share)

    def _come_back(self, today: int) -> Payments:
        """Debits returned by the bank today."""
        ids, loans, amounts, prepaid = self._returns.take(today, 4)
        self.ledger.add_credit(loans, -amounts)
        self.ledger.prepaid[loans[prepaid == 1]] = False
        np.add.at(self._to_come_back, loans, -1)
        self._follow(loans[self.ledger.state[loans] == SETTLED], today + 4)
        none = np.full(len(ids), -1)
        return Payments(
            none, loans, none + 1 + today, none + 1 + today, none + 1 + REVERSAL, amounts, ids, none + 1 + NO_CHANNEL
        )

    def _pay(self, rng: np.random.Generator, today: int) -> tuple[Payments, Payments, Ints]:
        """Payments and waivers of the day, and the loans to be extended."""
        ledger = self.ledger
        loan, manner, row, share = self._meant.take(today, 4)
        _, firsts = np.unique(loan, return_index=True)  # one intention a loan and day
        loan, manner, row, share = loan[firsts], manner[firsts], row[firsts], share[firsts]
        wait = (manner == behaviour.PREPAY) & (self._to_come_back[loan] > 0)
        manner = np.where(wait, behaviour.FULL, manner)
        meant = Intentions(np.full(len(loan), today), loan, manner, row, share)
        cash, waived, prepays = behaviour.amounts(ledger, today, meant)

        u = rng.random((len(loan), 3))
        late = ledger.days_past_due(loan, today) > 0
        channel = np.where(
            late,
            np.select([u[:, 0] < 0.60, u[:, 0] < 0.75], [APP, TRANSFER], COLLECTED),
            np.select([u[:, 0] < 0.75, u[:, 0] < 0.95], [DEBIT, APP], TRANSFER),
        )
        kind = np.where(prepays == 1, PREPAYMENT, np.where(manner == behaviour.RECOVERY, RECOVERY, REPAYMENT))
        posted = np.where((channel == TRANSFER) & (u[:, 1] < _LATE_POSTING), today + 1, today)
        nothing = np.full(len(loan), -1)
        value = np.full(len(loan), today)
        paid = Payments(nothing, loan, value, posted, kind, cash, nothing, channel).where(cash > 0)
        let_off = Payments(
            nothing, loan, value, value, np.full(len(loan), WAIVER), waived, nothing, np.full(len(loan), NO_CHANNEL)
        ).where(waived > 0)
        ledger.add_credit(paid.loan, paid.amount)
        ledger.add_credit(let_off.loan, let_off.amount)
        ledger.prepaid[paid.loan[paid.kind == PREPAYMENT]] = True
        self._rows_paid = row[cash > 0]
        extensions = loan[(manner == behaviour.EXTEND) & (ledger.state[loan] == ACTIVE)]
        return paid, let_off, extensions

    def _numbered(self, rng: np.random.Generator, today: int, parts: list[Payments]) -> Payments:
        """Give the day's records their ids, and decide which debits will come back."""
        booked = _join(parts)
        ids = today * PAYMENTS_A_DAY + 1 + np.arange(len(booked))
        booked = Payments(ids, *(getattr(booked, f.name) for f in fields(Payments)[1:]))
        u = rng.random((len(booked), 3))
        back = (booked.channel == DEBIT) & (u[:, 0] < self.profile.habits.returned)
        again = today + 1 + np.floor(u[:, 1] * 5).astype(np.int64)
        prepaid = (booked.kind == PREPAYMENT).astype(np.int64)
        self._returns.put(again[back], ids[back], booked.loan[back], booked.amount[back], prepaid[back])
        np.add.at(self._to_come_back, booked.loan[back], 1)
        retry = back & (u[:, 2] < 0.75)
        rows = np.full(len(booked), -1)
        first = len(parts[0])
        rows[first : first + len(self._rows_paid)] = self._rows_paid
        count = int(retry.sum())
        self._intend(
            Intentions(
                day=again[retry] + 1 + np.floor(u[retry, 2] * 8).astype(np.int64),
                loan=booked.loan[retry],
                manner=np.full(count, behaviour.FULL),
                row=rows[retry],
                share=np.full(count, 1000),
            )
        )
        return booked

    def _posted(self, today: int, booked: Payments) -> Payments:
        """What today's delivery carries: booked today, and left over from yesterday."""
        now = booked.posted_on <= today
        carried = booked.where(now) if self._unposted is None else _join([self._unposted, booked.where(now)])
        self._unposted = booked.where(~now)
        return carried

    def _extend(self, rng: np.random.Generator, today: int, loans: Ints) -> Events:
        ledger = self.ledger
        late = (ledger.oldest_due[loans] < today) & (ledger.oldest_short(loans) <= ledger.last(loans))
        loans = loans[late & (ledger.version[loans] == 1)]
        # Nothing was paid on these today (one intention a loan and day), but a debit may have come back.
        loans = loans[ledger.due[np.minimum(ledger.oldest_short(loans), ledger.last(loans))] < today]
        ledger.outstanding[loans] = ledger.position(loans).outstanding
        months = rng.integers(1, 4, len(loans))
        moved, rows = ledger.extend(loans, today, months, rng.random(len(loans)) < 0.7)
        self._moved.put(ledger.due[rows].astype(np.int64), rows)
        self._follow(loans, today + 5)  # a new due day may be nearer than borrowers look ahead
        return Events(loans, np.full(len(loans), EXTENDED), ledger.outstanding[loans].copy(), moved)

    def _write_off(self, today: int) -> Events:
        ledger = self.ledger
        none = np.zeros(0, dtype=np.int64)
        if day_date(today).weekday() != _FRIDAY:
            return Events(none, none, none, none)
        late = np.flatnonzero(ledger.oldest_due[: self.known] < today - 90)
        late = late[(ledger.state[late] == ACTIVE) & (self._to_come_back[late] == 0)]
        late = late[ledger.days_past_due(late, today) >= self.book.write_off_at[late]]
        late = late[ledger.outstanding[late] > 0]
        amounts = ledger.write_off(late, today)
        self._follow(late, today + _FOLLOW_UP_DAYS)
        return Events(late, np.full(len(late), WRITTEN_OFF), amounts, np.zeros(len(late), dtype=np.int64))


def month_ends(first: int, last: int) -> set[int]:
    """The month-ends from one day to another, as day numbers."""
    months = np.arange(
        np.datetime64(first, "D").astype("datetime64[M]"), np.datetime64(last, "D").astype("datetime64[M]") + 1
    )
    ends: Days = ((months + 1).astype("datetime64[D]").astype(np.int64) - 1).astype(np.int32)
    return {int(d) for d in ends if first <= d <= last}


__all__ = ["NEVER", "Day", "Events", "MonthEnd", "Payments", "Simulation", "month_ends"]
