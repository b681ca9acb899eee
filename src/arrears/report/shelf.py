"""Where reports lie: a folder a publication, on a disk or an object store, and a page that lists them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from operator import methodcaller
from pathlib import Path
from secrets import token_hex

from arrears.errors import Infrastructure, Usage
from arrears.file_systems import file_system, put_whole

INDEX = "index.html"


class Shelf:
    """The folder of reports. address: a path or an fsspec URL."""

    def __init__(self, address: str) -> None:
        try:
            self._files, self._root = file_system(address)
        except (ImportError, ValueError) as error:
            raise Usage(f"ARREARS_REPORTS: {address}: {error}") from error
        except Exception as error:  # a server is connected to here, by a package with exceptions of its own
            raise _unreachable(address, error) from error

    def where(self, folder: str, name: str = "") -> str:
        """The address of a file, to be shown."""
        path = f"{self._root}/{folder}/{name}".rstrip("/")
        return path if "file" in self._files.protocol else str(self._files.unstrip_protocol(path))

    def put(self, folder: str, files: Mapping[str, bytes]) -> None:
        """Write files, each whole and then over the one of that name. Raises Infrastructure."""
        place = f"{self._root}/{folder}".rstrip("/")
        with self._reached(folder):
            self._files.makedirs(place, exist_ok=True)
            for name, content in files.items():
                # Reports are written side by side, and all of them write the list.
                unfinished = f"{place}/_{token_hex(4)}_{name}"
                put_whole(self._files, f"{place}/{name}", unfinished, methodcaller("write", content))

    def folders(self) -> set[str]:
        """The folders there are. Raises Infrastructure."""
        with self._reached():
            try:  # a store's `exists` takes one that does not answer for one that has nothing
                listed = self._files.ls(self._root, detail=True)
            except FileNotFoundError:
                return set()
        return {Path(one["name"]).name for one in listed if one["type"] == "directory"}

    def forget(self, folders: Collection[str]) -> int:
        """Remove folders. Returns how many there were. Raises Infrastructure."""
        there = self.folders() & set(folders)
        for folder in there:
            with self._reached(folder):
                self._files.rm(f"{self._root}/{folder}", recursive=True)
        return len(there)

    @contextmanager
    def _reached(self, folder: str = "") -> Iterator[None]:
        try:
            yield
        except Exception as error:  # each object store's package has exceptions of its own
            raise _unreachable(self.where(folder), error) from error


def _unreachable(where: str, error: Exception) -> Infrastructure:
    return Infrastructure(
        f"The reports at {where} cannot be written or read: {error}. The publication stands; "
        "`arrears report` writes its report once there is room and a right to."
    )
