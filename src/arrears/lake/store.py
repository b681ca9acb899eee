"""Where the files of raw lie, on a disk or an object store, and how one gets there whole or not at all."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

import psycopg2

from arrears.errors import ArrearsError, Infrastructure, Usage
from arrears.file_systems import file_system, put_whole
from arrears.spark.beside import RECORD


@dataclass(frozen=True)
class RawFile:
    """The rows that one delivery has in the raw table of one entity."""

    entity: str
    lender: str
    business_date: dt.date
    delivery_id: int

    @property
    def folder(self) -> str:
        return f"raw/{self.entity}/lender={self.lender}/business_date={self.business_date}"

    @property
    def name(self) -> str:
        return f"delivery_{self.delivery_id}.parquet"

    @property
    def unfinished(self) -> str:
        """Its name while it is being written: one that engines overlook."""
        return f"_delivery_{self.delivery_id}.part"


LAID_OUT = re.compile(
    r"/raw/(?P<entity>\w+)/lender=(?P<lender>\w+)/business_date=(?P<day>\d{4}-\d\d-\d\d)/delivery_(?P<id>\d+)\.parquet"
)


class Lake:
    """The folder. address: a path or an fsspec URL. Every method raises Usage or Infrastructure."""

    def __init__(self, address: str) -> None:
        self.address = address
        with self._reachable():
            try:
                self._files, root = file_system(address)
            except (ImportError, ValueError) as error:  # it knows no such protocol, or lacks the package for it
                raise Usage(f"ARREARS_LAKE: {address}: {error}") from error
            self._root: str = root.rstrip("/")

    def files(self, entity: str, lender: str) -> set[RawFile]:
        """What is there, whole, of an entity of a lender. What somebody else put there is left alone."""
        with self._reachable():
            self._files.invalidate_cache()  # others write here, too
            paths = self._files.find(f"{self._root}/raw/{entity}/lender={lender}")
        found = (LAID_OUT.fullmatch(path.removeprefix(self._root)) for path in paths)
        return {
            RawFile(one["entity"], one["lender"], dt.date.fromisoformat(one["day"]), int(one["id"]))
            for one in found
            if one
        }

    def built(self) -> int | None:
        """The build whose tables lie here for the next one on Spark to go on from, if any."""
        path = f"{self._root}/built/{RECORD}"
        with self._reachable():
            self._files.invalidate_cache()
            if not self._files.exists(path):
                return None
            written = self._files.cat_file(path)
        try:
            return int(json.loads(written)["build"])
        except (ValueError, KeyError, TypeError):  # what a power cut has left of it: as good as none
            return None

    def put(self, file: RawFile, write: Callable[[BinaryIO], None]) -> None:
        """Have a file written beside its place, and put it there when it is whole."""
        folder = f"{self._root}/{file.folder}"
        with self._reachable():
            self._files.makedirs(folder, exist_ok=True)
            put_whole(self._files, f"{folder}/{file.name}", f"{folder}/{file.unfinished}", write)

    def remove(self, file: RawFile) -> None:
        with self._reachable():
            self._files.rm_file(f"{self._root}/{file.folder}/{file.name}")

    @contextmanager
    def _reachable(self) -> Iterator[None]:
        """Says in one message what keeps the lake from being read or written."""
        try:
            yield
        except (ArrearsError, psycopg2.Error):  # what the rows come from is the warehouse
            raise
        except Exception as error:  # each object store's package has exceptions of its own
            raise Infrastructure(
                f"The lake at {self.address} cannot be read or written: {error}. What is accepted stands in raw; "
                "`arrears lake` writes what is missing there once there is room and a right to."
            ) from error
