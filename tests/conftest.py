"""Fixtures: one embedded PostgreSQL for the whole run, a database of its own for every test that asks for one."""

from __future__ import annotations

import datetime as dt
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from psycopg2 import sql

from arrears.settings import SOURCE_ROOT, Role, Settings, settings
from arrears.warehouse.connect import connect
from arrears.warehouse.embedded import DATABASE, EmbeddedServer
from arrears.warehouse.provision import let_in, provision

REAL_DATA = Path(os.environ.get("ARREARS_REAL_DATA", SOURCE_ROOT.parent / "shared" / "data" / "ally_auto"))


SOME_SUITES = ("delivery/loan_event", "candidate/dim_lender", "candidate/fct_loan_current", "publication/dim_lender")
# Files are handed out as they are collected, whole: the longest first, so that none is left for the end.
LONGEST = (
    "property/test_engine.py", "integration/test_daily_run.py", "integration/test_many_machines.py",
    "integration/test_day_by_day.py", "integration/test_five_lenders.py", "integration/test_situations.py",
    "integration/test_dbt.py", "chaos/test_killed_run.py", "integration/test_snapshots.py",
    "integration/test_compose.py",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    place = {Path(__file__).parent / name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path, len(place)))


@contextmanager
def running_server(home: Path, *, durable: bool = True) -> Iterator[tuple[EmbeddedServer, Settings]]:
    """An embedded server, its database provisioned, and the settings to reach it.

    durable: whether it waits for the disk, which a server needs that outlives a crash of the machine.
    """
    embedded = EmbeddedServer(home)
    with pytest.MonkeyPatch.context() as patch:
        for field in Settings.model_fields:  # whatever the caller's shell points at, tests have a server of their own
            patch.delenv(f"ARREARS_{field.upper()}", raising=False)
        patch.setenv("ARREARS_HOME", str(home))
        embedded.up()
        try:
            own = Settings(home=home)
            provision(own)
            if not durable:
                _wait_for_no_disk(own)
            yield embedded, own
        finally:
            embedded.down()


def _wait_for_no_disk(own: Settings) -> None:
    with connect(own.owner().url(), "test", autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute("alter system set fsync = off")
        cursor.execute("select pg_reload_conf()")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A running embedded server, its database provisioned. Not for writing: take `warehouse`."""
    with running_server(tmp_path_factory.mktemp("warehouse"), durable=False) as (_, own):
        yield own


@dataclass
class Warehouse:
    """A provisioned database that belongs to one test."""

    settings: Settings

    def url(self, role: Role) -> str:
        return self.settings.url(role)

    @property
    def owner_url(self) -> str:
        return self.settings.owner().url()

    def rows(self, query: str, *parameters: Any, role: Role | None = None) -> list[tuple[Any, ...]]:
        """Run a query as a role (or the owner), commit, and return its rows if it has any."""
        connection = psycopg2.connect(self.owner_url if role is None else self.url(role))
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(query, parameters or None)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def value(self, query: str, *parameters: Any, role: Role | None = None) -> Any:
        return self.rows(query, *parameters, role=role)[0][0]

    def judge(self, build_id: int, outcome: str = "pass") -> None:
        """Put on record what the gate said of a candidate, for tests that are not about what it says."""
        self.rows(
            "insert into ops.gate_run (boundary, held_against, build_id, outcome, started_at, finished_at) "
            "select 'candidate', max(publication_id), %s, %s, now(), now() from ops.publication",
            build_id, outcome, role=Role.PUBLISHER,
        )  # fmt: skip


def fresh_database(server: Settings, name: str, like: str = DATABASE, tablespace: str = "pg_default") -> str:
    """A copy of a database, in place of one of that name: milliseconds instead of what the other was made by."""
    owner = server.owner()
    connection = psycopg2.connect(owner.to("postgres").url())
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))
        # a copy can be made of what nobody is connected to
        cursor.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [like])
        cursor.execute(
            sql.SQL("create database {} template {} tablespace {}").format(
                sql.Identifier(name), sql.Identifier(like), sql.Identifier(tablespace)
            )
        )
        let_in(cursor, name)
    connection.close()
    return owner.to(name).url()


def open_warehouse(
    server: Settings, name: str, home: Path, patch: pytest.MonkeyPatch, like: str = DATABASE
) -> Warehouse:
    """A fresh database named `name`, a copy of `like`, with the environment and `settings()` pointing at it."""
    url = fresh_database(server, name, like)
    patch.setenv("ARREARS_WAREHOUSE_URL", url)
    patch.setenv("ARREARS_HOME", str(home))
    patch.setenv("ARREARS_LANDING", str(home / "landing"))
    for field in [f"{role.value}_password" for role in Role] + ["airflow_password", "pii_key"]:
        patch.setenv(f"ARREARS_{field.upper()}", getattr(server, field).get_secret_value())
    settings.cache_clear()
    _share_parsed_project(server.home / "parsed" / name, home / "dbt")
    return Warehouse(settings())


def _share_parsed_project(shared: Path, target: Path) -> None:
    """Let dbt keep what it parsed for the next test. It may go on from it while the database has the same name."""
    shared.mkdir(parents=True, exist_ok=True)
    target.mkdir(parents=True, exist_ok=True)
    (target / "partial_parse.msgpack").symlink_to(shared / "partial_parse.msgpack")


@pytest.fixture
def warehouse(server: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Warehouse]:
    """An empty warehouse, with `settings()` pointing at it and an empty landing folder below tmp_path."""
    yield open_warehouse(server, "of_a_test", tmp_path, monkeypatch)
    settings.cache_clear()


@pytest.fixture(scope="module")
def shared_warehouse(server: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """A warehouse that all tests of a module share, for what takes long to build."""
    with pytest.MonkeyPatch.context() as patch:
        yield open_warehouse(server, "of_a_module", tmp_path_factory.mktemp("of_a_module"), patch)
    settings.cache_clear()


@pytest.fixture(scope="module")
def models_alone() -> Iterator[None]:
    """Builds of a module are of models and seeds, whoever starts them, without the data tests, which take a third of
    their time: for tests that build many times, of what other tests build with them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DBT_RESOURCE_TYPES", "model seed")
        yield


@pytest.fixture
def few_expectations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Gates ask a little of every kind: for tests to which it does not matter what they say."""
    monkeypatch.setenv("ARREARS_EXPECTATIONS", str(some_expectations(tmp_path / "few_expectations")))
    settings.cache_clear()


def some_expectations(folder: Path) -> Path:
    """A folder with one suite of deliveries, two of candidates and one of publications: all of them cost seconds."""
    for suite in SOME_SUITES:
        (folder / suite).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(SOURCE_ROOT / "expectations" / f"{suite}.yaml", (folder / suite).parent)
    return folder


@pytest.fixture(scope="module")
def metrics_read_once() -> Iterator[None]:
    """Of a module with many questions: what metrics there are is read from dbt's manifest once, not for each."""
    from arrears.metrics import Metrics

    known: dict[tuple[Path, str], Metrics] = {}

    def read(own: Settings, schema: str) -> Metrics:
        return known.get((own.home, schema)) or known.setdefault((own.home, schema), Metrics(own, schema))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("arrears.metrics.question.Metrics", read)
        yield


@pytest.fixture(scope="session")
def real_landing() -> Path:
    """The landing folder of the real lender, where this machine has it."""
    landing = REAL_DATA / "landing"
    if not landing.is_dir():
        pytest.skip(f"the real deliveries are not here ({landing}); set ARREARS_REAL_DATA to their folder")
    return landing


def days(first: dt.date, last: dt.date) -> list[dt.date]:
    return [first + dt.timedelta(days=number) for number in range((last - first).days + 1)]
