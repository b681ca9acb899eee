"""How borrowers pay: what each decides about an instalment, and when.

Three days before an instalment falls due its borrower decides how to meet it (`decide`), and goes on deciding every
month while the loan is late after its last due day. A decision is an *intention*: on that day, pay in that
manner, up to that instalment. What it comes to in money is only known on that day, from the ledger.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from arrears.simulate.book import Book, Floats, Ints, Profile, day_date, day_number
from arrears.simulate.ledger import ACTIVE, BOUGHT_BACK, COMPENSATED, WRITTEN_OFF, Ledger

LEAD_DAYS = 3
"""Days before a due day on which a borrower decides about it."""

FULL, PART, ONE, OVER, FEN_SHORT, PREPAY, SETTLE_SHORT, EXTEND, RECOVERY, PREPAY_PART, RESTRUCTURE, PAUSE = range(12)
"""Manners: all that is missing; a share of it, in whole yuan; the oldest short instalment only; rounded up to the next
hundred; one fen too little; the whole loan; a share of all arrears, the rest being waived; a new plan;
something on a loan that left the book; a share of the principal to come; new terms; a stopped clock."""

_FOREVER = 10**6

_SEASON = (1.1, 1.25, 1.05, 1.0, 0.95, 0.95, 1.0, 1.0, 1.0, 0.95, 1.0, 1.05)
"""Shocks by calendar month: most after the spring festival."""


Bools = npt.NDArray[np.bool_]
Draws = npt.NDArray[np.float64]
"""Several draws between 0 and 1 for each row."""


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

    def where(self, some: Bools | Ints) -> Intentions:
        """Some of the rows, or all in another order."""
        return Intentions(*(getattr(self, f.name)[some] for f in fields(self)))


def together(parts: list[Intentions]) -> Intentions:
    """Intentions one after another."""
    return Intentions(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Intentions)))


class Borrowers:
    """The borrowers of a book: who is in trouble until when."""

    def __init__(self, book: Book, profile: Profile) -> None:
        self.book = book
        self.habits = profile.habits
        self._strain = _strain(book, profile)
        self.shock_until = np.zeros(len(book.borrowers.risk), dtype=np.int64)
        self._met = np.zeros(len(book.borrowers.risk), dtype=np.bool_)
        self._felt = self._troubles_felt()

    def _troubles_felt(self) -> Bools:
        """Which of people's own troubles reach this lender, more of them in a downturn."""
        begins = self.book.borrowers.trouble_from
        share = np.full(begins.shape, self.habits.common)
        for first, last, factor in self.habits.downturns:
            share[(begins >= day_number(first)) & (begins <= day_number(last))] *= factor
        felt: Bools = self.book.borrowers.gravity < share
        return felt

    def asks_for_rarer(self) -> bool:
        """Whether decisions draw from a second stream."""
        return max(self.habits.part_prepay, self.habits.restructure, self.habits.pause) > 0

    def decide(
        self, rng: np.random.Generator, more: np.random.Generator | None, ledger: Ledger, today: int, rows: Ints
    ) -> Intentions:
        """Decide about instalments (rows of the plan) of active loans; at most one of each loan.

        more: the stream for what only some lenders' habits ask for; None where they do not.
        """
        loans = self.book.loan_of[rows].astype(np.int64)
        who = self.book.borrower[loans]
        risk = self.book.borrowers.risk[who] + self._strain[loans]
        u = rng.random((len(rows), 6))
        lag = rng.exponential(1.0, len(rows))
        due = np.maximum(ledger.due[rows].astype(np.int64), today)

        self._shocks(rng, today, who, risk)
        in_shock = self._in_trouble(who, due)
        dpd = ledger.days_past_due(loans, today)
        late = dpd > 0
        well = ~in_shock & ~late

        usual = due - np.select([u[:, 1] < 0.7, u[:, 1] < 0.82, u[:, 1] < 0.91], [0, 1, 2], 3)
        well_manner, well_day = self._when_well(u, lag, risk, due, usual)
        late_manner, late_day = self._when_late(u, today, dpd, in_shock, ledger.version[loans] == 1)
        missed = np.where(u[:, 0] < 0.12, PART, -1)  # the first instalment of a shock
        manner = np.select([well, late], [well_manner, late_manner], missed)
        day = np.select([well, late], [well_day, late_day], usual)
        share = np.where(manner == SETTLE_SHORT, 0.7 + 0.25 * u[:, 2], 0.25 + 0.7 * u[:, 2])

        offered = self._rarer(more, manner, well, dpd)
        manner = np.where(offered >= 0, offered, manner)
        day = np.where((offered >= 0) & well, due + 1 + np.floor(u[:, 3] * 20).astype(np.int64), day)
        day = np.where((offered >= 0) & late, late_day, day)
        faithful, stopped = self._strategic(who, today)
        manner = np.where(stopped, -1, np.where(faithful, FULL, manner))
        day = np.where(faithful, np.maximum(due, today + 1), day)

        first = Intentions(day, loans, manner, rows, (1000 * share).astype(np.int64))
        prepays = (manner == PREPAY) | (manner == PREPAY_PART)  # pays this instalment as usual before
        completes = (manner == PART) & (u[:, 4] < 0.6) & ~in_shock
        then_day = np.where(prepays, due - (u[:, 5] < 0.5), day + 3 + np.floor(u[:, 5] * 17).astype(np.int64))
        second = Intentions(then_day, loans, np.full(len(rows), FULL), rows, first.share)
        return together([first.where(manner >= 0), second.where(completes | prepays)])

    def _when_well(self, u: Draws, lag: Floats, risk: Floats, due: Ints, usual: Ints) -> tuple[Ints, Ints]:
        """In no trouble and not late: the manner, and the day."""
        habits = self.habits
        chances = [
            habits.forget * np.exp(0.4 * risk),
            habits.partial * np.exp(0.5 * risk),
            np.full(len(due), habits.prepay),
            np.full(len(due), habits.overpay),
            np.full(len(due), habits.fen_short),
        ]
        kind = (u[:, 0] >= np.cumsum(np.stack(chances), axis=0)).sum(axis=0)
        forgets, prepays = kind == 0, kind == 2
        day = np.where(forgets, due + 1 + np.floor(lag * 3.5).astype(np.int64), usual)
        day = np.where(prepays, due - 2 + np.floor(u[:, 3] * 22).astype(np.int64), day)
        return np.array([FULL, PART, PREPAY, OVER, FEN_SHORT, FULL])[kind], day

    def _when_late(self, u: Draws, today: int, dpd: Ints, in_shock: Bools, first_plan: Bools) -> tuple[Ints, Ints]:
        """Late: hardly anything while the shock lasts; afterwards most catch up, some only keep pace."""
        habits = self.habits
        weary = np.where(dpd > 90, 0.4, 1.0)
        chances = [
            np.where((dpd <= 75) & first_plan, habits.extend, 0.0),
            np.where((dpd >= 30) & (dpd <= 200), habits.settle_short, 0.0),
            np.where(in_shock, 0.02, 0.45 * weary),
            np.where(in_shock, 0.06, 0.25 * weary),
            np.where(in_shock, 0.12, 0.10) * weary,
        ]
        kind = (u[:, 0] >= np.cumsum(np.stack(chances), axis=0)).sum(axis=0)
        day = today + 1 + np.floor(u[:, 3] * 18).astype(np.int64)
        return np.array([EXTEND, SETTLE_SHORT, FULL, ONE, PART, -1])[kind], day

    def _in_trouble(self, who: Ints, day: Ints) -> Bools:
        """Whether people are in a shock on a day: one that only this lender sees, or one of their own."""
        trouble: Bools = self.shock_until[who] > day
        if self.habits.common > 0:
            people = self.book.borrowers
            on = (people.trouble_from[who] <= day[:, None]) & (day[:, None] < people.trouble_until[who])
            trouble |= (on & self._felt[who]).any(axis=1)
        return trouble

    def _rarer(self, rng: np.random.Generator | None, manner: Ints, well: Bools, dpd: Ints) -> Ints:
        """What a lender may offer beside the usual, where its habits ask for it: a manner, or -1."""
        found = np.full(len(manner), -1)
        if rng is None:
            return found
        habits, u = self.habits, rng.random(len(manner))
        found[well & (manner == FULL) & (u < habits.part_prepay)] = PREPAY_PART
        pauses = habits.pause
        found[~well & (dpd > 0) & (u < pauses)] = PAUSE
        new_terms = (dpd >= 30) & (dpd <= 240) & (u >= pauses) & (u < pauses + habits.restructure)
        found[~well & new_terms] = RESTRUCTURE
        return found

    def word(self, who: Ints, today: int) -> Floats:
        """How much a promise of these people is worth: 1 of one who can pay, less in trouble, 0 of one who will not."""
        _, stopped = self._strategic(who, today)
        found: Floats = np.where(stopped, 0.0, np.where(self._in_trouble(who, np.full(len(who), today)), 0.3, 1.0))
        return found

    def _strategic(self, who: Ints, today: int) -> tuple[Bools, Bools]:
        """Who pays to the day because they mean to stop one day, and who has stopped."""
        people = self.book.borrowers
        strategic = people.resolve[who] < self.habits.strategic
        stopped = strategic & (people.stops_on[who] <= today)
        return strategic & ~stopped, stopped

    def recoveries(self, rng: np.random.Generator, ledger: Ledger, today: int, loans: Ints) -> Intentions:
        """Payments that a month brings on loans that left the book."""
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


def _strain(book: Book, profile: Profile) -> Floats:
    """Per loan: what it adds to its borrower's risk. Small is below the geometric mean of the least and the most that
    the lender lends."""
    least, most = min(p.amounts[0] for p in profile.products), max(p.amounts[1] for p in profile.products)
    return np.where(book.principal < 100 * np.sqrt(least * most), profile.small_risk, 0.0)


def is_recoverable(ledger: Ledger, loans: Ints) -> Bools:
    """Whether a loan left the book in a way after which its lender still takes the borrower's money."""
    state = ledger.gone[loans]
    found: Bools = (state == WRITTEN_OFF) | (state == COMPENSATED) | (state == BOUGHT_BACK)
    return found


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
    payoff = np.zeros(len(loans), dtype=np.int64)
    whole = np.flatnonzero(manner == PREPAY)
    payoff[whole] = np.minimum(ledger.payoff(loans[whole], today), claim[whole])
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
    fits = np.where(manner == RECOVERY, is_recoverable(ledger, loans), ledger.state[loans] == ACTIVE)
    cash = np.where(fits, cash, 0)
    waived = np.where((manner == SETTLE_SHORT) & (cash > 0), missing - cash, 0)
    prepays = ((manner == PREPAY) & (cash > 0)).astype(np.int64)
    return cash, waived, prepays
