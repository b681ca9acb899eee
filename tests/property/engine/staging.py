"""Books as the rows of the staging tables: what the models would be given, had the lenders delivered these loans."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any

from psycopg2.extensions import cursor as Cursor

from ...reference.book import Book, DeliveryRecord, Loan

Row = dict[str, Any]

TABLES = (
    "stg_lender", "stg_lender_convention", "stg_delivery", "stg_delivery_record", "stg_loan", "stg_borrower",
    "stg_instalment", "stg_payment", "stg_payment_conflict", "stg_loan_event", "stg_reported_position",
    "stg_loan_absence", "stg_collection_action",
)  # fmt: skip

# a delivery of which nothing stands any more
ANOTHER_DELIVERY = -1

# where a row came from, for the tables that say so
ORIGIN = frozenset({"delivery_id", "file_id", "line_no", "business_date"})


class Staging:
    """The staging tables of a warehouse, emptied."""

    def __init__(self, cursor: Cursor) -> None:
        cursor.execute(f"truncate {', '.join(f'staging.{table}' for table in TABLES)}")
        self._columns = {table: _columns(cursor, table) for table in TABLES}

    def fill(self, cursor: Cursor, books: Sequence[Book]) -> None:
        """Append the rows of books, each of a lender of its own: one delivery a book, on its data_as_of.

        Raises:
            AssertionError: a staging table lacks a column that the book has a value for.
        """
        rows: dict[str, list[Row]] = {table: [] for table in TABLES}
        for delivery_id, book in enumerate(books, start=1):
            for table, row in _rows(book):
                origin = {"delivery_id": delivery_id, "file_id": delivery_id, "line_no": len(rows[table]) + 2}
                rows[table].append({"lender": book.lender, "business_date": book.data_as_of, **origin, **row})
        for table, found in rows.items():
            if found:
                _copy(cursor, table, self._columns[table], found)


def _rows(book: Book) -> Iterator[tuple[str, Row]]:
    yield "stg_lender", {
        "name_en": book.lender, "name_zh": book.lender, "currency": "CNY", "timezone": book.timezone,
        "calendar": "month_end" if book.is_monthly else "daily", "delivery_deadline": book.deadline,
    }  # fmt: skip
    yield "stg_delivery", {"received_at": dt.datetime.combine(book.data_as_of, dt.time(20), tzinfo=dt.UTC)}
    for record in book.records:
        yield "stg_delivery_record", _delivery_record(record, brought_the_book=record.business_date == book.data_as_of)
    for own in book.conventions:
        row = _values(own)
        yield "stg_lender_convention", {"convention": row.pop("name"), **row}
    # a borrower is sent once, however many loans it has
    borrowers = {row["borrower_id"]: row for row in map(_borrower, book.loans) if row is not None}
    yield from (("stg_borrower", row) for row in borrowers.values())
    for loan in book.loans:
        yield from _rows_of_loan(loan)


def _delivery_record(record: DeliveryRecord, *, brought_the_book: bool) -> Row:
    row = _values(record)
    row["delivery_status"] = row.pop("status")
    row["rows_in_files"] = record.rows_accepted + record.rows_rejected
    return row if brought_the_book else {**row, "delivery_id": ANOTHER_DELIVERY}


def _borrower(loan: Loan) -> Row | None:
    """The borrower of a loan, under the loan's number where it has none of its own; None if nothing is said of it."""
    said = {name: getattr(loan, name) for name in ("identity_hash", "birth_year", "income_band")}
    if loan.borrower_id is None and not any(said.values()):
        return None
    return {"borrower_id": loan.borrower_id or loan.loan_id, **said}


def _rows_of_loan(loan: Loan) -> Iterator[tuple[str, Row]]:
    yield "stg_loan", {
        "loan_id": loan.loan_id, "borrower_id": loan.borrower_id, "product": loan.product, "currency": "CNY",
        "principal": loan.principal, "term_months": loan.term_months, "disbursed_on": loan.disbursed_on,
        "credit_score": 300,  # what the lender says today, and no model is to ask
        "score_at_disbursement": loan.credit_score,
    }  # fmt: skip
    own = {"loan_id": loan.loan_id}
    for instalment in loan.instalments:
        row = _values(instalment)
        known_on = row.pop("known_on")
        yield "stg_instalment", {**own, "business_date": known_on, "version_from": known_on, **row}
    parts = (
        ("stg_payment", loan.payments), ("stg_loan_event", loan.events), ("stg_reported_position", loan.positions),
        ("stg_loan_absence", loan.absences), ("stg_collection_action", loan.actions),
    )  # fmt: skip
    for table, things in parts:
        yield from ((table, {**own, **_values(thing)}) for thing in things)


def _values(thing: Any) -> Row:
    return {field.name: getattr(thing, field.name) for field in fields(thing)}


def _columns(cursor: Cursor, table: str) -> tuple[str, ...]:
    cursor.execute(
        "select attname from pg_attribute where attrelid = cast(%s as regclass) and attnum > 0 and not attisdropped "
        "order by attnum", [f"staging.{table}"],
    )  # fmt: skip
    return tuple(name for (name,) in cursor.fetchall())


def _copy(cursor: Cursor, table: str, columns: tuple[str, ...], rows: list[Row]) -> None:
    unknown = set().union(*rows) - set(columns) - ORIGIN
    assert not unknown, f"staging.{table} has no column {', '.join(sorted(unknown))}"
    lines = ("\t".join(_text(row.get(column)) for column in columns) + "\n" for row in rows)
    cursor.copy_expert(f"copy staging.{table} from stdin", io.StringIO("".join(lines)))


def _text(value: Any) -> str:
    # ids and names of generated books have no character that COPY would read as an escape
    return "\\N" if value is None else str(value)
