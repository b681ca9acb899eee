"""Books by chance: loans of a lender, each with a life of some months in which things happen."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from ...reference.book import Book, Convention, Loan
from .collecting import chased
from .conventions import drawn_conventions
from .dice import Dice
from .habits import pays
from .happenings import HAPPENINGS, reported
from .life import Life
from .people import People
from .records import with_records
from .schedules import drawn_principal, first_schedule

PRODUCTS = ("cash", "card")
SCORES = (None, "655.50", "499.99", "500", "820")
TIMEZONES = ("Asia/Shanghai", "Asia/Shanghai", "Asia/Shanghai", "Asia/Urumqi")

FIRST_DAY = dt.date(2024, 1, 1)
# a year later long lives run into one whose holidays are not known; a year earlier they begin before risk is classified
YEARS = (0, 0, 0, 0, 1, -1)


def _told_life(dice: Dice, loan_id: str, disbursed_on: dt.date, data_as_of: dt.date, timezone: str) -> Life:
    principal = drawn_principal(dice)
    names, splits = dice.pick((0, 0, 4, 3)), dice.pick((0, 0, 4, 2))
    life = Life(dice, loan_id, dice.pick(PRODUCTS), principal, disbursed_on, data_as_of, names, splits, timezone)
    life.instalments = first_schedule(dice, principal, disbursed_on)
    pays(life)
    happened = 0
    while happened < 6 and dice.chance(3, 5):
        dice.pick(HAPPENINGS)(life)
        happened += 1
    while len(life.actions) < 10 and dice.chance(1, 3):
        chased(life)
    return life


def drawn_book(dice: Dice, lender: str) -> Book:
    """A book of one to three loans over 1 to 24 months."""
    start = FIRST_DAY + dt.timedelta(days=365 * dice.pick(YEARS) + dice.whole(0, 60))
    data_as_of = start + dt.timedelta(days=30 * dice.whole(1, 24) + dice.whole(0, 30))
    conventions = drawn_conventions(dice, PRODUCTS, start, data_as_of)
    empty = Book(lender, data_as_of, (), conventions, dice.pick(TIMEZONES))
    people = People()
    loans: list[Loan] = []
    while not loans or (len(loans) < 3 and dice.chance(1, 4)):
        number = len(loans) + 1
        disbursed_on = min(start + dt.timedelta(days=dice.pick((0, 0, 1, 31, 45))), data_as_of)
        loans.append(drawn_loan(dice, f"L{number}", disbursed_on, empty, people))
    return with_records(dice, replace(empty, loans=tuple(loans)))


def drawn_loan(dice: Dice, loan_id: str, disbursed_on: dt.date, book: Book, people: People) -> Loan:
    """A loan for a book, with all that happened to it; with reported balances where a convention asks for them."""
    life = _told_life(dice, loan_id, disbursed_on, book.data_as_of, book.timezone)
    if _balance_is_reported(book.conventions) and not life.positions and dice.chance(9, 10):
        reported(life)
    score = dice.pick(SCORES)
    return life.loan(people.owner(dice), None if score is None else Decimal(score))


def _balance_is_reported(conventions: Sequence[Convention]) -> bool:
    return any(own.name == "outstanding" for own in conventions)
