"""docs/traps.md: every trap is on it, and every test that it names is there."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from arrears.settings import SOURCE_ROOT

PAGE = SOURCE_ROOT / "docs" / "traps.md"
TRAPS = range(1, 37)
ROW = re.compile(r"^\| (\d+) \|(.+)\|(.+)\|$", re.MULTILINE)
TEST = re.compile(r"`([\w/]+\.py)::(\w+)`")


def named() -> dict[int, list[tuple[str, str]]]:
    """The tests of each trap: file and function."""
    return {int(number): TEST.findall(tests) for number, _, tests in ROW.findall(PAGE.read_text(encoding="utf-8"))}


@cache
def functions_of(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def test_every_trap_is_on_the_page_with_a_test() -> None:
    assert list(named()) == list(TRAPS)
    assert [number for number, tests in named().items() if not tests] == []


@pytest.mark.parametrize("number", TRAPS)
def test_every_test_that_is_named_exists(number: int) -> None:
    missing = [
        f"{file}::{test}"
        for file, test in named().get(number, [])
        if not test.startswith("test_") or test not in functions_of(SOURCE_ROOT / file)
    ]
    assert missing == []


def test_every_test_of_a_trap_is_named_with_it() -> None:
    written = {
        (int(test.split("_")[2]), f"tests/golden/{path.name}", test)
        for path in (SOURCE_ROOT / "tests" / "golden").glob("test_*.py")
        for test in functions_of(path)
        if re.match(r"test_trap_\d\d_", test)
    }
    on_the_page = {(number, file, test) for number, tests in named().items() for file, test in tests}
    assert len(written) > 50
    assert written - on_the_page == set()
