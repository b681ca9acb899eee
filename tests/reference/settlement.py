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

    instalment_no and split are the lender's word on where the money goes. split: signed parts by component, given only
    if they add up to the amount.
    """

    payment: Payment
    value_on: dt.date
    amount: Decimal
    settles: bool
    is_cash: bool
    is_orphan: bool
    bridge_column: str | None
    instalment_no: int | None
    split: dict[str, Decimal] | None

    @property
    def settled(self) -> Decimal:
        """What it adds to the money that settles instalments."""
        return self.amount if self.settles else NOTHING


def effects(loan: Loan) -> tuple[Effect, ...]:
    """A loan's payments as they count, in their order."""
    by_id = {payment.payment_id: payment for payment in loan.payments}
    return tuple(_effect(payment, by_id) for payment in sorted(loan.payments, key=_order))


def _order(payment: Payment) -> tuple[dt.date, dt.date, str]:
    return (payment.value_on, payment.posted_on or payment.value_on, payment.payment_id)


def _effect(payment: Payment, by_id: dict[str, Payment]) -> Effect:
    kind = seeds.payment_kinds()[payment.kind]
    named = None if payment.reverses_payment_id is None else by_id.get(payment.reverses_payment_id)
    source = kind if named is None else seeds.payment_kinds()[named.kind]
    parts, number = _taken_over(payment, named)
    is_orphan = payment.reverses_payment_id is not None and named is None
    return Effect(
        payment=payment,
        value_on=payment.value_on,
        amount=signed(payment.amount, kind),
        settles=source.settles_instalments and not is_orphan,
        is_cash=source.is_cash,
        is_orphan=is_orphan,
        bridge_column=source.bridge_column,
        instalment_no=number,
        split=_split(payment, kind, parts),
    )


def signed(amount: Decimal, kind: seeds.PaymentKind) -> Decimal:
    """An amount as it counts: money taken back is below 0 however it is sent, all other as it is sent."""
    return amount if kind.sign > 0 else -abs(amount)


def _parts(payment: Payment) -> dict[str, Decimal] | None:
    """The parts that a payment carries, missing ones as 0; None where it carries none at all."""
    sent = {component: getattr(payment, component) for component in COMPONENTS}
    if all(part is None for part in sent.values()):
        return None
    return {component: part or NOTHING for component, part in sent.items()}


def _taken_over(payment: Payment, named: Payment | None) -> tuple[dict[str, Decimal] | None, int | None]:
    """The parts and the instalment number of a payment that names another: its own, else those of the other."""
    parts, number = _parts(payment), payment.instalment_no
    if named is None:
        return parts, number
    if parts is None and abs(named.amount) == abs(payment.amount):
        parts = _parts(named)
    return parts, named.instalment_no if number is None else number


def _split(payment: Payment, kind: seeds.PaymentKind, parts: dict[str, Decimal] | None) -> dict[str, Decimal] | None:
    """The parts as they count, if they add up to the payment's amount."""
    if parts is None:
        return None
    split = {component: signed(part, kind) for component, part in parts.items()}
    return split if sum(split.values()) == signed(payment.amount, kind) else None


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
