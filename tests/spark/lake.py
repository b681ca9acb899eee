"""The lake as the loader leaves it: a Parquet file of every delivery and entity, with its rows in `raw`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg2
import pyarrow as pa
import pyarrow.parquet as pq
from psycopg2 import sql

ENTITIES = ("loan", "borrower", "instalment", "payment", "loan_event", "collection_action", "reported_position")
FOLDERS = ("lender", "business_date")


def fill(lake: Path, url: str) -> int:
    """Write what the lake does not have yet. Returns the number of files written."""
    written = 0
    connection = psycopg2.connect(url)
    with connection, connection.cursor() as cursor:
        for entity in ENTITIES:
            table = sql.Identifier("raw", entity)
            cursor.execute(
                sql.SQL("select distinct lender, business_date, delivery_id from {} order by 3").format(table)
            )
            for lender, day, delivery in cursor.fetchall():
                file = (
                    lake / "raw" / entity / f"lender={lender}" / f"business_date={day}" / f"delivery_{delivery}.parquet"
                )
                if file.exists():
                    continue
                cursor.execute(sql.SQL("select * from {} where delivery_id = %s").format(table), [delivery])
                file.parent.mkdir(parents=True, exist_ok=True)
                pq.write_table(_table(cursor), file)
                written += 1
    connection.close()
    return written


def _table(cursor: Any) -> pa.Table:
    rows = cursor.fetchall()
    columns = [(place, column) for place, column in enumerate(cursor.description) if column.name not in FOLDERS]
    return pa.table(
        [pa.array([row[place] for row in rows], _type(column)) for place, column in columns],
        names=[column.name for _, column in columns],
    )


def _type(column: Any) -> pa.DataType:
    if column.type_code == psycopg2.extensions.DECIMAL.values[0]:
        return pa.decimal128(column.precision, column.scale)
    return {
        16: pa.bool_(), 20: pa.int64(), 23: pa.int32(), 25: pa.string(), 1042: pa.string(), 1082: pa.date32(),
        1184: pa.timestamp("us", tz="UTC"),
    }[column.type_code]  # fmt: skip
