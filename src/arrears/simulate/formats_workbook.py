"""Excel workbooks of text cells: one sheet a table, a title row merged over the columns, the header below it.

Sheets are written as blocks (see `writers`) wrapped in XML, because a writer that goes cell by cell takes twenty
times as long. A text stands in its own cell (`inlineStr`), an empty cell is left out. The same rows give the same
bytes: the archive carries no time of day.
"""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from tempfile import SpooledTemporaryFile
from typing import IO
from xml.sax.saxutils import escape, quoteattr

import numpy as np
import numpy.typing as npt
import openpyxl

from arrears.simulate.faults.form import Table
from arrears.simulate.writers import Block, Landing, constant, digits, squeeze

HEADER_ROW = 2
MOST_ROWS = 1_048_576 - HEADER_ROW
"""Rows that a sheet has room for below its header."""

_ROWS_AT_ONCE = 1 << 13
_IN_MEMORY = 1 << 22
_COPY = 1 << 20
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first moment that an archive can name
_FASTEST = 1

_DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_OPEN, _CLOSE = '" t="inlineStr"><is><t>', "</t></is></c>"


@dataclass(frozen=True)
class SheetHead:
    """What stands above a sheet's rows."""

    title: str
    header: Sequence[str]


class _Sheet:
    """The rows of one sheet as XML, on their way into the archive. The first row has number 1."""

    def __init__(self, name: str, head: SheetHead) -> None:
        self.name, self.width = name, len(head.header)
        self.rows = 0
        self._body: IO[bytes] = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115
        self._next = 1
        self.texts([[head.title], head.header])
        self.rows = 0

    def blocks(self, cells: Sequence[Block]) -> None:
        """Append rows given as one block a column."""
        for k in range(0, len(cells[0]), _ROWS_AT_ONCE):
            some = [cell[k : k + _ROWS_AT_ONCE] for cell in cells]
            self._took(len(some[0]))
            numbers = digits(np.arange(self._next, self._next + len(some[0])))
            self._body.write(squeeze(_row_xml(numbers, some)))
            self._next += len(some[0])

    def texts(self, rows: Iterable[Sequence[str]]) -> None:
        """Append rows given as texts."""
        for row in rows:
            self._took(1)
            cells = "".join(_cell_xml(self._next, k, text) for k, text in enumerate(row) if text)
            self._body.write(f'<row r="{self._next}">{cells}</row>'.encode())
            self._next += 1

    def _took(self, rows: int) -> None:
        self.rows += rows
        if self.rows > MOST_ROWS:
            raise ValueError(
                f"sheet {self.name} would have more than {MOST_ROWS:,} rows, which is all that a workbook holds: "
                "simulate fewer loans, or give the lender's profile a lower most_loans"
            )

    def copy_to(self, part: IO[bytes]) -> None:
        """Write the whole sheet."""
        last = f"{_letters(self.width - 1)}"
        part.write(f'{_DECLARATION}<worksheet xmlns="{_MAIN}"><sheetData>'.encode())
        self._body.seek(0)
        shutil.copyfileobj(self._body, part, _COPY)
        part.write(f'</sheetData><mergeCells count="1"><mergeCell ref="A1:{last}1"/></mergeCells></worksheet>'.encode())

    def close(self) -> None:
        self._body.close()


def _letters(column: int) -> str:
    """Name of a column, counted from 0: A, B … Z, AA."""
    return (_letters(column // 26 - 1) if column >= 26 else "") + chr(ord("A") + column % 26)


def _cell_xml(row: int, column: int, text: str) -> str:
    space = ' xml:space="preserve"' if text != text.strip() else ""
    return f'<c r="{_letters(column)}{row}{_OPEN[:-1]}{space}>{escape(text)}{_CLOSE}'


def _row_xml(numbers: Block, cells: Sequence[Block]) -> Block:
    rows = len(numbers)
    parts: list[Block] = [constant('<row r="', rows), numbers, constant('">', rows)]
    for k, cell in enumerate(cells):
        around = [constant(f'<c r="{_letters(k)}', rows), numbers, constant(_OPEN, rows), cell, constant(_CLOSE, rows)]
        there: npt.NDArray[np.bool_] = np.asarray(cell.any(axis=1))
        if not there.all():
            around = [np.where(there[:, None], part, np.uint8(0)) for part in around]
        parts += around
    return np.concatenate([*parts, constant("</row>", rows)], axis=1)


class WorkbookFile:
    """One workbook. Rows may be appended to any sheet at any time; the file is written when it is closed.

    landing: None counts rows without writing them. sheets: by name, in order.
    Raises ValueError where a sheet gets more rows than it has room for.
    """

    def __init__(self, landing: Landing | None, folder: str, name: str, sheets: Mapping[str, SheetHead]) -> None:
        self._landing, self._folder, self._name = landing, folder, name
        self._sheets = {sheet: _Sheet(sheet, head) for sheet, head in sheets.items()} if landing else {}
        self.bytes = 0

    @property
    def written(self) -> bool:
        """Whether there is a file, or only the counting of one."""
        return self._landing is not None

    def write(self, sheet: str, cells: Sequence[Block]) -> None:
        """Append rows, given as one block a column. Texts hold no &, < or >; a cell without text is left out."""
        if self._landing is not None and len(cells[0]):
            self._sheets[sheet].blocks(cells)

    def close(self) -> None:
        """Write the file."""
        if self._landing is None:
            return
        with SpooledTemporaryFile(max_size=_IN_MEMORY) as archive:
            _archive(archive, list(self._sheets.values()))
            self.bytes = archive.tell()
            archive.seek(0)
            with self._landing.open(self._folder, self._name) as file:
                shutil.copyfileobj(archive, file, _COPY)


def _archive(file: IO[bytes], sheets: Sequence[_Sheet]) -> None:
    with zipfile.ZipFile(file, "w") as archive:

        def put(name: str) -> IO[bytes]:
            entry = zipfile.ZipInfo(name, date_time=_EPOCH)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
            entry._compresslevel = _FASTEST  # type: ignore[attr-defined]  # open() takes it from nowhere else
            return archive.open(entry, "w", force_zip64=False)

        for name, text in _frame([sheet.name for sheet in sheets]).items():
            with put(name) as part:
                part.write((_DECLARATION + text).encode())
        for number, sheet in enumerate(sheets, 1):
            with put(f"xl/worksheets/sheet{number}.xml") as part:
                sheet.copy_to(part)
            sheet.close()
    file.seek(0, 2)


def _frame(names: Sequence[str]) -> dict[str, str]:
    """The parts of a workbook that are not its sheets."""
    numbers = range(1, len(names) + 1)
    types = "".join(
        f'<Override PartName="/xl/worksheets/sheet{k}.xml" ContentType="{_TYPE}.worksheet+xml"/>' for k in numbers
    )
    listed = "".join(
        f'<sheet name={quoteattr(name)} sheetId="{k}" r:id="rId{k}"/>' for k, name in zip(numbers, names, strict=True)
    )
    links = "".join(
        f'<Relationship Id="rId{k}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{k}.xml"/>' for k in numbers
    )
    return {
        "[Content_Types].xml": (
            f'<Types xmlns="{_PACKAGE}/content-types">'
            f'<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Default Extension="xml" ContentType="application/xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>{types}</Types>'
        ),
        "_rels/.rels": (
            f'<Relationships xmlns="{_PACKAGE}/relationships">'
            f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
        ),
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{listed}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">{links}</Relationships>',
    }


# ── as tables, for faults ───────────────────────────────────────────────────────────────────────────────


def parse_workbook(sheet: str, data: bytes) -> Table:
    """A sheet as a table; all sheets with their titles, in order, are its `rest`.

    Raises KeyError where there is no such sheet, and what zipfile raises where the archive is broken.
    """
    book = openpyxl.load_workbook(BytesIO(data), read_only=True)
    try:
        sheets = {sheet.title: [_texts(row) for row in sheet.iter_rows(values_only=True)] for sheet in book.worksheets}
    finally:
        book.close()
    _, header, *rows = sheets[sheet]
    return Table(header, rows, first_line=HEADER_ROW + 1, rest=sheets)


def _texts(row: Iterable[object]) -> list[str]:
    return ["" if cell is None else str(cell) for cell in row]


def render_workbook(sheet: str, table: Table) -> bytes:
    """The workbook from which a table was parsed, with the table as it now is."""
    if not isinstance(table.rest, dict):
        raise TypeError("the table was not parsed from a workbook")
    written = []
    for name, rows in table.rest.items():
        title, header, *body = rows
        header, body = (table.header, table.rows) if name == sheet else (header, body)
        written.append(_Sheet(name, SheetHead(title[0], header)))
        written[-1].texts(body)
    sink = BytesIO()
    _archive(sink, written)
    return sink.getvalue()


__all__ = ["HEADER_ROW", "MOST_ROWS", "SheetHead", "WorkbookFile", "parse_workbook", "render_workbook"]
