"""Marts of the book as it stands: by bucket every day, overdue rates, ageing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from decimal import Decimal

from . import seeds
from .dates import days, is_quarter_end, month_end_after, month_ends
from .delinquency import Day, Life
from .facts import Row
from .money import NOTHING, cents, percentage_points, ratio

Borrower = tuple[str, ...]


def by_product(lives: Sequence[Life]) -> dict[str, list[Life]]:
    """The loans of each product."""
    products: dict[str, list[Life]] = {}
    for life in lives:
        products.setdefault(life.loan.product, []).append(life)
    return products


def first_day_in_book(lives: Sequence[Life]) -> dt.date | None:
    """The first day on which any of the loans is in the book."""
    return min((life.days_in_book[0].day for life in lives if life.days_in_book), default=None)


def book_on(lives: Sequence[Life], day: dt.date) -> list[tuple[Life, Day]]:
    """The loans in the book at the close of a day, each with its standing."""
    return [(life, found) for life in lives if (found := life.in_book(day)) is not None]


def _outstanding(standings: Sequence[Day]) -> Decimal:
    return sum((day.outstanding_principal for day in standings), NOTHING)


def delinquency_daily(lives: Sequence[Life]) -> list[Row]:
    """mart_delinquency_daily: every bucket on every day on which the product has a loan in the book."""
    rows = []
    for product, loans in by_product(lives).items():
        first = first_day_in_book(loans)
        if first is None:
            continue
        for day in days(first, loans[0].data_as_of):
            standings = [standing for _, standing in book_on(loans, day)]
            if standings:
                rows += [
                    {
                        "lender": loans[0].book.lender,
                        "product": product,
                        "as_of_date": day,
                        "bucket": bucket.name,
                        **_amounts([standing for standing in standings if standing.bucket == bucket.name]),
                    }
                    for bucket in seeds.buckets(standings[0].scheme)
                ]
    return rows


def _amounts(standings: Sequence[Day]) -> Row:
    return {
        "loans": len(standings),
        "outstanding_principal": cents(_outstanding(standings)),
        "overdue_principal": cents(sum((day.overdue_principal for day in standings), NOTHING)),
        "overdue_amount": cents(sum((day.overdue_amount for day in standings), NOTHING)),
    }


# Overdue rates


def overdue_rate_monthly(lives: Sequence[Life]) -> list[Row]:
    """mart_overdue_rate_monthly: one row for every month-end at which the lender has a loan in the book."""
    return _overdue_rates(lives, "month_end", lambda end: True)


def overdue_rate_quarterly(lives: Sequence[Life]) -> list[Row]:
    """mart_overdue_rate_quarterly: the same at quarter-ends."""
    return _overdue_rates(lives, "quarter_end", is_quarter_end)


def _overdue_rates(lives: Sequence[Life], column: str, is_shown: Callable[[dt.date], bool]) -> list[Row]:
    first = first_day_in_book(lives)
    if first is None:
        return []
    return [
        {"lender": lives[0].book.lender, column: end, **_overdue_rate(lives, end)}
        for end in month_ends(first, lives[0].data_as_of)
        if is_shown(end) and book_on(lives, end)
    ]


def _overdue_rate(lives: Sequence[Life], end: dt.date) -> Row:
    book = book_on(lives, end)
    standings = [standing for _, standing in book]
    overdue = [(life, standing) for life, standing in book if standing.is_past(0)]
    year_before = month_end_after(end, -12)
    return {
        "active_loans": len(book),
        "active_borrowers": len({borrower(life) for life, _ in book}),
        "outstanding_principal": cents(_outstanding(standings)),
        "overdue_loans": len(overdue),
        "overdue_borrowers": len({borrower(life) for life, _ in overdue}),
        "overdue_principal": cents(sum((day.overdue_principal for day in standings), NOTHING)),
        "overdue_amount": cents(sum((day.overdue_amount for day in standings), NOTHING)),
        "balance_overdue_1": cents(_balance_past(lives, end, 0)),
        "balance_overdue_30": cents(_balance_past(lives, end, 30)),
        "balance_overdue_60": cents(_balance_past(lives, end, 60)),
        "balance_overdue_90": cents(_balance_past(lives, end, 90)),
        "balance_restructured": cents(_outstanding([day for day in standings if day.is_restructured])),
        "overdue_rate": ratio(_balance_past(lives, end, 0), _outstanding(standings)),
        "par30_rate": ratio(_balance_past(lives, end, 30), _outstanding(standings)),
        "par60_rate": ratio(_balance_past(lives, end, 60), _outstanding(standings)),
        "par90_rate": ratio(_balance_past(lives, end, 90), _outstanding(standings)),
        "overdue_rate_yoy_pp": percentage_points(_rate(lives, end, 0), _rate(lives, year_before, 0)),
        "par30_rate_yoy_pp": percentage_points(_rate(lives, end, 30), _rate(lives, year_before, 30)),
    }


def borrower(life: Life) -> Borrower:
    """Who owes a loan: a person known by identity, else by the lender's own number, else by this loan alone."""
    loan, lender = life.loan, life.book.lender
    if loan.identity_hash is not None:
        return ("identity", loan.identity_hash)
    if loan.borrower_id is not None:
        return ("borrower", lender, loan.borrower_id)
    return ("loan", lender, loan.loan_id)


def _balance_past(lives: Sequence[Life], day: dt.date, threshold: int) -> Decimal:
    return _outstanding([standing for _, standing in book_on(lives, day) if standing.is_past(threshold)])


def _rate(lives: Sequence[Life], day: dt.date, threshold: int) -> Decimal | None:
    """An overdue rate, not rounded; None where there is no balance."""
    outstanding = _outstanding([standing for _, standing in book_on(lives, day)])
    return None if outstanding == 0 else _balance_past(lives, day, threshold) / outstanding


# Ageing


def ageing_quarterly(lives: Sequence[Life]) -> list[Row]:
    """mart_ageing_quarterly: every bucket of the schemes in use, at every quarter-end with a loan in the book."""
    first = first_day_in_book(lives)
    if first is None:
        return []
    rows = []
    for end in filter(is_quarter_end, month_ends(first, lives[0].data_as_of)):
        standings = [standing for _, standing in book_on(lives, end)]
        for scheme in sorted({standing.scheme for standing in standings}):
            for bucket in seeds.buckets(scheme):
                held = [day for day in standings if (day.scheme, day.bucket) == (scheme, bucket.name)]
                rows.append(
                    {
                        "lender": lives[0].book.lender,
                        "quarter_end": end,
                        "bucket": bucket.name,
                        "loans": len(held),
                        "outstanding_principal": cents(_outstanding(held)),
                        "share_of_outstanding": ratio(_outstanding(held), _outstanding(standings)),
                    }
                )
    return rows
