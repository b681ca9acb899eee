"""What can be wrong with a delivery, said so that the lender can mend it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

MASKED = "***"
SHOWN_CHARACTERS = 60


@dataclass(frozen=True)
class Fault:
    """One fault.

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
        column = f" column {self.column}" if self.column else ""
        value = f" value {self.value!r}" if self.value is not None else ""
        what = f"{column}{value}:" if column or value else ""
        return f"{place}:{what} {self.rule}"

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


class BrokenFile(Exception):
    """The file cannot be read to its end as the contract describes it."""

    def __init__(self, *faults: Fault) -> None:
        self.faults = list(faults)
        super().__init__("; ".join(map(str, faults)))


class BrokenWorkbook(BrokenFile):
    """No sheet of the workbook can be read."""
