"""Parquet files: columns spelled from numbers at the speed of polars, and whole files as tables of text.

Numbers come as the simulator has them: amounts in the smallest unit, days and instants since 1970.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from arrears.simulate.book import Days, Ints
from arrears.simulate.faults.form import Table
from arrears.simulate.writers import Block, squeeze

Kinds = Mapping[str, Any]
"""Columns of a file, each with its Arrow type."""

# ── columns ─────────────────────────────────────────────────────────────────────────────────────────────────


def strings(block: Block) -> pl.Series:
    """Cells of a block as text."""
    ends = np.full((len(block), 1), ord("\n"), dtype=np.uint8)
    text = squeeze(np.concatenate([block, ends], axis=1)).decode()
    return pl.Series(text.split("\n")[:-1], dtype=pl.String)


def words(spelt: tuple[str | None, ...], codes: Ints) -> pl.Series:
    """Words by their position."""
    return pl.Series(spelt, dtype=pl.String).gather(codes)


def money(cents: Ints) -> pl.Series:
    """Amounts in hundredths as decimal(18,2)."""
    return decimal(cents, 18, 2)


def decimal(units: Ints, precision: int, scale: int) -> pl.Series:
    """Numbers in units of the last decimal place, exactly."""
    shifted = pl.lit(pl.Series(units).cast(pl.Decimal(38, scale))) / 10**scale
    return pl.select(shifted.cast(pl.Decimal(precision, scale))).to_series()


def whole(numbers: Ints) -> pl.Series:
    """Whole numbers in 32 bits."""
    return pl.Series(numbers, dtype=pl.Int32)


def days(numbers: Days | Ints) -> pl.Series:
    """Days since 1970-01-01 as dates."""
    return pl.Series(np.asarray(numbers, dtype=np.int32)).cast(pl.Date)


def instants(microseconds: Ints, zone: str) -> pl.Series:
    """Microseconds since 1970-01-01 00:00 UTC as instants that show the time of a zone."""
    return pl.Series(microseconds).cast(pl.Datetime("us", "UTC")).dt.convert_time_zone(zone)


def unless(where: npt.NDArray[np.bool_], series: pl.Series) -> pl.Series:
    """The series, null in some places."""
    return pl.select(pl.when(~pl.Series(where, dtype=pl.Boolean)).then(series)).to_series()


# ── files as tables ─────────────────────────────────────────────────────────────────────────────────────────


def parse_parquet(data: bytes) -> Table:
    """A file as a table."""
    found = pq.ParquetFile(io.BytesIO(data)).read()
    columns = [[_as_text(value) for value in column.to_pylist()] for column in found.columns]
    return Table(list(found.column_names), [list(row) for row in zip(*columns, strict=True)], first_line=1)


def render_parquet(table: Table, kinds: Kinds) -> bytes:
    """A table as a file: columns of their agreed types; of strings, where a cell is nothing of the type or no type was
    agreed."""
    columns = [
        _column(kinds.get(name, pa.string()), [row[k] for row in table.rows]) for k, name in enumerate(table.header)
    ]
    file = io.BytesIO()
    pq.write_table(pa.Table.from_arrays(columns, names=table.header), file, compression="zstd")
    return file.getvalue()


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, date) else str(value)


def _column(kind: Any, cells: list[str]) -> Any:
    read = _reader(kind)
    try:
        return pa.array([read(cell) if cell else None for cell in cells], type=kind)
    except ValueError:
        return pa.array([cell or None for cell in cells], type=pa.string())


def _reader(kind: Any) -> Callable[[str], Any]:
    """What reads a cell of a type, or raises ValueError. Python alone would read ６１２ as a number, and blanks too."""
    if pa.types.is_decimal(kind):
        return _matching(rf"-?\d{{1,{kind.precision - kind.scale}}}(\.\d{{1,{kind.scale}}})?", Decimal)
    if pa.types.is_integer(kind):
        return _matching(r"-?\d{1,9}", int)
    if pa.types.is_date(kind):
        return _matching(r"\d{4}-\d\d-\d\d", date.fromisoformat)
    if pa.types.is_boolean(kind):
        return _matching("true|false", "true".__eq__)
    if pa.types.is_timestamp(kind):
        return lambda text: datetime.fromisoformat(text).astimezone(ZoneInfo(kind.tz))
    return str


def _matching(pattern: str, read: Callable[[str], Any]) -> Callable[[str], Any]:
    def strictly(text: str) -> Any:
        if not re.fullmatch(pattern, text, flags=re.ASCII):
            raise ValueError(text)
        return read(text)

    return strictly


__all__ = [
    "Kinds",
    "days",
    "decimal",
    "instants",
    "money",
    "parse_parquet",
    "render_parquet",
    "strings",
    "unless",
    "whole",
    "words",
]
