"""Keys that stand more than once in a file: all of them are counted, few are looked at and shown."""

from __future__ import annotations

import datetime as dt
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from arrears.delivery.fault import Fault
from arrears.delivery.stream import open_stream
from arrears.load import whole
from arrears.load.frames import blocks
from arrears.load.judge import Judge
from arrears.load.values import Day
from arrears.load.whole import WholeFile

from .streams import resource, stored

KEYED = resource("csv", [{"name": "no", "arrears": {"field": "loan_id"}}, "b"], schema={"primaryKey": ["no"]})


def _looked_at(folder: Path, keys: list[str]) -> tuple[WholeFile, int]:
    """A file with these keys, read to its end."""
    file = stored(folder, "".join(["no,b\n", *(f"{key},x\n" for key in keys)]).encode(), KEYED)
    judge = Judge(KEYED, Day(dt.date(2024, 1, 31), "UTC"))
    seen = WholeFile(file, judge, lambda: open_stream(file, lambda: b""))
    for block in blocks(open_stream(file, lambda: b""), 2):
        seen.look(judge.judge(block, accept=False).texts)
    return seen, len(keys)


def _faults(folder: Path, keys: list[str]) -> Iterator[Fault]:
    seen, rows = _looked_at(folder, keys)
    return seen.faults(rows, None)


@pytest.mark.parametrize("most", [20, 25, whole.KEYS_LOOKED_AT])
def test_the_first_keys_are_shown_and_all_are_counted(
    most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whole, "KEYS_LOOKED_AT", most)
    many = [f"L{number}" for number in range(200)]
    faults = list(_faults(tmp_path, ["once", *many, "twice", *many[:100], "twice", "last", *many, *many, *many, *many]))
    assert len(faults) == whole.KEYS_SHOWN
    for number, fault in enumerate(faults):
        first = 3 + number
        lines = ", ".join(map(str, (first, first + 201, first + 303, first + 503, first + 703)))
        assert fault.rule == f"the same key on lines {lines} (201 keys stand more than once)"
        assert (fault.line, fault.column) == (first + 201, "no")


def test_memory_does_not_grow_with_the_keys_that_stand_twice(tmp_path: Path) -> None:
    """A file that was written twice over has as many of them as it has rows."""
    peaks = []
    for rows in (30_000, 150_000):
        keys = [f"loan-{number:020}" for number in range(rows)]
        seen, _ = _looked_at(tmp_path, keys + keys)
        tracemalloc.start()
        try:
            assert len(list(seen.faults(2 * rows, None))) == whole.KEYS_SHOWN
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    # Beside blocks of the file there are eight bytes for each of the keys, twice.
    assert peaks[1] - peaks[0] < 8 << 20
