"""JSON Lines: one object a line. Numbers keep the digits they are written with; objects are taken apart.

Lines are read many at once where they are as they should be (`json_columns`), and one by one where they are not: that
takes two and a half times as long, and says what is wrong. Both give the same rows.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from arrears.contract.model import Manifest
from arrears.delivery.columns import written
from arrears.delivery.fault import BrokenFile, Fault
from arrears.delivery.files import DeliveryFile
from arrears.delivery.json_columns import JsonColumns
from arrears.delivery.lines import utf8_lines
from arrears.delivery.pii import treat_rows, treatments
from arrears.delivery.rendering import rendered
from arrears.delivery.stream import PiiKey, RowStream

TEXT_OR_NULL = {str, type(None)}
SINGLE = {*TEXT_OR_NULL, bool}


class _Twice(ValueError):
    """A key that stands twice in one object."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        names = [name for name, _ in pairs]
        raise _Twice(next(name for name in names if names.count(name) > 1))
    return made


# A number is kept as its text: as a float it would lose digits.
_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_float=str, parse_int=str, parse_constant=str)


class JsonLinesStream(RowStream):
    """The lines of a JSON Lines file as rows. A key that a line leaves out is null in it."""

    def __init__(self, file: DeliveryFile, pii_key: PiiKey) -> None:
        super().__init__(file, pii_key)
        fields = self.resource.table.fields
        self._known = {field.name for field in fields}
        self._objects = {
            field.name: {part.name: f"{field.name}.{part.name}" for part in field.arrears.parts or []}
            for field in fields
            if field.type == "object"
        }
        self._names = [column.name for column in self.resource.table.columns()]
        self._unseen = set(self._names)

    def _rows(self) -> Iterator[bytes]:
        personal = treatments(self.resource, self._pii_key)
        columns = JsonColumns(self.resource.table)
        first, blank = 1, 0
        for block in utf8_lines(self.file):
            # Columns do not tell a key that is not there from a null, so they wait until every key has been seen.
            texts = columns.read(block) if not (self._unseen or blank) else None
            if texts is not None:
                yield written(self.file, texts, personal, first)
                first += len(texts[0])
                continue
            lines, blank = self._not_blank(block, first, blank)
            rows = [self._row(line, number) for number, line in enumerate(lines, start=first)]
            treat_rows(rows, personal)
            yield rendered(self.file, rows, first)
            first += len(rows)
        if first == 1:
            self._refuse_emptiness()
        elif self._unseen:
            rule = "the column is missing from every line"
            raise BrokenFile(
                *(Fault(self.file.path, rule, column=name) for name in self._names if name in self._unseen)
            )

    def _not_blank(self, block: bytes, first: int, blank: int) -> tuple[list[str], int]:
        """The lines without the blank ones at the end, and on which line those begin (0: none yet).

        first: line of the first of them; blank: where blank lines before them begin.
        """
        lines = block.decode().removesuffix("\n").split("\n")
        kept = [line for line in lines if line and not line.isspace()]
        if blank or len(kept) < len(lines):
            for number, line in enumerate(lines, start=first):
                if not line.strip():
                    blank = blank or number
                elif blank:
                    raise self._broken("a blank line between others", blank)
        return kept, blank

    def _refuse_emptiness(self) -> None:
        """A file without a line says nothing; that it is whole must be said by a manifest."""
        if not isinstance(self.resource.arrears.control, Manifest):
            raise self._broken("the file is empty; ask for it to be sent again")

    def _row(self, line: str, number: int) -> list[str | None]:
        value = self._parsed(line, number)
        if not value.keys() <= self._known:
            raise BrokenFile(*self._unknown(value, number))
        for name, parts in self._objects.items():
            self._take_apart(value, name, parts, number)
        if self._unseen:
            self._unseen.difference_update(value)
        row = list(map(value.get, self._names))
        kinds = set(map(type, row))
        if kinds <= TEXT_OR_NULL:
            return row
        if not kinds <= SINGLE:
            raise BrokenFile(*self._not_single(row, number))
        return ["true" if held is True else "false" if held is False else held for held in row]

    def _parsed(self, line: str, number: int) -> dict[str, Any]:
        try:
            value = _DECODER.decode(line)
        except _Twice as error:
            raise self._broken("the key stands twice in the object", number, self._shown(str(error))) from None
        except json.JSONDecodeError as error:
            # Not chained: the error carries the line, and the line may hold personal data.
            raise self._broken(f"not JSON ({error.msg} at character {error.colno})", number) from None
        except RecursionError:
            raise self._broken("not JSON as we read it (nested too deeply)", number) from None
        if not isinstance(value, dict):
            raise self._broken("not a JSON object: each line holds one, from { to }", number)
        return value

    def _shown(self, name: str) -> str | None:
        """A key that the contract knows; another may be anything."""
        return name if name in self._known or any(name in parts for parts in self._objects.values()) else None

    def _unknown(self, value: dict[str, Any], number: int) -> Iterator[Fault]:
        if not value.keys() & self._known:
            yield Fault(self.file.path, "no column of the contract in it: is it the right file?", line=number)
            return
        for name in value:
            if name not in self._known:
                yield Fault(self.file.path, "a column that the contract does not know", line=number, column=name)

    def _take_apart(self, value: dict[str, Any], name: str, parts: dict[str, str], number: int) -> None:
        """Put an object's members beside it, as columns of their own."""
        if name not in value or not parts:
            return
        inner = value[name]
        if inner is None:
            inner = {}
            self._unseen.difference_update(parts.values())
        if not isinstance(inner, dict):
            raise self._broken("not an object, which the contract says it is", number, name)
        for part in inner:
            if part not in parts:
                rule = "a column that the contract does not know"
                raise self._broken(rule, number, f"{name}.{part}")
        value.update({parts[part]: held for part, held in inner.items()})

    def _not_single(self, row: list[Any], number: int) -> Iterator[Fault]:
        for name, value in zip(self._names, row, strict=True):
            if isinstance(value, dict | list):
                kind = "an object" if isinstance(value, dict) else "an array"
                rule = f"{kind}, where the contract has a single value"
                yield Fault(self.file.path, rule, line=number, column=name)
