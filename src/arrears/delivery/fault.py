"""What can be wrong with a delivery, said so that the lender can mend it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

MASKED = "***"
SHOWN_CHARACTERS = 60
LONGEST_TEXT = 4_000  # characters of a rule or a name: what a file calls its columns may be as long as the file


@dataclass(frozen=True)
class Fault:
    """One fault, as it was found: what a file calls its columns may be any text. What is said of it is printable.

    Attributes:
        file: path below the landing folder.
        rule: what is wrong and, where it helps, what to do.
        line: line of the file, counted from 1, header included; None when the whole file is meant.
        column: the column's name as the file has it.
        value: the value as it arrived, shortened; never one of a column with personal data.
        refuses: True when it refuses the whole delivery, False when it only rejects its row.
        sheet: the sheet of a workbook that is meant; None for the whole file.
    """

    file: str
    rule: str
    line: int | None = None
    column: str | None = None
    value: str | None = None
    refuses: bool = True
    sheet: str | None = None

    def __str__(self) -> str:
        place = self.file if self.sheet is None else f"{self.file}[{self.sheet}]"
        place = place if self.line is None else f"{place}:{self.line}"
        column = f" column {_printable(self.column)}" if self.column else ""
        value = f" value {self.value!r}" if self.value is not None else ""
        what = f"{column}{value}:" if column or value else ""
        return f"{place}:{what} {_printable(self.rule)}"

    def to_dict(self) -> dict[str, Any]:
        column = None if self.column is None else _printable(self.column)
        return asdict(self) | {"column": column, "rule": _printable(self.rule)}


def _printable(text: str) -> str:
    """With escapes for what no database stores or no terminal shows: NUL, half a surrogate pair, a line break."""
    text = text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT] + "…"
    if text.isprintable():
        return text
    escaped = (each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
    return "".join(escaped)


class BrokenFile(Exception):
    """The file cannot be read to its end as the contract describes it."""

    def __init__(self, *faults: Fault) -> None:
        self.faults = list(faults)
        super().__init__("; ".join(map(str, faults)))


class BrokenWorkbook(BrokenFile):
    """No sheet of the workbook can be read."""
