"""Marts of people: segments of borrowers with their loans at all lenders, and how credit scores turned out."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from . import seeds
from .dates import is_quarter_end, month_end, month_end_after, month_ends
from .delinquency import Day, Life
from .facts import Row
from .money import NOTHING, cents
from .portfolio import Borrower, book_on, borrower, by_product, first_day_in_book

UNKNOWN = "unknown"
OBSERVED_MOB = 6


@dataclass(frozen=True)
class Presence:
    """What is known of a loan in the book of whichever lender. month_ends: those at which it is in the book."""

    lender: str
    disbursed_on: dt.date
    month_ends: frozenset[dt.date]


# The loans of every borrower at all lenders.
Everywhere = Mapping[Borrower, Sequence[Presence]]


def everywhere(lives: Sequence[Life]) -> Everywhere:
    """The loans, of any number of lenders, that have entered the book, by borrower."""
    found: dict[Borrower, list[Presence]] = defaultdict(list)
    for life in lives:
        if life.entered_on is not None:
            ends = month_ends(life.entered_on, life.data_as_of)
            held = frozenset(end for end in ends if life.in_book(end) is not None)
            found[borrower(life)].append(Presence(life.book.lender, life.loan.disbursed_on, held))
    return dict(found)


# Segments


def borrower_segment_monthly(lives: Sequence[Life], known: Everywhere) -> list[Row]:
    """mart_borrower_segment_monthly: who has loans in the book, by age, income and number of loans at all lenders."""
    first = first_day_in_book(lives)
    rows = []
    for end in [] if first is None else month_ends(first, lives[0].data_as_of):
        segments: dict[tuple[str, str, str], list[list[tuple[Life, Day]]]] = defaultdict(list)
        for owner, held in _by_borrower(book_on(lives, end)).items():
            loans = sum(end in presence.month_ends for presence in known[owner])
            segments[*_profile(held), seeds.loan_count_band(loans)].append(held)
        rows += [
            {
                "lender": lives[0].book.lender,
                "month_end": end,
                "birth_decade": birth_decade,
                "income_band": income_band,
                "loan_count_band": loan_count_band,
                "borrowers": len(borrowers),
                "overdue_borrowers": sum(any(day.dpd > 0 for _, day in held) for held in borrowers),
                "outstanding_principal": cents(_outstanding([day for held in borrowers for _, day in held])),
                "balance_overdue_30": cents(
                    _outstanding([day for held in borrowers for _, day in held if day.is_past(30)])
                ),
            }
            for (birth_decade, income_band, loan_count_band), borrowers in segments.items()
        ]
    return rows


def _by_borrower(book: Sequence[tuple[Life, Day]]) -> dict[Borrower, list[tuple[Life, Day]]]:
    found: dict[Borrower, list[tuple[Life, Day]]] = defaultdict(list)
    for life, day in book:
        found[borrower(life)].append((life, day))
    return found


def _profile(held: Sequence[tuple[Life, Day]]) -> tuple[str, str]:
    """A borrower's decade of birth and income, as the newest of the loans has them."""
    newest = max((life.loan for life, _ in held), key=lambda loan: (loan.disbursed_on, loan.loan_id))
    decade = UNKNOWN if newest.birth_year is None else f"{newest.birth_year // 10 * 10}s"
    return decade, newest.income_band or UNKNOWN


def _outstanding(standings: Sequence[Day]) -> Decimal:
    return sum((day.outstanding_principal for day in standings), NOTHING)


# Scores


def score_calibration(lives: Sequence[Life]) -> list[Row]:
    """mart_score_calibration: by quarter of disbursement and band of score, who was over 30 days past due by MOB 6."""
    rows = []
    for product, loans in by_product(lives).items():
        cells: dict[tuple[dt.date, str], list[Life]] = defaultdict(list)
        for life in loans:
            quarter = _quarter_end(life.loan.disbursed_on)
            is_over = month_end_after(quarter, OBSERVED_MOB) <= life.data_as_of
            if is_over and life.entered_on is not None and life.entered_on <= _observed_until(life):
                cells[quarter, seeds.score_band(life.loan.credit_score)].append(life)
        rows += [
            {
                "lender": loans[0].book.lender,
                "product": product,
                "vintage_quarter": quarter,
                "score_band": band,
                "loans": len(found),
                "ever30_mob6_loans": len(late := [life for life in found if _was_late(life)]),
                "disbursed_principal": cents(sum((life.loan.principal for life in found), NOTHING)),
                "ever30_mob6_principal": cents(sum((life.loan.principal for life in late), NOTHING)),
            }
            for (quarter, band), found in cells.items()
        ]
    return rows


def _quarter_end(day: dt.date) -> dt.date:
    end = month_end(day)
    while not is_quarter_end(end):
        end = month_end_after(end, 1)
    return end


def _observed_until(life: Life) -> dt.date:
    return month_end_after(life.loan.disbursed_on, OBSERVED_MOB)


def _was_late(life: Life) -> bool:
    return any(day.is_past(30) for day in life.days_in_book if day.day <= _observed_until(life))
