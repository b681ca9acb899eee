"""The rules of contact: which of them an action broke, and how often each was."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence

from . import seeds
from .collection import Action, actions
from .delinquency import Life
from .facts import Row
from .money import cents
from .portfolio import borrower


def in_force(day: dt.date) -> list[seeds.ContactRule]:
    """The rules in force on a day, each in its newest version, in their order."""
    newest: dict[str, seeds.ContactRule] = {}
    for rule in sorted(seeds.contact_rules(), key=lambda rule: rule.effective_from):
        if rule.effective_from <= day:
            newest[rule.rule] = rule
    return sorted(newest.values(), key=lambda rule: rule.sort_order)


def applies(rule: seeds.ContactRule, action: Action) -> bool:
    """Whether an action is of those that a rule is about."""
    if rule.channels and action.sent.channel not in rule.channels:
        return False
    if rule.rule == "daily_calls":
        return action.sent.connected is True and action.sent.party in (None, "debtor")
    return rule.rule != "debtor_only" or action.sent.party is not None


def breaks(rule: seeds.ContactRule, action: Action, of_the_lender: Sequence[Action]) -> bool:
    """Whether an action breaks a rule. of_the_lender: all its actions, because calls to a debtor are counted."""
    if not applies(rule, action):
        return False
    if rule.rule == "quiet_hours":
        assert rule.quiet_from is not None
        assert rule.quiet_until is not None
        return action.acted_at.time() >= rule.quiet_from or action.acted_at.time() < rule.quiet_until
    if rule.rule == "daily_calls":
        assert rule.most_connected_calls_a_day is not None
        return _calls_before(rule, action, of_the_lender) >= rule.most_connected_calls_a_day
    return action.sent.party == "contact"


def _calls_before(rule: seeds.ContactRule, action: Action, of_the_lender: Sequence[Action]) -> int:
    """How many calls the same debtor has taken before on that day, from whoever, about whichever loan."""
    return sum(
        applies(rule, other)
        and other.acted_on == action.acted_on
        and borrower(other.life) == borrower(action.life)
        and other.order < action.order
        for other in of_the_lender
    )


def collection_action_rows(lives: Sequence[Life]) -> list[Row]:
    """fct_collection_action: every action, with the first rule that it broke."""
    of_the_lender = [action for life in lives for action in actions(life)]
    return [
        {
            "lender": action.life.book.lender,
            "action_id": action.sent.action_id,
            "loan_id": action.life.loan.loan_id,
            "acted_at": action.sent.acted_at,
            "channel": action.sent.channel,
            "agency": action.sent.agency,
            "connected": action.sent.connected,
            "party": action.sent.party,
            "outcome": action.sent.outcome,
            "promised_amount": None if action.sent.promised_amount is None else cents(action.sent.promised_amount),
            "promised_on": action.sent.promised_on,
            "promise_kept": action.promise_kept,
            "breach_rule": next(
                (rule.rule for rule in in_force(action.acted_on) if breaks(rule, action, of_the_lender)), None
            ),
        }
        for action in of_the_lender
    ]


def contact_compliance_daily(lives: Sequence[Life]) -> list[Row]:
    """mart_contact_compliance_daily: of the actions of a day that a rule is about, how many broke it."""
    of_the_lender = [action for life in lives for action in actions(life)]
    cells: dict[tuple[str, dt.date, str], list[bool]] = defaultdict(list)
    for action in of_the_lender:
        for rule in in_force(action.acted_on):
            if applies(rule, action):
                broken = breaks(rule, action, of_the_lender)
                cells[action.agency, action.acted_on, rule.rule].append(broken)
    return [
        {
            "lender": lives[0].book.lender,
            "agency": agency,
            "contact_on": day,
            "rule": rule,
            "actions": len(broken),
            "breaches": sum(broken),
        }
        for (agency, day, rule), broken in cells.items()
    ]
