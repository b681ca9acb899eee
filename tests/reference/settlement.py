"""What payments settle of each instalment: everything poured again from scratch for every answer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from . import seeds
from .book import Instalment, Loan, Payment
from .conventions import Conventions
from .money import NOTHING
from .schedule import COMPONENTS, Version, due

# By instalment number and component what is settled.
Settled = dict[int, dict[str, Decimal]]


@dataclass(frozen=True)
class Effect:
    """A payment as it counts: signed, and with what it takes over from the payment it reverses.

    instalment_no and parts are the lender's word on where the money goes: the parts that it names, signed.
    """

    payment: Payment
    value_on: dt.date
    amount: Decimal
    settles: bool
    is_cash: bool
    is_orphan: bool
    bridge_column: str | None
    instalment_no: int | None
    parts: dict[str, Decimal]

    @property
    def settled(self) -> Decimal:
        """What it adds to the money that settles instalments."""
        return self.amount if self.settles else NOTHING

    @property
    def split(self) -> dict[str, Decimal] | None:
        """By component what it is for, if the parts add up to the amount."""
        if not self.parts or sum(self.parts.values()) != self.amount:
            return None
        return dict.fromkeys(COMPONENTS, NOTHING) | self.parts


def effects(loan: Loan) -> tuple[Effect, ...]:
    """A loan's payments as they count, in their order."""
    by_id = {payment.payment_id: payment for payment in loan.payments}
    return tuple(_effect(payment, by_id) for payment in sorted(loan.payments, key=_order))


def _order(payment: Payment) -> tuple[dt.date, dt.date, str]:
    return (payment.value_on, payment.posted_on or payment.value_on, payment.payment_id)


def _effect(payment: Payment, by_id: dict[str, Payment]) -> Effect:
    undone, is_orphan = _undone(payment, by_id)
    source = _kind(undone[-1] if undone else payment)
    takes_away = _takes_away(payment, undone)
    return Effect(
        payment=payment,
        value_on=payment.value_on,
        amount=_directed(payment.amount, takes_away),
        settles=source.settles_instalments and not is_orphan,
        is_cash=source.is_cash and not is_orphan,
        is_orphan=is_orphan,
        bridge_column=source.bridge_column,
        instalment_no=next((p.instalment_no for p in (payment, *undone) if p.instalment_no is not None), None),
        parts={name: _directed(part, takes_away) for name, part in _parts(payment, undone).items()},
    )


def _kind(payment: Payment) -> seeds.PaymentKind:
    return seeds.payment_kinds()[payment.kind]


def _undone(payment: Payment, by_id: dict[str, Payment]) -> tuple[list[Payment], bool]:
    """The payment that a payment undoes and the one that that one undoes; and whether one of them is not there."""
    undone: list[Payment] = []
    while payment.reverses_payment_id is not None and len(undone) < 2:
        if payment.reverses_payment_id not in by_id:
            return undone, True
        payment = by_id[payment.reverses_payment_id]
        undone.append(payment)
    return undone, False


def _takes_away(payment: Payment, undone: Sequence[Payment]) -> bool | None:
    """Whether a payment takes money away or gives back what such a one took; None where it counts as it is sent."""
    if _kind(payment).sign > 0:
        return None
    return not (undone and _takes_away(undone[0], undone[1:]))


def _directed(amount: Decimal, takes_away: bool | None) -> Decimal:
    """An amount as it counts: money taken back is below 0 however it is sent."""
    if takes_away is None:
        return amount
    return -abs(amount) if takes_away else abs(amount)


def _parts(payment: Payment, undone: Sequence[Payment]) -> dict[str, Decimal]:
    """The parts that a payment carries; without any those of what it undoes all of."""
    sent = {component: getattr(payment, component) for component in COMPONENTS}
    said = {component: part for component, part in sent.items() if part is not None}
    if not said and undone and abs(undone[0].amount) == abs(payment.amount):
        return _parts(undone[0], undone[1:])
    return said


def total(counted: Sequence[Effect]) -> Decimal:
    """The money that these payments have left to settle instalments with: T, never below 0."""
    return max(NOTHING, sum((effect.settled for effect in counted), NOTHING))


def settle(version: Version, conventions: Conventions, counted: Sequence[Effect]) -> Settled:
    """What these payments settle of every instalment of a version."""
    settled: Settled = {i.instalment_no: dict.fromkeys(COMPONENTS, NOTHING) for i in version.instalments}
    if conventions.allocation == "reported":
        counted = [effect for effect in counted if effect.settles]
        _settle_splits(settled, version, counted)
        _settle_named(settled, version, conventions, counted)
    rest = _keep(settled, version, conventions, total(counted))
    for instalment in version.instalments:
        rest = _pour(settled, instalment, conventions, rest)
    return settled


def _settle_splits(settled: Settled, version: Version, counted: Sequence[Effect]) -> None:
    """What the lender itself says to have put where: the net of each component, between nothing and all of it."""
    for instalment in version.instalments:
        splits = [e.split for e in counted if e.instalment_no == instalment.instalment_no and e.split is not None]
        for component in COMPONENTS:
            net = sum((split[component] for split in splits), NOTHING)
            settled[instalment.instalment_no][component] = min(max(net, NOTHING), due(instalment, component))


def _settle_named(settled: Settled, version: Version, conventions: Conventions, counted: Sequence[Effect]) -> None:
    """Money that names its instalment and not its parts goes to that instalment, as far as it has room."""
    for instalment in version.instalments:
        named = [e for e in counted if e.instalment_no == instalment.instalment_no and e.split is None]
        _pour(settled, instalment, conventions, sum((effect.amount for effect in named), NOTHING))


def _keep(settled: Settled, version: Version, conventions: Conventions, money: Decimal) -> Decimal:
    """Take back, the newest instalment first, what is settled beyond the money there is. Returns what is left of it."""
    for instalment in version.instalments:
        parts = settled[instalment.instalment_no]
        for component in conventions.allocation_order:
            parts[component] = min(parts[component], money)
            money -= parts[component]
    return money


def _pour(settled: Settled, instalment: Instalment, conventions: Conventions, amount: Decimal) -> Decimal:
    """Pour an amount into what is left of an instalment, in the order of its components. Returns what runs over."""
    amount = max(amount, NOTHING)
    for component in conventions.allocation_order:
        parts = settled[instalment.instalment_no]
        poured = min(amount, due(instalment, component) - parts[component])
        parts[component] += poured
        amount -= poured
    return amount
