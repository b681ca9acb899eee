"""The rows of a query as COPY writes them, in a temporary file, for Arrow to read in blocks."""

from __future__ import annotations

import tempfile

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable

from arrears.errors import Infrastructure


class Copied:
    """Text of CSV, to be closed. Raises Infrastructure where there is no room for it.

    Attributes:
        longest: bytes of its longest row, which a block has to hold.
    """

    closed = False  # Arrow asks

    def __init__(self, cursor: Cursor, query: Composable) -> None:
        self.longest = 0
        try:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 (closed by close)
            cursor.copy_expert(SQL("copy ({}) to stdout (format csv)").format(query), self)
            self._file.seek(0)
        except OSError as error:
            raise Infrastructure(
                f"Rows on their way to the lake find no room for temporary files in {tempfile.tempdir or 'TMPDIR'}: "
                f"{error}. Make room there, or set TMPDIR to where there is."
            ) from error

    def write(self, row: bytes) -> None:
        """COPY brings a row at a time."""
        self.longest = max(self.longest, len(row))
        self._file.write(row)

    def read(self, size: int) -> bytes:
        """Never ends between \\r and \\n: Arrow drops the \\n at the head of a block behind a \\r, in a value, too."""
        block = self._file.read(size)
        while block.endswith(b"\r") and (after := self._file.read(1)):
            block += after
        return block

    def close(self) -> None:
        self._file.close()
