"""How borrowers pay what falls due: in moods that last for a while."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from ...reference.book import Instalment
from .life import Life
from .schedules import cents

MOODS = (
    "nothing", "nothing", "on_time", "on_time", "on_time", "on_time", "late", "late", "late", "very_late", "half",
    "half", "over", "in_two", "early", "a_cent_less", "without_fees",
)  # fmt: skip


def pays(life: Life) -> None:
    """Pay the instalments of the loan's schedule, each in the mood of the day."""
    mood = "nothing"
    for number, instalment in enumerate(life.plan):
        if number == 0 or life.dice.chance(1, 4):
            mood = life.dice.pick(MOODS)
        if instalment.due_on > life.data_as_of:
            break
        _pay(life, mood, instalment)


def _pay(life: Life, mood: str, instalment: Instalment) -> None:
    owed, due_on, dice = _charged(instalment), instalment.due_on, life.dice
    if mood == "nothing":
        return
    if mood in ("late", "very_late"):
        days = dice.whole(1, 12) if mood == "late" else dice.whole(13, 130)
        life.pay("repayment", _after(due_on, days), owed, instalment)
    elif mood == "early":
        day = max(_after(due_on, -dice.whole(1, 40)), life.disbursed_on)
        life.pay(dice.pick(("repayment", "repayment", "prepayment")), day, owed, instalment)
    elif mood == "in_two":
        first = owed // dice.whole(2, 4)
        life.pay("repayment", due_on, first, instalment)
        life.pay("repayment", _after(due_on, dice.pick((0, 0, 1, 5, 40))), owed - first, instalment)
    elif mood == "over":
        life.pay("repayment", due_on, owed + dice.pick((1, 1000, 5000)), instalment)
    else:
        life.pay("repayment", _after(due_on, dice.pick((0, 0, 0, 3))), _less(mood, instalment), instalment)


def _less(mood: str, instalment: Instalment) -> int:
    """In cents: what is paid in a mood that may leave something open."""
    owed = _charged(instalment)
    return {
        "half": owed // 2,
        "a_cent_less": max(owed - 1, 0),
        "without_fees": cents(instalment.principal_due + instalment.interest_due),
    }.get(mood, owed)


def _charged(instalment: Instalment) -> int:
    parts = (instalment.principal_due, instalment.interest_due, instalment.fee_due, instalment.penalty_due)
    return cents(sum(parts, start=Decimal(0)))


def _after(day: dt.date, days: int) -> dt.date:
    return day + dt.timedelta(days=days)
