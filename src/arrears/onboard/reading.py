"""A file as a sample: what it is, is told by its first bytes, not by its name."""

from __future__ import annotations

import lzma
import zipfile
import zlib
from pathlib import Path

import fsspec

from arrears.errors import Usage
from arrears.onboard import encoding
from arrears.onboard.sample import MOST_BYTES, MarkerSeen, Seen, unreadable

LAST_BYTES = 1 << 16
OLD_WORKBOOK = bytes.fromhex("d0cf11e0a1b11ae1")


def read_sample(path: Path) -> list[Seen]:
    """What a file shows: the tables in it, or that it is a manifest or a marker.

    Raises:
        Usage: there is no such file.
        Refused: nothing can be drafted from it.
    """
    if not path.is_file():
        raise Usage(f"There is no file {path}. Name the files of one delivery.")
    start = _start(path)
    if not start:
        if path.suffix and path.suffix not in (".ok", ".done", ".flag", ".ctl"):
            raise unreadable(path, "it is empty; take a day on which there was something to deliver")
        return [MarkerSeen(path)]
    if start.startswith(OLD_WORKBOOK):
        raise unreadable(path, "it is an old .xls workbook, or one locked with a password; ask for .xlsx without one")
    if start.startswith(b"PK\x03\x04"):
        from arrears.onboard.workbook import read_workbook

        return list(read_workbook(path))
    if start.startswith(b"PAR1"):
        from arrears.onboard.parquet import read_parquet

        return [read_parquet(path)]
    return [_text_sample(path, start)]


def _start(path: Path) -> bytes:
    """The first bytes, unpacked if the name's ending says that they are packed."""
    try:
        with fsspec.open(str(path), "rb", compression="infer") as stream:
            return bytes(stream.read(MOST_BYTES))
    except (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile) as error:
        raise unreadable(path, f"the compressed file is broken or truncated ({error})") from error
    except OSError as error:
        raise unreadable(path, f"{error.strerror or error}") from error


def _text_sample(path: Path, start: bytes) -> Seen:
    from arrears.onboard import jsonlines, text

    encoded = encoding.detect(start)
    decoded = encoding.decoded(start, encoded.encoding) if encoded is not None else None
    if encoded is None or decoded is None:
        raise unreadable(path, "it is neither text nor an Excel workbook nor Parquet")
    whole = len(start) < MOST_BYTES
    if decoded.lstrip().startswith("["):
        raise unreadable(path, "it is a JSON array; ask for JSON Lines, one object a line")
    if decoded.lstrip().startswith("{"):
        manifest = jsonlines.read_manifest(path, decoded) if whole else None
        if manifest is not None:
            return manifest
        if not jsonlines.looks_like_json_lines(decoded):
            raise unreadable(path, "it is JSON, but not one object a line; ask for JSON Lines")
        if encoded.encoding != "utf-8":
            raise unreadable(path, f"JSON Lines are UTF-8, and this file seems to be {encoded.encoding}")
        return jsonlines.read_json_lines(path, decoded, whole=whole)
    return text.read_text(path, start, encoded, whole=whole, last_line=None if whole else _last_line(path))


def _last_line(path: Path) -> bytes | None:
    """The last line of a file that lies there unpacked."""
    with path.open("rb") as stream:
        if stream.read(2) == b"\x1f\x8b":
            return None
        stream.seek(max(0, path.stat().st_size - LAST_BYTES))
        return stream.read().rstrip(b"\r\n").rpartition(b"\n")[2]
