"""The canonical entities: what every lender's files are turned into. The tables of schema raw have these columns.

Source: the table "Canonical entities" of the design; a test holds this module and the migration to each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import partial

PAYMENT_KINDS = (
    "repayment", "prepayment", "reversal", "chargeback", "refund", "waiver", "recovery", "compensation", "buyback",
)  # fmt: skip
# Bytes of a text by which rows are told apart or summed: an index of PostgreSQL takes 2,704 for all its columns.
LONGEST = 500
EVENT_KINDS = ("written_off", "settled", "transferred", "extended", "restructured", "paused", "resumed")


class Kind(StrEnum):
    """What a canonical field holds; the value is its PostgreSQL type."""

    TEXT = "text"
    INTEGER = "integer"
    MONEY = "numeric(18,2)"
    RATE = "numeric(9,6)"
    SCORE = "numeric(9,2)"
    DATE = "date"
    INSTANT = "timestamptz"
    FLAG = "boolean"


@dataclass(frozen=True)
class EntityField:
    """One column of a canonical entity.

    Attributes:
        kind: type in the warehouse.
        required: the column is not null.
        default: SQL literal used where the lender sends nothing.
        not_future: a date after the business date is refused: it has not happened yet.
        allowed: the closed list of values, for fields that steer rules.
        hashed: it identifies a person, so nothing fills it but what is hashed on the way in.
        longest: the most bytes that a text may have; None: any number, for what nobody looks up.
        is_word: one of few words of the lender's business, in which nobody's number belongs.
    """

    kind: Kind
    required: bool = False
    default: str | None = None
    not_future: bool = False
    allowed: tuple[str, ...] = ()
    hashed: bool = False
    longest: int | None = None
    is_word: bool = False


@dataclass(frozen=True)
class Entity:
    """One canonical entity: its key (unique within a delivery) and its fields in the order of the table."""

    key: tuple[str, ...]
    fields: dict[str, EntityField]


_text = partial(EntityField, Kind.TEXT, longest=LONGEST)
_word = partial(_text, is_word=True)
_money = partial(EntityField, Kind.MONEY)
_day = partial(EntityField, Kind.DATE)
_count = partial(EntityField, Kind.INTEGER)


ENTITIES: dict[str, Entity] = {
    "loan": Entity(
        key=("loan_id",),
        fields={
            "loan_id": _text(required=True),
            "borrower_id": _text(),
            "product": _word(required=True),
            "purpose": _word(),
            "channel": _word(),
            "funder": _word(),
            "currency": _text(required=True),
            "principal": _money(required=True),
            "annual_rate": EntityField(Kind.RATE),
            "term_months": _count(),
            "repayment_method": _word(),
            "disbursed_on": _day(required=True, not_future=True),
            "first_due_on": _day(),
            "maturity_on": _day(),
            "credit_score": EntityField(Kind.SCORE),
            "risk_grade": _word(),
        },
    ),
    "borrower": Entity(
        key=("borrower_id",),
        fields={
            "borrower_id": _text(required=True),
            "birth_year": _count(),
            "gender": _word(),
            "province": _word(),
            "income_band": _word(),
            "identity_hash": _text(hashed=True),
        },
    ),
    "instalment": Entity(
        key=("loan_id", "instalment_no", "schedule_version"),
        fields={
            "loan_id": _text(required=True),
            "instalment_no": _count(required=True),
            "schedule_version": _count(required=True, default="1"),
            "due_on": _day(required=True),
            "principal_due": _money(required=True, default="0"),
            "interest_due": _money(required=True, default="0"),
            "fee_due": _money(required=True, default="0"),
            "penalty_due": _money(required=True, default="0"),
            "effective_on": _day(),
        },
    ),
    "payment": Entity(
        key=("payment_id",),
        fields={
            "payment_id": _text(required=True),
            "loan_id": _text(required=True),
            "instalment_no": _count(),
            "value_on": _day(required=True, not_future=True),
            "posted_on": _day(not_future=True),
            "kind": _text(required=True, allowed=PAYMENT_KINDS),
            "amount": _money(required=True),
            "principal": _money(),
            "interest": _money(),
            "fee": _money(),
            "penalty": _money(),
            "reverses_payment_id": _text(),
            "channel": _word(),
        },
    ),
    "loan_event": Entity(
        key=("loan_id", "event_on", "kind"),
        fields={
            "loan_id": _text(required=True),
            "event_on": _day(required=True, not_future=True),
            "kind": _text(required=True, allowed=EVENT_KINDS),
            "amount": _money(),
            "detail": EntityField(Kind.TEXT),
        },
    ),
    "collection_action": Entity(
        key=("action_id",),
        fields={
            "action_id": _text(required=True),
            "loan_id": _text(required=True),
            "acted_at": EntityField(Kind.INSTANT, required=True, not_future=True),
            "channel": _text(required=True, allowed=("phone", "sms", "visit", "letter", "app", "legal")),
            "agency": _word(),
            "connected": EntityField(Kind.FLAG),
            "party": _text(allowed=("debtor", "contact")),
            "outcome": _word(),
            "promised_amount": _money(),
            "promised_on": _day(),
            "complaint": EntityField(Kind.FLAG),
        },
    ),
    "reported_position": Entity(
        key=("loan_id", "as_of"),
        fields={
            "loan_id": _text(required=True),
            "as_of": _day(required=True, not_future=True),
            "outstanding_principal": _money(),
            "overdue_principal": _money(),
            "dpd": _count(),
            "status": _word(),
        },
    ),
}
