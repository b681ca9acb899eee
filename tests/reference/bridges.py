"""The bridges from month-end to month-end: of the balance, and of the balance over 30 days past due."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal

from . import seeds
from .dates import month_end, month_end_after, month_ends
from .delinquency import Day, Life
from .facts import Row, spells
from .money import NOTHING, cents
from .portfolio import by_product, first_day_in_book
from .settlement import Effect

REPAID = ("scheduled_principal", "prepaid", "waived")
LOST = ("written_off", "transferred")
FLOWS_30 = ("rolled_in", "cured", "paid_down", "written_off", "other")


# The balance


def balance_bridge_monthly(lives: Sequence[Life]) -> list[Row]:
    """mart_balance_bridge_monthly: every month from the first loan's entry to data_as_of."""
    rows = []
    for product, loans in by_product(lives).items():
        entered_on = min((life.entered_on for life in loans if life.entered_on is not None), default=None)
        moved = _moved(loans)
        for end in [] if entered_on is None else month_ends(entered_on, loans[0].data_as_of):
            opening, closing = _balance(loans, month_end_after(end, -1)), _balance(loans, end)
            flows = {name: moved[name, end] for name in ("disbursed", *REPAID, *LOST)}
            gone = sum((flows[name] for name in (*REPAID, *LOST)), NOTHING)
            rows.append(
                {
                    "lender": loans[0].book.lender,
                    "product": product,
                    "month_end": end,
                    "opening": cents(opening),
                    **{name: cents(amount) for name, amount in flows.items()},
                    "corrections": cents(closing - (opening + flows["disbursed"] - gone)),
                    "closing": cents(closing),
                }
            )
    return rows


def _balance(lives: Sequence[Life], day: dt.date) -> Decimal:
    return sum((found.outstanding_principal for life in lives if (found := life.in_book(day)) is not None), NOTHING)


def _moved(lives: Sequence[Life]) -> dict[tuple[str, dt.date], Decimal]:
    """By column of the bridge and month-end what moved in that month."""
    moved: dict[tuple[str, dt.date], Decimal] = defaultdict(lambda: NOTHING)
    for life in lives:
        for way, day, amount in _movements(life):
            moved[way, month_end(day)] += amount
    return moved


def _movements(life: Life) -> list[tuple[str, dt.date, Decimal]]:
    """Every movement of a loan's principal: its column of the bridge, its day, its amount."""
    if life.entered_on is None:
        return []
    return [("disbursed", life.entered_on, _new_to_the_book(life)), *_repayments(life), *_loss(life)]


def _new_to_the_book(life: Life) -> Decimal:
    """What was disbursed, or of a seasoned loan the lender's first balance."""
    return (life.counted_positions[0].outstanding_principal or NOTHING) if life.is_seasoned else life.loan.principal


def _repayments(life: Life) -> list[tuple[str, dt.date, Decimal]]:
    """Principal by payment, until the loan ends; of a seasoned loan only what came after its first balance."""
    assert life.entered_on is not None
    last = _left_on(life) or life.data_as_of
    return [
        (effect.bridge_column, effect.value_on, _principal(life, position, effect))
        for position, effect in enumerate(life.ledger.effects)
        if effect.settles
        and effect.bridge_column is not None
        and effect.value_on <= last
        and (effect.value_on > life.entered_on or not life.is_seasoned)
    ]


def _principal(life: Life, position: int, effect: Effect) -> Decimal:
    """The principal of a payment: what it settles, or of a seasoned loan what the lender says if it says so."""
    if life.is_seasoned and "principal" in effect.parts:
        return effect.parts["principal"]
    return life.ledger.components(position)["principal"]


def _loss(life: Life) -> list[tuple[str, dt.date, Decimal]]:
    """What left with a loan that ended: the event's amount, else what the payments up to that day have left.

    Of a loan that was settled on the day of the event, what comes back later leaves when it does.
    """
    ending, left_on = life.ending, _left_on(life)
    if ending is None or left_on is None:
        return []
    told = ending.amount if life.left_otherwise_on == ending.on else None
    amount = life.principal_left(left_on) if told is None else told
    return [("written_off" if ending.state == "written_off" else "transferred", left_on, amount)]


def _left_on(life: Life) -> dt.date | None:
    """The day on which a loan left the book without being repaid, or of its first balance where that comes later."""
    assert life.entered_on is not None
    return None if life.left_otherwise_on is None else max(life.left_otherwise_on, life.entered_on)


# The balance more than 30 days past due


def delinquency_bridge_monthly(lives: Sequence[Life]) -> list[Row]:
    """mart_delinquency_bridge_monthly: every month from the first with a loan in the book to data_as_of."""
    rows = []
    for product, loans in by_product(lives).items():
        first = first_day_in_book(loans)
        for end in [] if first is None else month_ends(first, loans[0].data_as_of):
            before = month_end_after(end, -1)
            flows = [_flows_30(life, before, end) for life in loans]
            rows.append(
                {
                    "lender": loans[0].book.lender,
                    "product": product,
                    "month_end": end,
                    "opening_30": cents(sum((_balance_30(life.on(before)) for life in loans), NOTHING)),
                    **{name: cents(sum((flow.get(name, NOTHING) for flow in flows), NOTHING)) for name in FLOWS_30},
                    "closing_30": cents(sum((_balance_30(life.on(end)) for life in loans), NOTHING)),
                }
            )
    return rows


def _is_30(day: Day | None) -> bool:
    return day is not None and day.is_past(30)


def _balance_30(day: Day | None) -> Decimal:
    return day.outstanding_principal if day is not None and day.is_past(30) else NOTHING


def _flows_30(life: Life, before: dt.date, end: dt.date) -> dict[str, Decimal]:
    """What a loan adds to each column between two month-ends."""
    was, now = life.on(before), life.on(end)
    opening = _balance_30(was)
    if not _is_30(was):
        return {"rolled_in": _balance_30(now)}
    if now is not None and now.state == "written_off":
        return {"written_off": opening}
    if now is None or not (now.is_in_book or now.state == "settled"):
        return {"other": -opening}
    flows = _less(opening, now.outstanding_principal, _waived(life, end))
    if _is_30(now) or now.state == "settled":
        return flows
    if _is_30_by_contract(now) or not _ended_by_payment(life, before, end):
        return {**flows, "other": flows["other"] - now.outstanding_principal}
    return {**flows, "cured": now.outstanding_principal}


def _less(opening: Decimal, closing: Decimal, waived: Decimal) -> dict[str, Decimal]:
    """A balance that fell was paid down, but for what was waived; one that rose did so otherwise."""
    if closing >= opening:
        return {"paid_down": NOTHING, "other": closing - opening}
    forgiven = min(waived, opening - closing)
    return {"paid_down": opening - closing - forgiven, "other": -forgiven}


def _waived(life: Life, end: dt.date) -> Decimal:
    """Principal waived in the month that ends on a day."""
    moved = _movements(life)
    return sum((amount for way, day, amount in moved if way == "waived" and month_end(day) == end), NOTHING)


def _ended_by_payment(life: Life, before: dt.date, end: dt.date) -> bool:
    """Whether nothing but payments ended the spell that a loan was in, if it has ended."""
    return not any(
        spell.entered_on <= before < spell.exited_on <= end and spell.exit_reason != "paid"
        for spell in spells(life)
        if spell.exited_on is not None
    )


def _is_30_by_contract(day: Day) -> bool:
    """Whether only an extension or a pause keeps the loan from being more than 30 days past due."""
    return day.contractual_dpd >= seeds.thresholds(day.scheme)[30]
