"""Lines of JSON read as columns: the same rows as one by one, or none."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import settings as bounds
from hypothesis import strategies as st

from arrears.delivery.json_columns import JsonColumns
from tests.unit.streams import resource

TERMS = {"name": "terms", "type": "object", "arrears": {"parts": [{"name": "principal"}, {"name": "rate"}]}}
TABLE = resource("jsonl", ["a", TERMS, "b"]).table
KEYS, PARTS = {"a", "terms", "b"}, {"principal", "rate"}

# What looks like a value behind its key, within a text.
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8),
    st.text(st.sampled_from('":,{}[]\\0129.e+- \ttrueabnl\n'), max_size=12),
)
NUMBERS = st.from_regex(r"\A-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?\Z", fullmatch=True)
VALUES = st.one_of(
    st.builds(json.dumps, TEXTS), st.builds(json.dumps, TEXTS, ensure_ascii=st.just(False)), NUMBERS,
    st.sampled_from(["true", "false", "null", "NaN", "[1]"]),
)  # fmt: skip
PLAIN = st.one_of(
    st.builds(json.dumps, st.text(st.characters(exclude_categories=["Cs"], exclude_characters='\0":'), max_size=8)),
    NUMBERS, st.sampled_from(["true", "false", "null"]),
)  # fmt: skip
BLANK = st.sampled_from(["", " ", "\t", "  "])


@st.composite
def written(draw: st.DrawFn, keys: list[str], values: st.SearchStrategy[str]) -> str:
    """An object with some of the keys in any order; now and then one stands twice."""
    names = draw(st.lists(st.sampled_from(keys), max_size=4))
    pairs = [f'{draw(BLANK)}"{name}"{draw(BLANK)}:{draw(BLANK)}{draw(values)}{draw(BLANK)}' for name in names]
    return "{" + ",".join(pairs) + "}"


KEYS_SENT, PARTS_SENT = ["a", "b", "terms", "a", "b", "c"], ["principal", "rate", "fee"]
OBJECTS = written(KEYS_SENT, VALUES | written(PARTS_SENT, VALUES))
PLAIN_OBJECTS = written(["a", "b"], PLAIN) | written(["terms"], written(["principal", "rate"], PLAIN))


def as_one_reads_it(line: str) -> list[str | None] | None:
    """The row by Python's own parser; None for a line that is no row."""
    try:
        value = json.loads(
            line, object_pairs_hook=_once, parse_float=str, parse_int=str, parse_constant=lambda name: [name]
        )
    except ValueError:
        return None
    if not isinstance(value, dict) or not value.keys() <= KEYS:
        return None
    terms = value.get("terms") if value.get("terms") is not None else {}
    if not isinstance(terms, dict) or not terms.keys() <= PARTS:
        return None
    row = [value.get("a"), terms.get("principal"), terms.get("rate"), value.get("b")]
    if any(isinstance(part, dict | list) for part in row):
        return None
    return [json.dumps(part) if isinstance(part, bool) else part for part in row]


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError
    return dict(pairs)


def in_columns(block: bytes) -> list[list[str | None]] | None:
    columns = JsonColumns(TABLE).read(block)
    return None if columns is None else [list(row) for row in zip(*(c.to_pylist() for c in columns), strict=True)]


@bounds(max_examples=300, deadline=None)
@given(st.lists(OBJECTS, min_size=1, max_size=4))
@example(['{"a":":12,","b":"\\":1}"}'])
@example(['{"a":01}', '{"b":2}'])
@example(['{"a":1}{"a":2}'])
def test_rows_are_those_of_one_by_one_or_none(lines: list[str]) -> None:
    found = in_columns("\n".join(lines).encode() + b"\n")
    assert found is None or found == [as_one_reads_it(line) for line in lines]


@bounds(max_examples=200, deadline=None)
@given(st.lists(PLAIN_OBJECTS, min_size=1, max_size=4), st.booleans())
def test_rows_to_which_nothing_is_to_be_objected_are_read_in_columns(lines: list[str], ended: bool) -> None:
    expected = [as_one_reads_it(line) for line in lines]
    assert None in expected or in_columns("\n".join(lines).encode() + b"\n" * ended) == expected


@bounds(max_examples=300, deadline=None)
@given(st.lists(OBJECTS, min_size=1, max_size=4), st.data())
def test_spoilt_lines_are_read_as_they_stand_or_not_at_all(lines: list[str], data: st.DataObject) -> None:
    block = bytearray("\n".join(lines).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        where = data.draw(st.integers(0, len(block) - 1))
        with_what = data.draw(st.sampled_from(list(b'":,{}[]\\0129.e+- \t\ntruefalsn\0')))
        block[where : where + data.draw(st.integers(0, 1))] = bytes([with_what])
    try:
        now = block.decode().removesuffix("\n").split("\n")
    except UnicodeDecodeError:
        return  # whoever cuts the file into lines has refused it
    found = in_columns(bytes(block))
    assert found is None or found == [as_one_reads_it(line) for line in now]


@pytest.mark.parametrize(
    "block",
    [
        b'{"a":1}\n{"a":2}\n', b'{"a":1}\n{"a":2}', b'{"a" : -0.00 , "b":1e5}\n', b'{"a":"x:1,"}\n',
        b'{"a":"\\ud83d\\ude00"}\n', b'{"terms":{"rate":0.10,"principal":true},"b":null}\n{"terms":null}\n{}\n',
    ],
)  # fmt: skip
def test_what_is_as_it_should_be_is_read_in_columns(block: bytes) -> None:
    assert in_columns(block) == [as_one_reads_it(line) for line in block.decode().splitlines()]


@pytest.mark.parametrize(
    "block",
    [
        b'{"a":1}\n\n{"a":2}\n', b' {"a":1}\n', b'{"a":1}{"b":1}\n', b'{"a":1\n}\n', b'{"a":1}\0\n', b'{"a":1,"a":1}\n',
        b'{"c":1}\n', b'{"a":[1]}\n', b'{"a":{"x":1}}\n', b'{"terms":"x"}\n', b'{"a":01}\n', b'{"a":NaN}\n',
        b'{"a":1}{"a":2}\n{"a":\n"3"}\n', b'{"a":1}\0\n{"a":1}\n', b'{"a":1.5.2}\n', b'{"a":truefalse}\n',
        b'{"a":1\0}\n', b'{"a":"\\ud83d"}\n', b'{"a":1}\n{"b":' + b"[" * 100_000 + b"}\n", b'{"a":' * 100_000 + b"}\n",
    ],
)  # fmt: skip
def test_what_is_not_is_left_to_be_read_line_by_line(block: bytes) -> None:
    assert in_columns(block) is None


def test_an_object_that_nobody_reads_is_left_too() -> None:
    table = resource("jsonl", ["no", {"name": "extra", "type": "object"}]).table
    assert JsonColumns(table).read(b'{"no":1,"extra":{}}\n') is None
