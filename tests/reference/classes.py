"""Marts that sort the loans of every month-end: by type of debt, by long overdue, by category of risk."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal

from . import seeds
from .classification import ifrs9_stage, risk_category, rules
from .dates import DAY, month_end_after
from .delinquency import Day, Life
from .facts import Row, shown_month_ends
from .money import NOTHING, cents
from .portfolio import borrower

IFRS9_SINCE = dt.date(2018, 1, 1)

Counted = list[tuple[Life, Day]]


def debt_type_monthly(lives: Sequence[Life]) -> list[Row]:
    """mart_debt_type_monthly: of the loans in arrears, and those written off since the month-end before."""
    cells: dict[tuple[str, dt.date, str], Counted] = defaultdict(list)
    for life in lives:
        for day in shown_month_ends(life):
            if day.debt_type is not None:
                cells[life.loan.product, day.day, day.debt_type].append((life, day))
    return [
        {
            "lender": lives[0].book.lender,
            "product": product,
            "month_end": end,
            "debt_type": debt_type,
            "loans": len(counted),
            "borrowers": len({borrower(life) for life, _ in counted}),
            **_amounts(counted),
        }
        for (product, end, debt_type), counted in cells.items()
    ]


def _amounts(counted: Counted) -> Row:
    return {
        "outstanding_principal": cents(sum((day.outstanding_principal for _, day in counted), NOTHING)),
        "overdue_amount": cents(sum((day.overdue_amount for _, day in counted), NOTHING)),
    }


def long_overdue_monthly(lives: Sequence[Life]) -> list[Row]:
    """mart_long_overdue_monthly: by band of days past due, and the cash of the twelve months after."""
    cells: dict[tuple[str, dt.date, str], Counted] = defaultdict(list)
    for life in lives:
        for day in shown_month_ends(life):
            for band in seeds.long_overdue_bands():
                if day.is_in_book and band.holds(day.dpd):
                    cells[life.loan.product, day.day, band.name].append((life, day))
    return [
        {
            "lender": lives[0].book.lender,
            "product": product,
            "month_end": end,
            "dpd_band": band,
            "loans": len(counted),
            **_amounts(counted),
            "recovered_next_12m": cents(sum((_recovered_after(life, end) for life, _ in counted), NOTHING)),
            "is_complete": month_end_after(end, 12) <= lives[0].data_as_of,
        }
        for (product, end, band), counted in cells.items()
    ]


def _recovered_after(life: Life, end: dt.date) -> Decimal:
    return life.ledger.cash(end + DAY, min(month_end_after(end, 12), life.data_as_of))


def risk_classification_monthly(lives: Sequence[Life]) -> list[Row]:
    """mart_risk_classification_monthly: by category of the regime in force, and beside it by stage of IFRS 9."""
    cells: dict[tuple[str, dt.date, str, str, dt.date], Counted] = defaultdict(list)
    for life in lives:
        for day in shown_month_ends(life):
            for regime, category, since in _classes(life, day):
                cells[life.loan.product, day.day, regime, category, since].append((life, day))
    return [
        {
            "lender": lives[0].book.lender,
            "product": product,
            "month_end": end,
            "regime": regime,
            "category": category,
            "rule_version": since.isoformat(),
            "loans": len(counted),
            "outstanding_principal": _amounts(counted)["outstanding_principal"],
        }
        for (product, end, regime, category, since), counted in cells.items()
    ]


def _classes(life: Life, day: Day) -> list[tuple[str, str, dt.date]]:
    """The classes of a loan at a month-end: the regime, the category, and since when its rules are in force."""
    if not day.is_in_book:
        return []
    found = [("ifrs9", f"stage_{ifrs9_stage(life, day)}", IFRS9_SINCE)]
    in_force, category = rules(life, day.day), risk_category(life, day)
    if in_force is not None and category is not None:
        found.append((life.ledger.conventions(day.day).risk_regime, category, in_force.effective_from))
    return found
