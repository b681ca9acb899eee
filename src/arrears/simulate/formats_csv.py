"""Comma-separated files with a header and nothing after the last row, with or without a byte-order mark."""

from __future__ import annotations

from collections.abc import Sequence

from arrears.simulate.faults.form import Table
from arrears.simulate.writers import Block, Landing, row_block, squeeze

_ROWS_AT_ONCE = 1 << 15
_LINE_END = "\r\n"


class CsvFile:
    """One file. Rows are written as they come, so a file of any size needs no memory.

    landing: None counts rows without writing them. encoding: `utf-8-sig` writes a byte-order mark.
    """

    def __init__(self, landing: Landing | None, folder: str, name: str, header: Sequence[str], encoding: str) -> None:
        self._file = landing.open(folder, name) if landing else None
        self.rows = 0
        self.bytes = 0
        self._put((",".join(header) + _LINE_END).encode(encoding))

    @property
    def written(self) -> bool:
        """Whether there is a file, or only the counting of one."""
        return self._file is not None

    def _put(self, data: bytes) -> None:
        if self._file is not None:
            self.bytes += len(data)
            self._file.write(data)

    def write(self, cells: Sequence[Block]) -> None:
        """Append rows, given as one block a column (or several columns with the commas between them)."""
        rows = len(cells[0])
        self.rows += rows
        if self._file is None:
            return
        for k in range(0, rows, _ROWS_AT_ONCE):
            self._put(squeeze(row_block([c[k : k + _ROWS_AT_ONCE] for c in cells], ",", _LINE_END)))

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()


def parse_csv(data: bytes, encoding: str) -> Table:
    """A file as a table. Nothing in these files is quoted, so every comma parts two cells."""
    header, *rows = data.decode(encoding).removesuffix(_LINE_END).split(_LINE_END)
    return Table(header.split(","), [row.split(",") for row in rows])


def render_csv(table: Table, encoding: str) -> bytes:
    """A table as a file."""
    lines = [",".join(row) for row in [table.header, *table.rows]]
    return "".join(line + _LINE_END for line in lines).encode(encoding)


__all__ = ["CsvFile", "parse_csv", "render_csv"]
