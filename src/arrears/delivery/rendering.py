"""Rows of texts as CSV: comma, `"`, newline `\\n`; null is empty without quotes. How dates are written as text."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Literal

from arrears.contract.model import TableField
from arrears.delivery.fault import BrokenFile, Fault
from arrears.delivery.files import DeliveryFile

Row = Sequence[str | None]

ISO_DATE = "%Y-%m-%d"


def rendered(file: DeliveryFile, rows: Sequence[Row], first_line: int) -> bytes:
    """The rows as UTF-8.

    Args:
        file: where they come from, for the message.
        rows: one text or null per column of the contract.
        first_line: line of the first of them; each row is one line.

    Raises:
        BrokenFile: a text that the warehouse cannot store (the character NUL, half of a surrogate pair).
    """
    text = _written(rows, csv.QUOTE_MINIMAL)
    if "\r" in text:
        text = _written(rows, csv.QUOTE_ALL)  # outside quotes it would end the row, and the writer sets none
    try:
        if "\0" not in text:
            return text.encode()
    except UnicodeEncodeError:
        pass
    raise unstorable(file, rows, first_line)


def date_format(column: TableField) -> str:
    """How to write the date of a cell that holds a date, not a text, so that it is read in that column (strptime)."""
    formats = [pattern for pattern in (column.format, *(column.arrears.formats or [])) if "%" in pattern]
    whole = (pattern for pattern in formats if "%d" in pattern)
    return next(whole, formats[0] if formats else ISO_DATE)


def _written(rows: Sequence[Row], quoting: Literal[0, 1]) -> str:
    sink = io.StringIO()
    csv.writer(sink, lineterminator="\n", quoting=quoting).writerows(rows)
    return sink.getvalue()


def unstorable(file: DeliveryFile, rows: Sequence[Row], first_line: int) -> BrokenFile:
    """A fault for every value of the rows that the warehouse cannot store."""
    names = [column.name for column in file.resource.table.columns()]
    rule = "a character that no text can hold (NUL, or half of a surrogate pair); ask for it to be sent without"
    return BrokenFile(*(
        Fault(file.path, rule, line=line, column=name)
        for line, row in enumerate(rows, start=first_line)
        for name, value in zip(names, row, strict=True)
        if value is not None and ("\0" in value or any("\ud800" <= character <= "\udfff" for character in value))
    ))  # fmt: skip
