"""JSON Lines: exact numbers, nested objects, and every way in which a line can be none."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from arrears.delivery import lines
from arrears.delivery.pii import keyed_hash
from arrears.delivery.stream import open_stream
from tests.unit.streams import IDENTITY, KEY, NAME, PHONE, broken, read, resource, rows, stored

AB = resource("jsonl", ["a", "b"])
TERMS = {"name": "terms", "type": "object", "arrears": {"parts": [{"name": "principal"}, {"name": "rate"}]}}
NESTED = resource("jsonl", ["no", TERMS, "state"])
MANIFEST = {"kind": "manifest", "file": "manifest.json"}


@pytest.fixture(params=[1, 3, 7, 64, 1 << 20])
def block(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """The same is read whatever the size of the pieces."""
    monkeypatch.setattr(lines, "BLOCK", request.param)
    return int(request.param)


@pytest.mark.parametrize(
    ("content", "body"),
    [
        ('{"a": "1", "b": "2"}\n', b"1,2\n"),
        ('{"a": "1", "b": "2"}', b"1,2\n"),
        ('\ufeff{"a": 1, "b": 2}\r\n{"a": 3, "b": 4}\r\n', b"1,2\n3,4\n"),
        ('{"b": 2, "a": 1}\n', b"1,2\n"),
        ('  {"a": 1, "b": 2}  \n\n \n', b"1,2\n"),
        ('{"a": null, "b": ""}\n', b",\n"),
        ('{"a": 1}\n{"b": 2}\n{}\n', b"1,\n,2\n,\n"),
        ('{"a": true, "b": false}\n', b"true,false\n"),
        ('{"a": "x,y", "b": "say \\"it\\""}\n', b'"x,y","say ""it"""\n'),
        ('{"a": "x\\ny", "b": "王，小明"}\n', '"x\ny",王，小明\n'.encode()),
        ('{"a": "x\\ry", "b": null}\n', b'"x\ry",""\n'),
        ('{"a": "\\ud842\\udfb7", "b": "\\u00a0"}\n', "𠮷,\u00a0\n".encode()),
        ('{"a": "=HYPERLINK(1)", "b": "\'); drop table loan;--"}\n', b"=HYPERLINK(1),'); drop table loan;--\n"),
    ],
)
def test_the_rows(content: str, body: bytes, block: int, tmp_path: Path) -> None:
    assert read(stored(tmp_path, content.encode(), AB))[0] == body


@pytest.mark.parametrize(
    "number",
    ["0", "-0.00", "5000.10", "0.1000000000000000055511151231257827", "123456789012345678901234567890", "1e5", "NaN"],
)
def test_numbers_keep_the_digits_they_are_written_with(number: str, tmp_path: Path) -> None:
    assert rows(stored(tmp_path, f'{{"a": {number}, "b": "x"}}'.encode(), AB)) == [[number, "x"]]


def test_what_the_stream_says_of_itself(tmp_path: Path) -> None:
    _, stream = read(stored(tmp_path, b'{"a": "1", "b": "2"}\n', AB))
    assert (stream.delimiter, stream.quote, stream.first_line, stream.trailer) == (",", '"', 1, None)


def test_a_compressed_file(block: int, tmp_path: Path) -> None:
    content = gzip.compress(b'{"a": 1, "b": 2}\n' * 20)
    assert read(stored(tmp_path, content, AB, "rows.jsonl.gz"))[0] == b"1,2\n" * 20
    assert "broken or truncated" in str(broken(stored(tmp_path, content[:-9], AB, "rows.jsonl.gz")))


# ── objects in objects ───────────────────────────────────────────────────────────────────────────────────


def test_objects_are_taken_apart(block: int, tmp_path: Path) -> None:
    content = b"""{"no": 1, "terms": {"rate": 0.18, "principal": 5000.00}, "state": "open"}
{"no": 2, "terms": {"principal": 10}, "state": "open"}
{"no": 3, "terms": null, "state": "open"}
{"no": 4, "state": "open"}
{"no": 5, "terms": {}, "state": "open"}
"""
    assert rows(stored(tmp_path, content, NESTED)) == [
        ["1", "5000.00", "0.18", "open"], ["2", "10", "", "open"], ["3", "", "", "open"], ["4", "", "", "open"],
        ["5", "", "", "open"],
    ]  # fmt: skip


def test_an_object_that_nobody_reads_may_hold_anything(tmp_path: Path) -> None:
    described = resource("jsonl", ["no", {"name": "extra", "type": "object"}])
    assert rows(stored(tmp_path, b'{"no": 1, "extra": [{"x": 1}]}\n', described)) == [["1"]]


# ── what is no row ───────────────────────────────────────────────────────────────────────────────────────

GOOD = '{"a": 1, "b": 2}'


@pytest.mark.parametrize(
    ("line", "column", "said"),
    [
        ('{"a": 1, "b": 2', None, "not JSON"),
        ("a,b", None, "not JSON"),
        ('{"a": 1, "b": 2} {"a": 1, "b": 2}', None, "not JSON (Extra data at character 18)"),
        ('{"a": 1 "b": 2}', None, "not JSON (Expecting ',' delimiter at character 9)"),
        ('{"a": 01, "b": 2}', None, "not JSON"),
        ('{"a": "\t", "b": 2}', None, "not JSON (Invalid control character"),
        ("[1, 2]", None, "not a JSON object"),
        ('"a"', None, "not a JSON object"),
        ("null", None, "not a JSON object"),
        ("", None, "a blank line between others"),
        ("  \t", None, "a blank line between others"),
        ('{"a": 1, "b": 2, "a": 3}', "a", "stands twice in the object"),
        ('{"a": 1, "b": 2, "c": 3}', "c", "a column that the contract does not know"),
        ('{"x": 1}', None, "no column of the contract"),
        ('{"a": {"x": 1}, "b": 2}', "a", "an object, where the contract has a single value"),
        ('{"a": 1, "b": [2]}', "b", "an array, where the contract has a single value"),
        ('{"a": "x\\u0000y", "b": 2}', "a", "a character that no text can hold"),
        ('{"a": 1, "b": "\\ud842"}', "b", "a character that no text can hold"),
    ],
)
def test_a_line_that_is_no_row(line: str, column: str | None, said: str, block: int, tmp_path: Path) -> None:
    (fault,) = broken(stored(tmp_path, f"{GOOD}\n{GOOD}\n{line}\n{GOOD}\n".encode(), AB)).faults
    assert said in fault.rule
    assert (fault.file, fault.line, fault.column) == ("acme/rows.jsonl", 3, column)


def test_brackets_without_end(tmp_path: Path) -> None:
    (fault,) = broken(stored(tmp_path, b"[" * 100_000, AB)).faults
    assert fault.rule.startswith("not JSON")


@pytest.mark.parametrize(
    ("terms", "column", "said"),
    [
        ('{"principal": 1, "fee": 2}', "terms.fee", "does not know"),
        ('{"principal": {"x": 1}}', "terms.principal", "an object, where the contract has a single value"),
        ('"5000"', "terms", "not an object, which the contract says it is"),
        ('{"rate": 1, "rate": 2}', "rate", "stands twice"),
    ],
)
def test_an_object_that_is_not_the_contracts(terms: str, column: str, said: str, tmp_path: Path) -> None:
    (fault,) = broken(stored(tmp_path, f'{{"no": 1, "terms": {terms}, "state": 1}}'.encode(), NESTED)).faults
    assert said in fault.rule
    assert (fault.line, fault.column) == (1, column)


def test_a_column_that_no_line_has(block: int, tmp_path: Path) -> None:
    faults = broken(stored(tmp_path, b'{"no": 1, "terms": {"principal": 1}}\n' * 3, NESTED)).faults
    assert [fault.column for fault in faults] == ["terms.rate", "state"]
    assert {fault.rule for fault in faults} == {"the column is missing from every line"}


@pytest.mark.parametrize("content", [b"", b"\n", b"\xef\xbb\xbf", b" \r\n\r\n"])
def test_a_file_without_lines_needs_a_manifest(content: bytes, block: int, tmp_path: Path) -> None:
    (fault,) = broken(stored(tmp_path, content, AB)).faults
    assert fault.rule.startswith("the file is empty")
    vouched = resource("jsonl", ["a", "b"], control=MANIFEST)
    assert read(stored(tmp_path, content, vouched))[0] == b""
    assert read(stored(tmp_path, gzip.compress(content), vouched, "rows.jsonl.gz"))[0] == b""


def test_a_wrong_encoding_names_the_line(block: int, tmp_path: Path) -> None:
    (fault,) = broken(stored(tmp_path, f'{GOOD}\n{{"a": "张"}}\n'.encode("gb18030"), AB)).faults
    assert "bytes that are not utf-8" in fault.rule
    assert fault.line == 2


# ── personal data ────────────────────────────────────────────────────────────────────────────────────────

PERSON = {
    "name": "person", "type": "object",
    "arrears": {"parts": [
        {"name": "name", "arrears": {"pii": "drop"}}, {"name": "phone", "arrears": {"pii": "drop"}},
        {"name": "identity", "arrears": {"field": "identity_hash", "pii": "hash"}},
    ]},
}  # fmt: skip
PEOPLE = resource("jsonl", ["no", PERSON])


def _person(**more: Any) -> dict[str, Any]:
    return {"no": 1, "person": {"name": NAME, "phone": int(PHONE), "identity": IDENTITY}} | more


def test_personal_data_is_hashed_and_dropped(block: int, tmp_path: Path) -> None:
    people = [_person(), _person(person={"name": None, "phone": None, "identity": None})] * 2
    content = "\n".join(map(json.dumps, people)).encode()
    assert rows(stored(tmp_path, content, PEOPLE)) == [["1", "", "", keyed_hash(KEY, IDENTITY)], ["1", "", "", ""]] * 2


@pytest.mark.parametrize(
    "line",
    [
        json.dumps(_person())[:-1],
        json.dumps(_person(**{NAME: 1})).replace('"no"', '"nr"').replace('"person"', f'"{PHONE}"'),
        json.dumps({"no": 1, "person": f"{NAME} {IDENTITY}"}),
        json.dumps({"no": 1, "person": {"name": NAME, "identity": [IDENTITY, PHONE]}}),
        json.dumps([NAME, IDENTITY, PHONE]),
        f'{{"no": 1, "{NAME}": 1, "{NAME}": 2}}',
    ],
)
def test_no_message_shows_personal_data(line: str, block: int, tmp_path: Path) -> None:
    failure = broken(stored(tmp_path, f"{json.dumps(_person())}\n{line}".encode(), PEOPLE))
    for secret in (NAME, IDENTITY, PHONE, json.dumps(NAME)[1:-1]):
        assert secret not in str(failure)


# ── size ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    line = b'{"a": "20240131", "b": "some text of a row"}\n'
    peaks = []
    for count in (50_000, 300_000):
        stream = open_stream(stored(tmp_path, line * count, AB), lambda: KEY)
        tracemalloc.start()
        assert sum(map(len, stream))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] * 1.2
