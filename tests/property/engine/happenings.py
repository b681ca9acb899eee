"""What befalls a loan besides being paid: returns, claims, waivers, new schedules, pauses, exits, silence."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal

from ...reference.book import Absence, Instalment, Payment, Position
from .life import Life
from .schedules import add_months, as_version, cents, money, put_off, spread_anew

ADDED = {"repayment", "prepayment", "waiver"}
TAKEN = {"reversal", "chargeback", "refund"}


def _later(day: dt.date, days: int) -> dt.date:
    return day + dt.timedelta(days=days)


# ── money ────────────────────────────────────────────────────────────────────────────────────────────────


def _some_payment(life: Life) -> Payment | None:
    return life.dice.pick(life.payments) if life.payments else None


def returned(life: Life) -> None:
    """The bank takes a payment back: on its day, some days or months later, seldom before it, seldom in part; and what
    it took back, seldom, it gives again."""
    paid = _some_payment(life)
    if paid is not None:
        days = life.dice.pick((0, 1, 2, 3, 5, 20, 40, 90, -3))
        amount = cents(paid.amount) // (2 if life.dice.chance(1, 10) else 1)
        day = max(_later(paid.value_on, days), life.disbursed_on)
        reversal = life.pay("reversal", day, amount, reverses=paid.payment_id)
        if reversal is not None and life.dice.chance(1, 5):  # and the borrower pays again
            life.pay(paid.kind, _later(reversal.value_on, life.dice.whole(0, 30)), cents(paid.amount))
        if reversal is not None and life.dice.chance(1, 8):  # and the bank says that it should not have
            again = _later(reversal.value_on, life.dice.whole(0, 30))
            life.pay("reversal", again, amount, reverses=reversal.payment_id)


def returned_without_name(life: Life) -> None:
    """A reversal that names no payment, or one that nobody knows."""
    unknown = life.dice.pick((None, "unknown"))
    life.pay("reversal", life.day(), life.dice.whole(1, 20) * 1000, _some_instalment(life), reverses=unknown)


def charged_back(life: Life) -> None:
    paid = _some_payment(life)
    if paid is not None:
        named = paid.payment_id if life.dice.chance(1, 2) else None
        life.pay("chargeback", _later(paid.value_on, life.dice.whole(0, 60)), cents(paid.amount), reverses=named)


def refunded(life: Life) -> None:
    life.pay("refund", life.day(), life.dice.whole(1, 20) * 500, _some_instalment(life))


def waived(life: Life) -> None:
    instalment = _some_instalment(life)
    full = instalment is not None and life.dice.chance(1, 2)
    amount = cents(_owed(instalment)) if instalment is not None and full else life.dice.whole(1, 20) * 500
    life.pay("waiver", life.day(), amount, instalment)


def paid_something(life: Life) -> None:
    """Money on any day: also before the first instalment, after the last, before disbursement."""
    day = _later(life.disbursed_on, -life.dice.whole(1, 5)) if life.dice.chance(1, 10) else life.day()
    life.pay("repayment", day, life.dice.whole(0, 30) * 1000 + life.dice.pick((0, 0, 1)), _some_instalment(life))


def _some_instalment(life: Life) -> Instalment | None:
    return life.dice.pick(life.plan) if life.plan and life.dice.chance(1, 2) else None


def _owed(instalment: Instalment) -> Decimal:
    return instalment.principal_due + instalment.interest_due + instalment.fee_due


def prepaid_in_full(life: Life) -> None:
    """All principal and what has fallen due, on one day; nearly or more than that; sometimes called settled."""
    day = life.day()
    demand = sum(
        cents(one.principal_due) + (cents(one.interest_due + one.fee_due + one.penalty_due) if one.due_on <= day else 0)
        for one in life.plan
    )
    left = demand - _settled_by(life, day) + life.dice.pick((0, 0, 0, -1, -2, 500, -1000))
    if left > 0:
        life.pay(life.dice.pick(("prepayment", "prepayment", "repayment")), day, left)
    if life.dice.chance(1, 3):
        life.happen("settled", _later(day, life.dice.pick((0, 0, 1, -1, 20))))


def _settled_by(life: Life, day: dt.date) -> int:
    total = sum(
        cents(one.amount) * ((one.kind in ADDED) - (one.kind in TAKEN)) for one in life.payments if one.value_on <= day
    )
    return max(total, 0)


def prepaid_in_part(life: Life) -> None:
    """A prepayment, after which the rest is mostly spread anew."""
    day, amount = life.day(), life.dice.whole(1, 20) * 1000
    life.pay("prepayment", day, amount)
    if life.plan and life.dice.chance(3, 4):
        _restate(life, spread_anew(life.plan, day, life.dice.whole(1, 6), less=amount), day)


# ── schedules ────────────────────────────────────────────────────────────────────────────────────────────


def _restate(life: Life, plan: list[Instalment], day: dt.date) -> None:
    """A new version since a day; the lender may not say since when, or name another day than the event's."""
    effective = _later(day, life.dice.pick((0, 0, 0, 0, 1, -1, -40, 40)))
    known_on = min(max(_later(day, life.dice.pick((0, 0, 0, 1, 30))), life.disbursed_on), life.data_as_of)
    version = life.plan[0].schedule_version + (2 if life.dice.chance(1, 10) else 1)
    life.instalments += as_version(plan, version, None if life.dice.chance(1, 4) else effective, known_on)


def extended(life: Life) -> None:
    day = life.day()
    if life.dice.chance(4, 5):
        life.happen("extended", day)
    if life.plan and life.dice.chance(4, 5):
        since = _later(day, -life.dice.pick((0, 0, 31, 92, 400)))  # what is overdue may be put off too
        _restate(life, put_off(life.plan, since, life.dice.whole(1, 3)), day)


def restructured(life: Life) -> None:
    day = life.day()
    if life.dice.chance(4, 5):
        life.happen("restructured", day)
    if life.plan and life.dice.chance(4, 5):
        since = _later(day, -life.dice.pick((0, 0, 31, 92, 400)))
        _restate(life, spread_anew(life.plan, since, life.dice.pick((1, 2, 3, 6, 12))), day)


def paused(life: Life) -> None:
    """A pause with an end or without; what is paused already may be paused again, what runs may be resumed."""
    day = life.day()
    life.happen("paused", day)
    if life.dice.chance(4, 5):
        life.happen("resumed", _later(day, life.dice.pick((1, 5, 31, 60, 0, -10))))


# ── exits and silence ────────────────────────────────────────────────────────────────────────────────────


def written_off(life: Life) -> None:
    day = life.day()
    life.happen("written_off", day, _exit_amount(life))
    if life.dice.chance(1, 2):
        life.pay("recovery", _later(day, life.dice.whole(0, 90)), life.dice.whole(1, 20) * 1000)


def transferred(life: Life) -> None:
    life.happen("transferred", life.day(), _exit_amount(life))


def _exit_amount(life: Life) -> Decimal | None:
    return money(life.dice.whole(0, 60) * 1000) if life.dice.chance(1, 3) else None


def paid_by_another(life: Life) -> None:
    """Compensated or bought back; seldom taken back again, or a part of it."""
    day = life.day()
    paid = life.pay(life.dice.pick(("compensation", "buyback")), day, life.dice.whole(1, 60) * 1000)
    if paid is not None and life.dice.chance(1, 4):
        amount = cents(paid.amount) // life.dice.pick((1, 1, 2))
        life.pay("reversal", _later(day, life.dice.whole(0, 60)), amount, reverses=paid.payment_id)


def recovered(life: Life) -> None:
    """Money that the lender books as recovered, whatever the state of the loan."""
    life.pay("recovery", life.day(), life.dice.whole(1, 20) * 1000)


def called_settled(life: Life) -> None:
    life.happen("settled", life.day())


def missing(life: Life) -> None:
    """Not in the lender's snapshots for some days, or never again. Absences follow each other."""
    start = life.day()
    if life.absences and (life.absences[-1].listed_again_on is None or start <= life.absences[-1].listed_again_on):
        return
    end = _later(start, life.dice.pick((1, 5, 40)))
    again = end <= life.data_as_of and life.dice.chance(1, 2)
    life.absences.append(Absence(start, end if again else None))


def reported(life: Life) -> None:
    """Balances as the lender says them: each month, falling as it likes, sometimes left out, rising or nil."""
    day, balance = _later(life.disbursed_on, life.dice.pick((0, 0, 5, 40))), life.principal
    while day <= life.data_as_of:
        said = None if life.dice.chance(1, 10) else money(balance)
        life.positions[day] = Position(day, said)
        balance = max(balance - life.dice.pick((1, 1, 1, 0, -1, 12)) * life.principal // 12, 0)
        day = add_months(day, 1) if life.dice.chance(3, 4) else _later(day, life.dice.whole(1, 9))


def stated(life: Life) -> None:
    """What the lender itself says on some days: near to what is so, a payment early or late, or far off."""
    dice, day = life.dice, life.day()
    while day <= life.data_as_of:
        due = [one for one in life.plan if one.due_on <= day]
        balance = life.principal - sum(cents(one.principal_due) for one in due)
        if due and dice.chance(1, 2):  # the last one is not paid yet
            balance += cents(due[-1].principal_due)
        balance += dice.pick((0, 0, 0, 0, 1, 150, -2000))
        dpds = (None, 0, 0, 1, *(max((day - one.due_on).days + dice.pick((0, 0, 1, -1)), 0) for one in due[-2:]))
        said = None if dice.chance(1, 10) else money(max(balance, 0))
        life.positions[day] = Position(day, said, dpd=dice.pick(dpds))
        if not dice.chance(3, 4):
            break
        day = _later(day, dice.pick((1, 1, 1, 7, 30)))


HAPPENINGS: tuple[Callable[[Life], None], ...] = (
    paid_something, returned, returned, returned, returned_without_name, charged_back, charged_back, refunded, waived,
    waived, prepaid_in_full, prepaid_in_full, prepaid_in_part, extended, extended, restructured, paused, paused,
    written_off, transferred, paid_by_another, recovered, called_settled, missing, missing, reported, stated,
    stated, stated,
)  # fmt: skip
