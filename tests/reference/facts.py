"""The facts, as rows: instalments, payments, spells, month-ends and the loan as it stands."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from typing import Any

from . import seeds
from .book import Instalment
from .classification import ifrs9_stage, risk_category
from .clock import overdue_from
from .dates import DAY, month_ends, months_between
from .delinquency import Day, Life
from .money import NOTHING, cents
from .schedule import COMPONENTS, Version, clock_due, owed, replaced_on, tolerance

Row = dict[str, Any]


# Payments


def payment_rows(life: Life) -> list[Row]:
    """fct_payment: every payment with what it settled. Amounts are signed."""
    named = {payment.reverses_payment_id for payment in life.loan.payments}
    rows = []
    for position, effect in enumerate(life.ledger.effects):
        parts = life.ledger.components(position)
        rows.append(
            {
                "lender": life.book.lender,
                "payment_id": effect.payment.payment_id,
                "loan_id": life.loan.loan_id,
                "value_on": effect.value_on,
                "posted_on": effect.payment.posted_on or effect.value_on,
                "kind": effect.payment.kind,
                "amount": cents(effect.amount),
                **{component: cents(parts[component]) for component in COMPONENTS},
                "unallocated": cents(effect.amount - sum(parts.values(), NOTHING)),
                "is_reversed": effect.payment.payment_id in named,
            }
        )
    return rows


# Instalments


def instalment_rows(life: Life) -> list[Row]:
    """fct_instalment: every instalment of every version, judged at data_as_of or on the last day of its version."""
    return [_instalment_row(life, version, i) for version in life.ledger.versions for i in version.instalments]


def _instalment_row(life: Life, version: Version, instalment: Instalment) -> Row:
    judged_on = _judged_on(life, version)
    parts = life.ledger.settled(version, life.ledger.conventions(judged_on), life.ledger.count(judged_on))
    paid = parts[instalment.instalment_no]
    settled_on = _settled_on(life, version, instalment)
    return {
        "lender": life.book.lender,
        "loan_id": life.loan.loan_id,
        "schedule_version": version.number,
        "instalment_no": instalment.instalment_no,
        "due_on": instalment.due_on,
        "principal_due": cents(instalment.principal_due),
        "interest_due": cents(instalment.interest_due),
        "fee_due": cents(instalment.fee_due),
        "principal_paid": cents(paid["principal"]),
        "interest_paid": cents(paid["interest"]),
        "fee_paid": cents(paid["fee"]),
        "settled_on": settled_on,
        "days_late": _days_late(life, version, instalment, settled_on),
        "status": _status(life, version, instalment, settled_on),
    }


def _replaced_on(life: Life, version: Version) -> dt.date | None:
    """The day from which a version is replaced, if that is known by data_as_of."""
    day = replaced_on(life.ledger.versions, version)
    return day if day is not None and day <= life.data_as_of else None


def _judged_on(life: Life, version: Version) -> dt.date:
    replaced = _replaced_on(life, version)
    return life.data_as_of if replaced is None else replaced - DAY


def _settled_on(life: Life, version: Version, instalment: Instalment) -> dt.date | None:
    """The first day from which the instalment was never short again until it is judged; None while it is open."""
    judged_on = _judged_on(life, version)
    settled_on = _last_settled_on(life, version, instalment, judged_on)
    if settled_on is None and _replaced_on(life, version) is None:
        return _loan_settled_on(life)
    return settled_on


def _last_settled_on(life: Life, version: Version, instalment: Instalment, judged_on: dt.date) -> dt.date | None:
    """The same by payments alone, every day before judged by the conventions of the day on which it is judged."""
    conventions = life.ledger.conventions(judged_on)
    if owed(instalment, conventions) <= tolerance(instalment, conventions):
        return instalment.due_on if instalment.due_on <= judged_on else None
    settled_on = None
    for day in life.ledger.value_days(until=judged_on):
        if life.ledger.short(version, conventions, life.ledger.count(day))[instalment.instalment_no] > 0:
            settled_on = None
        elif settled_on is None:
            settled_on = day
    return settled_on


def _loan_settled_on(life: Life) -> dt.date | None:
    """The first day of the stretch in which the loan is settled at data_as_of; None where it is not."""
    settled_on = None
    for day in reversed(list(life.days.values())):
        if day.state != "settled":
            break
        settled_on = day.day
    return settled_on


def _status(life: Life, version: Version, instalment: Instalment, settled_on: dt.date | None) -> str:
    if settled_on is not None:
        if _is_only_waived(life, settled_on):
            return "waived"
        return "paid_late" if settled_on > instalment.due_on else "paid"
    if _replaced_on(life, version) is not None:
        return "replaced"
    if life.has_ended(life.data_as_of):
        return "written_off"
    conventions = life.ledger.conventions(life.data_as_of)
    if life.ledger.overdue_from(version, instalment, conventions, life.data_as_of) > life.data_as_of:
        return "not_due"
    settled = life.ledger.settled(version, conventions, life.ledger.count(life.data_as_of))[instalment.instalment_no]
    return "partial" if any(settled[component] > 0 for component in conventions.components) else "overdue"


def _is_only_waived(life: Life, day: dt.date) -> bool:
    """Whether of what settled anything on a day all was waived."""
    settling = [effect for effect in life.ledger.effects if effect.value_on == day and effect.settled > 0]
    return bool(settling) and not any(effect.is_cash for effect in settling)


def _days_late(life: Life, version: Version, instalment: Instalment, settled_on: dt.date | None) -> int | None:
    if settled_on is not None:
        return max((settled_on - instalment.due_on).days, 0)
    if _replaced_on(life, version) is not None or life.has_ended(life.data_as_of):
        return None
    return max((life.data_as_of - instalment.due_on).days, 0)


# Spells


@dataclass(frozen=True)
class Spell:
    """A run of days past due without a gap. exited_on None: not over at data_as_of."""

    number: int
    days: tuple[Day, ...]
    exited_on: dt.date | None
    exit_reason: str

    @property
    def entered_on(self) -> dt.date:
        """The first day past due."""
        return self.days[0].day


def spells(life: Life) -> list[Spell]:
    """A loan's spells, the first in time first."""
    found: list[Spell] = []
    for is_late, run in groupby(life.days.values(), key=lambda day: day.is_in_book and day.dpd > 0):
        if is_late:
            late_days = tuple(run)
            exited_on = late_days[-1].day + DAY
            if exited_on > life.data_as_of:
                found.append(Spell(len(found) + 1, late_days, None, "open"))
            else:
                found.append(Spell(len(found) + 1, late_days, exited_on, _exit_reason(life, exited_on)))
    return found


def _exit_reason(life: Life, day: dt.date) -> str:
    """Why a spell ended on a day. Only `paid` is a cure: a loan that is paid out of a new one is restructured."""
    eve = day - DAY
    if life.has_ended(day):
        return life.days[day].state
    plan, plan_before = ((life.ledger.version(d), life.ledger.conventions(d)) for d in (day, eve))
    told = {event.kind for event in life.loan.events if event.event_on == day} & seeds.restructuring_events()
    # where the plan changes it is asked what the old one would say, else the event has to be believed
    is_rescheduled = bool(told) if plan == plan_before else life.still_past_due_on_the_old_plan(day)
    if is_rescheduled:
        return "extended" if "extended" in told else "restructured"
    return "waived" if _waived_of_overdue(life, day) > NOTHING else "paid"


def _waived_of_overdue(life: Life, day: dt.date) -> Decimal:
    """What the day's waivers settled of the instalments overdue by their own due dates, on the plan of the eve."""
    eve = day - DAY
    version, conventions = life.ledger.version(eve), life.ledger.conventions(eve)
    if version is None:
        return NOTHING
    overdue = [
        i.instalment_no for i in version.instalments if overdue_from(clock_due(i, conventions), conventions) <= day
    ]
    return sum(
        (
            life.ledger.settled_by(position, version, conventions, number)
            for position, effect in enumerate(life.ledger.effects)
            if effect.value_on == day and effect.settles and not effect.is_cash
            for number in overdue
        ),
        NOTHING,
    )


def spell_rows(life: Life) -> list[Row]:
    """fct_delinquency_spell."""
    return [
        {
            "lender": life.book.lender,
            "loan_id": life.loan.loan_id,
            "spell_no": spell.number,
            "first_missed_due_on": spell.days[0].oldest_due_on,
            "entered_on": spell.entered_on,
            "exited_on": spell.exited_on,
            "exit_reason": spell.exit_reason,
            "max_dpd": max(day.dpd for day in spell.days),
            "entry_overdue_principal": cents(spell.days[0].overdue_principal),
            "entry_outstanding_principal": cents(spell.days[0].outstanding_principal),
            "peak_overdue_amount": cents(max(day.overdue_amount for day in spell.days)),
        }
        for spell in spells(life)
    ]


# Month-ends and today


def shown_month_ends(life: Life) -> list[Day]:
    """The month-ends at which the loan is in the book, and the first one after every time it has left."""
    if life.entered_on is None:
        return []
    shown = []
    seen_in_book = False
    days = iter(life.days.values())
    for end in month_ends(life.entered_on, life.data_as_of):
        for day in days:
            seen_in_book = seen_in_book or day.is_in_book
            if day.day == end:
                break
        if seen_in_book:
            shown.append(life.days[end])
        seen_in_book = life.days[end].is_in_book
    return shown


def loan_month_rows(life: Life) -> list[Row]:
    """fct_loan_month."""
    return [
        {
            "lender": life.book.lender,
            "loan_id": life.loan.loan_id,
            "month_end": day.day,
            "product": life.loan.product,
            "mob": months_between(life.loan.disbursed_on, day.day),
            "state": day.state,
            "bucket": day.bucket,
            "dpd": day.dpd,
            "contractual_dpd": day.contractual_dpd,
            "outstanding_principal": cents(day.outstanding_principal),
            "overdue_principal": cents(day.overdue_principal),
            "overdue_amount": cents(day.overdue_amount),
            "max_dpd_to_date": max((past.dpd for past in life.days_in_book if past.day <= day.day), default=0),
            "is_restructured": day.is_restructured,
        }
        for day in shown_month_ends(life)
    ]


def current_rows(life: Life) -> list[Row]:
    """fct_loan_current: one row, or none before the loan enters the book."""
    day = life.on(life.data_as_of)
    if day is None:
        return []
    reported = [position for position in life.loan.positions if position.as_of <= life.data_as_of]
    newest = max(reported, key=lambda position: position.as_of, default=None)
    balance = None if newest is None else newest.outstanding_principal
    return [
        {
            "lender": life.book.lender,
            "loan_id": life.loan.loan_id,
            "as_of_date": day.day,
            "state": day.state,
            "bucket": day.bucket,
            "dpd": day.dpd,
            "contractual_dpd": day.contractual_dpd,
            "oldest_unpaid_due_on": day.oldest_due_on,
            "outstanding_principal": cents(day.outstanding_principal),
            "overdue_principal": cents(day.overdue_principal),
            "overdue_amount": cents(day.overdue_amount),
            "debt_type": day.debt_type,
            "risk_category": risk_category(life, day),
            "ifrs9_stage": ifrs9_stage(life, day),
            "reported_dpd": None if newest is None else newest.dpd,
            "reported_outstanding_principal": None if balance is None else cents(balance),
            "is_restructured": day.is_restructured,
        }
    ]
