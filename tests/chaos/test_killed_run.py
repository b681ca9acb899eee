"""A daily run killed (SIGKILL) in every step, and run again: the same published content as an undisturbed run."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from arrears.settings import Role, Settings
from arrears.simulate import simulate

from ..conftest import Warehouse, open_warehouse

LENDER, DAY = "lakala", dt.date(2024, 3, 31)
# when we received something, and so how late, is the one thing that may differ
CLOCKS = {"last_delivery_at", "delivered_at", "hours_late"}
PATIENCE = 120.0


def start(lender: str = LENDER) -> subprocess.Popen[bytes]:
    """A daily run in a process group of its own; the environment names the warehouse."""
    return subprocess.Popen(
        [Path(sys.executable).parent / "arrears", "run", "--date", f"{DAY}", "--lender", lender],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def kill_when(condition: Callable[[], bool]) -> None:
    """Start a run and kill it, alone and not what it started, as soon as the condition holds."""
    process = start()
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert process.poll() is None, f"ended before it could be killed: {process.communicate()[1]!r}"
        assert time.monotonic() < deadline, "the moment to kill it never came"
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert process.returncode == -signal.SIGKILL


def run_to_the_end() -> None:
    process = start()
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, errors.decode()


def published(warehouse: Warehouse) -> dict[str, list[Any]]:
    """Every row of every published table, clocks left out."""
    content = {}
    for (table,) in warehouse.rows("select tablename from pg_tables where schemaname = 'published' order by 1"):
        columns = [
            name
            for (name,) in warehouse.rows(
                "select attname::text from pg_attribute where attrelid = format('published.%%I', %s::text)::regclass "
                "and attnum > 0 order by attnum",
                table,
            )
            if name not in CLOCKS
        ]
        content[table] = sorted(warehouse.rows(f"select {', '.join(columns)} from published.{table}"), key=repr)
    return content


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("killed")
    simulate(start=DAY, end=DAY, loans=60, seed=3, lenders=[LENDER], landing=folder / "landing", truth=folder / "truth")
    return folder / "landing"


@pytest.fixture
def undisturbed(
    server: Settings, landing: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, list[Any]]:
    (tmp_path / "undisturbed").mkdir()
    warehouse = open_warehouse(server, "undisturbed", tmp_path / "undisturbed", monkeypatch)
    monkeypatch.setenv("ARREARS_LANDING", str(landing))
    run_to_the_end()
    return published(warehouse)


@pytest.mark.usefixtures("models_alone", "few_expectations")
def test_killed_in_every_step(
    undisturbed: dict[str, list[Any]], warehouse: Warehouse, landing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARREARS_LANDING", str(landing))
    value = warehouse.value

    # in the middle of the load: the transaction is open, nothing of it is to be seen
    blocker = psycopg2.connect(warehouse.owner_url)
    blocker.cursor().execute("lock table ops.delivery_file in exclusive mode")
    waiting = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
    kill_when(lambda: value(waiting) > 0)
    blocker.rollback()
    assert value("select count(*) from ops.delivery") == 0

    # loaded, not yet judged
    kill_when(lambda: value("select count(*) from ops.delivery where status = 'loaded'") == 1)
    # while dbt builds: dbt itself goes on as an orphan
    kill_when(lambda: value("select count(*) from pg_stat_activity where application_name = 'dbt'") > 0)
    # built, not yet judged
    kill_when(lambda: value("select count(*) from ops.build where status = 'built'") > 0)

    # in the middle of the publication: rows are written, nothing is committed
    blocker.cursor().execute("lock table ops.publication_lender in exclusive mode")
    kill_when(lambda: value(waiting) > 0)
    blocker.rollback()
    blocker.close()
    assert value("select count(*) from ops.publication") == 0
    assert value("select count(*) from pg_views where schemaname = 'marts' and viewname like 'mart_%%'") == 0

    run_to_the_end()
    assert value("select count(*) from publication", role=Role.READER) == 1
    assert published(warehouse) == undisturbed
    assert value("select count(*) from pg_tables where tablename like 'stage%%'") == 0
