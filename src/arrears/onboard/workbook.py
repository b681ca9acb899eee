"""Samples of Excel workbooks: every sheet that holds a table, its header found below a title."""

from __future__ import annotations

import datetime as dt
import re
import warnings
import zipfile
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

from openpyxl import load_workbook

from arrears.delivery.excel import TOO_MUCH, unpacks_to_too_much
from arrears.errors import Refused
from arrears.onboard.sample import MOST_ROWS, Column, Sample, unreadable
from arrears.onboard.text import looks_like_header, named

ROWS_ABOVE = 20  # in which the header is looked for


def read_workbook(path: Path) -> list[Sample]:
    """The sample of every sheet that holds a table."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of styles and extensions that are left out
            with zipfile.ZipFile(path) as archive:
                too_much = unpacks_to_too_much(archive)
            if too_much:
                raise unreadable(path, TOO_MUCH)
            book = load_workbook(path, read_only=True, data_only=True, keep_links=False)
            sheets = [(sheet.title, _rows(sheet)) for sheet in book.worksheets]
            book.close()
    except Refused:
        raise
    except Exception as error:  # whatever openpyxl's parsers meet, of any type
        raise unreadable(path, f"it is not an Excel workbook, or a damaged one ({type(error).__name__})") from error
    samples = [sample for title, rows in sheets if (sample := _sheet(path, title, rows)) is not None]
    if not samples:
        raise unreadable(path, "none of its sheets holds a table with a header")
    return samples


def _rows(sheet: Any) -> list[list[Any]]:
    sheet.reset_dimensions()  # the size that a sheet claims is often wrong
    rows = [list(row) for row in islice(sheet.iter_rows(), MOST_ROWS + ROWS_ABOVE)]
    while rows and not any(_text(cell) for cell in rows[-1]):
        rows.pop()
    return rows


def _sheet(path: Path, title: str, rows: list[list[Any]]) -> Sample | None:
    texts = [[_text(cell) or "" for cell in row] for row in rows[:ROWS_ABOVE]]
    width = max((len(_filled(row)) for row in texts), default=0)
    header = next((n for n, row in enumerate(texts) if looks_like_header(_filled(row), width)), None)
    if header is None:
        return None
    body = rows[header + 1 :]
    whole = len(rows) < MOST_ROWS + ROWS_ABOVE
    sample = Sample(path, "xlsx", [], len(body), whole, header_row=header + 1, sheet=title)
    for position, name in enumerate(named(_filled(texts[header]), sample)):
        cells = [row[position] if position < len(row) else None for row in body]
        sample.columns.append(Column(name, [_text(cell) for cell in cells], _type(cells)))
    return sample


def _filled(row: list[str]) -> list[str]:
    """The row up to its last cell with something in it."""
    last = max((number for number, cell in enumerate(row, start=1) if cell.strip()), default=0)
    return row[:last]


def _type(cells: list[Any]) -> str | None:
    """Cells that are dates are dates; a number may be anything that its digits make of it."""
    given = {type(cell.value) for cell in cells if cell is not None and cell.value is not None}
    if given == {bool}:
        return "boolean"
    if given and given <= {dt.datetime, dt.date}:
        moments = any(isinstance(cell.value, dt.datetime) and cell.value.time() != dt.time() for cell in cells if cell)
        return "datetime" if moments else "date"
    return None


def _text(cell: Any) -> str | None:
    """What the cell shows."""
    value = None if cell is None else cell.value
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        shown = Decimal(format(value, ".15g"))
        percent = "%" in re.sub(r'"[^"]*"|\\.|\[[^\]]*\]', "", cell.number_format)
        return format((shown * 100).normalize(), "f") + "%" if percent else format(shown, "f")
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat()
    return str(value)
