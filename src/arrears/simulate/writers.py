"""Files of text and of JSON Lines at the speed of numpy: columns as blocks of bytes, joined into lines without
touching a row in Python.

A *block* is a uint8 array (rows, width): one cell a row, padded with NUL. `lines` puts blocks side by side with
separators between them and drops the NULs, so cells of any width and any encoding become delimited text.
"""

from __future__ import annotations

import hashlib
import posixpath
import zlib
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date
from functools import cache
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from arrears.file_systems import file_system
from arrears.simulate.book import Days, Ints

Block = npt.NDArray[np.uint8]

_ROWS_AT_ONCE = 1 << 15
_ZERO = ord("0")
_FEW = 256
_GZIP_LEVEL = 3  # half as fast again as the usual 6, and a tenth larger
_FIRST_DAY, _LAST_DAY = (date(y, 1, 1).toordinal() - date(1970, 1, 1).toordinal() for y in (1900, 2101))


def digits(values: Ints, width: int | None = None, *, zeros: bool = False) -> Block:
    """Whole numbers ≥ 0 in decimal. `width`: most digits (default: as many as needed); `zeros`: fill up."""
    if width is None:
        width = len(str(int(values.max(initial=0))))
    if len(values) < _FEW:  # one operation over a table of powers
        higher = values[:, None] // 10 ** np.arange(width - 1, -1, -1)
        figures = (higher % 10 + _ZERO).astype(np.uint8)
        if not zeros:
            figures[:, :-1][higher[:, :-1] == 0] = 0
        return figures
    block = np.zeros((len(values), width), dtype=np.uint8)  # division by a constant is fast
    rest = values.astype(np.int64)
    for k in range(width - 1, -1, -1):
        above = rest // 10
        figure = (rest - above * 10 + _ZERO).astype(np.uint8)
        block[:, k] = figure if zeros or k == width - 1 else np.where(rest > 0, figure, 0)
        rest = above
    return block


@cache
def _calendar() -> Block:
    days = np.arange(_FIRST_DAY, _LAST_DAY).astype("datetime64[D]")
    month = days.astype("datetime64[M]")
    year = month.astype("datetime64[Y]").astype(np.int64) + 1970
    day = (days - month.astype("datetime64[D]")).astype(np.int64) + 1
    return digits((year * 100 + month.astype(np.int64) % 12 + 1) * 100 + day, 8)


def dates(days: Days | Ints) -> Block:
    """Days since 1970-01-01 as YYYYMMDD; 1900 to 2100."""
    return _calendar()[np.asarray(days, dtype=np.int64) - _FIRST_DAY]


@cache
def _table(words: tuple[str, ...], encoding: str) -> Block:
    table = np.array([w.encode(encoding) for w in words])
    width = table.dtype.itemsize if any(words) else 0
    return np.frombuffer(table.tobytes(), dtype=np.uint8)[: len(words) * width].reshape(len(words), width)


@cache
def _iso_calendar() -> Block:
    plain = _calendar()
    hyphen = np.full((len(plain), 1), ord("-"), dtype=np.uint8)
    return np.concatenate([plain[:, :4], hyphen, plain[:, 4:6], hyphen, plain[:, 6:]], axis=1)


def iso_dates(days: Days | Ints) -> Block:
    """Days since 1970-01-01 as YYYY-MM-DD; 1900 to 2100."""
    return _iso_calendar()[np.asarray(days, dtype=np.int64) - _FIRST_DAY]


def iso_instants(seconds: Ints, *, hours_east: int) -> Block:
    """Seconds since 1970-01-01 00:00 UTC as YYYY-MM-DDTHH:MM:SS+HH:00, on the clock so many hours east of UTC."""
    local = seconds + hours_east * 3600
    day, second = local // 86_400, local % 86_400
    clock = (second // 3600, second // 60 % 60, second % 60)
    parts: list[Block] = [iso_dates(day)]
    for mark, part in zip("T::", clock, strict=True):
        parts += [constant(mark, len(seconds)), digits(part, 2, zeros=True)]
    return np.concatenate([*parts, constant(f"+{hours_east:02}:00", len(seconds))], axis=1)


def hundredths(values: Ints) -> Block:
    """Whole hundredths ≥ 0 with two decimals: 500000 as 5000.00."""
    return np.concatenate(
        [digits(values // 100), constant(".", len(values)), digits(values % 100, 2, zeros=True)], axis=1
    )


def lookup(words: tuple[str, ...], codes: Ints, encoding: str) -> Block:
    """Words by their position."""
    return _table(words, encoding)[codes]


def blank(block: Block, where: npt.NDArray[np.bool_]) -> Block:
    """The block with some cells empty."""
    return np.where(where[:, None], np.uint8(0), block)


def constant(word: str, rows: int, encoding: str = "ascii") -> Block:
    """One word in every row."""
    cell = np.frombuffer(word.encode(encoding), dtype=np.uint8)
    return np.broadcast_to(cell, (rows, len(cell)))


def json_text(block: Block) -> Block:
    """Cells as JSON strings. They must not hold what JSON escapes: quotes, backslashes, control characters."""
    quote = constant('"', len(block))
    return np.concatenate([quote, block, quote], axis=1)


def json_lines(members: Mapping[str, Block | Mapping[str, Block]]) -> Block:
    """One JSON object a line, still padded. A member is a block of JSON values, or an object of such members."""
    parts: list[Block | str] = []
    mark = "{"
    for name, member in members.items():
        parts.append(f'{mark}"{name}":')
        mark = ","
        if not isinstance(member, Mapping):
            parts.append(member)
            continue
        inner = "{"
        for part, cells in member.items():
            parts += [f'{inner}"{part}":', cells]
            inner = ","
        parts.append("}")
    rows = next(len(part) for part in parts if not isinstance(part, str))
    parts.append("}\n")
    return np.concatenate([constant(p, rows, "utf-8") if isinstance(p, str) else p for p in parts], axis=1)


def row_block(cells: Sequence[Block], separator: str = "|", end: str = "\n") -> Block:
    """Cells side by side with separators: whole lines, still padded."""
    rows = len(cells[0])
    parts: list[Block] = []
    for k, cell in enumerate(cells):
        parts += [cell, constant(end if k == len(cells) - 1 else separator, rows)]
    return np.concatenate(parts, axis=1)


def squeeze(block: Block) -> bytes:
    """The bytes of lines without their padding."""
    if len(block) <= _ROWS_AT_ONCE:
        return block.tobytes().translate(None, b"\0")
    return b"".join(
        block[k : k + _ROWS_AT_ONCE].tobytes().translate(None, b"\0") for k in range(0, len(block), _ROWS_AT_ONCE)
    )


class Landing:
    """Where a lender's deliveries go: a folder, or any URL that fsspec writes to.

    Raises what fsspec raises where nothing can be written.
    """

    def __init__(self, root: str, lender: str) -> None:
        self.fs, base = file_system(root)
        self.base = posixpath.join(str(base), lender)

    def path(self, folder: str, name: str) -> str:
        """Path of a file of a delivery, as the file system writes it."""
        return posixpath.join(self.base, folder, name)

    def open(self, folder: str, name: str) -> Any:
        """Open a file of a delivery for writing bytes. Its folder is made."""
        self.fs.makedirs(posixpath.join(self.base, folder), exist_ok=True)
        return self.fs.open(self.path(folder, name), "wb")


class TrailedText(AbstractContextManager["TrailedText"]):
    """A delimited file whose last line says how many rows it has and what one column adds up to.

    Rows are written as they come, so a file of any size needs no memory.
    """

    def __init__(self, landing: Landing | None, folder: str, name: str, header: Sequence[str], encoding: str) -> None:
        self._file = landing.open(folder, name) if landing else None
        self.rows = 0
        self.sum = 0
        self.bytes = 0
        self._put(("|".join(header) + "\n").encode(encoding))

    @property
    def written(self) -> bool:
        """Whether there is a file, or only the counting of one."""
        return self._file is not None

    def _put(self, data: bytes) -> None:
        if self._file is not None:
            self.bytes += len(data)
            self._file.write(data)

    def write(self, lines: Block, total: int) -> None:
        """Append lines; `total`: what they add to the control sum."""
        if len(lines):
            self.rows += len(lines)
            self.sum += total
            if self._file is not None:
                for k in range(0, len(lines), _ROWS_AT_ONCE):
                    self._put(squeeze(lines[k : k + _ROWS_AT_ONCE]))

    def close(self) -> None:
        """Write the trailer and close the file."""
        self._put(f"TRAILER|{self.rows}|{self.sum}\n".encode("ascii"))
        if self._file is not None:
            self._file.close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        elif self._file is not None:
            self._file.close()


class GzippedLines:
    """A gzipped file of lines, without a time in it, and what a manifest says of it.

    Rows are written as they come, so a file of any size needs no memory.
    """

    def __init__(self, landing: Landing, folder: str, name: str) -> None:
        self.name = name
        self.rows = 0
        self.bytes = 0
        self._digest = hashlib.sha256()
        self._file = landing.open(folder, name)
        self._deflate = zlib.compressobj(level=_GZIP_LEVEL, wbits=31)

    @property
    def sha256(self) -> str:
        """Of the file as it lies there (hexadecimal), once it is closed."""
        return self._digest.hexdigest()

    def _put(self, data: bytes) -> None:
        self._digest.update(data)
        self.bytes += len(data)
        self._file.write(data)

    def write(self, lines: Block) -> None:
        """Append lines."""
        self.rows += len(lines)
        for k in range(0, len(lines), _ROWS_AT_ONCE):
            self._put(self._deflate.compress(squeeze(lines[k : k + _ROWS_AT_ONCE])))

    def close(self) -> None:
        """Finish and close the file."""
        self._put(self._deflate.flush())
        self._file.close()


def delivery_folder(day: date) -> str:
    """The folder of a business date's delivery."""
    return day.isoformat()
