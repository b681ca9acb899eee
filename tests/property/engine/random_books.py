"""Many loans from a seed, in seconds: the same lives as Hypothesis draws, over 24 months and at several lenders."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

from ...reference.book import Book
from .conventions import drawn_conventions
from .dice import Dice, SeededDice
from .lives import FIRST_DAY, PRODUCTS, TIMEZONES, drawn_loan
from .people import PEOPLE, People
from .records import with_records

LAST_DAY = dt.date(2025, 12, 31)
LOANS_PER_LENDER = 100


def random_books(loans: int, seed: int) -> list[Book]:
    """So many loans, disbursed on any day of 24 months, in books of LOANS_PER_LENDER.

    The first lender is measured by the defaults, and each other by conventions of its own. Most people have one loan or
    two, some of them at several lenders. A seed gives the same books each time.
    """
    dice = SeededDice(seed)
    sizes = [LOANS_PER_LENDER] * (loans // LOANS_PER_LENDER)
    if rest := loans % LOANS_PER_LENDER:
        sizes.append(rest)
    people = [f"{name} {number}" for name in PEOPLE for number in range(loans // 12 + 1)]
    return [_book(dice, number, size, people) for number, size in enumerate(sizes, start=1)]


def _book(dice: Dice, number: int, loans: int, names: Sequence[str]) -> Book:
    # not every lender delivers on the last day
    data_as_of = LAST_DAY - dt.timedelta(days=dice.pick((0, 0, 1, 17)))
    conventions = drawn_conventions(dice, PRODUCTS, FIRST_DAY, data_as_of) if number > 1 else ()
    days = (data_as_of - FIRST_DAY).days
    empty = Book(f"lender_{number}", data_as_of, (), conventions, dice.pick(TIMEZONES))
    people = People(names)
    drawn = []
    for loan in range(1, loans + 1):
        disbursed_on = FIRST_DAY + dt.timedelta(days=dice.whole(0, days))
        drawn.append(drawn_loan(dice, f"L{loan}", disbursed_on, empty, people))
    return with_records(dice, replace(empty, loans=tuple(drawn)))
