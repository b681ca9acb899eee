"""Loans told in a few words, and what the marts say of them.

Days are written as text, 2024-02-01; money as whole numbers or text, 100 or "99.99".
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from ..property.engine.warehouse import Engine, Tables
from ..reference.book import Absence, Book, Convention, Event, Instalment, Loan, Payment, Position

Money = int | str

LENDER = "lender"


def on(day: str) -> dt.date:
    return dt.date.fromisoformat(day)


def due(
    number: int, day: str, principal: Money, interest: Money = 0, fee: Money = 0, penalty: Money = 0, *,
    version: int = 1, since: str | None = None,
) -> Instalment:  # fmt: skip
    """An instalment. since: the day from which its version is in force (versions above the first)."""
    return Instalment(
        version, number, on(day), Decimal(principal), Decimal(interest), Decimal(fee), Decimal(penalty),
        effective_on=on(since) if since else None,
    )  # fmt: skip


def paid(
    day: str, amount: Money, kind: str = "repayment", *, of: int | None = None, principal: Money | None = None
) -> Payment:
    """A payment, with an id made of its day and kind. of: the instalment that it names; principal: its own split."""
    split = None if principal is None else Decimal(principal)
    return Payment(f"{day} {kind}", on(day), kind, Decimal(amount), instalment_no=of, principal=split)


def undone(payment: Payment, day: str, kind: str = "reversal") -> Payment:
    """All of a payment taken back on a day, by the bank (reversal) or by its payer (chargeback)."""
    return Payment(f"{day} {kind}", on(day), kind, payment.amount, reverses_payment_id=payment.payment_id)


def event(day: str, kind: str) -> Event:
    return Event(on(day), kind)


def missing(day: str, until: str | None = None) -> Absence:
    """Not in the lender's snapshots from a day on, until it was listed again."""
    return Absence(on(day), on(until) if until else None)


def loan(
    principal: Money, disbursed: str, plan: Sequence[Instalment], payments: Sequence[Payment] = (),
    events: Sequence[Event] = (), *, loan_id: str = "L1", product: str = "cash", person: str | None = None,
    borrower_id: str | None = None, positions: Sequence[Position] = (), absences: Sequence[Absence] = (),
) -> Loan:  # fmt: skip
    """A loan. person: what identifies its borrower at every lender; borrower_id: the lender's own number of them."""
    return Loan(
        loan_id, product, Decimal(principal), on(disbursed), max(len(plan), 1), borrower_id or person, person,
        tuple(plan), tuple(payments), tuple(events), tuple(positions), tuple(absences),
    )  # fmt: skip


def rule(name: str, value: str, since: str = "1900-01-01", product: str | None = None) -> Convention:
    """A convention of the lender's own."""
    return Convention(name, value, on(since), product)


@dataclass(frozen=True)
class Told:
    """What the marts say of a book."""

    tables: Tables = field(repr=False)

    def rows(self, mart: str, *columns: str, **where: Any) -> list[Any]:
        """The rows that have these values, in the order of the columns asked for: of one column values, else tuples.

        A day is given as text. where: as_of_date="2024-03-31", bucket="M1".
        """
        found = [row for row in self.tables[mart] if all(_is(row[name], value) for name, value in where.items())]
        chosen = [tuple(row[column] for column in columns) for row in found]
        chosen.sort(key=lambda values: [(value is None, value) for value in values])
        return [values[0] for values in chosen] if len(columns) == 1 else chosen

    def one(self, mart: str, *columns: str, **where: Any) -> Any:
        """The same of the only row there is.

        Raises:
            AssertionError: there is none, or several.
        """
        found = self.rows(mart, *columns, **where)
        assert len(found) == 1, f"{mart} where {where}: {len(found)} rows"
        return found[0]


def _is(value: Any, wanted: Any) -> bool:
    return bool(value == (on(wanted) if isinstance(value, dt.date) and isinstance(wanted, str) else wanted))


class Marts:
    """The models, ready for any book."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @property
    def selects(self) -> dict[str, str]:
        """The compiled SQL of every model that a book goes into, by name."""
        return {model.name: model.select for model in self._engine.models}

    def of_books(self, *books: Book) -> Told:
        """Of several lenders at once."""
        return Told(self._engine.run(books))

    def of(self, as_of: str, *loans: Loan, rules: Sequence[Convention] = (), lender: str = LENDER) -> Told:
        """Of one lender whose last delivery was of the day `as_of`."""
        return self.of_books(Book(lender, on(as_of), tuple(loans), tuple(rules)))

    def at(self, days: Sequence[str], told: Loan, *columns: str, rules: Sequence[Convention] = ()) -> dict[str, Any]:
        """Columns of fct_loan_current at the close of each day, as it was known then: without what came later."""
        books = [Book(day, on(day), (known_by(day, told),), tuple(rules)) for day in days]
        found = Told(self._engine.run(books, ["fct_loan_current"]))
        return {day: found.one("fct_loan_current", *columns, lender=day) for day in days}


def known_by(day: str, told: Loan) -> Loan:
    """A loan as it stood at the close of a day."""
    close = on(day)
    return replace(
        told,
        instalments=tuple(one for one in told.instalments if one.effective_on is None or one.effective_on <= close),
        payments=tuple(one for one in told.payments if one.value_on <= close),
        events=tuple(one for one in told.events if one.event_on <= close),
        positions=tuple(one for one in told.positions if one.as_of <= close),
        absences=tuple(one for one in told.absences if one.missing_from <= close),
    )


__all__ = [
    "Book", "Marts", "Position", "Told", "due", "event", "known_by", "loan", "missing", "on", "paid", "rule",
    "undone",
]  # fmt: skip
