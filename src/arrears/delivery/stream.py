"""The rows of a delivered file as delimited text, whatever the file's format, made while they are read.

Each format is a `RowStream` of its own; `open_stream` chooses by the contract. Memory does not grow with the file,
as far as its format allows. What only the whole file shows (a broken gzip, a missing trailer, a file replaced while
it was read) is raised when its end is reached. Who meets a BrokenFile before that has to ask whether the file changed.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from arrears.contract.model import Resource
from arrears.delivery.fault import BrokenFile, Fault
from arrears.delivery.files import DeliveryFile, unreadable

__all__ = ["BrokenFile", "PiiKey", "RowStream", "TrailerFound", "open_stream"]

PiiKey = Callable[[], bytes]


@dataclass(frozen=True)
class TrailerFound:
    """What the last line claims: number of rows, and the control sum as it is written."""

    rows: str
    total: str | None


class RowStream(ABC):
    """The rows of a file as delimited text in UTF-8, in blocks: no byte-order mark, no header, no trailer.

    Newlines are `\\n`; null is empty. Iterating over it reads the file, once.

    Args:
        file: the file.
        pii_key: gives the key of the hash when a column asks for one.

    Attributes:
        delimiter, quote: how the text is written; no quote means that nothing is quoted in it.
        first_line: line of the file (row of the sheet or table), counted from 1, on which the first row stands.
        one_row_a_line: whether a row is one line of the file (one row of the sheet or table), whatever its values hold.
            Not so of delimited text, where a line break inside quotes is a line of the file too.
        breaks_taken: rows, counted from 0, of which line breaks were taken away with personal data, and how many; in
            their order, and ahead of the text given so far by no more than a block. Who counts lines takes them off.
        trailer: what the last line claims, once the end is reached, where the contract has a trailer.

    Raises (while reading):
        BrokenFile: the file is not what the contract says, or cannot be read to its end.
        Infrastructure: it cannot be reached any more, or was replaced meanwhile.
    """

    def __init__(self, file: DeliveryFile, pii_key: PiiKey) -> None:
        self.file = file
        self.resource: Resource = file.resource
        self.delimiter = ","
        self.quote: str | None = '"'
        self.first_line = 1
        self.one_row_a_line = True
        self.breaks_taken: deque[tuple[int, int]] = deque()
        self.trailer: TrailerFound | None = None
        self._pii_key = pii_key

    @abstractmethod
    def _rows(self) -> Iterator[bytes]:
        """The rows in blocks that end where a character ends."""

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from filter(None, self._rows())
        except OSError as error:
            raise unreadable(self.file.location, error) from error
        self.file.ensure_unchanged()

    def _broken(self, rule: str, line: int | None = None, column: str | None = None) -> BrokenFile:
        return BrokenFile(Fault(self.file.path, rule, line=line, column=column))


def open_stream(file: DeliveryFile, pii_key: PiiKey) -> RowStream:
    """The stream of a file, by the format that its contract names.

    Args:
        file: the file.
        pii_key: gives the key of the hash; asked only where a column is hashed.
    """
    # Imported where they are used: the libraries of workbooks and Parquet take a good part of a second.
    if file.resource.format == "jsonl":
        from arrears.delivery.jsonl import JsonLinesStream

        return JsonLinesStream(file, pii_key)
    if file.resource.format == "xlsx":
        from arrears.delivery.excel import WorkbookStream

        return WorkbookStream(file, pii_key)
    if file.resource.format == "parquet":
        from arrears.delivery.parquet import ParquetStream

        return ParquetStream(file, pii_key)
    from arrears.delivery.text import TextStream

    return TextStream(file, pii_key)
