"""Where a delivery's files lie, whether they are all there, and what bytes they hold."""

from __future__ import annotations

import datetime as dt
import hashlib
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import IO, Any, BinaryIO, cast

import fsspec
from fsspec.compression import compr
from fsspec.implementations.local import LocalFileSystem
from fsspec.utils import infer_compression

from arrears.contract.model import Contract, Manifest, OkFile, Resource
from arrears.delivery.fault import BrokenFile, Fault
from arrears.errors import ArrearsError, Infrastructure, Usage
from arrears.file_systems import file_system

BLOCK = 1 << 20
READ_AHEAD = 8 << 20  # how much of an object is fetched at a time; the default of some stores is 50 MB
ENCRYPTED = 1  # flag of a zip's member
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)  # that Python decompresses
DEFLATE64 = 9  # what Windows makes of files of more than 2 GB
# What file systems say of a file that another content changes. Times of access are left out: reading changes them.
MARKS_OF_CONTENT = (
    "size", "mtime", "ino", "ETag", "etag", "LastModified", "last_modified", "modified", "updated", "VersionId",
    "generation", "content_md5", "md5Hash",
)  # fmt: skip


class StoredFile:
    """One file as it lies in the landing folder.

    Attributes:
        path: path below the landing folder, as shown to people.
        location: full path or fsspec URL.
    """

    path: str
    location: str

    def _found(self) -> tuple[fsspec.AbstractFileSystem, str]:
        """The file system, and the path in it."""
        return file_system(self.location)

    @contextmanager
    def _stored(self) -> Iterator[BinaryIO]:
        """The bytes as they lie there."""
        with reachable(self.location):
            files, path = self._found()
            opened = files.open(path, "rb", block_size=READ_AHEAD)
        with opened as stream:
            yield cast(BinaryIO, stream)

    def exists(self) -> bool:
        with reachable(self.location):
            files, path = self._found()
            try:  # what fsspec calls `exists` takes a lost connection for a file that is not there
                files.info(path)
            except (FileNotFoundError, NotADirectoryError):
                return False
            return True

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """The file's content, decompressed by its name's ending."""
        compression = infer_compression(self.location)
        with self._stored() as stream:
            if compression is None:
                yield stream
                return
            with self._only_member(stream) if compression == "zip" else compr[compression](stream, mode="rb") as plain:
                yield cast(BinaryIO, plain)

    def _only_member(self, stream: BinaryIO) -> IO[bytes]:
        archive = zipfile.ZipFile(stream)
        members = archive.infolist()
        if len(members) != 1 or members[0].flag_bits & ENCRYPTED:
            raise BrokenFile(Fault(self.path, "the archive does not hold exactly one file, without a password"))
        method = members[0].compress_type
        if method not in METHODS:
            name = "Deflate64" if method == DEFLATE64 else "another method than Deflate"
            rule = f"the archive is compressed with {name} (number {method}), which is not read here; "
            raise BrokenFile(Fault(self.path, rule + "ask for Deflate, or for .gz"))
        return archive.open(members[0])

    @contextmanager
    def open_anywhere(self) -> Iterator[BinaryIO]:
        """The bytes as they lie there, to be read in any order. What is not on this machine is brought here first."""
        with self._stored() as stream:
            if isinstance(self._found()[0], LocalFileSystem):
                yield stream
                return
            with tempfile.TemporaryFile() as copy:
                with reachable(self.location):
                    shutil.copyfileobj(stream, copy, BLOCK)
                copy.seek(0)
                yield cast(BinaryIO, copy)

    @cached_property
    def fingerprint(self) -> tuple[str, int]:
        """SHA-256 and size of the file as it lies there, compressed or not."""
        _ = self._marks  # taken first: what is written while we read is a change
        digest, size = hashlib.sha256(), 0
        with self._stored() as stream, reachable(self.location):
            while block := stream.read(BLOCK):
                digest.update(block)
                size += len(block)
        return digest.hexdigest(), size

    @cached_property
    def _marks(self) -> dict[str, Any]:
        return self._marks_now()

    def _marks_now(self) -> dict[str, Any]:
        with reachable(self.location):
            files, path = self._found()
            files.invalidate_cache(path)
            info = files.info(path)
        return {name: info[name] for name in MARKS_OF_CONTENT if name in info}

    def ensure_unchanged(self) -> None:
        """Make sure that what has been read is what the fingerprint was taken of.

        Raises:
            Infrastructure: the file was replaced meanwhile.
        """
        if "fingerprint" in self.__dict__ and self._marks_now() != self._marks:
            raise Infrastructure(
                f"{self.path} changed while it was read. Nothing was loaded; run again once it is written."
            )


@dataclass(frozen=True)
class ControlFile(StoredFile):
    """A manifest or a marker: a file that says of others that they are whole."""

    path: str
    location: str


@dataclass(frozen=True)
class DeliveryFile(StoredFile):
    """One file of a delivery.

    Attributes:
        resource: its description in the contract.
    """

    resource: Resource
    path: str
    location: str


@contextmanager
def reachable(location: str) -> Iterator[None]:
    """Says in one message what keeps a file from being read.

    Raises:
        Usage: no such protocol, or its package is not installed.
        Infrastructure: the file or what holds it cannot be read.
    """
    try:
        yield
    except (ArrearsError, BrokenFile):
        raise
    except (ImportError, ValueError) as error:  # fsspec knows no such protocol, or lacks the package for it
        raise Usage(f"Cannot read {location}: {error}. Check ARREARS_LANDING.") from error
    except OSError as error:
        raise unreadable(location, error) from error
    except Exception as error:  # each object store's package has exceptions of its own
        raise Infrastructure(
            f"Cannot read {location}: {error}. Check ARREARS_LANDING and the credentials in the environment."
        ) from error


def unreadable(location: str, error: OSError) -> Infrastructure:
    return Infrastructure(
        f"Cannot read {location}: {error.strerror or error}. Check ARREARS_LANDING and the rights on the file."
    )


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

    def _path(self, pattern: str) -> str:
        return f"{self.folder}/" + pattern.format(date=self.business_date)

    def _file(self, resource: Resource) -> DeliveryFile:
        path = self._path(resource.arrears.file)
        return DeliveryFile(resource, path, f"{self.landing}/{path}")

    def control_file(self, resource: Resource) -> ControlFile | None:
        """The manifest or marker of a resource, whether it is there or not; None where the contract has none."""
        control = resource.arrears.control
        if not isinstance(control, Manifest | OkFile):
            return None
        path = self._path(control.file)
        return ControlFile(path, f"{self.landing}/{path}")

    @cached_property
    def expected(self) -> list[DeliveryFile]:
        """Every file of the contract, whether it is there or not, in the contract's order."""
        return [self._file(resource) for resource in self.contract.resources]

    @cached_property
    def files(self) -> list[DeliveryFile]:
        """The files that are there, in the contract's order.

        Raises:
            Infrastructure: what the landing folder lies in is not there or cannot be reached.
        """
        found = [file for file in self.expected if file.exists()]
        if not found:
            _ensure_container(self.landing)
        return found

    def sheet_of(self, file: DeliveryFile) -> str | None:
        """The sheet of a workbook in which the file's rows lie, where others of the delivery share the workbook."""
        shared = sum(other.path == file.path for other in self.expected) > 1
        return file.resource.dialect.sheet_name if shared else None

    @cached_property
    def control_files(self) -> list[ControlFile]:
        """The manifests and markers that are there, each once."""
        return [control for control in self._needed_controls if control.exists()]

    @cached_property
    def _needed_controls(self) -> list[ControlFile]:
        """Those of the files that are there or must be."""
        present = {file.resource.name for file in self.files}
        controls = [
            self.control_file(resource)
            for resource in self.contract.resources
            if resource.arrears.required or resource.name in present
        ]
        return list(dict.fromkeys(control for control in controls if control is not None))

    @cached_property
    def missing(self) -> list[Fault]:
        """A fault for each required file, manifest and marker that is not there."""
        present = {file.path for file in (*self.files, *self.control_files)}
        needed = [file.path for file in self.expected if file.resource.arrears.required]
        needed += [control.path for control in self._needed_controls]
        missing = (path for path in dict.fromkeys(needed) if path not in present)  # sheets share a file
        return [Fault(path, f"the file is missing from {self.landing}") for path in missing]

    def is_complete(self) -> bool:
        """Whether every required file is there, and what vouches for it."""
        return not self.missing

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 over all files and the contract that reads them: the same hash means the same rows."""
        digest = hashlib.sha256(self.contract.digest.encode())
        for file in (*self.files, *self.control_files):
            digest.update(f"\n{file.path} {file.fingerprint[0]}".encode())
        return digest.hexdigest()


def _ensure_container(landing: str) -> None:
    """Tell a bucket that does not exist from a day on which nothing has been delivered yet."""
    with reachable(landing):
        files, path = file_system(landing)
        container, _, _ = path.partition("/")
        exists = not container or isinstance(files, LocalFileSystem) or files.exists(container)
    if not exists:
        raise Infrastructure(f"Cannot read {landing}: there is no '{container}'. Check ARREARS_LANDING.")
