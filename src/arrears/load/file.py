"""One file of a delivery: read, judged and copied a block at a time, so that memory does not grow with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

import polars as pl
from psycopg2.extensions import cursor as Cursor

from arrears.delivery.fault import Fault
from arrears.delivery.files import DeliveryFile
from arrears.delivery.stream import RowStream, open_stream
from arrears.load.frames import blocks
from arrears.load.judge import Judge
from arrears.load.raw import Copy, Source, accepted_rows, rejected_values, write
from arrears.load.values import Day
from arrears.load.whole import WholeFile

FAULTS_SHOWN = 1000

T = TypeVar("T")


@dataclass
class Loaded:
    """What became of a file.

    Attributes:
        rows: rows in the file. rejected: how many of them are not in raw.
        faults: what is wrong with the whole file, then with the first thousand values that reject a row.
    """

    rows: int = 0
    rejected: int = 0
    faults: list[Fault] = field(default_factory=list)


@dataclass(frozen=True)
class _Block:
    rows: int
    rejected: int
    copies: list[Copy]


class LoadingFile:
    """A file on its way into the warehouse.

    Args:
        file: the file.
        source: whose rows these are.
        day: what its values are judged against.
        pii_key: gives the key of the hash when a column asks for one.
        accept: whether to write the accepted rows, or only to say what is wrong with the others.
    """

    def __init__(
        self, file: DeliveryFile, source: Source, day: Day, pii_key: Callable[[], bytes], *, accept: bool
    ) -> None:
        self.file, self.source, self.accept = file, source, accept
        self._pii_key = pii_key
        self._stream = self._open()
        self._judge = Judge(file.resource, day)
        self._whole = WholeFile(file, self._judge, self._open)
        self._rejected: list[Fault] = []

    def load(self, cursor: Cursor) -> Loaded:
        """Copy the file's rows. Raises BrokenFile when it cannot be read to its end as the contract describes it."""
        loaded = Loaded()
        for block in _made_ahead(self._blocks()):
            for rows in block.copies:
                write(cursor, rows)
            loaded.rows += block.rows
            loaded.rejected += block.rejected
        loaded.faults += self._whole.faults(loaded.rows, self._stream.trailer)
        loaded.faults += self._rejected
        return loaded

    def _open(self) -> RowStream:
        return open_stream(self.file, self._pii_key)

    def _blocks(self) -> Iterator[_Block]:
        """Blocks ready to be copied. Nothing else of them is kept: the next one is made meanwhile."""
        for block in blocks(self._stream, len(self._judge.fields)):
            judged = self._judge.judge(block, accept=self.accept)
            self._whole.look(judged.texts)
            self._note(judged.rejected)
            copies = [
                accepted_rows(self.source, entity, rows, plain=block.plain)
                for entity, rows in judged.entities
                if rows.height
            ]
            if judged.rejected.height:
                copies.append(rejected_values(self.source, judged.rejected))
            yield _Block(judged.rows, judged.rejected_rows, copies)

    def _note(self, rejected: pl.DataFrame) -> None:
        self._rejected += [
            Fault(self.file.path, rule, line=line, column=name, value=value, refuses=False)
            for line, name, value, rule in rejected.head(FAULTS_SHOWN - len(self._rejected)).iter_rows()
        ]


def _made_ahead(items: Iterator[T]) -> Iterator[T]:
    """The same items, each made on another thread while the one before it is used."""
    with ThreadPoolExecutor(1, thread_name_prefix="arrears-load") as worker:
        coming = worker.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = worker.submit(next, items, None)
            yield item
