"""Marts that follow loans through time: roll rates and vintages."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence

from .dates import month_end, month_end_after, month_ends, months_between
from .delinquency import Day, Life
from .facts import Row
from .money import NOTHING, cents
from .portfolio import by_product, first_day_in_book

THRESHOLDS = (0, 30, 60, 90)


def _roll_state(day: Day) -> str:
    return "unknown" if day.state == "unknown" else day.bucket


def roll_rate_monthly(lives: Sequence[Life]) -> list[Row]:
    """mart_roll_rate_monthly: where the loans in the book at a month-end were at the next one of the calendar."""
    cells: dict[tuple[str, dt.date, str, str], list[tuple[Day, Day]]] = defaultdict(list)
    for life in lives:
        for opening in life.days_in_book:
            to_month_end = month_end_after(opening.day, 1)
            if opening.day == month_end(opening.day) and to_month_end <= life.data_as_of:
                closing = life.days[to_month_end]
                key = (life.loan.product, opening.day, _roll_state(opening), _roll_state(closing))
                cells[key].append((opening, closing))
    return [
        {
            "lender": lives[0].book.lender,
            "product": product,
            "from_month_end": from_month_end,
            "from_state": from_state,
            "to_state": to_state,
            "to_month_end": month_end_after(from_month_end, 1),
            "loans": len(rolled),
            "opening_principal": cents(sum((opening.outstanding_principal for opening, _ in rolled), NOTHING)),
            "closing_principal": cents(sum((closing.outstanding_principal for _, closing in rolled), NOTHING)),
        }
        for (product, from_month_end, from_state, to_state), rolled in cells.items()
    ]


def vintage(lives: Sequence[Life]) -> list[Row]:
    """mart_vintage: by month of disbursement, how much was ever and is now past each threshold."""
    rows = []
    for product, loans in by_product(lives).items():
        for vintage_month in sorted({month_end(life.loan.disbursed_on) for life in loans}):
            cohort = [
                life
                for life in loans
                if month_end(life.loan.disbursed_on) == vintage_month and life.entered_on is not None
            ]
            first = first_day_in_book(cohort)
            crossings = {threshold: _first_crossings(cohort, threshold) for threshold in THRESHOLDS}
            for end in [] if first is None else month_ends(first, loans[0].data_as_of):
                rows += [
                    {
                        "lender": loans[0].book.lender,
                        "product": product,
                        "vintage_month": vintage_month,
                        "mob": months_between(vintage_month, end),
                        "threshold_dpd": threshold,
                        **_vintage_cell(cohort, crossings[threshold], end, threshold),
                    }
                    for threshold in THRESHOLDS
                ]
    return rows


def _vintage_cell(cohort: Sequence[Life], crossings: Sequence[tuple[Life, Day]], end: dt.date, threshold: int) -> Row:
    crossed = [(life, crossing) for life, crossing in crossings if crossing.day <= end]
    current = [day for life in cohort if (day := life.in_book(end)) is not None and day.is_past(threshold)]
    return {
        "loans": len(cohort),
        "disbursed_principal": cents(sum((life.loan.principal for life in cohort), NOTHING)),
        "ever_loans": len(crossed),
        "ever_principal": cents(sum((life.loan.principal for life, _ in crossed), NOTHING)),
        "ever_balance": cents(sum((crossing.outstanding_principal for _, crossing in crossed), NOTHING)),
        "current_loans": len(current),
        "current_balance": cents(sum((day.outstanding_principal for day in current), NOTHING)),
    }


def _first_crossings(cohort: Sequence[Life], threshold: int) -> list[tuple[Life, Day]]:
    """The loans that were ever past a threshold, each with the first day on which it was."""
    firsts = ((life, next((day for day in life.days_in_book if day.is_past(threshold)), None)) for life in cohort)
    return [(life, first) for life, first in firsts if first is not None]
