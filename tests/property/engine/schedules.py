"""Schedules of instalments as lenders write them, and as they write them again."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from ...reference.book import Instalment
from .dice import Dice

TERMS = (1, 2, 2, 3, 3, 3, 4, 6, 6, 6, 9, 12, 12, 24)
SHAPES = ("equal", "equal", "equal", "annuity", "annuity", "annuity", "bullet", "interest_only", "with_zero")
DUE_DAYS = (0, 0, 0, 1, 15, 28, 29, 30, 31, 31)  # of the month; 0: the day of disbursement
INTERESTS, FEES, PENALTIES = (0, 150, 333, 500, 1000), (0, 0, 0, 200, 50), (0, 0, 0, 0, 100, 333)


def money(cents: int) -> Decimal:
    return Decimal(cents).scaleb(-2)


def cents(amount: Decimal) -> int:
    return int(amount.scaleb(2))


def add_months(day: dt.date, months: int, anchor: int | None = None) -> dt.date:
    """The same day of the month (or `anchor`) so many months later, or the last day of a month without it."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return dt.date(year, month + 1, min(anchor or day.day, calendar.monthrange(year, month + 1)[1]))


def drawn_principal(dice: Dice) -> int:
    """In cents: whole tens of yuan, sometimes with cents, seldom nothing."""
    if dice.chance(1, 60):
        return 0
    return dice.whole(1, 60) * 2000 + dice.pick((0, 0, 0, 1, 99))


def first_schedule(dice: Dice, principal: int, disbursed_on: dt.date) -> list[Instalment]:
    """The schedule that a loan begins with; seldom none at all. principal: in cents."""
    if dice.chance(1, 40):
        return []
    term = 60 if dice.chance(1, 60) else dice.pick(TERMS)
    days = _due_days(dice, disbursed_on, term)
    principals, interests = _amounts(dice, principal, term)
    fee, penalty = dice.pick(FEES), dice.pick(PENALTIES)
    if dice.chance(1, 25):  # the instalments sum to something other than the principal
        principals[-1] = max(principals[-1] + dice.pick((1, -1, 1000, -1000)), 0)
    if dice.chance(1, 40):  # of more than was lent: the balance falls below zero while instalments are late
        principals[0] += principal
    version = 2 if dice.chance(1, 40) else 1
    return [
        Instalment(
            version, number, day, money(principals[number - 1]), money(interests[number - 1]), money(fee),
            money(penalty if number % 2 else 0), known_on=disbursed_on,
        )
        for number, day in enumerate(days, start=1)
    ]  # fmt: skip


def _due_days(dice: Dice, disbursed_on: dt.date, term: int) -> list[dt.date]:
    if dice.chance(1, 12):  # every seven days, or all on one
        step = dice.pick((7, 0))
        return [disbursed_on + dt.timedelta(days=7 + step * number) for number in range(term)]
    anchor = dice.pick(DUE_DAYS) or disbursed_on.day
    start = add_months(disbursed_on, 1 if dice.chance(7, 8) else 0, anchor)
    return [add_months(start, number, anchor) for number in range(term)]


def _amounts(dice: Dice, principal: int, term: int) -> tuple[list[int], list[int]]:
    """Principal and interest of each instalment, in cents; the last carries what division leaves."""
    shape = dice.pick(SHAPES)
    interest = dice.pick(INTERESTS)
    if shape == "annuity":
        return _annuity(principal, term, rate=interest / 100_000)
    if shape in ("bullet", "interest_only"):
        every = interest if shape == "interest_only" else 0
        return [0] * (term - 1) + [principal], [every] * (term - 1) + [interest]
    principals, interests = _evenly(principal, term), [interest] * term
    if shape == "with_zero" and (empty := dice.whole(0, term - 1)) < term - 1:
        principals[-1] += principals[empty]
        principals[empty] = interests[empty] = 0
    return principals, interests


def _evenly(amount: int, parts: int) -> list[int]:
    return [amount // parts] * (parts - 1) + [amount - amount // parts * (parts - 1)]


def _annuity(principal: int, term: int, rate: float) -> tuple[list[int], list[int]]:
    level = round(principal * rate / (1 - (1 + rate) ** -term)) if rate else principal // term
    left, principals, interests = principal, [], []
    for number in range(1, term + 1):
        interest = round(left * rate)
        part = left if number == term else min(max(level - interest, 0), left)
        principals.append(part)
        interests.append(interest)
        left -= part
    return principals, interests


# ── new versions ─────────────────────────────────────────────────────────────────────────────────────────


def newest_version(instalments: Sequence[Instalment]) -> list[Instalment]:
    last = max(instalment.schedule_version for instalment in instalments)
    return [instalment for instalment in instalments if instalment.schedule_version == last]


def put_off(plan: Sequence[Instalment], day: dt.date, months: int) -> list[Instalment]:
    """What falls due on or after a day, so many months later."""
    return [
        instalment if instalment.due_on < day else replace(instalment, due_on=add_months(instalment.due_on, months))
        for instalment in plan
    ]


def spread_anew(plan: Sequence[Instalment], day: dt.date, term: int, less: int = 0) -> list[Instalment]:
    """The principal due on or after a day, less so many cents, in `term` equal instalments from a month later on."""
    past = [instalment for instalment in plan if instalment.due_on < day]
    later = [instalment for instalment in plan if instalment.due_on >= day]
    rest = max(sum(cents(instalment.principal_due) for instalment in later) - less, 0)
    taken = max((instalment.instalment_no for instalment in past), default=0)
    interest = later[0].interest_due if later else Decimal(0)
    version = plan[0].schedule_version
    return past + [
        Instalment(version, taken + number, add_months(day, number), money(part), interest)
        for number, part in enumerate(_evenly(rest, term), start=1)
    ]


def as_version(
    plan: Sequence[Instalment], version: int, effective_on: dt.date | None, known_on: dt.date
) -> list[Instalment]:
    """A plan as the version of that number, valid since effective_on (None: the lender does not say)."""
    return [
        replace(instalment, schedule_version=version, effective_on=effective_on, known_on=known_on)
        for instalment in plan
    ]
