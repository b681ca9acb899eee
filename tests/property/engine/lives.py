"""Books by chance: loans of a lender, each with a life of some months in which things happen."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from ...reference.book import Book, Convention, Loan
from .conventions import drawn_conventions
from .dice import Dice
from .habits import pays
from .happenings import HAPPENINGS, reported
from .life import Life
from .schedules import drawn_principal, first_schedule

PRODUCTS = ("cash", "card")
PEOPLE = ("ann", "bo", "cai")

FIRST_DAY = dt.date(2024, 1, 1)
YEARS = (0, 0, 0, 0, 1)  # a year later long lives run into one whose holidays are not known


def _told_life(dice: Dice, loan_id: str, disbursed_on: dt.date, data_as_of: dt.date) -> Life:
    principal = drawn_principal(dice)
    names, splits = dice.pick((0, 0, 4, 3)), dice.pick((0, 0, 4, 2))
    life = Life(dice, loan_id, dice.pick(PRODUCTS), principal, disbursed_on, data_as_of, names, splits)
    life.instalments = first_schedule(dice, principal, disbursed_on)
    pays(life)
    happened = 0
    while happened < 6 and dice.chance(3, 5):
        dice.pick(HAPPENINGS)(life)
        happened += 1
    return life


def drawn_book(dice: Dice, lender: str) -> Book:
    """A book of one to three loans over 1 to 24 months."""
    start = FIRST_DAY + dt.timedelta(days=365 * dice.pick(YEARS) + dice.whole(0, 60))
    data_as_of = start + dt.timedelta(days=30 * dice.whole(1, 24) + dice.whole(0, 30))
    conventions = drawn_conventions(dice, PRODUCTS, start, data_as_of)
    loans: list[Loan] = []
    while not loans or (len(loans) < 3 and dice.chance(1, 4)):
        number = len(loans) + 1
        disbursed_on = min(start + dt.timedelta(days=dice.pick((0, 0, 1, 31, 45))), data_as_of)
        loans.append(drawn_loan(dice, f"L{number}", disbursed_on, data_as_of, conventions))
    return Book(lender, data_as_of, tuple(loans), conventions)


def drawn_loan(
    dice: Dice, loan_id: str, disbursed_on: dt.date, data_as_of: dt.date, conventions: Sequence[Convention]
) -> Loan:
    """A loan with all that happened to it up to data_as_of; with reported balances where a convention asks for them."""
    life = _told_life(dice, loan_id, disbursed_on, data_as_of)
    if _balance_is_reported(conventions) and not life.positions and dice.chance(9, 10):
        reported(life)
    return _owned(dice, life)


def _balance_is_reported(conventions: Sequence[Convention]) -> bool:
    return any(own.name == "outstanding" for own in conventions)


def _owned(dice: Dice, life: Life) -> Loan:
    """The loan of a borrower: of nobody known, of one without an identity, or of a person who may have other loans."""
    if dice.chance(1, 2):
        return life.loan(None, None)
    person = dice.pick(PEOPLE)
    return life.loan(person, None if person == "ann" else f"hash of {person}")
