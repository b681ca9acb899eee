"""Where a delivery's files lie, whether they are all there, and what bytes they hold."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import BinaryIO, cast

import fsspec

from arrears.contract.model import Contract, Resource
from arrears.delivery.fault import Fault
from arrears.errors import Infrastructure, Usage

BLOCK = 1 << 20


@dataclass(frozen=True)
class DeliveryFile:
    """One file of a delivery.

    Attributes:
        resource: its description in the contract.
        path: path below the landing folder, as shown to people.
        location: full path or fsspec URL.
    """

    resource: Resource
    path: str
    location: str

    @property
    def _opener(self) -> fsspec.core.OpenFile:
        return fsspec.open(self.location, mode="rb")

    def exists(self) -> bool:
        with _reachable(self.location):
            opener = self._opener
            return bool(opener.fs.exists(opener.path))

    def open(self) -> fsspec.core.OpenFile:
        """The file's content, decompressed by its name's ending. Use as a context manager."""
        return fsspec.open(self.location, mode="rb", compression="infer")

    @cached_property
    def fingerprint(self) -> tuple[str, int]:
        """SHA-256 and size of the file as it lies there, compressed or not."""
        digest, size = hashlib.sha256(), 0
        with _reachable(self.location), self._opener as stream:
            for block in _blocks(cast(BinaryIO, stream)):
                digest.update(block)
                size += len(block)
        return digest.hexdigest(), size


@contextmanager
def _reachable(location: str) -> Iterator[None]:
    """Says in one message what keeps a landing folder from being read."""
    try:
        yield
    except (ImportError, ValueError) as error:  # fsspec knows no such protocol, or lacks the package for it
        raise Usage(f"Cannot read {location}: {error}. Check ARREARS_LANDING.") from error
    except OSError as error:
        raise Infrastructure(
            f"Cannot read {location}: {error.strerror or error}. Check ARREARS_LANDING and the rights on the file."
        ) from error


def _blocks(stream: BinaryIO) -> Iterator[bytes]:
    while block := stream.read(BLOCK):
        yield block


class Delivery:
    """All files that `contract` expects for `business_date` under `landing` (a path or an fsspec URL)."""

    def __init__(self, contract: Contract, business_date: dt.date, landing: str) -> None:
        self.contract = contract
        self.business_date = business_date
        self.landing = landing.rstrip("/")

    @property
    def lender(self) -> str:
        return self.contract.lender

    @cached_property
    def folder(self) -> str:
        return f"{self.lender}/" + self.contract.arrears.delivery.folder.format(date=self.business_date)

    def _file(self, resource: Resource) -> DeliveryFile:
        path = f"{self.folder}/" + resource.arrears.file.format(date=self.business_date)
        return DeliveryFile(resource, path, f"{self.landing}/{path}")

    @cached_property
    def files(self) -> list[DeliveryFile]:
        """The files that are there, in the contract's order."""
        return [file for resource in self.contract.resources if (file := self._file(resource)).exists()]

    @cached_property
    def missing(self) -> list[Fault]:
        """A fault for each required file that is not there."""
        present = {file.resource.name for file in self.files}
        return [
            Fault(self._file(resource).path, f"the file is missing from {self.landing}")
            for resource in self.contract.resources
            if resource.arrears.required and resource.name not in present
        ]

    def is_complete(self) -> bool:
        """Whether every required file is there."""
        return not self.missing

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 over all files and the contract that reads them: the same hash means the same rows."""
        digest = hashlib.sha256(self.contract.digest.encode())
        for file in self.files:
            digest.update(f"\n{file.path} {file.fingerprint[0]}".encode())
        return digest.hexdigest()
