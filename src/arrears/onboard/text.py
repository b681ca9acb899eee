"""Samples of delimited text: delimiter, quote, header and trailer are found by what makes the lines alike."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from pathlib import Path
from typing import Any

from arrears.onboard.encoding import Encoded, decoded
from arrears.onboard.sample import MOST_ROWS, Column, Sample, TrailerSeen, unreadable

DELIMITERS = ",\t|;^~\x01"
LINES_JUDGED = 200
_VALUE_LIKE = re.compile(r"[-+]?[\d.,]+%?|\d{4}\D\d{1,2}\D\d{1,2}\D?.*|\d{17}[\dXx]")
# No other word: it might be a name, and is shown.
_TRAILER_MARK = re.compile("[A-Za-z]+|合计|总计|汇总|结束")


def read_text(path: Path, content: bytes, encoded: Encoded, *, whole: bool, last_line: bytes | None) -> Sample:
    """The sample of a delimited file.

    Args:
        path: the file.
        content: its first bytes, unpacked. whole: whether those are all.
        encoded: their encoding.
        last_line: the last line of a file that is not read whole, where it could be had.
    """
    text = decoded(content, encoded.encoding)
    lines = (text or "").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if not whole:
        lines.pop()  # the last one is cut
    while lines and not lines[-1].strip():
        lines.pop()
    if not lines:
        raise unreadable(path, "there is no line of text in it")
    delimiter, quote = _style(lines[:LINES_JUDGED])
    rows = _parsed(lines, delimiter, quote)
    last = lines[-1] if whole else _decoded_line(last_line, encoded)
    trailer = _trailer(last.split(delimiter), rows, whole=whole)
    if whole and trailer is not None:
        rows.pop()
    whole = whole and len(rows) <= MOST_ROWS + 1
    sample = Sample(
        path, "csv", [], 0, whole, encoding=encoded.encoding,
        encoding_is_sure=encoded.is_sure, delimiter=delimiter, quote=quote, trailer=trailer,
    )  # fmt: skip
    _fill(sample, rows[: MOST_ROWS + 1])
    return sample


def _decoded_line(line: bytes | None, encoded: Encoded) -> str:
    return (decoded(line, encoded.encoding) or "") if line is not None else ""


# ── how lines are written ────────────────────────────────────────────────────────────────────────────────


def _style(lines: list[str]) -> tuple[str, str | None]:
    """The delimiter and quote with which most rows have the same number of columns, and that many of them.

    Where that leaves both, a quote that makes one row of several lines is none.
    """
    quotes: list[str | None] = ['"', None] if any('"' in line for line in lines) else ['"']
    best: tuple[float, int, int] = (0.0, 1, 0)
    style: tuple[str, str | None] = (",", '"')
    for delimiter in DELIMITERS:
        for quote in quotes:
            widths = Counter(len(row) for row in _parsed(lines, delimiter, quote))
            width, times = max(widths.items(), key=lambda item: (item[1], item[0]))
            found = round(times / widths.total(), 1), width, widths.total()
            if width > 1 and found > best:
                best, style = found, (delimiter, quote)
    return style


def _parsed(lines: list[str], delimiter: str, quote: str | None) -> list[list[str]]:
    quoting: dict[str, Any] = {"quotechar": quote} if quote else {"quoting": csv.QUOTE_NONE}
    reader = csv.reader(io.StringIO("\n".join(lines), newline=""), delimiter=delimiter, **quoting)
    rows = []
    try:
        for row in reader:
            rows.append(row)
    except csv.Error:  # a field without an end: what came before is sample enough
        pass
    return rows or [[""]]


def _trailer(last: list[str], rows: list[list[str]], *, whole: bool) -> TrailerSeen | None:
    """A last line of a word, a number of rows and perhaps a sum; of the rows' width only if it counts them."""
    parts = [part.strip() for part in last]
    if len(parts) not in (2, 3) or not _TRAILER_MARK.fullmatch(parts[0]) or not parts[1].isdecimal():
        return None
    width = Counter(map(len, rows)).most_common(1)[0][0]
    if len(parts) == width and not (whole and int(parts[1]) == len(rows) - 2):  # header and trailer
        return None
    return TrailerSeen(parts[0], parts[1], parts[2] if len(parts) == 3 else None)


# ── the table ────────────────────────────────────────────────────────────────────────────────────────────


def _fill(sample: Sample, rows: list[list[str]]) -> None:
    width = Counter(map(len, rows)).most_common(1)[0][0]
    header = next((number for number, row in enumerate(rows[:20]) if looks_like_header(row, width)), None)
    if header is None:
        sample.header_row, names = 0, [f"column_{number}" for number in range(1, width + 1)]
        sample.doubts.append("the first line holds values, not names: name the columns in their order")
        body = rows
    else:
        sample.header_row, body = header + 1, rows[header + 1 :]
        names = named(rows[header], sample)
        if header > 0:
            sample.doubts.append(
                f"the header stands on line {header + 1}, but a csv file begins with it: have the lines above left out"
            )
    crooked = sum(1 for row in body if len(row) != len(names))
    if crooked:
        sample.doubts.append(f"{crooked} of {len(body)} rows have another number of columns than the header")
    straight = [row for row in body if len(row) == len(names)]
    sample.rows = len(straight)
    sample.columns = [Column(name, [row[i] for row in straight]) for i, name in enumerate(names)]


def looks_like_header(row: list[str], width: int) -> bool:
    """Whether a row names columns: as wide as the rows, no value among the names, none of them twice or empty."""
    filled = [cell.strip() for cell in row if cell.strip()]
    if len(row) != width or len(filled) < max(1, 0.8 * width):
        return False
    return not any(_VALUE_LIKE.fullmatch(cell) for cell in filled) and len(set(filled)) >= 0.8 * len(filled)


def named(cells: list[str], sample: Sample) -> list[str]:
    """The header's names; a column without one is given its number."""
    names = [cell.strip() for cell in cells]
    for number, name in enumerate(names, start=1):
        if not name:
            sample.doubts.append(f"column {number} has no name in the header")
            names[number - 1] = f"column_{number}"
    twice = [name for name, times in Counter(names).items() if times > 1]
    sample.doubts += [f"two columns are named '{name}': have one of them renamed" for name in twice]
    return names
