"""Files of gzipped JSON Lines as tables: an object a line, a member a column, a nested one's parts `object.part`."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from itertools import groupby

from arrears.simulate.faults.form import Table, gunzipped, gzipped

_ENDING = ".gz"
_TRUTH_VALUES = ("false", "true")


def parse_jsonl(data: bytes, columns: Sequence[str]) -> Table:
    """A file as a table. columns: those of a file without rows, which shows none."""
    rows = [_cells(line) for line in _lines(data)]
    header = [column for column, _ in rows[0]] if rows else list(columns)
    return Table(header, [[text for _, text in row] for row in rows], first_line=1)


def render_jsonl(table: Table, numbers: Collection[str]) -> bytes:
    """A table as a file. numbers: columns whose cells are written bare where they are a number or truth value."""
    return gzipped(_ENDING, "".join(_line(table.header, row, numbers) + "\n" for row in table.rows).encode())


def count_lines(data: bytes) -> int:
    """Rows of a file. Raises OSError, EOFError or zlib.error for one that is broken."""
    if not data:
        raise EOFError("no bytes are no gzip file, not even one without rows")
    return len(_lines(data))


def _lines(data: bytes) -> list[bytes]:
    return [line for line in gunzipped(_ENDING, data).split(b"\n") if line]


def _cells(line: bytes) -> list[tuple[str, str]]:
    """An object's columns and their values as text, numbers to the letter."""
    cells = []
    for name, value in json.loads(line, parse_float=str, parse_int=str, object_pairs_hook=list):
        parts = [(f"{name}.{part}", v) for part, v in value] if isinstance(value, list) else [(name, value)]
        cells += [(column, _text_of(v)) for column, v in parts]
    return cells


def _text_of(value: str | bool | None) -> str:
    if value is None:
        return ""
    return _TRUTH_VALUES[value] if isinstance(value, bool) else value


def _line(header: list[str], row: list[str], numbers: Collection[str]) -> str:
    """A row as an object. Parts of one object that stand side by side go into one."""
    members: list[str] = []
    for outer, columns in groupby(zip(header, row, strict=True), key=lambda column: column[0].rpartition(".")[0]):
        parts = [f'"{name.rpartition(".")[2]}":{_value(text, bare=name in numbers)}' for name, text in columns]
        members += [f'"{outer}":{{{",".join(parts)}}}'] if outer else parts
    return "{" + ",".join(members) + "}"


def _value(text: str, *, bare: bool) -> str:
    if text == "":
        return "null"
    if bare and (text in _TRUTH_VALUES or _is_number(text)):
        return text
    return json.dumps(text, ensure_ascii=False)


def _is_number(text: str) -> bool:
    """Whether JSON would take a text for a number."""
    try:
        return text[0] in "-0123456789" and isinstance(json.loads(text), int | float)
    except ValueError:
        return False


__all__ = ["count_lines", "parse_jsonl", "render_jsonl"]
