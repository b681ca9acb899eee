"""Excel workbooks: the cells of one sheet as the texts that Excel shows.

What a cell holds is not always what it shows: a date is a number with a format, a rate of 18 % is 0.18. A date is
written as the contract writes that column's dates. A plain number in a column of dates stays a number, so that it
is rejected as a row: nothing says which day it means.
"""

from __future__ import annotations

import datetime as dt
import re
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from functools import lru_cache
from itertools import islice, repeat, zip_longest
from typing import Any, BinaryIO

from openpyxl import load_workbook
from openpyxl.packaging.manifest import Manifest
from openpyxl.utils import get_column_letter
from openpyxl.workbook import Workbook
from openpyxl.xml.constants import (
    ARC_CONTENT_TYPES,
    ARC_CORE,
    ARC_CUSTOM,
    ARC_STYLE,
    ARC_WORKBOOK,
    SHARED_STRINGS,
    XLSM,
    XLSX,
    XLTM,
    XLTX,
)
from openpyxl.xml.functions import fromstring

from arrears.contract.model import TableField
from arrears.delivery.cell_errors import CELL_ERRORS
from arrears.delivery.fault import BrokenFile, BrokenWorkbook, Fault
from arrears.delivery.files import BLOCK, DeliveryFile
from arrears.delivery.header import NOT_EVEN_A_HEADER, column_faults
from arrears.delivery.lines import LONGEST_LINE
from arrears.delivery.pii import Treatment, treat_rows, treatments
from arrears.delivery.rendering import ISO_DATE, date_format, rendered
from arrears.delivery.stream import PiiKey, RowStream

BATCH = 5_000
# An honest sheet of a million rows is smaller unpacked; a few kilobytes can be made that unpack to petabytes.
LARGEST_UNPACKED = 4 << 30
# Of a sheet one row is held in memory at a time. Everything else may be held whole: most of it are the texts of cells.
SHEETS = "xl/worksheets/"
LARGEST_BESIDE_SHEETS = 128 << 20
# What openpyxl makes objects of takes a hundred times its size; all the formats that Excel allows fit into this.
LARGEST_DESCRIPTION = 8 << 20
TOO_MUCH = "the workbook unpacks to more than a workbook of rows can hold; ask what it is"
DESCRIPTIONS = {ARC_CONTENT_TYPES, ARC_WORKBOOK, ARC_STYLE, ARC_CORE, ARC_CUSTOM}
MOST_ROWS = 1 << 20
FIRST_INEXACT = 10**15  # Excel keeps 15 digits of a number
OLD_FORMAT = bytes.fromhex("d0cf11e0a1b11ae1")  # what .xls and encrypted workbooks begin with

# openpyxl warns of every style and extension that it leaves out.
warnings.filterwarnings("ignore", category=UserWarning, module="openpyxl")

Cells = tuple[Any, ...]  # ReadOnlyCell, or an EmptyCell where the sheet has none


class WorkbookStream(RowStream):
    """The rows of one sheet below its header."""

    def __init__(self, file: DeliveryFile, pii_key: PiiKey) -> None:
        super().__init__(file, pii_key)
        self._header_row = (self.resource.dialect.header_rows or [1])[0]
        self.first_line = self._header_row + 1
        self._columns = self.resource.table.columns()

    def _rows(self) -> Iterator[bytes]:
        personal = [
            (position, _unless_error(treat) if self._columns[position].arrears.pii == "hash" else treat)
            for position, treat in treatments(self.resource, self._pii_key)
        ]
        with self.file.open_anywhere() as source:
            first = self.first_line
            for batch in self._batches(self._data_rows(source)):
                treat_rows(batch, personal)
                yield rendered(self.file, batch, first)
                first += len(batch)

    def _batches(self, rows: Iterator[list[str | None]]) -> Iterator[list[list[str | None]]]:
        """Rows to be written together, bounded by their text: many cells may share one that is long."""
        batch, size = list[list[str | None]](), 0
        for number, row in enumerate(rows, start=self.first_line):
            length = sum(len(text) for text in row if text)
            if length > LONGEST_LINE:
                raise self._broken(f"a row of more than {LONGEST_LINE:,} characters: is this a table?", number)
            batch.append(row)
            size += length
            if len(batch) == BATCH or size > BLOCK:
                yield batch
                batch, size = [], 0
        if batch:
            yield batch

    # ── the workbook ─────────────────────────────────────────────────────────────────────────────────────

    @contextmanager
    def _sound_workbook(self) -> Iterator[None]:
        """Says that a file is no workbook: openpyxl raises whatever its parsers meet, of any type."""
        try:
            yield
        except (BrokenFile, OSError):
            raise
        except Exception as error:
            rule = f"not an Excel workbook, or a damaged one ({type(error).__name__}); ask for it to be sent again"
            raise self._unreadable(rule) from error

    def _unreadable(self, rule: str) -> BrokenWorkbook:
        return BrokenWorkbook(Fault(self.file.path, rule))

    def _sheet_rows(self, source: BinaryIO, *, values: bool) -> Iterator[Cells]:
        """The rows of the sheet from row 1 on: values as last calculated, or else the formulas behind them."""
        with self._sound_workbook():
            book = load_workbook(source, read_only=True, data_only=values, keep_links=False)
            sheet = self._sheet(book)
            sheet.reset_dimensions()  # the size that a sheet claims is often wrong, either way
            for number, cells in enumerate(sheet.iter_rows(), start=1):
                if number > MOST_ROWS:
                    raise self._broken(f"more than the {MOST_ROWS:,} rows that a sheet can have")
                yield cells

    def _sheet(self, book: Workbook) -> Any:
        name = self.resource.dialect.sheet_name
        sheets = {sheet.title: sheet for sheet in book.worksheets}
        if not sheets or (name is not None and name not in sheets):
            raise self._broken(f"the workbook has no sheet '{name or ''}'; its sheets are {', '.join(sheets)}")
        return book.worksheets[0] if name is None else sheets[name]

    def _guard(self, source: BinaryIO) -> bool:
        """Refuse what is no workbook or unpacks to too much. Returns whether there are formulas in it."""
        if source.read(len(OLD_FORMAT)) == OLD_FORMAT:
            rule = "an old .xls workbook, or one locked with a password; ask for .xlsx without a password"
            raise self._unreadable(rule)
        with self._sound_workbook(), zipfile.ZipFile(source) as archive:
            if unpacks_to_too_much(archive):
                raise self._unreadable(TOO_MUCH)
            return any(_mentions_formula(archive, name) for name in archive.namelist() if name.startswith(SHEETS))

    # ── rows ─────────────────────────────────────────────────────────────────────────────────────────────

    def _data_rows(self, source: BinaryIO) -> Iterator[list[str | None]]:
        """The rows below the header, without the empty ones at the end."""
        formulas = self._sheet_rows(source, values=False) if self._guard(source) else repeat(())
        rows = zip(self._sheet_rows(source, values=True), formulas, strict=False)
        cells, _ = next(islice(rows, self._header_row - 1, None), ((), ()))
        self._check_header(cells)
        empty = 0
        for number, (cells, behind) in enumerate(rows, start=self.first_line):
            self._check_calculated(cells, behind, number)
            row = self._row(cells, number)
            if not any(row):
                empty += 1
                continue
            yield from (list[str | None]([None] * len(row)) for _ in range(empty))
            empty = 0
            yield row

    def _check_header(self, cells: Cells) -> None:
        names = [(_text(cell, None) or "").strip() for cell in cells]
        while names and not names[-1]:
            names.pop()
        if not names:
            raise self._broken(NOT_EVEN_A_HEADER)
        row = self._header_row
        blanks = [_place(position, row) for position, name in enumerate(names, start=1) if not name]
        faults = [
            Fault(self.file.path, f"the header is empty in cell {place}: are cells merged?", line=row)
            for place in blanks
        ]
        faults += column_faults(self.file, [name for name in names if name], row)
        if faults:
            raise BrokenFile(*faults)

    def _check_calculated(self, cells: Cells, behind: Cells, number: int) -> None:
        """A formula that was never calculated shows nothing; Excel would show its result, if only an empty text."""
        for position, formula in enumerate(behind[: len(self._columns)]):
            shown = cells[position]
            if formula.data_type == "f" and shown.value is None and shown.data_type != "str":
                rule = (
                    f"the formula in cell {_place(position + 1, number)} was never calculated; save it in Excel first"
                )
                raise self._broken(rule, number)

    def _row(self, cells: Cells, number: int) -> list[str | None]:
        width = len(self._columns)
        for position, cell in enumerate(cells, start=1):
            if position > width and cell.value not in (None, ""):
                rule = f"a value in cell {_place(position, number)}, where the header has no column"
                raise self._broken(rule, number)
            if isinstance(cell.value, int | float) and abs(cell.value) >= FIRST_INEXACT:
                # Of two identity or loan numbers the last digits are gone: they would be one.
                rule = (
                    f"a number of more than 15 digits in cell {_place(position, number)}: Excel has lost the others; "
                    "ask for the column to be written as text"
                )
                raise self._broken(rule, number, self._columns[position - 1].name)
        return [_text(cell, column) if cell else None for column, cell in zip_longest(self._columns, cells[:width])]


def _place(column: int, row: int) -> str:
    return f"{get_column_letter(column)}{row}"


def unpacks_to_too_much(archive: zipfile.ZipFile) -> bool:
    """Whether a workbook is larger than one of rows can be, or what has to be held of it larger than memory."""
    unpacked = {member.filename: member.file_size for member in archive.infolist()}
    return sum(unpacked.values()) > LARGEST_UNPACKED or not _fits_memory(archive, unpacked)


def _fits_memory(archive: zipfile.ZipFile, unpacked: dict[str, int]) -> bool:
    """Whether what openpyxl reads whole is small enough. It finds some parts by their type, under any name.

    unpacked: size of every part.
    """
    if unpacked.get(ARC_CONTENT_TYPES, 0) > LARGEST_DESCRIPTION:
        return False
    parts = Manifest.from_tree(fromstring(archive.read(ARC_CONTENT_TYPES))).Override
    texts = {part.PartName[1:] for part in parts if part.ContentType == SHARED_STRINGS}
    books = {part.PartName[1:] for part in parts if part.ContentType in (XLSX, XLSM, XLTX, XLTM)}
    described = [name for name in unpacked if name in DESCRIPTIONS or name in books or name.endswith(".rels")]
    if any(unpacked[name] > LARGEST_DESCRIPTION for name in described):
        return False
    beside = (size for name, size in unpacked.items() if name in texts or not name.startswith(SHEETS))
    return sum(beside) <= LARGEST_BESIDE_SHEETS


def _mentions_formula(archive: zipfile.ZipFile, name: str) -> bool:
    with archive.open(name) as member:
        end = b""
        while block := member.read(BLOCK):
            if b"<f>" in (seen := end + block) or b"<f " in seen:
                return True
            end = block[-2:]
    return False


# ── cells as Excel shows them ────────────────────────────────────────────────────────────────────────────


def _text(cell: Any, column: TableField | None) -> str | None:
    """What a cell shows, or null for an empty one; a date as the column writes its dates."""
    value = cell.value
    if cell.data_type == "e" and value not in CELL_ERRORS:
        return "#VALUE!"  # one that a later Excel has
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _percent(value) if _shows_percent(cell.number_format) else _number(value)
    if isinstance(value, dt.datetime):
        return _moment(value, column)
    return str(value)  # a time of day, or a length of time


def _unless_error(treat: Treatment) -> Treatment:
    """Leaves errors of cells as they are, so that their rows are rejected: as a hash one would be somebody."""
    return lambda value: value if value.strip() in CELL_ERRORS else treat(value)


def _number(value: float) -> str:
    """The 15 significant digits that Excel keeps, never with an exponent."""
    return str(value) if isinstance(value, int) else format(Decimal(format(value, ".15g")), "f")


def _percent(value: float) -> str:
    return format((Decimal(_number(value)) * 100).normalize(), "f") + "%"


@lru_cache(maxsize=1000)
def _shows_percent(number_format: str) -> bool:
    """Whether a number format has a percent sign that is not mere text in it."""
    return "%" in re.sub(r'"[^"]*"|\\.|\[[^\]]*\]', "", number_format)


def _moment(value: dt.datetime, column: TableField | None) -> str:
    if (column is not None and column.type == "datetime") or value.time() != dt.time():
        return value.isoformat()
    pattern = date_format(column) if column is not None and column.type == "date" else ISO_DATE
    # Not strftime: it needs a locale that has the characters of the pattern.
    return pattern.replace("%Y", f"{value:%Y}").replace("%m", f"{value:%m}").replace("%d", f"{value:%d}")
