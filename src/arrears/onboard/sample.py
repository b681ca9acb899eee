"""A sample: what the beginning of a file shows of the table in it, whatever the file's format."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from arrears.errors import Refused

MOST_ROWS = 10_000
MOST_BYTES = 4 << 20  # of text, unpacked

Format = Literal["csv", "jsonl", "xlsx", "parquet"]


@dataclass
class Column:
    """One column of a sample.

    Attributes:
        name: as the file has it; a member of an object has the object's name before it, `terms.principal`.
        values: the texts that the loader would read, None where the file holds nothing; one per row.
        type: Table Schema type where the file's format knows it; None where only the values tell.
        parts: the members of an object, which has no values of its own.
    """

    name: str
    values: list[str | None] = field(default_factory=list)
    type: str | None = None
    parts: list[Column] = field(default_factory=list)

    def columns(self) -> list[Column]:
        """The column itself, or the members of an object."""
        return self.parts or [self]


@dataclass(frozen=True)
class TrailerSeen:
    """A last line that counts the rows: its mark, and what stands behind it."""

    mark: str
    rows: str
    total: str | None


@dataclass
class Sample:
    """The table in a file, or on one sheet of a workbook.

    Attributes:
        path: the file. sheet: the sheet, in a workbook.
        rows: how many rows were read.
        whole: whether that was all of them.
        header_row: line (row of the sheet) of the header, counted from 1; 0 where there is none.
        encoding, delimiter, quote: how text is written; no quote means that nothing is quoted in it.
        encoding_is_sure: whether the encoding is more than a likelihood.
        doubts: what a person has to look at, one sentence each.
    """

    path: Path
    format: Format
    columns: list[Column]
    rows: int
    whole: bool
    header_row: int = 1
    sheet: str | None = None
    encoding: str = "utf-8"
    encoding_is_sure: bool = True
    delimiter: str = ","
    quote: str | None = '"'
    trailer: TrailerSeen | None = None
    doubts: list[str] = field(default_factory=list)

    @property
    def shown(self) -> str:
        """The file as it is called in messages."""
        return self.path.name if self.sheet is None else f"{self.path.name}, sheet {self.sheet}"

    def all_columns(self) -> list[Column]:
        """Every column, objects taken apart."""
        return [part for column in self.columns for part in column.columns()]


@dataclass(frozen=True)
class ManifestSeen:
    """A manifest beside the data, and the keys that it uses (None: not found)."""

    path: Path
    list: str
    name: str | None
    rows: str | None
    sha256: str | None
    business_date: str | None


@dataclass(frozen=True)
class MarkerSeen:
    """An empty file that says that the others are whole."""

    path: Path


Seen = Sample | ManifestSeen | MarkerSeen


def unreadable(path: Path, why: str) -> Refused:
    """The one message for a sample that nothing can be drafted from."""
    return Refused(f"Cannot draft anything from {path}: {why}.")
