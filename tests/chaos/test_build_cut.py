"""A build that goes on from the day before, cut off at any of its statements: the connection, dbt, or the server. Built
again and published it is what it is undisturbed.
"""

from __future__ import annotations

import datetime as dt
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import cycle
from pathlib import Path
from typing import Any

import psutil
import pytest

from arrears.build import build
from arrears.contract import contract_for
from arrears.delivery import Delivery
from arrears.errors import Infrastructure
from arrears.load import load, registry
from arrears.publish import publish
from arrears.settings import Role, Settings
from arrears.simulate import simulate
from arrears.warehouse.connect import connect
from arrears.warehouse.embedded import EmbeddedServer

from ..conftest import Warehouse
from .bench import Bench, kill
from .conftest import Note
from .content import content
from .effort import FULL, spread
from .steps import Step
from .wire import Fault, Wire, through

LENDER, BEFORE, DAY = "lakala", dt.date(2024, 3, 30), dt.date(2024, 3, 31)


def build_a_day(day: dt.date, root: Path, url: str) -> None:
    build(day, url=url, settings=Settings(home=root))


def two_days(warehouse: Warehouse, root: Path) -> None:
    """One day published, the next one loaded."""
    simulate(start=BEFORE, end=DAY, loans=40, seed=3, lenders=[LENDER], landing=root / "landing", truth=root / "truth")
    url = warehouse.url(Role.LOADER)
    for day in (BEFORE, DAY):
        delivery = Delivery(contract_for(warehouse.settings.lenders, LENDER, day), day, str(root / "landing"))
        result = load(delivery, url=url, pii_key=lambda: b"key")
        with connect(url, "test") as connection, connection.cursor() as cursor:
            registry.accept(cursor, result.delivery_id)
        if day == BEFORE:
            build_a_day(BEFORE, root, warehouse.url(Role.BUILDER))
            published(warehouse)


def published(warehouse: Warehouse) -> dict[str, list[Any]]:
    """Publish what is built. All that was ever published, and its record."""
    build_id = warehouse.value("select max(build_id) from ops.build")
    warehouse.judge(build_id)
    publish(build_id, url=warehouse.url(Role.PUBLISHER))
    return {
        table: rows for table, rows in content(warehouse).items() if table.startswith(("published.", "ops.publication"))
    }


def running_dbt() -> list[psutil.Process]:
    return [one for one in psutil.Process(os.getpid()).children() if "arrears.dbt_process" in one.cmdline()]


def kill_dbt() -> None:
    for process in running_dbt():
        process.kill()


def end_the_session_of_the_lock(warehouse: Warehouse) -> None:
    """As soon as dbt is at work, as a proxy may that cuts off who is silent."""
    sessions = "from pg_stat_activity where datname = current_database() and application_name = %s"
    while not warehouse.value(f"select count(*) {sessions}", "dbt"):
        time.sleep(0.05)
    assert warehouse.rows(f"select pg_terminate_backend(pid) {sessions}", "arrears build") == [(True,)]


@pytest.fixture
def bench(fragile: tuple[EmbeddedServer, Settings], models_alone: None, tmp_path: Path) -> Iterator[Bench]:
    _, settings = fragile
    step = Step("build", Role.BUILDER, two_days, lambda root, url: build_a_day(DAY, root, url))
    with Wire(settings.owner().port) as wire:
        yield Bench(step, settings, wire, tmp_path)


@pytest.mark.timeout(7200 if FULL else 1800)
def test_a_build_is_cut_off(bench: Bench, fragile: tuple[EmbeddedServer, Settings], note: Note) -> None:
    embedded, _ = fragile
    troubles: dict[str, Callable[[int], Fault]] = {
        "connection cut": Fault,
        "server killed": lambda at: Fault(at, lambda: kill(embedded)),
        "dbt killed": lambda at: Fault(at, kill_dbt),
        "answer lost": lambda at: Fault(at, heard=True),
    }
    warehouse = bench.fresh()
    bench.run(warehouse)
    statements, made = bench.wire.count, published(warehouse)
    tried = spread(statements, 40 if FULL else 2)
    for at, trouble in zip(tried, cycle(troubles), strict=False):
        if FULL or at == tried[0]:  # else one after the other
            warehouse = bench.fresh()
        cut = troubles[trouble](at)
        bench.wire.set(cut)
        with suppress(Infrastructure):  # dbt does without some answers; nothing of it may count as a refusal
            bench.step.run(bench.root, bench.address(warehouse))
        assert cut.struck.is_set(), f"{trouble} at {at} of {statements}: failed before"
        embedded.up()
        if FULL or at == tried[-1]:
            bench.run(warehouse)
            assert published(warehouse) == made, f"another outcome after: {trouble} at {at} of {statements}"
    note("build, " + ", ".join(troubles), f"{len(tried)} of {statements} statements: built again, published the same")


@pytest.mark.timeout(600)
def test_a_dbt_that_was_killed_refuses_nothing(warehouse: Warehouse, models_alone: None, tmp_path: Path) -> None:
    """What is refused is not tried again, and being out of memory says nothing of the data."""
    with Wire(warehouse.settings.owner().port) as wire:
        killed = Fault(at=40, strike=kill_dbt)  # those before are the build's own, and dbt's first
        wire.set(killed)
        with pytest.raises(Infrastructure, match="ended by signal 9"):
            build_a_day(DAY, tmp_path, through(warehouse.url(Role.BUILDER), wire))
        assert killed.struck.is_set()
    assert warehouse.rows("select status from ops.build") == [("failed",)]


@pytest.mark.timeout(600)
def test_a_build_that_loses_its_lock_ends_its_dbt(
    warehouse: Warehouse, models_alone: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another may begin meanwhile, and two would write the same tables."""
    monkeypatch.setattr("arrears.dbt.PULSE", 0.1)
    url = warehouse.url(Role.BUILDER)
    with ThreadPoolExecutor(1) as beside:
        ended = beside.submit(end_the_session_of_the_lock, warehouse)
        with pytest.raises(Infrastructure, match=r"ended the session that held the lock .*Build again"):
            build_a_day(DAY, tmp_path, url)
        ended.result()
    assert running_dbt() == []
    build_a_day(DAY, tmp_path, url)
    assert warehouse.rows("select status from ops.build order by build_id") == [("failed",), ("built",)]
