"""All tables of a set of books: the one entry point of the reference."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

from . import bridges, cohorts, dues, facts, portfolio, recovery
from .book import Book
from .conventions import Rulebook
from .delinquency import Life
from .facts import Row

FACTS: dict[str, Callable[[Life], list[Row]]] = {
    "fct_instalment": facts.instalment_rows,
    "fct_payment": facts.payment_rows,
    "fct_delinquency_spell": facts.spell_rows,
    "fct_loan_month": facts.loan_month_rows,
    "fct_loan_current": facts.current_rows,
}


MARTS: dict[str, Callable[[Sequence[Life]], list[Row]]] = {
    "mart_delinquency_daily": portfolio.delinquency_daily,
    "mart_overdue_rate_monthly": portfolio.overdue_rate_monthly,
    "mart_overdue_rate_quarterly": portfolio.overdue_rate_quarterly,
    "mart_ageing_quarterly": portfolio.ageing_quarterly,
    "mart_roll_rate_monthly": cohorts.roll_rate_monthly,
    "mart_vintage": cohorts.vintage,
    "mart_first_payment_default": dues.first_payment_default,
    "mart_inflow_daily": dues.inflow_daily,
    "mart_collection_curve": dues.collection_curve,
    "mart_recovery_monthly": recovery.recovery_monthly,
    "mart_balance_bridge_monthly": bridges.balance_bridge_monthly,
    "mart_delinquency_bridge_monthly": bridges.delinquency_bridge_monthly,
}


def lives(book: Book) -> list[Life]:
    """The loans of a book, each with the conventions of its product."""
    rules = {product: Rulebook(book, product) for product in {loan.product for loan in book.loans}}
    return [Life(book, loan, rules[loan.product]) for loan in book.loans]


def reckon(books: Sequence[Book], business_date: dt.date) -> dict[str, list[Row]]:
    """The rows of every table by its name, each row with the table's columns.

    Of fct_loan_current risk_category and ifrs9_stage are left out. Money is Decimal with two places.
    Raises ValueError for a book known further than the business date.
    """
    tables: dict[str, list[Row]] = {name: [] for name in (*FACTS, *MARTS)}
    for book in books:
        if book.data_as_of > business_date:
            raise ValueError(f"{book.lender} is known to {book.data_as_of}, past the business date {business_date}")
        of_the_lender = lives(book)
        for name, rows in FACTS.items():
            tables[name] += [row for life in of_the_lender for row in rows(life)]
        for name, mart in MARTS.items():
            tables[name] += mart(of_the_lender)
    return tables
