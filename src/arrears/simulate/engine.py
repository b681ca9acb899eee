"""One lender, day by day: who pays what, what the ledger makes of it, and what goes into the delivery.

The order within a day: loans are disbursed, yesterday's due instalments become overdue, borrowers decide, money goes
back, payments and waivers arrive, guarantors pay, relief is granted, the books close, loans are sold and written
off, penalties are charged (at month-ends), collectors work, and the delivery of the day is written. A book begins
18 months before the first delivery; what happened before goes into the first delivery, which so carries the lender's
whole history.

Every day draws from its own random streams, so simulating a day longer repeats the days before exactly; what only
some lenders' habits ask for has streams of its own, so that nobody else's draws depend on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date

import numpy as np

from arrears.simulate import behaviour
from arrears.simulate.agenda import Agenda
from arrears.simulate.behaviour import Borrowers, Intentions
from arrears.simulate.book import Book, Days, Ints, Profile, day_number, distinct, stream
from arrears.simulate.collect import Collection
from arrears.simulate.exits import Exits
from arrears.simulate.ledger import ACTIVE, NEVER, SETTLED, Ledger
from arrears.simulate.plot import Plot
from arrears.simulate.records import (
    ACTIONS_A_DAY,
    APP,
    BUYBACK,
    CHARGEBACK,
    COLLECTED,
    COMPENSATION,
    COMPLAINED,
    CONTACT,
    DEBIT,
    DEBTOR,
    DELIVERED,
    EXTENDED,
    HARDSHIP,
    IN_APP,
    LEGAL,
    LETTER,
    NO_ANSWER,
    NO_CHANNEL,
    NOBODY,
    PAID_ALREADY,
    PAUSED,
    PAYMENTS_A_DAY,
    PHONE,
    PREPAYMENT,
    PROMISED,
    RECOVERY,
    REFUND,
    REFUSED,
    REPAYMENT,
    RESTRUCTURED,
    RESUMED,
    REVERSAL,
    SETTLEMENT,
    SMS,
    TRANSFER,
    TRANSFERRED,
    VISIT,
    WAIVER,
    WRITTEN_OFF,
    Actions,
    Day,
    Events,
    MonthEnd,
    Payments,
    events,
    join,
    no_actions,
    payments,
)
from arrears.simulate.relief import Relief
from arrears.simulate.returns import Returns

_FOLLOW_UP_DAYS = 30
_RECOVERY_YEARS = 2
_LATE_POSTING = 0.3


class Simulation:
    """A lender's book moving through time.

    `run` gives a `Day` for every day from the book's beginning to `end`, with `ledger` at that day's close;
    `month_end` gives the truth of the day just run.

    delivered_on: the business date of the delivery that carries a day; the day itself where it is not given.
    plot: what a scenario has happen beside what borrowers decide.
    """

    def __init__(
        self,
        *,
        seed: int,
        lender: str,
        profile: Profile,
        book: Book,
        start: date,
        end: date,
        delivered_on: Callable[[int], int] | None = None,
        plot: Plot | None = None,
    ) -> None:
        self.seed, self.lender, self.profile, self.book = seed, lender, profile, book
        self.start, self.end = day_number(start), day_number(end)
        self.first = min(int(book.disbursed[0]), self.start) if len(book) else self.start
        """The first day of the book."""
        self.ledger = Ledger(book)
        self.borrowers = Borrowers(book, profile)
        self.known = 0
        """Loans disbursed by now: the first so many of the book."""
        self.touched: Ints = np.zeros(0, dtype=np.int64)
        """Loans whose position may have changed today."""
        self._delivered_on = delivered_on or (lambda day: max(day, self.start))
        self._plot = plot or Plot(book)
        self._returns = Returns(seed, lender, profile.habits, self.ledger)
        self._returns.firm[self._plot.loans] = True
        self._relief = Relief(seed, lender, self.ledger)
        self._exits = Exits(seed, lender, profile.habits, book, self.ledger)
        self._collection = Collection(seed, lender, profile, book, self.ledger)
        self._order = np.argsort(book.due, kind="stable")
        self._days = np.arange(self.first, self.end + behaviour.LEAD_DAYS + 3, dtype=np.int32)
        self._due_before = np.searchsorted(book.due[self._order], self._days)
        """For each of `_days`: how many of `_order`, the plan's rows by due day, are due before it."""
        self._lent_by = np.searchsorted(book.disbursed, self._days, side="right")
        self._new_due = Agenda(1)
        self._meant = Agenda(4)
        self._follow_ups = Agenda(1)
        self._followed = np.zeros(len(book), dtype=np.bool_)
        self._unposted: Payments | None = None
        self._month_ends = month_ends(self.first, self.end)

    # ── the days ────────────────────────────────────────────────────────────────────────────────────────

    def run(self) -> Iterator[Day]:
        """The days from the first disbursement to the end, in order."""
        for today in range(self.first, self.end + 1):
            yield self._day(today)

    def _day(self, today: int) -> Day:
        ledger = self.ledger
        rng = stream(self.seed, self.lender, "day", today + 10**6)
        before, self.known = self.known, int(self._lent_by[today - self.first])
        newly_overdue = ledger.fall_due(self._due_on(today - 1))

        self._decide(rng, today)
        booked, granted, new_plans = self._business(rng, today)

        new = np.arange(before, self.known)
        self.touched = distinct(np.concatenate([new, newly_overdue, booked.loan, granted.loan, new_plans]))
        settled = ledger.close(self.touched, today)
        self._returns.expect_refunds(today, settled)
        left = self._leave(today)
        moved = self._charge_penalties(today)
        self.touched = distinct(np.concatenate([self.touched, left.loan, moved]))
        return Day(
            day=today,
            delivered_on=self._delivered_on(today),
            loans=(before, self.known),
            borrowers=(self._people_of(before), self._people_of(self.known)),
            payments=self._posted(today, booked),
            events=join([granted, events(SETTLEMENT, settled), left]),
            replanned=new_plans,
            actions=self._collect(today),
            moved=moved,
        )

    def _business(self, rng: np.random.Generator, today: int) -> tuple[Payments, Events, Ints]:
        """Everything that is booked in the course of a day: payments, relief, and the loans given a new plan."""
        returned = self._come_back(today)
        meant = self._meant_today(today)
        paid, waived, rows = self._pay(rng, today, meant)
        in_part = self._prepay_part(today, meant)
        caught_up = self._catch_up(today)
        busy = np.concatenate([meant.loan, returned.loan, np.flatnonzero(self._returns.awaited)])
        by_others = self._exits.paid_by_others(today, self.known, busy)
        parts = [returned, paid, waived, in_part, caught_up, by_others]
        booked = self._numbered(rng, today, parts, rows)
        granted = self._grant(rng, today, meant)
        new_plan = (granted.kind == EXTENDED) | (granted.kind == RESTRUCTURED)
        self._follow(by_others.loan, today + _FOLLOW_UP_DAYS)
        return booked, granted, np.concatenate([granted.loan[new_plan], in_part.loan])

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
        oldest_due: Ints = at.oldest_due.astype(np.int64)
        gone = ledger.gone[: self.known]
        contractual = np.maximum(today - oldest_due, 0)
        new_plan = np.flatnonzero(ledger.version[: self.known] > 1)
        contractual[new_plan] = ledger.contractual_days_past_due(new_plan, today, credit[new_plan], prepaid[new_plan])
        return MonthEnd(
            day=today,
            state=np.where(gone, gone, np.where(at.settled, SETTLED, ACTIVE)).astype(np.int8),
            dpd=ledger.clock(loans, oldest_due, today),
            contractual_dpd=contractual,
            outstanding=np.where(gone, 0, at.outstanding),
            overdue_principal=at.overdue_principal,
            overdue_amount=at.overdue_amount,
            restructured=ledger.restructured[: self.known].copy(),
        )

    # ── parts of a day ──────────────────────────────────────────────────────────────────────────────────

    def _people_of(self, loans: int) -> int:
        return int(np.searchsorted(self.book.first_loan, loans, side="left"))

    def _due_on(self, day: int) -> Ints:
        """Rows of the plan that fall due on a day, by the plans in force."""
        rows = self._coming_due(day)
        self._new_due.take(day)
        return rows

    def _coming_due(self, day: int) -> Ints:
        at = max(day - self.first, 0)  # nothing is due before the first day
        a, b = self._due_before[at], self._due_before[at + 1]
        rows = np.concatenate([self._order[a:b], self._new_due.look(day)[0]])
        return distinct(rows[self.ledger.due[rows] == day])

    def _decide(self, rng: np.random.Generator, today: int) -> None:
        ledger, book = self.ledger, self.book
        due = self._coming_due(today + behaviour.LEAD_DAYS)
        due = due[ledger.state[book.loan_of[due]] == ACTIVE]
        (again,) = self._follow_ups.take(today)
        self._followed[again] = False
        late = again[ledger.state[again] == ACTIVE]
        is_due = np.zeros(self.known, dtype=np.bool_)
        is_due[book.loan_of[due]] = True
        late = late[~is_due[late]]
        coming = np.minimum(book.offset[late] + ledger.fallen[late], ledger.last(late))
        rows, more = np.concatenate([due, coming]), None
        if self.borrowers.asks_for_rarer():
            more = stream(self.seed, self.lender, "more", today + 10**6)
            rows = self._without_paused(rows, today)
        self._intend(self.borrowers.decide(rng, more, ledger, today, rows))
        self._meet(self._plot.decide(ledger, today, rows))
        gone = again[behaviour.is_recoverable(ledger, again)]
        gone = gone[today - ledger.terminal_on[gone] < _RECOVERY_YEARS * 365]
        self._intend(self.borrowers.recoveries(rng, ledger, today, gone))
        lasts = book.loan_of[due[due == ledger.last(book.loan_of[due].astype(np.int64))]].astype(np.int64)
        matured = late[ledger.fallen[late] == book.term[late]]
        self._follow(np.concatenate([lasts, matured, gone]), today + _FOLLOW_UP_DAYS)

    def _without_paused(self, rows: Ints, today: int) -> Ints:
        """Rows of loans whose clock runs. The others' borrowers decide when it does again."""
        loans = self.book.loan_of[rows].astype(np.int64)
        paused = self.ledger.is_paused(loans, today)
        for loan in distinct(loans[paused]):
            self._follow(np.array([loan]), int(self.ledger.paused_until[loan]))
        return rows[~paused]

    def _follow(self, loans: Ints, day: int) -> None:
        """Have loans looked at again on a day, unless they are down for one already."""
        some = distinct(loans[~self._followed[loans]])
        self._followed[some] = True
        self._follow_ups.put(np.full(len(some), day), some)

    def _intend(self, meant: Intentions) -> None:
        """Put borrowers' intentions down; those of a scenario's loans are the plot's affair."""
        self._meet(self._plot.without_own(meant))

    def _meet(self, meant: Intentions) -> None:
        self._meant.put(meant.day, meant.loan, meant.manner, meant.row, meant.share)

    def _come_back(self, today: int) -> Payments:
        """Money that goes back today."""
        debits = self._returns.debits(today)
        self._follow(debits.loan[self.ledger.state[debits.loan] == SETTLED], today + 4)
        claims = self._returns.claims(today)
        self._follow(claims.loan[self.ledger.state[claims.loan] == SETTLED], today + 4)
        return join([debits, claims, self._returns.refunds(today)])

    def _meant_today(self, today: int) -> Intentions:
        """What borrowers mean to do today: one thing a loan."""
        loan, manner, row, share = self._meant.take(today)
        meant = Intentions(np.full(len(loan), today), loan, manner, row, share)
        now, later = self._plot.hold_back(meant, today)
        self._meet(later)
        order = np.argsort(now.loan, kind="stable")
        ordered = now.loan[order]
        return now.where(order[np.r_[True, ordered[1:] != ordered[:-1]]] if len(order) else order)

    def _pay(self, rng: np.random.Generator, today: int, meant: Intentions) -> tuple[Payments, Payments, Ints]:
        """Payments and waivers of the day, and for each payment the instalment up to which it was meant."""
        ledger, loan = self.ledger, meant.loan
        wait = (meant.manner == behaviour.PREPAY) & (self._returns.awaited[loan] > 0)
        manner = np.where(wait, behaviour.FULL, meant.manner)
        meant = replace(meant, manner=manner)
        cash, waived, prepays = behaviour.amounts(ledger, today, meant)

        u = rng.random((len(loan), 3))
        late = ledger.days_past_due(loan, today) > 0
        channel = np.where(
            late,
            np.select([u[:, 0] < 0.60, u[:, 0] < 0.75], [APP, TRANSFER], COLLECTED),
            np.select([u[:, 0] < 0.75, u[:, 0] < 0.95], [DEBIT, APP], TRANSFER),
        )
        kind = np.where(prepays == 1, PREPAYMENT, np.where(manner == behaviour.RECOVERY, RECOVERY, REPAYMENT))
        posted_on = np.where((channel == TRANSFER) & (u[:, 1] < _LATE_POSTING), today + 1, today)
        paid = replace(payments(kind, loan, today, cash, channel), posted_on=posted_on).where(cash > 0)
        let_off = payments(WAIVER, loan, today, waived).where(waived > 0)
        self._receive(paid, today)
        ledger.add_credit(let_off.loan, let_off.amount)
        return paid, let_off, meant.row[cash > 0]

    def _receive(self, paid: Payments, today: int) -> None:
        self.ledger.receive(paid.loan, paid.amount, today)
        self.ledger.prepay(paid.loan[paid.kind == PREPAYMENT], today)

    def _prepay_part(self, today: int, meant: Intentions) -> Payments:
        """Part prepayments of the day; each gives its loan a new plan."""
        asked = (meant.manner == behaviour.PREPAY_PART) & (self.ledger.state[meant.loan] == ACTIVE)
        asked &= self._returns.awaited[meant.loan] == 0
        part = self.ledger.part_prepayment(meant.loan[asked], today, meant.share[asked])
        owed = self.ledger.prepay_part(part, today)
        self._new_due.put(np.full(len(owed), today), part.row)
        paid = payments(PREPAYMENT, part.loan, today, owed, APP)
        self.ledger.receive(paid.loan, paid.amount, today)
        return paid

    def _catch_up(self, today: int) -> Payments:
        """Arrears that a scenario has paid today."""
        loans, amounts = self._plot.catch_up(self.ledger, today, self.known)
        paid = payments(REPAYMENT, loans, today, amounts, COLLECTED)
        self.ledger.receive(paid.loan, paid.amount, today)
        return paid

    def _numbered(self, rng: np.random.Generator, today: int, parts: list[Payments], rows: Ints) -> Payments:
        """Give the day's records their ids, and decide which will come back.

        rows: the instalments up to which the second part, what borrowers paid, was meant.
        """
        booked = join(parts)
        ids = today * PAYMENTS_A_DAY + 1 + np.arange(len(booked))
        booked = replace(booked, id=ids)
        u = rng.random((len(booked), 3))
        back = self._returns.expect(u, today, booked)
        retry = back & (u[:, 2] < 0.75)
        meant_for = np.full(len(booked), -1)
        first = len(parts[0])
        meant_for[first : first + len(rows)] = rows
        again = self._returns.again(u, today)[retry] + 1 + np.floor(u[retry, 2] * 8).astype(np.int64)
        full, whole = (np.full(int(retry.sum()), x) for x in (behaviour.FULL, 1000))
        self._intend(Intentions(again, booked.loan[retry], full, meant_for[retry], whole))
        return booked

    def _posted(self, today: int, booked: Payments) -> Payments:
        """What today's delivery carries: booked today, and left over from yesterday."""
        now = booked.posted_on <= today
        carried = booked.where(now) if self._unposted is None else join([self._unposted, booked.where(now)])
        self._unposted = booked.where(~now)
        return carried

    def _grant(self, rng: np.random.Generator, today: int, meant: Intentions) -> Events:
        """Relief of the day."""
        extended, rows = self._relief.extend(rng, today, meant.loan[meant.manner == behaviour.EXTEND])
        new_terms, more_rows = self._relief.restructure(today, meant.loan[meant.manner == behaviour.RESTRUCTURE])
        paused = self._relief.pause(today, meant.loan[meant.manner == behaviour.PAUSE])
        for moved in (rows, more_rows):
            self._new_due.put(self.ledger.due[moved].astype(np.int64), moved)
        # A new due day may be nearer than borrowers look ahead.
        self._follow(np.concatenate([extended.loan, new_terms.loan]), today + 5)
        return join([extended, new_terms, paused])

    def _leave(self, today: int) -> Events:
        """Loans sold and written off at the close of the day."""
        if self._plot.keeps_the_book(today):
            return events(WRITTEN_OFF, np.zeros(0, dtype=np.int64))
        left = self._exits.at_close(today, self.known, self._returns.awaited)
        self._follow(left.loan[left.kind == WRITTEN_OFF], today + _FOLLOW_UP_DAYS)
        return left

    def _charge_penalties(self, today: int) -> Ints:
        """Penalties of a month-end. Returns the loans charged."""
        ledger, rate = self.ledger, self.profile.habits.penalty_bp
        if rate <= 0 or today not in self._month_ends:
            return np.zeros(0, dtype=np.int64)
        late = np.flatnonzero(ledger.oldest_due[: self.known] < today)
        late = late[(ledger.state[late] == ACTIVE) & ~ledger.is_paused(late, today)]
        return ledger.charge_penalties(late, rate)

    def _collect(self, today: int) -> Actions:
        done = self._collection.work(today, self.known, self.borrowers)
        if done is None:
            return no_actions()
        actions, meant = done
        self._intend(meant)
        return actions


def month_ends(first: int, last: int) -> set[int]:
    """The month-ends from one day to another, as day numbers."""
    months = np.arange(
        np.datetime64(first, "D").astype("datetime64[M]"), np.datetime64(last, "D").astype("datetime64[M]") + 1
    )
    ends: Days = ((months + 1).astype("datetime64[D]").astype(np.int64) - 1).astype(np.int32)
    return {int(d) for d in ends if first <= d <= last}


__all__ = [
    "ACTIONS_A_DAY",
    "APP",
    "BUYBACK",
    "CHARGEBACK",
    "COLLECTED",
    "COMPENSATION",
    "COMPLAINED",
    "CONTACT",
    "DEBIT",
    "DEBTOR",
    "DELIVERED",
    "EXTENDED",
    "HARDSHIP",
    "IN_APP",
    "LEGAL",
    "LETTER",
    "NEVER",
    "NOBODY",
    "NO_ANSWER",
    "NO_CHANNEL",
    "PAID_ALREADY",
    "PAUSED",
    "PAYMENTS_A_DAY",
    "PHONE",
    "PREPAYMENT",
    "PROMISED",
    "RECOVERY",
    "REFUND",
    "REFUSED",
    "REPAYMENT",
    "RESTRUCTURED",
    "RESUMED",
    "REVERSAL",
    "SETTLEMENT",
    "SMS",
    "TRANSFER",
    "TRANSFERRED",
    "VISIT",
    "WAIVER",
    "WRITTEN_OFF",
    "Actions",
    "Day",
    "Events",
    "MonthEnd",
    "Payments",
    "Simulation",
    "month_ends",
]
