"""How faults see a layout's files: as tables of text, whatever the files are made of.

A layout offers a `FileFormat`; its `Roles` say which files and columns faults may spoil. A fault parses a file,
changes cells, and renders it. Files that say something about the other files (`Manifest`, `Marker`) are
brought up to date by the `Spoiler`, not by the format.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Literal, Protocol

Medium = Literal["text", "jsonl", "workbook", "parquet"]
"""What files are made of. Each of these may be gzipped besides: its name then ends in `.gz`."""


@dataclass
class Table:
    """A resource as text: header and rows, without controls.

    A cell is the text by which people would write the value. In delimited text it is exactly what stands between the
    delimiters, quotes included. Nothing (NULL in Parquet, null or no key in JSON, an empty cell) is "".
    A part of a nested object is a column of its own, named with a dot: `terms.principal`.
    """

    header: list[str]
    rows: list[list[str]]
    first_line: int = 2
    """Line (row of the sheet, number of the record) on which the first row stands, counted from 1."""
    rest: object = None
    """What else of the file `render` needs to write it again, such as the other sheets of a workbook. Only the
    format looks at it."""

    def column(self, name: str) -> int:
        """Position of a column."""
        return self.header.index(name)

    def line(self, row: int) -> int:
        """Line on which a row (counted from 0) stands."""
        return self.first_line + row


@dataclass(frozen=True)
class Manifest:
    """A JSON file that lists the others: business date, and each file's name, rows and SHA-256.

    Attributes:
        file: its name.
        count: rows in a file's bytes. Raises an error of reading (OSError, EOFError, zlib.error, ValueError) where
            they cannot be counted; what the manifest said before then stays.
    """

    file: str
    count: Callable[[bytes], int]

    def render(self, day: date, listed: list[tuple[str, int, str]]) -> bytes:
        """The manifest of a day. listed: name, rows and SHA-256 (hexadecimal) of each file."""
        files = [{"name": name, "rows": rows, "sha256": digest} for name, rows, digest in listed]
        text = json.dumps({"business_date": day.isoformat(), "files": files}, ensure_ascii=False, indent=2)
        return (text + "\n").encode()

    def listed(self, data: bytes) -> tuple[date, list[tuple[str, int, str]]]:
        """What a manifest says: the business date, and name, rows and SHA-256 of each file."""
        said = json.loads(data)
        return date.fromisoformat(said["business_date"]), [(f["name"], f["rows"], f["sha256"]) for f in said["files"]]

    def renewed(self, data: bytes, files: Mapping[str, bytes]) -> bytes:
        """The manifest as it was, but right about `files` (bytes by name)."""
        day, before = self.listed(data)
        return self.render(day, [self._entry(*entry, files) for entry in before])

    def _entry(self, name: str, rows: int, digest: str, files: Mapping[str, bytes]) -> tuple[str, int, str]:
        if name not in files:
            return name, rows, digest
        with suppress(OSError, EOFError, zlib.error, ValueError):  # a broken file: the sender counted before
            rows = self.count(files[name])
        return name, rows, hashlib.sha256(files[name]).hexdigest()


@dataclass(frozen=True)
class Marker:
    """An empty file, written last: the delivery is complete."""

    file: str


@dataclass(frozen=True)
class Roles:
    """Which files and columns of a layout faults may spoil, and with what.

    Columns are named as `Table.header` names them. A column that the layout does not have is "": faults that need it
    do not apply.
    """

    loans: str
    """The resource with the loans; columns up to `renamed` are its."""
    payments: str
    loan_id: str
    """In the loans; in the payments too, unless `paid_loan` says otherwise."""
    number: str
    """A number that may not be negative and that no control sums, such as the credit score."""
    date: str
    """Day of disbursement: required."""
    renamed: tuple[str, str]
    """A column of the loans, and what it is renamed to."""
    business_date: str
    """In the loans, unless `dated` says otherwise."""
    payment_id: str
    """This and what follows, up to `amount`, are columns of the payments."""
    value_on: str
    posted_on: str
    kind: str
    a_payment: str
    """The kind that an ordinary payment has."""
    reverses: str
    paid_loan: str = ""
    """The loan's id in the payments."""
    a_reversal: str = ""
    """The kind of a payment that takes another one back."""
    amount: str = ""
    plans: str = ""
    """The resource with the instalments."""
    planned_loan: str = ""
    """The loan's id in the instalments."""
    text: str = ""
    """A column of the loans for any text: no list of values, no pattern."""
    days_late: str = ""
    """A column of the loans: the lender's own days past due."""
    dated: str = ""
    """The resource whose rows have the business date."""
    mode: Literal["snapshot", "upsert", "changes"] = "snapshot"
    """How deliveries of the loans add up."""
    change: tuple[str, str] | None = None
    """In mode changes: the columns that hold the operation (I, U, D) and its instant."""
    medium: Medium = "text"
    control: Manifest | Marker | Literal["trailer"] | None = "trailer"
    """What tells that a delivery is whole: a file of its own, or the last line of each, which `render` writes."""

    @property
    def loan_of_payment(self) -> str:
        """The column of the payments that names the loan."""
        return self.paid_loan or self.loan_id


class FileFormat(Protocol):
    """Reads and writes a layout's files as tables.

    `render(parse(…))` gives a file with the same content (not always the same bytes: compression may differ).
    """

    @property
    def encoding(self) -> str:
        """Encoding of its text."""

    @property
    def roles(self) -> Roles:
        """What faults may spoil."""

    def folder(self, day: date) -> str:
        """Folder of a delivery."""

    def file_name(self, resource: str, day: date) -> str:
        """Name of the file that holds a resource; several resources may lie in one file."""

    def date_text(self, day: date) -> str:
        """A date as the files write it."""

    def parse(self, resource: str, data: bytes) -> Table:
        """A resource's table, from its whole file as it lies there (compressed or not)."""

    def render(self, resource: str, table: Table, *, rows_off: int = 0, sum_off: int = 0) -> bytes:
        """The whole file in which a parsed table has been changed: its own control (a trailer) right but for what it is
        to be off by; other resources in it (`table.rest`) as they were.

        Columns may be renamed, missing, new, doubled or in another order, and cells may hold what their column
        cannot: the file then holds them as such files would (a string in JSON, a column of strings in Parquet).
        """


def gunzipped(name: str, data: bytes) -> bytes:
    """A file's content: unzipped where its name ends in .gz."""
    return gzip.decompress(data) if name.endswith(".gz") else data


def gzipped(name: str, content: bytes) -> bytes:
    """A file of a content: gzipped where its name ends in .gz, without a time in it."""
    return gzip.compress(content, compresslevel=6, mtime=0) if name.endswith(".gz") else content
