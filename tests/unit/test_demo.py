"""`make run` and `make day` in a checkout in which somebody has lenders of their own."""

from __future__ import annotations

import datetime as dt
import importlib
from pathlib import Path
from typing import Any

import pytest

from arrears.settings import SOURCE_ROOT
from arrears.simulate import lenders


@pytest.fixture
def demo(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(SOURCE_ROOT / "scripts"))
    return importlib.import_module("demo")


def test_only_the_simulated_lenders_are_run(demo: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of another lender nothing comes on the simulated days, and its contract may be a draft."""
    ran: list[tuple[list[str], list[dt.date]]] = []
    monkeypatch.setattr(demo, "ROOT", tmp_path)
    (tmp_path / "lenders").symlink_to(SOURCE_ROOT / "lenders")
    for name in ("start", "simulate", "show"):
        monkeypatch.setattr(demo, name, lambda *_, **__: {})
    monkeypatch.setattr(demo, "run_dags", lambda _, names, dates: ran.append((names, dates)))
    (tmp_path / "landing" / "lakala" / f"{demo.FIRST}").mkdir(parents=True)
    (tmp_path / "landing" / "borealis" / "2024-06-28").mkdir(parents=True)
    demo.day()
    demo.simulated()
    assert ran == [(lenders(), [demo.FIRST + dt.timedelta(days=1)]), (lenders(), [demo.FIRST])]


def test_contracts_of_another_folder_are_left_alone(demo: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The walk of docs/onboarding.md exports folders of its own."""
    for name in ("HOME", "LANDING", "LENDERS"):
        monkeypatch.setenv(f"ARREARS_{name}", "/elsewhere")
    env = demo.environment(SOURCE_ROOT / ".arrears", SOURCE_ROOT / "landing")
    assert not [name for name, value in env.items() if value == "/elsewhere"]
