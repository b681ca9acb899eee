"""Writing rows: accepted ones into raw, what is wrong with the others into ops.rejected_row. Both by COPY."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl
from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Identifier, Literal

from arrears.load.frames import QUOTE, SEPARATOR


@dataclass(frozen=True)
class Source:
    """Whose rows these are: what every raw row carries."""

    lender: str
    business_date: dt.date
    delivery_id: int
    file_id: int


@dataclass(frozen=True)
class Copy:
    """Rows ready to be copied: schema and table, columns, and the rows as delimited text."""

    table: tuple[str, str]
    columns: list[str]
    text: io.BytesIO


def accepted_rows(source: Source, entity: str, rows: pl.DataFrame, *, plain: bool = False) -> Copy:
    """Rows for an entity's raw table; each column is text that PostgreSQL reads as its column's type.

    plain: none of them holds a line break, `SEPARATOR` or `QUOTE` (see `frames.Block`).
    """
    known = {
        "business_date": source.business_date, "delivery_id": source.delivery_id, "file_id": source.file_id,
    }  # fmt: skip
    # Into the lender's partition itself, which knows its lender: the way through the parent costs a tenth more.
    return _rendered(("raw", f"{entity}_{source.lender}"), known, rows, plain=plain)


def rejected_values(source: Source, rejected: pl.DataFrame) -> Copy:
    """What is wrong with rejected rows (`Judged.rejected`), for ops.rejected_row."""
    known = {"delivery_id": source.delivery_id, "file_id": source.file_id}
    return _rendered(("ops", "rejected_row"), known, rejected, plain=False)


def _rendered(table: tuple[str, str], known: Mapping[str, object], rows: pl.DataFrame, *, plain: bool) -> Copy:
    # Columns that are null throughout need not be sent.
    sent = [column.name for column in rows if column.null_count() < rows.height]
    text = io.BytesIO()
    whole = rows.select(*(pl.lit(value).alias(name) for name, value in known.items()), *sent)
    whole.write_csv(
        text, include_header=False, separator=SEPARATOR, quote_char=QUOTE, quote_style="never" if plain else "necessary"
    )
    text.seek(0)
    return Copy(table, whole.columns, text)


def write(cursor: Cursor, rows: Copy) -> None:
    """Append the rows to their table."""
    columns = SQL(", ").join(map(Identifier, rows.columns))
    copy = SQL("copy {} ({}) from stdin with (format csv, delimiter {}, quote {}, null '', encoding 'UTF8')")
    statement = copy.format(Identifier(*rows.table), columns, Literal(SEPARATOR), Literal(QUOTE))
    cursor.copy_expert(statement.as_string(cursor), rows.text, size=1 << 20)
