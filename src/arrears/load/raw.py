"""Writing rows: accepted ones into raw, what is wrong with the others into ops.rejected_row. Both by COPY."""

from __future__ import annotations

import datetime as dt
import io
from dataclasses import dataclass

import polars as pl
from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Identifier


@dataclass(frozen=True)
class Source:
    """Whose rows these are: what every raw row carries."""

    lender: str
    business_date: dt.date
    delivery_id: int
    file_id: int


@dataclass(frozen=True)
class Copy:
    """Rows ready to be copied: schema and table, columns, and the rows as CSV."""

    table: tuple[str, str]
    columns: list[str]
    text: io.BytesIO


def accepted_rows(source: Source, entity: str, rows: pl.DataFrame) -> Copy:
    """Rows for an entity's raw table; each column is text that PostgreSQL reads as its column's type."""
    known = {
        "lender": source.lender, "business_date": source.business_date, "delivery_id": source.delivery_id,
        "file_id": source.file_id,
    }  # fmt: skip
    # Into the lender's partition itself: the way through the parent costs a tenth more.
    return _rendered(("raw", f"{entity}_{source.lender}"), known, rows)


def rejected_values(source: Source, rejected: pl.DataFrame) -> Copy:
    """What is wrong with rejected rows (`Judged.rejected`), for ops.rejected_row."""
    return _rendered(("ops", "rejected_row"), {"delivery_id": source.delivery_id, "file_id": source.file_id}, rejected)


def _rendered(table: tuple[str, str], known: dict[str, object], rows: pl.DataFrame) -> Copy:
    # Columns that are null throughout need not be sent.
    sent = [column.name for column in rows if column.null_count() < rows.height]
    text = io.BytesIO()
    whole = rows.select(*(pl.lit(value).alias(name) for name, value in known.items()), *sent)
    whole.write_csv(text, include_header=False)
    text.seek(0)
    return Copy(table, whole.columns, text)


def write(cursor: Cursor, rows: Copy) -> None:
    """Append the rows to their table."""
    columns = SQL(", ").join(map(Identifier, rows.columns))
    copy = SQL("copy {} ({}) from stdin with (format csv, null '', encoding 'UTF8')")
    statement = copy.format(Identifier(*rows.table), columns)
    cursor.copy_expert(statement.as_string(cursor), rows.text, size=1 << 20)
