"""Loans of 2020 in a few words, and what the reference makes of them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from ..reference.book import Book, Convention, Event, Instalment, Loan, Payment
from ..reference.dates import add_months
from ..reference.delinquency import Day, Life
from ..reference.facts import Row
from ..reference.reckoning import lives, reckon

Y = 2020
LAST = dt.date(Y, 12, 31)


def on(month: int, day: int, year: int = Y) -> dt.date:
    return dt.date(year, month, day)


NEW_YEAR = on(1, 1)
FEBRUARY = on(2, 1)


def plan(
    *due_on: dt.date,
    principal: str = "100",
    interest: str = "0",
    fee: str = "0",
    penalty: str = "0",
    version: int = 1,
    effective_on: dt.date | None = None,
) -> tuple[Instalment, ...]:
    """Equal instalments, numbered from 1."""
    principal_due, interest_due, fee_due, penalty_due = map(Decimal, (principal, interest, fee, penalty))
    return tuple(
        Instalment(version, number, day, principal_due, interest_due, fee_due, penalty_due, effective_on)
        for number, day in enumerate(due_on, 1)
    )


def monthly(count: int, first: dt.date = FEBRUARY) -> list[dt.date]:
    return [add_months(first, months) for months in range(count)]


def pay(value_on: dt.date, amount: str, kind: str = "repayment", *, called: str | None = None, **more: Any) -> Payment:
    return Payment(called or f"{kind} {value_on}", value_on, kind, Decimal(amount), **more)


def take_back(payment: Payment, value_on: dt.date, kind: str = "reversal") -> Payment:
    return pay(value_on, str(payment.amount), kind, reverses_payment_id=payment.payment_id)


def loan(
    instalments: tuple[Instalment, ...],
    *payments: Payment,
    events: tuple[Event, ...] = (),
    principal: str | None = None,
    disbursed_on: dt.date = NEW_YEAR,
    loan_id: str = "l1",
    **more: Any,
) -> Loan:
    """A loan whose principal is that of its first version, unless told otherwise."""
    first = [i.principal_due for i in instalments if i.schedule_version == 1]
    amount = sum(first, Decimal(0)) if principal is None else Decimal(principal)
    return Loan(
        loan_id, "cash", amount, disbursed_on, instalments=instalments, payments=payments, events=events, **more
    )


def book(*loans: Loan, as_of: dt.date = LAST, **conventions: str) -> Book:
    return Book("a_lender", as_of, loans, tuple(Convention(name, value) for name, value in conventions.items()))


def life(a_loan: Loan, as_of: dt.date = LAST, **conventions: str) -> Life:
    (found,) = lives(book(a_loan, as_of=as_of, **conventions))
    return found


def ruled(a_loan: Loan, *conventions: Convention, as_of: dt.date = LAST) -> Book:
    """A book whose conventions have dates of their own."""
    return Book("a_lender", as_of, (a_loan,), conventions)


def at(a_life: Life, month: int, day: int) -> Day:
    found = a_life.on(on(month, day))
    assert found is not None
    return found


def dpds(a_life: Life, *days: tuple[int, int]) -> list[int]:
    return [at(a_life, *day).dpd for day in days]


def dpd_and_overdue(a_life: Life, month: int, day: int) -> list[Decimal | int]:
    found = at(a_life, month, day)
    return [found.dpd, found.overdue_amount]


def table(name: str, *loans: Loan, as_of: dt.date = LAST, **conventions: str) -> list[Row]:
    return reckon([book(*loans, as_of=as_of, **conventions)], as_of)[name]


def row(rows: list[Row], **key: object) -> Row:
    (found,) = [one for one in rows if all(one[column] == value for column, value in key.items())]
    return found


def amounts(found: Row, *columns: str) -> list[Decimal | int]:
    return [found[column] for column in columns]


def money(*values: str) -> list[Decimal]:
    return [Decimal(value) for value in values]
