"""The rows of a query as COPY writes them, in a temporary file, for Arrow to read in blocks."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import IO

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable

from arrears.errors import Infrastructure


class Copied:
    """Text of CSV, written by COPY and then read from its beginning.

    Attributes:
        longest: bytes of its longest row, which a block has to hold.
    """

    closed = False  # Arrow asks

    def __init__(self, file: IO[bytes]) -> None:
        self.longest = 0
        self._file = file

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


@contextmanager
def copied(cursor: Cursor, query: Composable) -> Iterator[Copied]:
    """The rows of a query, gone afterwards. Raises Infrastructure where there is no room for them."""
    with ExitStack() as held:
        try:
            file = held.enter_context(tempfile.TemporaryFile())
            text = Copied(file)
            cursor.copy_expert(SQL("copy ({}) to stdout (format csv)").format(query), text)
            file.seek(0)
        except OSError as error:
            raise Infrastructure(
                f"Rows on their way to the lake find no room for temporary files in {tempfile.tempdir or 'TMPDIR'}: "
                f"{error}. Make room there, or set TMPDIR to where there is."
            ) from error
        yield text
