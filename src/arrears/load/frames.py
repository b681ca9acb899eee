"""A file's rows in blocks of columns: what a row stream gives as delimited text, split into frames of plain text.

A frame has the columns c1, c2 … of the file, all text, null where nothing stands, and `line_no`: the line of the file
(row of the sheet) on which each row begins.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.csv as arrow_csv

from arrears.delivery.delimited import reader
from arrears.delivery.fault import BrokenFile, Fault
from arrears.delivery.stream import RowStream
from arrears.load.quotes import check_quotes, unclosed

BLOCK = 3 << 19
# Longer than any row: past this a quote was opened that nothing closes, and the file must not be held in memory whole.
LONGEST_ROW = 1 << 24
# Rows are copied with these between and around values: no table of loans holds them, so hardly anything is quoted.
SEPARATOR, QUOTE = "\x1f", "\x1e"


@dataclass(frozen=True)
class Block:
    """Some rows.

    Attributes:
        frame: their columns.
        blanks: whether there is a blank anywhere in them.
        plain: whether none of their values holds a line break, `SEPARATOR` or `QUOTE`.
    """

    frame: pl.DataFrame
    blanks: bool
    plain: bool


def blocks(stream: RowStream, width: int) -> Iterator[Block]:
    """The rows of a stream in blocks of about a megabyte and a half.

    Args:
        stream: the rows as text.
        width: number of columns.

    Raises (while reading):
        BrokenFile: what the stream raises; a row of another width; a quote that is never closed, or text behind one
            that closes a value.
    """
    line, rows = stream.first_line, 0
    names = [f"c{number}" for number in range(1, width + 1)]
    for text, blanks in _whole_rows(stream):
        quoted = stream.quote is not None and stream.quote.encode() in text
        if quoted and not stream.one_row_a_line:  # all other text is written here
            check_quotes(stream, text, line)
        if b"\0" in text:
            raise _with_nul(stream, text, line, rows)
        frame = _parsed(stream, text, names, line, quoted=quoted)
        plain = not quoted and b"\x1e" not in text and b"\x1f" not in text
        broken = quoted and not stream.one_row_a_line
        taken = _breaks_taken(stream, rows, frame.height)
        yield Block(_numbered(frame, names, line, taken, broken=broken), blanks, plain)
        line += (frame.height if stream.one_row_a_line else text.count(b"\n")) + int(taken[-1])
        rows += frame.height


def _whole_rows(stream: RowStream) -> Iterator[tuple[bytes, bool]]:
    """The text cut after the ends of rows, and whether there is a blank in each piece.

    Where a quote is never closed, the last piece is the rest of the text.
    """
    quote = stream.quote.encode() if stream.quote else None
    held: list[bytes] = []
    size, line = 0, stream.first_line
    for piece in stream:
        held.append(piece)
        size += len(piece)
        if size < BLOCK:
            continue
        text = b"".join(held)
        cut = _last_row_end(text, quote)
        if cut == 0 and size > LONGEST_ROW:
            raise unclosed(stream, line)
        line += text.count(b"\n", 0, cut)
        if cut:
            yield text[:cut], holds_blank(text[:cut])
        held, size = [text[cut:]], size - cut
    rest = b"".join(held)
    if rest:
        yield rest if rest.endswith(b"\n") else rest + b"\n", holds_blank(rest)


def _last_row_end(text: bytes, quote: bytes | None) -> int:
    """Where the last whole row ends: behind a newline with an even number of quotes before it. 0 for nowhere."""
    end = text.rfind(b"\n")
    inside = quote is not None and text.count(quote, 0, max(end, 0)) % 2 == 1
    while quote is not None and inside and end >= 0:
        opened = text.rfind(quote, 0, end)
        end = text.rfind(b"\n", 0, opened)
        inside = text.count(quote, max(end, 0), opened) % 2 == 1
    return end + 1


def holds_blank(text: bytes) -> bool:
    """Whether a space, tab, carriage return, no-break or ideographic space occurs."""
    if b" " in text or b"\t" in text or b"\r" in text:
        return True
    # Looking for one byte is ten times as fast as for two, and few texts have the first byte of these at all.
    no_break = b"\xc2" in text and b"\xc2\xa0" in text
    return no_break or (b"\xe3" in text and b"\xe3\x80\x80" in text)


def _with_nul(stream: RowStream, text: bytes, line: int, rows: int) -> BrokenFile:
    """What to say of a NUL character. rows: how many came before this text, which begins on that line."""
    before = text[: text.index(b"\0")]
    begun = sum(1 for _ in reader(io.StringIO(before.decode() + "x", newline="\n"), stream.delimiter, stream.quote))
    taken = sum(breaks for row, breaks in stream.breaks_taken if row < rows + begun - 1)
    rule = "a NUL character, which no text can hold; ask for it to be sent without"
    return BrokenFile(Fault(stream.file.path, rule, line=line + before.count(b"\n") + taken))


def _breaks_taken(stream: RowStream, first: int, height: int) -> npt.NDArray[np.int64]:
    """How many lines of the file are not in the text before each of some rows, and behind the last.

    first: how many rows came before these.
    """
    taken = np.zeros(height + 1, np.int64)
    while stream.breaks_taken and stream.breaks_taken[0][0] < first + height:
        row, breaks = stream.breaks_taken.popleft()
        taken[row - first + 1] += breaks
    return taken.cumsum()


def _parsed(stream: RowStream, text: bytes, names: list[str], line: int, *, quoted: bool) -> pl.DataFrame:
    try:
        table = arrow_csv.read_csv(
            pa.py_buffer(text),
            arrow_csv.ReadOptions(use_threads=False, block_size=len(text) + 1, column_names=names),
            arrow_csv.ParseOptions(
                delimiter=stream.delimiter, quote_char=stream.quote if quoted else False, double_quote=True,
                escape_char=False, newlines_in_values=quoted, ignore_empty_lines=False,
            ),
            arrow_csv.ConvertOptions(
                check_utf8=False, column_types=dict.fromkeys(names, pa.large_string()), null_values=[""],
                strings_can_be_null=True, quoted_strings_can_be_null=True,
            ),
        )  # fmt: skip
    except pa.ArrowInvalid:
        # Not chained: the error shows the row, and the row may hold personal data.
        fault = _misshapen(stream, text, len(names), line)
        raise BrokenFile(fault or Fault(stream.file.path, "not delimited text as described", line=line)) from None
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    # Arrow takes an empty line for a row of nulls. Where some column has none, there is no such row.
    suspect = len(names) > 1 and min(column.null_count() for column in frame) > 0
    if suspect and (fault := _misshapen(stream, text, len(names), line)):
        raise BrokenFile(fault)
    return frame


def _misshapen(stream: RowStream, text: bytes, width: int, line: int) -> Fault | None:
    """The first row of another width or that is none, with the line on which it begins."""
    rows = reader(io.StringIO(text.decode(), newline="\n"), stream.delimiter, stream.quote)
    before = 0
    try:
        for row in rows:
            if len(row) != width:
                rule = f"{len(row)} columns where the header has {width}" if row else "an empty line between others"
                return Fault(stream.file.path, rule, line=line + before)
            before = rows.line_num
    except csv.Error as error:
        return Fault(stream.file.path, f"not a delimited line ({error})", line=line + before)
    return None


def _numbered(
    frame: pl.DataFrame, names: list[str], line: int, taken: npt.NDArray[np.int64], *, broken: bool
) -> pl.DataFrame:
    """With the line on which each row begins.

    taken: lines that are not in the text before each row; broken: whether rows may go on over several lines.
    """
    numbers = pl.int_range(line, line + frame.height, dtype=pl.Int64, eager=True).alias("line_no")
    if taken[-1]:
        numbers = (numbers + pl.Series(taken[:-1])).alias("line_no")
    if broken:
        breaks = frame.select(
            pl.sum_horizontal([pl.col(name).str.count_matches("\n", literal=True).fill_null(0) for name in names])
            .cum_sum().shift(1, fill_value=0).cast(pl.Int64)
        ).to_series()  # fmt: skip
        numbers = (numbers + breaks).alias("line_no")
    return frame.with_columns(numbers)
