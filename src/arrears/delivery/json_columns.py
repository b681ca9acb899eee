"""Lines of JSON as columns, many at once: those in which nothing is to be objected to, as nearly all are.

Arrow's parser keeps numbers as floats, so they are put in quotes before it sees them. What it does not take as it
stands (a key twice, an unknown one, an array, text that is no JSON) is for whoever reads line by line and can say
which, where and why.
"""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import json

from arrears.contract.model import TableField, TableSchema

# What a value that is no text begins with, behind its key. Where the value goes on (01, 1.5.2), or where this is found
# inside of a text, something stands behind a closing quote that may not stand there: no line is read as another than it
# was, only as none.
BARE = r'("[ \t]*:[ \t]*)(-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false)'
QUOTED = r'\1"\2"'


class JsonColumns:
    """Reads lines of a table's objects.

    Args:
        table: the table as the contract describes it.
    """

    def __init__(self, table: TableSchema) -> None:
        # An object of which the contract names no part may hold anything.
        self._readable = all(field.type != "object" or field.arrears.parts for field in table.fields)
        self._parse = json.ParseOptions(
            explicit_schema=pa.schema([(field.name, _kind(field)) for field in table.fields]),
            unexpected_field_behavior="error",
        )

    def read(self, block: bytes) -> list[pa.Array] | None:
        """Whole lines as one array of texts per column of the contract; None where they are to be read one by one.

        block: UTF-8. A number is the text it is written as; an absent key is null.
        """
        lines = _objects(block) if self._readable else 0
        if not lines:
            return None
        quoted = pc.replace_substring_regex(pa.array([block]), pattern=BARE, replacement=QUOTED)[0].as_buffer()
        options = json.ReadOptions(use_threads=False, block_size=quoted.size + 1)
        try:
            table = json.read_json(pa.BufferReader(quoted), options, self._parse)
        except pa.ArrowInvalid:
            return None
        return list(_columns(table)) if table.num_rows == lines else None


def _kind(field: TableField) -> pa.DataType:
    if field.type != "object":
        return pa.string()
    return pa.struct([(part.name, pa.string()) for part in field.arrears.parts or []])


def _objects(block: bytes) -> int:
    """How many lines there are, where each begins as an object and ends as one; else 0.

    Between } and { no object goes on, so if there are as many objects as lines, each line is one.
    """
    if not (block.startswith(b"{") and block.endswith((b"}", b"}\n"))):
        return 0
    lines = block.count(b"\n") + (not block.endswith(b"\n"))
    return lines if block.count(b"}\n{") == lines - 1 else 0


def _columns(table: pa.Table) -> Iterator[pa.Array]:
    """The columns, objects taken apart."""
    for column in table.combine_chunks().itercolumns():
        values = column.chunk(0)
        yield from values.flatten() if pa.types.is_struct(values.type) else [values]
