"""How borrowers pay: what each decides about an instalment, and when.

Three days before an instalment falls due its borrower decides how to meet it (`decide`), and goes on deciding every
month while the loan is late after its last due day. A decision is an *intention*: on that day, pay in that
manner, up to that instalment. What it comes to in money is only known on that day, from the ledger.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from arrears.simulate.book import Book, Floats, Habits, Ints, day_date
from arrears.simulate.ledger import ACTIVE, Ledger

LEAD_DAYS = 3
"""Days before a due day on which a borrower decides about it."""

FULL, PART, ONE, OVER, FEN_SHORT, PREPAY, SETTLE_SHORT, EXTEND, RECOVERY = range(9)
"""Manners: all that is missing; a share of it, in whole yuan; the oldest short instalment only; rounded up to the next
hundred; one fen too little; the whole loan; a share of all arrears, the rest being waived; a new plan;
something on a written-off loan."""

_FOREVER = 10**6

_SEASON = (1.1, 1.25, 1.05, 1.0, 0.95, 0.95, 1.0, 1.0, 1.0, 0.95, 1.0, 1.05)
"""Shocks by calendar month: most after the spring festival."""


@dataclass(frozen=True)
class Intentions:
    """What borrowers mean to do, one row an intention."""

    day: Ints
    loan: Ints
    manner: Ints
    row: Ints
    """The instalment up to which is paid."""
    share: Ints
    """Of what is missing, in thousandths."""


class Borrowers:
    """The borrowers of a book: who is in trouble until when."""

    def __init__(self, book: Book, habits: Habits) -> None:
        self.book = book
        self.habits = habits
        self.shock_until = np.zeros(len(book.borrowers.risk), dtype=np.int64)
        self._met = np.zeros(len(book.borrowers.risk), dtype=np.bool_)

    def decide(self, rng: np.random.Generator, ledger: Ledger, today: int, rows: Ints) -> Intentions:
        """Decide about instalments (rows of the plan) of active loans; at most one of each loan."""
        habits = self.habits
        loans = self.book.loan_of[rows].astype(np.int64)
        who = self.book.borrower[loans]
        risk = self.book.borrowers.risk[who]
        u = rng.random((len(rows), 6))
        lag = rng.exponential(1.0, len(rows))
        due = np.maximum(ledger.due[rows].astype(np.int64), today)

        self._shocks(rng, today, who, risk)
        in_shock = self.shock_until[who] > due
        dpd = ledger.days_past_due(loans, today)
        late = dpd > 0

        day = due - np.select([u[:, 1] < 0.7, u[:, 1] < 0.82, u[:, 1] < 0.91], [0, 1, 2], 3)
        manner = np.full(len(rows), FULL)
        share = (1000 * (0.25 + 0.7 * u[:, 2])).astype(np.int64)

        well = ~in_shock & ~late
        steps = np.cumsum(
            np.stack(
                [
                    habits.forget * np.exp(0.4 * risk),
                    habits.partial * np.exp(0.5 * risk),
                    np.full(len(rows), habits.prepay),
                    np.full(len(rows), habits.overpay),
                    np.full(len(rows), habits.fen_short),
                ]
            ),
            axis=0,
        )
        kind = (u[:, 0] >= steps).sum(axis=0)
        day = np.where(well & (kind == 0), due + 1 + np.floor(lag * 3.5).astype(np.int64), day)
        day = np.where(well & (kind == 2), due - 2 + np.floor(u[:, 3] * 22).astype(np.int64), day)
        manner = np.where(well, np.array([FULL, PART, PREPAY, OVER, FEN_SHORT, FULL])[kind], manner)

        # Late: hardly anything while the shock lasts; afterwards most catch up, some only keep pace.
        weary = np.where(dpd > 90, 0.4, 1.0)
        extend = np.where((dpd <= 75) & (ledger.version[loans] == 1), habits.extend, 0.0)
        spared = np.where((dpd >= 30) & (dpd <= 200), habits.settle_short, 0.0)
        pays = np.where(in_shock, 0.02, 0.45 * weary)
        one = np.where(in_shock, 0.06, 0.25 * weary)
        part = np.where(in_shock, 0.12, 0.10) * weary
        bounds = np.cumsum(np.stack([extend, spared, pays, one, part]), axis=0)
        kind_late = (u[:, 0] >= bounds).sum(axis=0)
        struggling = ~well & late
        manner = np.where(struggling, np.array([EXTEND, SETTLE_SHORT, FULL, ONE, PART, -1])[kind_late], manner)
        day = np.where(struggling, today + 1 + np.floor(u[:, 3] * 18).astype(np.int64), day)
        share = np.where(manner == SETTLE_SHORT, (1000 * (0.7 + 0.25 * u[:, 2])).astype(np.int64), share)
        # First missed instalment of a shock: nothing, or a part.
        fresh = in_shock & ~late
        manner = np.where(fresh, np.where(u[:, 0] < 0.12, PART, -1), manner)

        first = Intentions(day, loans, manner, rows, share)
        meant = manner >= 0
        prepays = meant & (manner == PREPAY)  # pays this instalment as usual before
        completes = meant & (manner == PART) & (u[:, 4] < 0.6) & ~in_shock
        then = completes | prepays
        then_day = np.where(prepays, due - (u[:, 5] < 0.5), day + 3 + np.floor(u[:, 5] * 17).astype(np.int64))
        second = Intentions(then_day, loans, np.full(len(rows), FULL), rows, share)
        return Intentions(
            *(
                np.concatenate([getattr(first, f.name)[meant], getattr(second, f.name)[then]])
                for f in fields(Intentions)
            )
        )

    def recoveries(self, rng: np.random.Generator, ledger: Ledger, today: int, loans: Ints) -> Intentions:
        """Payments that a month brings on written-off loans."""
        u = rng.random((len(loans), 3))
        pays = u[:, 0] < self.habits.recovery
        some = loans[pays]
        return Intentions(
            day=today + 1 + np.floor(u[pays, 1] * 25).astype(np.int64),
            loan=some,
            manner=np.full(len(some), RECOVERY),
            row=ledger.last(some),
            share=(1000 * (0.03 + 0.3 * u[pays, 2] ** 2)).astype(np.int64),
        )

    def _shocks(self, rng: np.random.Generator, today: int, who: Ints, risk: Floats) -> None:
        habits = self.habits
        date_ = day_date(today)
        hazard = habits.shock * _SEASON[date_.month - 1]
        for begins, ends, factor in habits.downturns:
            if begins <= date_ <= ends:
                hazard *= factor
        u = rng.random((len(who), 3))
        days = 30 + np.floor(rng.exponential(habits.shock_days, len(who))).astype(np.int64)
        days = np.where(u[:, 1] < habits.lasting, _FOREVER, days)
        hit = (u[:, 0] < hazard * np.exp(0.7 * risk)) & (self.shock_until[who] <= today)
        # Some never meant to pay at all.
        never = ~self._met[who] & (u[:, 2] < habits.first_payment_default * np.exp(risk))
        until = np.where(never, today + _FOREVER, np.where(hit, today + days, 0))
        np.maximum.at(self.shock_until, who, until)
        self._met[who] = True


def amounts(ledger: Ledger, today: int, meant: Intentions) -> tuple[Ints, Ints, Ints]:
    """What intentions come to today: cash, waived, and whether it prepays the loan (1) or not (0).

    Nothing where the loan owes nothing up to the instalment, or is in a state that the manner does not fit.
    """
    loans, manner = meant.loan, meant.manner
    missing = ledger.short_of(loans, meant.row)
    claim = ledger.short_of(loans, ledger.last(loans))
    oldest = np.minimum(ledger.oldest_short(loans), ledger.last(loans))
    part = missing * meant.share // 1000 // 100 * 100
    rounded_up = -(-missing // 10_000) * 10_000
    payoff = np.minimum(ledger.payoff(loans, today), claim)
    cash = np.select(
        [
            manner == FULL,
            manner == PART,
            manner == ONE,
            manner == OVER,
            manner == FEN_SHORT,
            manner == PREPAY,
            manner == SETTLE_SHORT,
            manner == RECOVERY,
        ],
        [
            missing,
            part,
            np.minimum(ledger.short_of(loans, oldest), missing),
            rounded_up,
            np.maximum(missing - 1, 0),
            payoff,
            part,
            np.minimum(-(-claim * meant.share // 1000 // 100) * 100, claim),
        ],
        0,
    )
    fits = np.where(manner == RECOVERY, ledger.written_off[loans], ledger.state[loans] == ACTIVE)
    cash = np.where(fits, cash, 0)
    waived = np.where((manner == SETTLE_SHORT) & (cash > 0), missing - cash, 0)
    prepays = ((manner == PREPAY) & (cash > 0)).astype(np.int64)
    return cash, waived, prepays
