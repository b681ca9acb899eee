"""What holds files: a folder, an object store, a server. One address says which it is, and how to reach it."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any, BinaryIO

import fsspec
from fsspec.implementations.local import LocalFileSystem

BY_SSH = ("sftp", "ssh")


def file_system(address: str) -> tuple[fsspec.AbstractFileSystem, str]:
    """What holds the files at an address (a path or an fsspec URL, chained ones too), and their path there.

    Raises:
        ImportError: its protocol's package is not installed. ValueError: there is no such protocol.
        Whatever that package raises where a server is not to be reached, or not the one it should be.
    """
    options: dict[str, Any] = {}
    for protocol in BY_SSH:
        if f"{protocol}://" in address:
            fsspec.get_filesystem_class(protocol)  # says which package is wanting, where one is
            from arrears.known_hosts import KnownHosts

            options[protocol] = {"host_key_policy": KnownHosts}
    found: tuple[fsspec.AbstractFileSystem, str] = fsspec.url_to_fs(address, **options)
    return found


def put_whole(
    files: fsspec.AbstractFileSystem, path: str, unfinished: str, write: Callable[[BinaryIO], object]
) -> None:
    """Have a file written beside its place, and put it there when it is whole: over the one that is there, if any.

    unfinished: the path that it is written to.
    """
    try:
        with files.open(unfinished, "wb") as stream:
            write(stream)
            if isinstance(files, LocalFileSystem):
                stream.flush()
                os.fsync(stream.fileno())  # else a power failure may keep the name and lose the content
    except Exception:
        with suppress(Exception):  # a full disk has room again for what comes next
            files.rm_file(unfinished)
        raise
    files.mv(unfinished, path)
