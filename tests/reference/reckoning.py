"""All tables of a set of books: the one entry point of the reference."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

from . import (
    borrowers,
    bridges,
    classes,
    cohorts,
    collection,
    contact_rules,
    data_quality,
    dues,
    early_warning,
    facts,
    forbearance,
    portfolio,
    reconciliation,
    recovery,
)
from .book import Book
from .borrowers import Everywhere
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

# of a lender as a whole; a fact too, where one loan alone does not say what its rows are
MARTS: dict[str, Callable[[Sequence[Life]], list[Row]]] = {
    "fct_collection_action": contact_rules.collection_action_rows,
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
    "mart_debt_type_monthly": classes.debt_type_monthly,
    "mart_long_overdue_monthly": classes.long_overdue_monthly,
    "mart_risk_classification_monthly": classes.risk_classification_monthly,
    "mart_forbearance_monthly": forbearance.forbearance_monthly,
    "mart_collection_performance_monthly": collection.collection_performance_monthly,
    "mart_contact_compliance_daily": contact_rules.contact_compliance_daily,
    "mart_score_calibration": borrowers.score_calibration,
    "mart_reconciliation_daily": reconciliation.reconciliation_daily,
}

# of a lender, with what is known of its borrowers at all lenders
MARTS_OF_PEOPLE: dict[str, Callable[[Sequence[Life], Everywhere], list[Row]]] = {
    "mart_borrower_segment_monthly": borrowers.borrower_segment_monthly,
    "mart_early_warning": early_warning.early_warning,
    "mart_early_warning_backtest": early_warning.early_warning_backtest,
}

# of a lender and its deliveries, up to the business date
MARTS_OF_DELIVERIES: dict[str, Callable[[Book, dt.date], list[Row]]] = {
    "mart_data_quality_daily": data_quality.data_quality_daily,
}


def lives(book: Book) -> list[Life]:
    """The loans of a book, each with the conventions of its product."""
    rules = {product: Rulebook(book, product) for product in {loan.product for loan in book.loans}}
    return [Life(book, loan, rules[loan.product]) for loan in book.loans]


def everywhere(books: Sequence[Book]) -> Everywhere:
    """What these lenders together know of their borrowers."""
    return borrowers.everywhere([life for book in books for life in lives(book)])


def reckon(books: Sequence[Book], business_date: dt.date, known: Everywhere | None = None) -> dict[str, list[Row]]:
    """The rows of every table by its name, each row with the table's columns.

    known: what all lenders know of their borrowers, where there are more of them than these books.
    Of mart_early_warning the text `detail` is left out. Money is Decimal with two places.
    Raises ValueError for a book known further than the business date.
    """
    tables: dict[str, list[Row]] = {name: [] for name in (*FACTS, *MARTS, *MARTS_OF_PEOPLE, *MARTS_OF_DELIVERIES)}
    if known is None:
        known = everywhere(books)
    for book in books:
        if book.data_as_of > business_date:
            raise ValueError(f"{book.lender} is known to {book.data_as_of}, past the business date {business_date}")
        of_the_lender = lives(book)
        for name, rows in FACTS.items():
            tables[name] += [row for life in of_the_lender for row in rows(life)]
        for name, mart in MARTS.items():
            tables[name] += mart(of_the_lender)
        for name, people_mart in MARTS_OF_PEOPLE.items():
            tables[name] += people_mart(of_the_lender, known)
        for name, delivery_mart in MARTS_OF_DELIVERIES.items():
            tables[name] += delivery_mart(book, business_date)
    return tables
