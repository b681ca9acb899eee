"""Rows in blocks of columns: cut between rows, wherever a quote stands, each with the line on which it begins."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import openpyxl
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import settings as bounds
from hypothesis import strategies as st

from arrears.delivery import delimited, text
from arrears.delivery.fault import BrokenFile
from arrears.delivery.files import DeliveryFile
from arrears.delivery.stream import RowStream, open_stream
from arrears.load import frames
from arrears.load.frames import blocks, holds_blank

from .streams import resource, stored

HEADER = b"a,b\n"


def _stream(folder: Path, body: bytes) -> RowStream:
    return open_stream(stored(folder, HEADER + body, resource("csv", ["a", "b"])), lambda: b"")


def _rows(stream: RowStream) -> list[tuple[int, str | None, str | None]]:
    found = [block.frame for block in blocks(stream, 2)]
    return [row for frame in found for row in frame.select("line_no", "c1", "c2").iter_rows()]


def _broken(stream: RowStream) -> str:
    with pytest.raises(BrokenFile) as broken:
        _rows(stream)
    return str(broken.value)


CELL = st.text('ab ",\n中\u3000', max_size=6)


@bounds(max_examples=300, deadline=None)
@given(table=st.lists(st.tuples(CELL, CELL), max_size=40), size=st.sampled_from([1, 2, 7, 64]))
def test_rows_come_back_as_they_were_written(
    table: list[tuple[str, str]], size: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Blocks of any size give the same rows, with the line on which each begins."""
    sink = io.StringIO()
    csv.writer(sink, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(table)
    body = sink.getvalue()
    expected, line = [], 2
    for row in table:
        expected.append((line, row[0] or None, row[1] or None))
        line += 1 + sum(cell.count("\n") for cell in row)
    stream = _stream(tmp_path_factory.mktemp("rows"), body.encode())
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(frames, "BLOCK", size)
        assert _rows(stream) == expected


PERSONAL = resource("csv", [
    "a", {"name": "name", "arrears": {"pii": "drop"}}, {"name": "id", "arrears": {"pii": "hash"}}, "b",
])  # fmt: skip


@bounds(max_examples=300, deadline=None)
@given(table=st.lists(st.tuples(CELL, CELL, CELL, CELL), max_size=40), size=st.sampled_from([1, 2, 7, 64]))
def test_line_breaks_in_personal_data_are_lines_of_the_file(
    table: list[tuple[str, ...]], size: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    sink = io.StringIO("a,name,id,b\n")
    sink.seek(0, io.SEEK_END)
    csv.writer(sink, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(table)
    expected, line = [], 2
    for row in table:
        expected.append((line, row[0] or None, row[3] or None))
        line += 1 + sum(cell.count("\n") for cell in row)
    file = stored(tmp_path_factory.mktemp("rows"), sink.getvalue().encode(), PERSONAL)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(frames, "BLOCK", size)
        patched.setattr(text, "BLOCK", size)
        found = [block.frame for block in blocks(open_stream(file, lambda: b"key"), 4)]
    assert [row for frame in found for row in frame.select("line_no", "c1", "c4").iter_rows()] == expected


BROKEN = [["x\ny", "\n"], ["1", "2"], ["3\n\n", "4"], ["5", "6"]]


def _json_lines(folder: Path) -> RowStream:
    lines = (json.dumps(dict(zip("ab", row, strict=True))) for row in BROKEN)
    return open_stream(stored(folder, "\n".join(lines).encode(), resource("jsonl", ["a", "b"])), lambda: b"")


def _workbook(folder: Path) -> RowStream:
    book, sink = openpyxl.Workbook(), io.BytesIO()
    for row in (["a", "b"], *BROKEN):
        book.active.append(row)
    book.save(sink)
    return open_stream(stored(folder, sink.getvalue(), resource("xlsx", ["a", "b"])), lambda: b"")


def _parquet(folder: Path) -> RowStream:
    a, b = zip(*BROKEN, strict=True)
    pq.write_table(pa.table({"a": a, "b": b}), folder / "rows.parquet")
    described = resource("parquet", ["a", "b"])
    return open_stream(DeliveryFile(described, "acme/rows.parquet", str(folder / "rows.parquet")), lambda: b"")


@pytest.mark.parametrize("size", [1, frames.BLOCK])
@pytest.mark.parametrize(("opened", "first"), [(_json_lines, 1), (_workbook, 2), (_parquet, 1)])
def test_a_line_break_in_a_value_is_a_line_of_delimited_text_only(
    opened: Callable[[Path], RowStream], first: int, size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frames, "BLOCK", size)
    assert _rows(opened(tmp_path)) == [(line, *row) for line, row in enumerate(BROKEN, start=first)]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"1,2\n3\n", "csv:3: 1 columns where the header has 2"),
        (b'1,"x\ny"\n3,4,5\n', "csv:4: 3 columns where the header has 2"),
        (b"1,2\n\n3,4\n", "csv:3: an empty line between others"),
        (b"1,2\n3,4\0\n", "csv:3: a NUL character"),
        (b'1,2\n3,"4\n5,6\n', "csv:3: a quote is opened and never closed"),
        (b'"x\ny",2\n3,4"\n5,6\n', "csv:4: a quote is opened and never closed"),
        (b'1,"Bob\n2,x\n3,"Al\n', "csv:2: text on line 4 behind the quote that closes a value"),
        (b'1,2\n"\xe5\xa4\xa7"x,4\n', "csv:3: text on line 3 behind the quote that closes a value"),
        (b'"1" "2",3\n', "csv:2: text on line 2 behind the quote that closes a value"),
        (b'"1""" x,"3"\n', "csv:2: text on line 2 behind the quote that closes a value"),
    ],
)
def test_what_is_no_table(body: bytes, said: str, tmp_path: Path) -> None:
    message = _broken(_stream(tmp_path, body))
    assert said in message
    assert "1,2" not in message


def test_a_nul_behind_line_breaks_in_personal_data(tmp_path: Path) -> None:
    file = stored(tmp_path, b'a,name,id,b\n1,"x\ny","7\n8",2\n3,,,4\0\n', PERSONAL)
    with pytest.raises(BrokenFile, match="csv:5: a NUL character"):
        list(blocks(open_stream(file, lambda: b"key"), 4))


@pytest.mark.parametrize("size", [1, 8, frames.BLOCK])
def test_two_stray_quotes_do_not_make_one_row_of_three(
    size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their number is even, and the row that they would make has the right width."""
    monkeypatch.setattr(frames, "BLOCK", size)
    content = b'id,name,amount\nL0,"a ""b""\n",0\nL1,"Bob,5\nL2,x,6\nL3,"Al,7\n'
    stream = open_stream(stored(tmp_path, content, resource("csv", ["id", "name", "amount"])), lambda: b"")
    with pytest.raises(BrokenFile) as broken:
        list(blocks(stream, 3))
    (fault,) = broken.value.faults
    assert (fault.line, fault.refuses) == (4, True)
    assert fault.rule.startswith("text on line 6 behind the quote that closes a value")
    assert "Bob" not in str(fault)


@pytest.mark.parametrize(
    ("body", "rows"),
    [
        (b'"1",""\n"","2"\n', [(2, "1", None), (3, None, "2")]),
        (b'"a""b","""c"""\n', [(2, 'a"b', '"c"')]),
        (b'"1" ,"2"  \n', [(2, "1 ", "2  ")]),
        (b'a"b"c,5"\n6",7\n', [(2, 'a"b"c', '5"'), (3, '6"', "7")]),
        (b'a"b",","\n"x\ny",1\n', [(2, 'a"b"', ","), (3, "x\ny", "1")]),
    ],
)
def test_quotes_that_say_what_they_quote(
    body: bytes, rows: list[tuple[int, str | None, str | None]], tmp_path: Path
) -> None:
    """A quote within a value that does not begin with one is part of it."""
    assert _rows(_stream(tmp_path, body)) == rows


@bounds(max_examples=1000, deadline=None)
@given(body=st.text('a",\n', max_size=24), size=st.sampled_from([1, 5, 64]))
def test_what_is_read_is_what_a_strict_parser_reads(
    body: str, size: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    body = body.rstrip("\n") + "\n"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(frames, "BLOCK", size)
        try:
            found = _rows(_stream(tmp_path_factory.mktemp("rows"), body.encode()))
        except BrokenFile:
            return
    strict = csv.reader(io.StringIO(body, newline="\n"), strict=True, lineterminator="\n")
    assert [list(row) for _, *row in found] == [[cell or None for cell in row] for row in strict if body.strip("\n")]


LONG = b"x" * 200_000


@pytest.mark.parametrize("row", [LONG + b"\n", LONG + b",2,3\n"])
def test_a_long_line_of_another_width(row: bytes, tmp_path: Path) -> None:
    width = row.count(b",") + 1
    assert f"csv:3: {width} columns where the header has 2" in _broken(_stream(tmp_path, b"1,2\n" + row))


def test_a_value_that_no_line_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "LONGEST_LINE", 150_000)
    assert "csv:3: not a delimited line (field larger" in _broken(_stream(tmp_path, b"1,2\n" + LONG + b"\n"))


def test_a_quote_that_swallows_the_file_is_not_held_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "BLOCK", 1 << 10)
    monkeypatch.setattr(frames, "LONGEST_ROW", 1 << 12)
    body = b'1,"2\n' + b"3,4\n" * 10_000
    assert "csv:2: a quote is opened and never closed" in _broken(_stream(tmp_path, body))


def test_nothing_and_null_are_null(tmp_path: Path) -> None:
    assert _rows(_stream(tmp_path, b'"",\n0,NULL\n')) == [(2, None, None), (3, "0", "NULL")]


@pytest.mark.parametrize("blank", [" ", "\t", "\r", "\u00a0", "\u3000"])
def test_blanks_are_seen(blank: str) -> None:
    assert holds_blank(f"中文{blank}x".encode())
    assert not holds_blank("中文·，１２".encode())


def test_all_columns_are_text(tmp_path: Path) -> None:
    (block,) = blocks(_stream(tmp_path, b"1,2024-01-01\ntrue,\n"), 2)
    assert set(block.frame.select("c1", "c2").dtypes) == {pl.String}
    assert (block.blanks, block.plain) == (False, True)


@pytest.mark.parametrize("body", [b'1,"a\nb"\n', b"1,a\x1fb\n", b"1,a\x1eb\n"])
def test_what_needs_quotes_when_copied(body: bytes, tmp_path: Path) -> None:
    (block,) = blocks(_stream(tmp_path, body), 2)
    assert not block.plain
