"""Files that get to their place whole, on a disk and in a store."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import fsspec
import pytest

from arrears.file_systems import file_system, put_whole


@pytest.fixture(params=["disk", "store"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[fsspec.AbstractFileSystem, str]:
    """An empty one, and what holds it."""
    files, path = file_system(str(tmp_path) if request.param == "disk" else f"memory://{tmp_path}")
    files.makedirs(path, exist_ok=True)
    return files, path


def test_what_ends_half_way_leaves_what_was_there(folder: tuple[fsspec.AbstractFileSystem, str]) -> None:
    files, path = folder
    place, unfinished = f"{path}/list", f"{path}/_list"

    def half(stream: BinaryIO) -> None:
        stream.write(b"ne")
        raise OSError("no room")

    put_whole(files, place, unfinished, lambda stream: stream.write(b"old"))
    with pytest.raises(OSError, match="no room"):
        put_whole(files, place, unfinished, half)
    assert files.cat_file(place) == b"old"
    put_whole(files, place, unfinished, lambda stream: stream.write(b"new"))
    assert files.cat_file(place) == b"new"
    assert [Path(name).name for name in files.ls(path, detail=False)] == ["list"]
