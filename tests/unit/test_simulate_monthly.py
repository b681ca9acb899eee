"""Deliveries of a month at a time, and lenders side by side: the same bookings, the same bytes."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from arrears.simulate import Simulated, simulate
from arrears.simulate.jobs import run_jobs

START, END = date(2024, 1, 10), date(2024, 3, 12)
LENDER = "lakala"


def _simulate(folder: Path, **changes: Any) -> Simulated:
    arguments: dict[str, Any] = {
        "start": START,
        "end": END,
        "loans": 120,
        "seed": 11,
        "lenders": [LENDER],
        "landing": folder / "landing",
        "truth": folder / "truth",
        "every": "month",
    }
    return simulate(**(arguments | changes))


def _digests(folder: Path) -> dict[str, str]:
    return {
        str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


def _rows(folder: Path, name: str) -> list[str]:
    """All rows of a file over all deliveries, without the business date, which is the delivery's."""
    rows: list[str] = []
    for path in sorted((folder / "landing" / LENDER).glob(f"*/{name}_*.txt")):
        rows += [line.rsplit("|", 1)[0] for line in path.read_text("gb18030").split("\n")[1:-2]]
    return rows


@pytest.fixture(scope="module")
def monthly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("monthly")
    (written,) = _simulate(folder).lenders
    assert written.deliveries == 3
    return folder


def test_one_delivery_at_every_month_end_and_at_the_end(monthly: Path) -> None:
    days = sorted(path.name for path in (monthly / "landing" / LENDER).iterdir())
    assert days == ["2024-01-31", "2024-02-29", "2024-03-12"]
    for path in (monthly / "landing").rglob("*.txt"):
        assert path.stem.endswith(path.parent.name.replace("-", "")), "a file is named for its delivery"
        dates = {line.rsplit("|", 1)[1] for line in path.read_text("gb18030").split("\n")[1:-2]}
        assert dates <= {path.parent.name.replace("-", "")}


def test_a_month_carries_what_its_days_would_have(monthly: Path, tmp_path: Path) -> None:
    _simulate(tmp_path, every="day")
    for name in ("PAY", "PLAN", "EVENT", "CUST"):
        assert _rows(monthly, name) == _rows(tmp_path, name)
    for end in ("2024-01-31", "2024-02-29", "2024-03-12"):
        at = f"landing/{LENDER}/{end}/LOAN_{end.replace('-', '')}.txt"
        assert (monthly / at).read_bytes() == (tmp_path / at).read_bytes(), "the snapshot is of the day"
    assert _digests(monthly / "truth") == _digests(tmp_path / "truth")


def test_months_not_written_are_simulated_all_the_same(monthly: Path, tmp_path: Path) -> None:
    (written,) = _simulate(tmp_path, write_from=date(2024, 2, 15)).lenders
    assert written.deliveries == 2
    some = _digests(tmp_path / "landing")
    assert len(some) == 10
    assert some.items() <= _digests(monthly / "landing").items()


def test_a_delivery_every_week_there_is_not(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="every day or every month"):
        _simulate(tmp_path, every="week")


# ── side by side ────────────────────────────────────────────────────────────────────────────────────────


def test_lenders_side_by_side_write_the_same_bytes(tmp_path: Path) -> None:
    several = ["lakala", "xiaodangjia", "jike"]
    told: list[tuple[str, int, int]] = []
    alone = _simulate(tmp_path / "alone", lenders=several, loans=40, workers=1)
    beside = _simulate(
        tmp_path / "beside", lenders=several, loans=40, workers=2, progress=lambda *done: told.append(done)
    )
    assert beside == alone
    assert _digests(tmp_path / "beside") == _digests(tmp_path / "alone")
    for lender in several:
        last = [(done, total) for name, done, total in told if name == lender][-1]
        assert last[0] == last[1]


def _fail(job: int, progress: object) -> int:
    if job == 2:
        raise OSError("no space left")
    return job


def test_what_goes_wrong_in_one_is_raised_here() -> None:
    with pytest.raises(OSError, match="no space left"):
        run_jobs(_fail, [1, 2, 3], workers=2, progress=None)
    assert run_jobs(_fail, [1, 3], workers=2, progress=None) == [1, 3]
