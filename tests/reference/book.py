"""What the reference and the models are both given: the rows of one lender as staging hands them on.

Money is Decimal with two places, days are dates. Nothing here computes anything.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(frozen=True)
class Instalment:
    """One instalment of one schedule version. known_on: business date of the delivery that brought it."""

    schedule_version: int
    instalment_no: int
    due_on: dt.date
    principal_due: Decimal
    interest_due: Decimal = Decimal(0)
    fee_due: Decimal = Decimal(0)
    penalty_due: Decimal = Decimal(0)
    effective_on: dt.date | None = None
    known_on: dt.date = dt.date(2000, 1, 1)


@dataclass(frozen=True)
class Payment:
    """A movement of money as sent: amounts positive, the kind says the direction."""

    payment_id: str
    value_on: dt.date
    kind: str
    amount: Decimal
    posted_on: dt.date | None = None
    instalment_no: int | None = None
    principal: Decimal | None = None
    interest: Decimal | None = None
    fee: Decimal | None = None
    penalty: Decimal | None = None
    reverses_payment_id: str | None = None


@dataclass(frozen=True)
class Event:
    """written_off, transferred, settled, extended, restructured, paused or resumed."""

    event_on: dt.date
    kind: str
    amount: Decimal | None = None


@dataclass(frozen=True)
class Position:
    """What the lender itself says at the close of a day."""

    as_of: dt.date
    outstanding_principal: Decimal | None
    overdue_principal: Decimal | None = None
    dpd: int | None = None
    status: str | None = None


@dataclass(frozen=True)
class Absence:
    """The loan was missing from the lender's snapshots in [missing_from, listed_again_on)."""

    missing_from: dt.date
    listed_again_on: dt.date | None = None


@dataclass(frozen=True)
class CollectionAction:
    """An attempt to reach the borrower. acted_at has a time zone; agency None: the lender's own people."""

    action_id: str
    acted_at: dt.datetime
    channel: str
    agency: str | None = None
    connected: bool | None = None
    party: str | None = None
    outcome: str | None = None
    promised_amount: Decimal | None = None
    promised_on: dt.date | None = None
    complaint: bool | None = None


@dataclass(frozen=True)
class Loan:
    """A loan with all that was ever said about it; birth_year and income_band are its borrower's."""

    loan_id: str
    product: str
    principal: Decimal
    disbursed_on: dt.date
    term_months: int = 12
    borrower_id: str | None = None
    identity_hash: str | None = None
    instalments: tuple[Instalment, ...] = ()
    payments: tuple[Payment, ...] = ()
    events: tuple[Event, ...] = ()
    positions: tuple[Position, ...] = ()
    absences: tuple[Absence, ...] = ()
    actions: tuple[CollectionAction, ...] = ()
    credit_score: Decimal | None = None
    birth_year: int | None = None
    income_band: str | None = None


@dataclass(frozen=True)
class Convention:
    """A lender's own convention. product: None for all its products."""

    name: str
    value: str
    effective_from: dt.date = dt.date(1900, 1, 1)
    product: str | None = None


@dataclass(frozen=True)
class DeliveryRecord:
    """What came for a business date, accepted or refused, with what the delivery gate found in it."""

    business_date: dt.date
    status: str
    received_at: dt.datetime
    files: int
    rows_accepted: int
    rows_rejected: int
    expectations_evaluated: int
    expectations_failed: int


@dataclass(frozen=True)
class Book:
    """One lender's loans, known up to the close of data_as_of.

    records: of its deliveries; that of data_as_of is the one that brought what stands here.
    is_monthly: it is to deliver at month-ends alone. deadline: by when, on the day after.
    """

    lender: str
    data_as_of: dt.date
    loans: tuple[Loan, ...] = field(default=())
    conventions: tuple[Convention, ...] = field(default=())
    timezone: str = "Asia/Shanghai"
    records: tuple[DeliveryRecord, ...] = ()
    is_monthly: bool = False
    deadline: dt.time = dt.time(9)
