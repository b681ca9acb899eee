"""Quotes of delimited text: whether every one opens a value, closes it, is doubled inside it or is mere text.

A parser that meets text behind a closing quote goes on as if nothing were quoted. Of two stray quotes in two rows it
makes one row, often of the right width, and the rows between them are lost: an even number of quotes proves nothing.
"""

from __future__ import annotations

import re
from functools import lru_cache

import numpy as np

from arrears.delivery.fault import BrokenFile, Fault
from arrears.delivery.stream import RowStream


def check_quotes(stream: RowStream, text: bytes, line: int) -> None:
    """Refuse a quote that is never closed, and text behind one that closes a value.

    Args:
        stream: where the text comes from, and how it is quoted.
        text: rows; the last ends with a newline.
        line: line of the file on which the first begins.

    Raises:
        BrokenFile: with the line on which the value begins.
    """
    if stream.quote is None or _is_plain(text, stream.delimiter, stream.quote):
        return
    shape = _shape(stream.delimiter, stream.quote)
    rows = shape.rows.match(text)
    assert rows is not None  # no rows at all are rows
    end = rows.end()
    if end < len(text):
        begins, closed = line + text.count(b"\n", 0, end), shape.quoted.match(text, end)
        if closed is None:
            raise unclosed(stream, begins)
        closes = line + text.count(b"\n", 0, closed.end())
        raise _broken(stream, f"text on line {closes} behind the quote that closes a value", begins)
    if text.count(shape.quote) % 2:
        # Within a value that is not quoted a quote is text; but where rows end is told by their number.
        values = shape.value.finditer(text)
        odd = next(value.start() for value in values if value.group().count(shape.quote) % 2)
        raise unclosed(stream, line + text.count(b"\n", 0, odd))


def unclosed(stream: RowStream, line: int) -> BrokenFile:
    """What to say of a quote that nothing closes. line: where it stands."""
    return _broken(stream, "a quote is opened and never closed", line)


def _broken(stream: RowStream, rule: str, line: int) -> BrokenFile:
    return BrokenFile(Fault(stream.file.path, f"{rule}: a quote inside a value must be doubled", line=line))


def _is_plain(text: bytes, delimiter: str, quote: str) -> bool:
    """Whether all quotes stand at the ends of values or in pairs: seen at a glance, and so in almost every file."""
    characters = np.frombuffer(text, np.uint8)
    places = np.flatnonzero(characters == ord(quote))
    if len(places) % 2:
        return False
    beside = np.zeros(256, np.bool_)
    beside[[ord(delimiter), ord(quote), ord("\n")]] = True
    # Before the very first stands the last newline, which is as good as another.
    return bool(beside[characters[places[0::2] - 1]].all() and beside[characters[places[1::2] + 1]].all())


class _Shape:
    """What rows look like, as patterns that never go back over what they have passed."""

    def __init__(self, delimiter: str, quote: str) -> None:
        self.quote = quote.encode()
        d, q = re.escape(delimiter.encode()), re.escape(self.quote)
        quoted, bare = b"Q[^Q]*+(?:QQ[^Q]*+)*+Q", b"[^QD\n][^D\n]*+"
        rows = b"(?:(?:%b *|%b|)[D\n])*+" % (quoted, bare)
        self.quoted, self.rows, self.value = (
            re.compile(pattern.replace(b"Q", q).replace(b"D", d))
            for pattern in (quoted, rows, b"%b|%b" % (quoted, bare))
        )


@lru_cache(maxsize=16)
def _shape(delimiter: str, quote: str) -> _Shape:
    return _Shape(delimiter, quote)
