"""The rows of a delivery from a raw table into Parquet, with the types of the table and in bounded memory."""

from __future__ import annotations

import re
from typing import BinaryIO

import pyarrow as pa
from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Identifier, Literal
from pyarrow import csv, parquet

from arrears.errors import Infrastructure
from arrears.lake.copied import Copied, copied
from arrears.lake.store import RawFile

TYPES = {
    "text": pa.string(), "character(1)": pa.string(), "boolean": pa.bool_(), "integer": pa.int32(),
    "bigint": pa.int64(), "date": pa.date32(), "timestamp with time zone": pa.timestamp("us", tz="UTC"),
}  # fmt: skip
DECIMAL = re.compile(r"numeric\((\d+),(\d+)\)")
PARTITIONED_BY = ("lender", "business_date")  # in the path of a file, and so not in it
BLOCK = 8 << 20  # bytes of text that are held at a time, and become a row group; more where a row is longer


def schema(cursor: Cursor, entity: str) -> pa.Schema:
    """The columns of a raw table as Arrow has them, in their order, without those in the path."""
    cursor.execute(
        "select attname, format_type(atttypid, atttypmod) from pg_attribute where attrelid = to_regclass(%s) "
        "and attnum > 0 and not attisdropped and attname <> all(%s) order by attnum",
        [f"raw.{entity}", list(PARTITIONED_BY)],
    )
    return pa.schema([(name, _arrow(kind)) for name, kind in cursor.fetchall()])


def _arrow(kind: str) -> pa.DataType:
    decimal = DECIMAL.fullmatch(kind)
    return pa.decimal128(int(decimal[1]), int(decimal[2])) if decimal else TYPES[kind]


def write(cursor: Cursor, file: RawFile, sink: BinaryIO) -> None:
    """Write the rows of a file, none if the delivery has none, from what raw says of them."""
    columns = schema(cursor, file.entity)
    rows = SQL("select {} from {} where lender = {} and delivery_id = {}").format(
        SQL(", ").join(map(Identifier, columns.names)), Identifier("raw", file.entity), Literal(file.lender),
        Literal(file.delivery_id),
    )  # fmt: skip
    cursor.execute("set datestyle = 'ISO, YMD'; set timezone = 'UTC'")
    with copied(cursor, rows) as text, parquet.ParquetWriter(sink, columns, compression="zstd") as whole:
        if not text.longest:
            return
        written = 0
        for batch in _typed(text, columns):
            whole.write_batch(batch)
            written += batch.num_rows
        if written != cursor.rowcount:
            raise Infrastructure(f"Of {cursor.rowcount} rows of {file} {written} were written; the file is left out.")


def _typed(text: Copied, columns: pa.Schema) -> csv.CSVStreamingReader:
    """COPY writes null as nothing and the empty string in quotes."""
    block = max(BLOCK, text.longest)
    return csv.open_csv(
        text,
        read_options=csv.ReadOptions(column_names=columns.names, block_size=block, use_threads=False),
        parse_options=csv.ParseOptions(newlines_in_values=True),
        convert_options=csv.ConvertOptions(
            column_types=columns, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False,
            true_values=["t"], false_values=["f"],
        ),
    )  # fmt: skip
