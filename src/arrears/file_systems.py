"""What holds files: a folder, an object store, a server. One address says which it is, and how to reach it."""

from __future__ import annotations

from typing import Any

import fsspec

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
