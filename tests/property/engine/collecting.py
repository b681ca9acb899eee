"""How lenders and their agencies chase borrowers, and what they are promised."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from zoneinfo import ZoneInfo

from ...reference.book import CollectionAction, Payment
from .life import Life
from .schedules import cents, money

CHANNELS = ("phone", "phone", "phone", "phone", "sms", "visit", "letter", "app", "legal")
AGENCIES = (None, "north", "south")
# on both sides of 22:00 and 08:00, and of midnight
TIMES = ("10:00", "14:30", "14:30", "21:59:59", "22:00", "23:59:59", "00:00", "07:59:59", "08:00")
OUTCOMES = (None, "promise", "no answer")


def chased(life: Life) -> None:
    """Some attempts in a row, several of them on one day, about a payment that is to come or about nothing at all."""
    dice = life.dice
    paid = dice.pick(life.payments) if life.payments and dice.chance(2, 3) else None
    day = life.day() if paid is None else _later(paid.value_on, -dice.pick((0, 0, 1, 3, 6, 7, 8)))
    agency = dice.pick(AGENCIES)
    attempts = 0
    while attempts == 0 or (attempts < 8 and dice.chance(3, 4)):
        _attempt(life, day, agency, paid)
        day = _later(day, dice.pick((0, 0, 0, 0, 1, 7)))
        agency = dice.pick(AGENCIES) if dice.chance(1, 4) else agency
        attempts += 1


def _attempt(life: Life, day: dt.date, agency: str | None, paid: Payment | None) -> None:
    """One attempt; one on the day after data_as_of has been heard of too early."""
    if day > _later(life.data_as_of, 1):
        return
    dice = life.dice
    at = dt.datetime.combine(day, dt.time.fromisoformat(dice.pick(TIMES)), ZoneInfo(life.timezone))
    channel = dice.pick(CHANNELS)
    connected, party = dice.pick(
        ((True, "debtor"), (True, "debtor"), (True, None), (False, None), (None, None), (True, "contact"))
    )
    amount, promised_on = _promise(life, day, paid) if dice.chance(1, 3) else (None, None)
    life.actions.append(
        CollectionAction(
            f"{life.loan_id}-A{len(life.actions) + 1}", at, channel, agency, connected, party, dice.pick(OUTCOMES),
            amount, promised_on, dice.pick((None, False, True)) if dice.chance(1, 4) else None,
        )
    )  # fmt: skip


def _promise(life: Life, day: dt.date, paid: Payment | None) -> tuple[Decimal | None, dt.date | None]:
    """A promise of what is paid, or twice that, about when it is; or of any sum; seldom without a sum or a day."""
    dice = life.dice
    amount = dice.whole(0, 20) * 1000 if paid is None else cents(paid.amount) * dice.pick((1, 1, 2))
    promised_on = _later(day if paid is None else paid.value_on, dice.pick((0, 0, 1, 3, -1, 40)))
    return (
        None if dice.chance(1, 12) else money(amount),
        None if dice.chance(1, 12) else promised_on,
    )


def _later(day: dt.date, days: int) -> dt.date:
    return day + dt.timedelta(days=days)
