"""What a scenario has happen beside what borrowers decide: a few hand-made borrowers, and a rate steered to a figure.

Steering is a collection drive at a quarter's end, and nothing more. In the weeks before the day some borrowers forget
to pay until it is over, so that there is enough to collect; on the day itself just so many late borrowers pay up
that the overdue rate is the one wanted. Nobody's record is changed afterwards, and the days before and after take their
usual course.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from arrears.simulate import behaviour
from arrears.simulate.behaviour import Intentions
from arrears.simulate.book import Book, Ints, day_number, stream
from arrears.simulate.ledger import ACTIVE, Bools, Ledger, Position

_DRIVE_DAYS = 21
"""Days before the day of the figure in which borrowers forget."""
_FORGETFUL_AT_LEAST = 0.02
_LATEST_TO_CATCH_UP = 120
"""Days past due up to which somebody pays everything up on the day."""
_TRIES = 60
_NEAR_ENOUGH = 0.00002


@dataclass(frozen=True)
class Figure:
    """An overdue rate to be reached: outstanding principal of active loans with DPD > 0 over that of active loans."""

    on: date
    rate: float


@dataclass(frozen=True)
class Illness:
    """A borrower who pays to the day, falls ill, is given an extension, and pays to the day again."""

    loan: int
    begins: date
    extended_on: date


class Plot:
    """The scenario of one lender; without figures and illnesses it changes nothing."""

    def __init__(
        self,
        book: Book,
        *,
        seed: int = 0,
        lender: str = "",
        figures: Sequence[Figure] = (),
        illnesses: Sequence[Illness] = (),
    ) -> None:
        self._book, self._seed, self._lender = book, seed, lender
        self._figures = {day_number(f.on): f.rate for f in figures}
        self._illnesses = tuple(illnesses)
        self.loans: Ints = np.array([i.loan for i in illnesses], dtype=np.int64)
        """The loans whose borrowers follow the plot."""

    # ── hand-made borrowers ─────────────────────────────────────────────────────────────────────────────

    def without_own(self, meant: Intentions) -> Intentions:
        """Intentions without those about the plot's loans."""
        if not len(self.loans):
            return meant
        return meant.where(~np.isin(meant.loan, self.loans))

    def decide(self, ledger: Ledger, today: int, rows: Ints) -> Intentions:
        """What the plot's borrowers decide about instalments (rows of the plan) that come due."""
        found: list[tuple[int, int, int, int, int]] = []
        for ill in self._illnesses:
            begins, extended_on = day_number(ill.begins), day_number(ill.extended_on)
            for row in rows[self._book.loan_of[rows] == ill.loan] if len(rows) else ():
                day = max(int(ledger.due[row]), today + 1)
                if not begins <= day <= extended_on:
                    found.append((day, ill.loan, behaviour.FULL, int(row), 1000))
            if today == extended_on - 1:
                found.append((extended_on, ill.loan, behaviour.EXTEND, int(self._book.offset[ill.loan]), 1000))
        columns = np.array(found, dtype=np.int64).reshape(len(found), 5)
        return Intentions(*(columns[:, k] for k in range(5)))

    # ── a figure ────────────────────────────────────────────────────────────────────────────────────────

    def keeps_the_book(self, today: int) -> bool:
        """Whether no loan leaves the book today: what was steered to would be another figure."""
        return today in self._figures

    def hold_back(self, meant: Intentions, today: int) -> tuple[Intentions, Intentions]:
        """Today's intentions, and those put off until a figure is reached."""
        later = np.zeros(len(meant.loan), dtype=np.bool_)
        day = meant.day.copy()
        for on, rate in self._figures.items():
            if on - _DRIVE_DAYS <= today <= on:
                share = _FORGETFUL_AT_LEAST + rate
                u = stream(self._seed, self._lender, "drive", on + 10**6).random((len(self._book), 2))
                forgets = (u[meant.loan, 0] < share) & (meant.manner != behaviour.RECOVERY)
                relief = np.isin(meant.manner, (behaviour.EXTEND, behaviour.RESTRUCTURE, behaviour.PAUSE))
                held = forgets | (relief & (today == on))
                later |= held
                day[held] = on + 1 + np.floor(u[meant.loan[held], 1] * 6).astype(np.int64)
        later &= ~np.isin(meant.loan, self.loans)
        moved = Intentions(day, meant.loan, meant.manner, meant.row, meant.share)
        return meant.where(~later), moved.where(later)

    def catch_up(self, ledger: Ledger, today: int, known: int) -> tuple[Ints, Ints]:
        """Loans that are paid up today, and what that takes, so that the overdue rate is the figure."""
        none = np.zeros(0, dtype=np.int64)
        if today not in self._figures:
            return none, none
        loans = np.flatnonzero(ledger.state[:known] == ACTIVE)
        at = ledger.position(loans)
        late = ledger.clock(loans, at.oldest_due.astype(np.int64), today) > 0
        able = self._able(ledger, today, loans, at, late)
        newest = self._book.offset[loans] + ledger.fallen[loans] - 1
        takes = ledger.short_of(loans, np.maximum(newest, self._book.offset[loans]))
        left = self._left_after(ledger, loans, at, takes)
        rng = stream(self._seed, self._lender, "figure", today + 10**6)
        chosen = _chosen(rng, self._figures[today], at.outstanding * ~at.settled, left, late, able)
        return loans[chosen], takes[chosen]

    def _able(self, ledger: Ledger, today: int, loans: Ints, at: Position, late: Bools) -> Bools:
        days = today - at.oldest_due.astype(np.int64)
        able: Bools = late & (days <= _LATEST_TO_CATCH_UP) & ~np.isin(loans, self.loans)
        return able

    @staticmethod
    def _left_after(ledger: Ledger, loans: Ints, at: Position, takes: Ints) -> Ints:
        """What would be outstanding on loans, had they paid that much."""
        after = ledger.position(loans, ledger.credit[loans] + takes)
        return np.where(after.settled, 0, after.outstanding)


def _chosen(rng: np.random.Generator, rate: float, outstanding: Ints, left: Ints, late: Bools, able: Bools) -> Ints:
    """Positions of the late loans to be paid up, so that late over outstanding comes nearest to a rate: the best of
    some random choices."""
    candidates = np.flatnonzero(able)
    overdue, total = int(outstanding[late].sum()), int(outstanding.sum())
    best: list[int] = []
    nearest = abs(overdue / total - rate) if total else 0.0
    for _ in range(_TRIES):
        if nearest < _NEAR_ENOUGH:
            break
        chosen, reached = _one_choice(rng.permutation(candidates).tolist(), rate, overdue, total, outstanding, left)
        if abs(reached - rate) < nearest:
            best, nearest = chosen, abs(reached - rate)
    return np.array(best, dtype=np.int64)


def _one_choice(
    order: list[int], rate: float, overdue: int, total: int, outstanding: Ints, left: Ints
) -> tuple[list[int], float]:
    """Take loans in an order, each that leaves the rate at or above the one wanted; then the one that brings it
    nearest. Returns them and the rate reached."""
    chosen: list[int] = []
    skipped: list[int] = []

    def without(k: int) -> tuple[int, int]:
        return overdue - int(outstanding[k]), total - int(outstanding[k] - left[k])

    for k in order:
        less, all_ = without(k)
        if all_ > 0 and less / all_ >= rate:
            overdue, total = less, all_
            chosen.append(k)
        else:
            skipped.append(k)
    rates = {k: less / all_ for k in skipped for less, all_ in [without(k)] if all_ > 0}
    nearest = min(rates, key=lambda k: abs(rates[k] - rate), default=None)
    if nearest is not None and abs(rates[nearest] - rate) < abs(overdue / total - rate):
        return [*chosen, nearest], rates[nearest]
    return chosen, overdue / total
