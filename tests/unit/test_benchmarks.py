"""The benchmarks' own arithmetic: what their tables say of what was measured, and the guard of what is committed."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import guard
from benchmarks.guard import Expected, committed, compared_with, judged, refreshed
from benchmarks.place import timed
from benchmarks.table import Figure, written

BARE = Figure("load", "a bare COPY", "s", [1.0, 1.0, 4.0])
OURS = Figure("load", "arrears", "s", [9.0, 2.0, 3.0], BARE)
OURS_OVER_BARE = "load: arrears / a bare COPY"


def test_a_table_has_medians_and_their_ratio() -> None:
    lines = written([BARE, OURS, Figure("load", "memory", "MiB", [265.4])]).splitlines()
    assert lines[2:] == [
        "| load | a bare COPY | 1 s | 1–4 |  |",
        "| load | arrears | 3 s | 2–9 | 3.00 × a bare COPY |",
        "| load | memory | 265 MiB |  |  |",
    ]


def test_a_guarded_ratio_is_of_the_fastest() -> None:
    assert guard.ratio_of(OURS) == 2.0


@pytest.mark.parametrize(
    ("ratio", "said"),
    [(2.0, "as committed"), (2.9, "as committed"), (3.1, "WORSE"), (1.4, "as committed"), (1.3, "better")],
)
def test_a_ratio_is_as_committed_within_its_spread(ratio: float, said: str) -> None:
    assert judged(Expected(2.0, 0.5), ratio).startswith(said)


def test_what_is_new_and_what_is_gone_is_told() -> None:
    new, gone = compared_with({"left out": Expected(1.0, 0.5)}, [OURS]).splitlines()[2:]
    assert new == f"| {OURS_OVER_BARE} | 2.00 |  | NEW: not committed |"
    assert gone == "| left out | | 1.00 | GONE: not measured |"


def test_refreshing_takes_the_ratio_and_keeps_the_spread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "COMMITTED", tmp_path / "expected.yaml")
    assert committed() == {}
    guard.commit(refreshed(committed(), [OURS]))
    assert committed() == {OURS_OVER_BARE: Expected(2.0, guard.SPREAD)}
    guard.commit(refreshed({OURS_OVER_BARE: Expected(7.0, 0.9)}, [OURS]))
    assert committed() == {OURS_OVER_BARE: Expected(2.0, 0.9)}


def test_the_committed_ratios_can_be_read() -> None:
    assert all(expected.ratio > 0 < expected.spread for expected in committed().values())
    assert committed()


def test_memory_is_of_the_program_and_not_of_who_started_it() -> None:
    held = bytearray(200 << 20)
    ran = timed(["echo", "1\n22"])
    assert (ran.said, ran.result) == ("1\n22", "22")
    assert ran.memory < len(held) / 2**20 / 2


def test_a_program_that_fails_ends_the_benchmark_with_what_it_said() -> None:
    with pytest.raises(SystemExit, match=r"ended with 3:\nalas"):
        timed(["sh", "-c", "echo alas; exit 3"])
