"""How lenders and their agencies chase borrowers, and what they are promised."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
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
    day = _some_day(life) if paid is None else _later(paid.value_on, -dice.pick((0, 0, 1, 3, 6, 7, 8)))
    agency = dice.pick(AGENCIES)
    is_pressed = dice.chance(1, 4)
    attempts = 0
    while attempts == 0 or (attempts < 8 and dice.chance(3, 4)):
        if is_pressed:
            _press(life, day, agency)
        else:
            _attempt(life, day, agency, paid)
            day = _later(day, dice.pick((0, 0, 0, 0, 1, 7)))
        agency = dice.pick(AGENCIES) if dice.chance(1, 4) else agency
        attempts += 1


def _some_day(life: Life) -> dt.date:
    """Any day, or one soon after something has fallen due."""
    if life.plan and life.dice.chance(2, 3):
        return _later(life.dice.pick(life.plan).due_on, life.dice.whole(0, 20))
    return life.day()


def _press(life: Life, day: dt.date, agency: str | None) -> None:
    """One of many calls that the borrower takes on a day."""
    time = life.dice.pick(("09:00", "14:30", "21:00"))
    _act(life, day, time, "phone", agency, connected=True, party=life.dice.pick(("debtor", None)))


def _attempt(life: Life, day: dt.date, agency: str | None, paid: Payment | None) -> None:
    """One attempt of any kind, in which something may be promised."""
    dice = life.dice
    connected, party = dice.pick(
        ((True, "debtor"), (True, "debtor"), (True, None), (False, None), (None, None), (True, "contact"))
    )
    amount, promised_on = _promise(life, day, paid) if dice.chance(1, 2) else (None, None)
    _act(
        life, day, dice.pick(TIMES), dice.pick(CHANNELS), agency, connected=connected, party=party,
        outcome=dice.pick(OUTCOMES), promised_amount=amount, promised_on=promised_on,
        complaint=dice.pick((None, False, True)) if dice.chance(1, 4) else None,
    )  # fmt: skip


def _act(life: Life, day: dt.date, time: str, channel: str, agency: str | None, **said: Any) -> None:
    """Add an action; one on the day after data_as_of has been heard of too early."""
    if day <= _later(life.data_as_of, 1):
        at = dt.datetime.combine(day, dt.time.fromisoformat(time), ZoneInfo(life.timezone))
        action_id = f"{life.loan_id}-A{len(life.actions) + 1}"
        life.actions.append(CollectionAction(action_id, at, channel, agency, **said))


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
