"""Collection: every attempt to reach a borrower, what was promised and kept, and what came in after it."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from zoneinfo import ZoneInfo

from .book import CollectionAction
from .dates import DAY, month_end
from .delinquency import Life
from .facts import Row
from .money import NOTHING, cents
from .settlement import Effect

IN_HOUSE = "in_house"
ATTRIBUTED_DAYS = 7


@dataclass(frozen=True)
class Action:
    """An action with the loan that it is about."""

    life: Life
    sent: CollectionAction

    @property
    def acted_at(self) -> dt.datetime:
        """When it was, by the lender's clocks."""
        return self.sent.acted_at.astimezone(ZoneInfo(self.life.book.timezone))

    @property
    def acted_on(self) -> dt.date:
        """The lender's day on which it was."""
        return self.acted_at.date()

    @property
    def agency(self) -> str:
        """Who acted."""
        return self.sent.agency or IN_HOUSE

    @property
    def order(self) -> tuple[dt.datetime, str]:
        """By what actions follow each other."""
        return (self.sent.acted_at, self.sent.action_id)

    @property
    def promised_by(self) -> dt.date | None:
        """The last day on which the promise can be kept, by the grace in force on the promised day."""
        if self.sent.promised_on is None:
            return None
        grace = self.life.ledger.rules.on(self.sent.promised_on).promise_grace_days
        return self.sent.promised_on + DAY * grace

    @property
    def promise_kept(self) -> str | None:
        """What became of the promise: pending, kept, partly_kept or broken; None where nothing was promised."""
        amount, by = self.sent.promised_amount, self.promised_by
        if amount is None or amount <= 0 or self.sent.promised_on is None or by is None:
            return None
        if by > self.life.data_as_of:
            return "pending"
        paid = self.life.ledger.cash(self.acted_on, by)
        if paid >= amount * self.life.ledger.rules.on(self.sent.promised_on).promise_kept_share:
            return "kept"
        return "partly_kept" if paid > 0 else "broken"


def actions(life: Life) -> list[Action]:
    """What is known of the actions about a loan, the first in time first."""
    known = [action for sent in life.loan.actions if (action := Action(life, sent)).acted_on <= life.data_as_of]
    return sorted(known, key=lambda action: action.order)


# What came in


def brought_in_by(life: Life, effect: Effect) -> Action | None:
    """The action that brought in a payment of cash: the last one in the week up to it, else none.

    What undoes another payment is taken from the action that brought in that one, and from nobody if none did.
    """
    if not effect.is_cash:
        return None
    for other in life.ledger.effects:
        if other.payment.payment_id == effect.payment.reverses_payment_id:
            return brought_in_by(life, other)
    week = [a for a in actions(life) if a.acted_on <= effect.value_on <= a.acted_on + DAY * ATTRIBUTED_DAYS]
    return week[-1] if week else None


def collection_performance_monthly(lives: Sequence[Life]) -> list[Row]:
    """mart_collection_performance_monthly: the actions of a month by agency and channel, and what became of them."""
    cells: dict[tuple[str, str, dt.date], list[Action]] = defaultdict(list)
    collected: dict[tuple[str, str, dt.date], Decimal] = defaultdict(lambda: NOTHING)
    for life in lives:
        for action in actions(life):
            cells[_cell(action)].append(action)
        for position, effect in enumerate(life.ledger.effects):
            by = brought_in_by(life, effect)
            if by is not None:
                collected[_cell(by)] += life.ledger.components(position)["principal"]
    return [
        {
            "lender": lives[0].book.lender,
            "agency": agency,
            "channel": channel,
            "month_end": end,
            "actions": len(found),
            "connected": sum(action.sent.connected is True for action in found),
            "right_party": sum(action.sent.connected is True and action.sent.party == "debtor" for action in found),
            "promises_due": sum(action.promise_kept in ("kept", "partly_kept", "broken") for action in found),
            "promises_kept": sum(action.promise_kept == "kept" for action in found),
            "promises_partly_kept": sum(action.promise_kept == "partly_kept" for action in found),
            "loans_worked": len({action.life.loan.loan_id for action in found}),
            "collected_principal_7d": cents(collected[agency, channel, end]),
            "complaints": sum(action.sent.complaint is True for action in found),
        }
        for (agency, channel, end), found in cells.items()
    ]


def _cell(action: Action) -> tuple[str, str, dt.date]:
    return (action.agency, action.sent.channel, month_end(action.acted_on))
