"""Marts of instalments as they fall due: first-payment default, inflow, collection curve."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from .book import Instalment
from .conventions import Conventions
from .dates import DAY, month_end, month_ends, months_between
from .delinquency import Life
from .facts import Row
from .money import NOTHING, cents
from .schedule import Version, clock_due, in_force_when_due, owed

FPD_NUMBERS = (1, 2, 3)
FPD_WINDOWS = (1, 3, 7, 15, 30)


@dataclass(frozen=True)
class Due:
    """An instalment that a loan really faced.

    conventions: those of its due date, by which it is judged ever after. on: the due date, moved to a working day where
    they say so.
    """

    life: Life
    version: Version
    instalment: Instalment
    conventions: Conventions

    @property
    def on(self) -> dt.date:
        """The day from which it is late."""
        return clock_due(self.instalment, self.conventions)

    @property
    def number(self) -> int:
        """The number of the instalment."""
        return self.instalment.instalment_no

    def is_short(self, days_later: int = 0) -> bool:
        """Whether it is short at the close of its due date or some days later."""
        return self.life.is_short(self.version, self.conventions, self.number, self.on + DAY * days_later)


def dues(life: Life) -> list[Due]:
    """Every number of a loan's instalments once, as it was in force on its own due date."""
    return [
        Due(life, version, instalment, life.ledger.conventions(instalment.due_on))
        for version, instalment in in_force_when_due(life.ledger.versions)
    ]


# First-payment default


def first_payment_default(lives: Sequence[Life]) -> list[Row]:
    """mart_first_payment_default: of instalments 1 to 3, how many are short some days after their due date."""
    cells: dict[tuple[str, dt.date, int, int], list[Due]] = defaultdict(list)
    for life in lives:
        for due in dues(life):
            for window in FPD_WINDOWS:
                if due.number in FPD_NUMBERS and _is_eligible(due, window):
                    cells[life.loan.product, month_end(due.on), due.number, window].append(due)
    return [
        {
            "lender": lives[0].book.lender,
            "product": product,
            "due_month": due_month,
            "instalment_no": number,
            "window_days": window,
            **_loans_and_principal("eligible", eligible),
            **_loans_and_principal("short", short := [due for due in eligible if due.is_short(window)]),
            **_loans_and_principal("exclusive_short", [due for due in short if _is_first_to_be_short(due, window)]),
        }
        for (product, due_month, number, window), eligible in cells.items()
    ]


def _loans_and_principal(name: str, counted: Sequence[Due]) -> Row:
    principal = sum((due.life.loan.principal for due in counted), NOTHING)
    return {f"{name}_loans": len(counted), f"{name}_principal": cents(principal)}


def _is_eligible(due: Due, window: int) -> bool:
    """Whether the window is over, and the loan had come into the book and not left it for good before the due date."""
    return (
        due.on + DAY * window <= due.life.data_as_of
        and _has_entered_by(due)
        and not due.life.has_ended(due.instalment.due_on - DAY)
    )


def _has_entered_by(due: Due) -> bool:
    return due.life.entered_on is not None and due.life.entered_on <= due.instalment.due_on


def _is_first_to_be_short(due: Due, window: int) -> bool:
    """Whether no earlier instalment was short so many days after its own due date."""
    return not any(
        earlier.is_short(window)
        for earlier in dues(due.life)
        if earlier.number in FPD_NUMBERS
        and earlier.number < due.number
        and earlier.on + DAY * window <= due.life.data_as_of
    )


# Inflow


def inflow_daily(lives: Sequence[Life]) -> list[Row]:
    """mart_inflow_daily: of instalments due on a day, the loan on time on the eve, how many are short at close."""
    cells: dict[tuple[str, dt.date, bool], list[Due]] = defaultdict(list)
    for life in lives:
        for due in dues(life):
            eve = life.in_book(due.on - DAY)
            if due.on <= life.data_as_of and eve is not None and eve.dpd == 0:
                cells[life.loan.product, due.on, due.number == 1].append(due)
    return [
        {
            "lender": lives[0].book.lender,
            "product": product,
            "due_on": due_on,
            "is_first_instalment": is_first,
            "instalments_due": len(due),
            "principal_due": cents(_principal_due(due)),
            "short_instalments": len(short := [one for one in due if one.is_short()]),
            "short_principal": cents(_principal_due(short)),
        }
        for (product, due_on, is_first), due in cells.items()
    ]


def _principal_due(counted: Sequence[Due]) -> Decimal:
    return sum((due.instalment.principal_due for due in counted), NOTHING)


# Collection curve


def collection_curve(lives: Sequence[Life]) -> list[Row]:
    """mart_collection_curve: of what fell due in a month, what cash has come in by every later month-end."""
    cells: dict[tuple[str, dt.date], list[Due]] = defaultdict(list)
    for life in lives:
        for due in dues(life):
            if _is_owed_by_a_loan_in_the_book(due) and month_end(due.on) <= life.data_as_of:
                cells[life.loan.product, month_end(due.on)].append(due)
    rows = []
    for (product, due_month), counted in cells.items():
        receipts = [receipt for due in counted for receipt in _receipts(due)]
        rows += [
            {
                "lender": lives[0].book.lender,
                "product": product,
                "due_month": due_month,
                "months_since_due": months_between(due_month, end),
                "amount_due": cents(sum((owed(due.instalment, due.conventions) for due in counted), NOTHING)),
                "amount_collected_to_date": cents(sum((amount for day, amount in receipts if day <= end), NOTHING)),
            }
            for end in month_ends(due_month, lives[0].data_as_of)
        ]
    return rows


def _is_owed_by_a_loan_in_the_book(due: Due) -> bool:
    """Whether the loan is in the book on the eve of the due date, or enters it on the due date itself."""
    due_on = due.instalment.due_on
    return _has_entered_by(due) and (due.life.entered_on == due_on or due.life.in_book(due_on - DAY) is not None)


def _receipts(due: Due) -> list[tuple[dt.date, Decimal]]:
    """What each payment of cash settles of an instalment, and what it takes back, by its value date."""
    ledger = due.life.ledger
    return [
        (effect.value_on, ledger.settled_by(position, due.version, due.conventions, due.number))
        for position, effect in enumerate(ledger.effects)
        if effect.settles and effect.is_cash
    ]
