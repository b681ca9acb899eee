"""Samples of Parquet: the types are the file's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import types
from pyarrow.parquet import ParquetFile

from arrears.delivery.parquet import LongValue, rows_at_a_time
from arrears.onboard.sample import MOST_ROWS, Column, Sample, unreadable


def read_parquet(path: Path) -> Sample:
    """The sample of a Parquet file."""
    try:
        with path.open("rb") as source, ParquetFile(source, pre_buffer=False) as file:
            batches = file.iter_batches(min(MOST_ROWS, rows_at_a_time(file, source)), use_threads=False)
            first = next(batches, None)
            schema, rows = file.schema_arrow, file.metadata.num_rows
    except LongValue as long:
        raise unreadable(
            path, f"column {long} has a value that is none of a table; ask for it to be left out"
        ) from None
    except (pa.ArrowException, OSError) as error:
        what = str(error).partition("\n")[0]
        raise unreadable(path, f"it is not a Parquet file, or a damaged one ({what})") from error
    read = first.num_rows if first is not None else 0
    sample = Sample(path, "parquet", [], read, read == rows, header_row=0)
    for field in schema:
        kind = _type(field.type)
        if kind is None:
            sample.doubts.append(f"'{field.name}' is of type {field.type}, which is not read: have it flattened")
        values = first.column(field.name).to_pylist() if first is not None else []
        sample.columns.append(Column(field.name, [_text(value) for value in values], kind or "string"))
    return sample


def _type(kind: pa.DataType) -> str | None:
    if types.is_dictionary(kind):
        kind = kind.value_type
    if types.is_nested(kind):
        return None
    for is_type, name in (
        (types.is_integer, "integer"), (types.is_floating, "number"), (types.is_decimal, "number"),
        (types.is_date, "date"), (types.is_timestamp, "datetime"), (types.is_boolean, "boolean"),
    ):  # fmt: skip
        if is_type(kind):
            return name
    return "string"


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
