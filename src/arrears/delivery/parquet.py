"""Parquet: columns found by name, in any order, each written as the text that the contract's types are read from.

Decimals keep every digit, floats are written with the fewest digits that give the same number, moments as ISO 8601
with their zone. A moment without a zone is written without one: the contract's time zone then holds.

A page of a few bytes can stand for long values without number, so the longer the values, the fewer rows are read at a
time. Limit: what a file says of its own sizes and encodings is believed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types
from pyarrow.parquet import ParquetFile

from arrears.contract.model import TableField
from arrears.delivery.columns import written
from arrears.delivery.fault import BrokenFile, Fault
from arrears.delivery.header import column_faults
from arrears.delivery.lines import LONGEST_LINE
from arrears.delivery.pii import treatments
from arrears.delivery.rendering import ISO_DATE, date_format
from arrears.delivery.stream import RowStream

BATCH = 8_192  # rows at most
MIDNIGHT = r"T00:00:00(\.0+)?$"
LARGEST_BATCH = 1 << 24  # bytes of text
FEWEST = 16  # rows, for a column may be known by the size of all its values only
READ_AHEAD = 1 << 20  # bytes per column: a column of a row group is not held in memory whole


class ParquetStream(RowStream):
    """The rows of a Parquet file. Its rows are counted from 1; there is no header line."""

    def _rows(self) -> Iterator[bytes]:
        personal = treatments(self.resource, self._pii_key)
        columns = self.resource.table.columns()
        with self.file.open_anywhere() as source, self._sound_file():
            table = ParquetFile(source, buffer_size=READ_AHEAD, pre_buffer=False)
            self._check_schema(table.schema_arrow)
            first = 1
            for batch in table.iter_batches(self._rows_at_a_time(table, source), use_threads=False):
                texts = [self._texts(batch.column(column.name), column, first) for column in columns]
                yield written(self.file, texts, personal, first)
                first += batch.num_rows

    @contextmanager
    def _sound_file(self) -> Iterator[None]:
        try:
            yield
        except (pa.ArrowException, UnicodeDecodeError, OSError) as error:  # a column's name may be any bytes
            if isinstance(error, OSError) and error.errno is not None:
                raise
            what = str(error).partition("\n")[0]
            raise self._broken(f"not a Parquet file, or a damaged one ({what}); ask for it to be sent again") from error

    def _check_schema(self, schema: pa.Schema) -> None:
        faults = list(column_faults(self.file, schema.names, None, ordered=False))
        if faults:
            raise BrokenFile(*faults)
        faults = [
            Fault(self.file.path, f"a column of {schema.field(field.name).type}, which cannot hold a {field.type}",
                  column=field.name)
            for field in self.resource.table.fields
            if not _can_hold(schema.field(field.name).type, field.type)
        ]  # fmt: skip
        if faults:
            raise BrokenFile(*faults)

    def _rows_at_a_time(self, table: ParquetFile, source: BinaryIO) -> int:
        try:
            return rows_at_a_time(table, source)
        except LongValue as long:
            raise self._too_long(str(long), None) from None

    def _too_long(self, name: str, line: int | None) -> BrokenFile:
        rule = f"a value of more than {LONGEST_LINE:,} bytes, which is no value of a table; ask for it to be left out"
        return self._broken(rule, line, name)

    def _texts(self, values: pa.Array, column: TableField, first: int) -> pa.Array:
        try:
            values.validate(full=True)  # nothing in the format keeps text from being other bytes
        except pa.ArrowInvalid as error:
            raise self._broken("text that is not UTF-8; ask for it to be sent again", column=column.name) from error
        if types.is_dictionary(values.type):
            values = values.dictionary_decode()
        lost = _first_inexact(values) if column.type != "number" else -1
        if lost >= 0:
            # Of two identity or loan numbers the last digits are gone: they would be one.
            rule = f"a number with more digits than a {values.type} keeps; ask for the column to be written as text"
            raise self._broken(rule, first + lost, column.name)
        texts = _text(values, column)
        if texts.nbytes > LONGEST_LINE:
            long = pc.index(pc.greater(pc.binary_length(texts), LONGEST_LINE), True).as_py()
            if long >= 0:
                raise self._too_long(column.name, first + long)
        return texts


# ── how long values are ──────────────────────────────────────────────────────────────────────────────────


class LongValue(Exception):
    """The column of this name has a value that is none of a table."""


def rows_at_a_time(table: ParquetFile, source: BinaryIO) -> int:
    """So many that they make no more than LARGEST_BATCH even if every value is as long as its column's longest.

    Raises:
        LongValue: there is one that is longer than any line may be.
    """
    names = [column.name for column in table.schema_arrow if _is_long_text(column.type)]
    longest = dict.fromkeys(names, 1)
    reader = ParquetFile(
        source, metadata=table.metadata, read_dictionary=names, buffer_size=READ_AHEAD, pre_buffer=False
    )
    for group in range(table.num_row_groups):
        for chunk in _chunks(table, group):
            name = chunk.path_in_schema
            if name in longest:
                longest[name] = max(longest[name], _longest(reader, group, chunk))
    return min(BATCH, max(FEWEST, LARGEST_BATCH // max(1, sum(longest.values()))))


def _longest(reader: ParquetFile, group: int, chunk: Any) -> int:
    """Bytes of a column's longest value in a row group, or what stands for it where that cannot be known.

    reader: gives the column as a dictionary.
    """
    size = int(chunk.total_uncompressed_size)
    if "DELTA_BYTE_ARRAY" in chunk.encodings:  # a value may begin as the one before it, again and again
        return size
    average = size // max(1, int(chunk.num_values))
    if not any("DICTIONARY" in encoding for encoding in chunk.encodings):
        return average
    name = chunk.path_in_schema
    row = next(reader.iter_batches(1, row_groups=[group], columns=[name], use_threads=False), None)
    lengths = pc.binary_length(row.column(0).dictionary) if row is not None else pa.array([], pa.int32())
    longest = int(pc.max(lengths).as_py() or 0)
    if longest > LONGEST_LINE:
        raise LongValue(name)
    return max(average, longest)


# ── types ────────────────────────────────────────────────────────────────────────────────────────────────

_IsType = Callable[[pa.DataType], bool]


def _is_text(kind: pa.DataType) -> bool:
    return any(holds(kind) for holds in (types.is_string, types.is_large_string, types.is_string_view, types.is_null))


def _is_long_text(kind: pa.DataType) -> bool:
    """Whether values of this type may be of any length."""
    kind = kind.value_type if types.is_dictionary(kind) else kind
    return _is_text(kind) and not types.is_null(kind)


def _chunks(table: ParquetFile, group: int) -> Iterator[Any]:
    """What the file says of each column of a row group."""
    described = table.metadata.row_group(group)
    return (described.column(number) for number in range(described.num_columns))


_NUMBERS: tuple[_IsType, ...] = (types.is_integer, types.is_floating, types.is_decimal)
_MOMENTS: tuple[_IsType, ...] = (types.is_date, types.is_timestamp)
_HOLDS: dict[str, tuple[_IsType, ...]] = {
    "string": (*_NUMBERS, *_MOMENTS, types.is_boolean),
    "number": _NUMBERS,
    "integer": _NUMBERS,
    "boolean": (types.is_boolean, types.is_integer),
    "date": (*_MOMENTS, types.is_integer),
    "datetime": (types.is_timestamp,),
    "object": (),
}
_SIGNIFICANT_BITS: dict[_IsType, int] = {types.is_float64: 53, types.is_float32: 24, types.is_float16: 11}


def _can_hold(kind: pa.DataType, wanted: str) -> bool:
    """Whether a column of this type can bring a field of the contract: text can bring any that is no object."""
    if types.is_dictionary(kind):
        kind = kind.value_type
    return wanted != "object" and any(holds(kind) for holds in (_is_text, *_HOLDS[wanted]))


# ── values as text ───────────────────────────────────────────────────────────────────────────────────────


def _text(values: pa.Array, column: TableField) -> pa.Array:
    """The values as texts, or as a type that CSV writes as it should be."""
    if types.is_floating(values.type) or types.is_decimal(values.type):
        return _without_exponents(values)
    if types.is_timestamp(values.type):
        return _moments(values, column)
    if types.is_date(values.type) and column.type == "date" and (pattern := date_format(column)) != ISO_DATE:
        return pc.strftime(values, pattern)  # which takes many times as long as the cast below, of ISO dates
    if types.is_integer(values.type) or types.is_boolean(values.type):
        return values
    return values.cast(pa.string())


def _without_exponents(values: pa.Array) -> pa.Array:
    """Numbers as digits and a point: Arrow writes large and small ones as 1e-7."""
    if types.is_float16(values.type):
        values = values.cast(pa.float32())
    texts = values.cast(pa.string())
    if not pc.any(pc.match_substring(texts, "e", ignore_case=True)).as_py():
        return texts
    return pa.array([_plain(text) for text in texts.to_pylist()], pa.string())


def _first_inexact(values: pa.Array) -> int:
    """Place of the first float that is so large that the next whole number may have been written as the same; or -1."""
    for holds, bits in _SIGNIFICANT_BITS.items():
        if holds(values.type):
            sizes = pc.abs(values.cast(pa.float64()))
            return int(pc.index(pc.and_(pc.is_finite(sizes), pc.greater_equal(sizes, 2.0**bits)), True).as_py())
    return -1


def _plain(text: str | None) -> str | None:
    return format(Decimal(text), "f") if text is not None and "e" in text.lower() else text


def _moments(values: pa.Array, column: TableField) -> pa.Array:
    """ISO 8601. In a column of dates midnight is a date of it: some writers know no dates, only moments."""
    if values.type.unit == "ns":  # the warehouse keeps microseconds
        values = values.cast(pa.timestamp("us", values.type.tz), safe=False)
    if values.type.tz is not None:
        texts = pc.strftime(values, "%Y-%m-%dT%H:%M:%S%z")
        return pc.replace_substring_regex(texts, r"([+-]\d\d)(\d\d)$", r"\1:\2")
    texts = pc.strftime(values, "%Y-%m-%dT%H:%M:%S")
    if column.type != "date":
        return texts
    if (pattern := date_format(column)) == ISO_DATE:
        return pc.replace_substring_regex(texts, MIDNIGHT, "")
    return pc.if_else(pc.match_substring_regex(texts, MIDNIGHT), pc.strftime(values, pattern), texts)
