"""Backup and restore by the commands of docs/operations.md: the restored warehouse goes on as the first one does."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from arrears import pipeline
from arrears.errors import Refused
from arrears.load import registry
from arrears.settings import SOURCE_ROOT, Role, Settings, settings
from arrears.simulate import simulate
from arrears.warehouse.connect import connect
from arrears.warehouse.embedded import DATABASE, EmbeddedServer, binaries
from arrears.warehouse.provision import provision

from ..conftest import Warehouse

LENDER = "lakala"
FIRST, SECOND = dt.date(2024, 3, 30), dt.date(2024, 3, 31)
CHAPTER = "## Backup and restore"
OF_THE_DUMP = """
select distinct namespaces.nspname from pg_stat_activity as sessions
inner join pg_locks as locks on sessions.pid = locks.pid
inner join pg_class as relations on locks.relation = relations.oid
inner join pg_namespace as namespaces on relations.relnamespace = namespaces.oid
where sessions.application_name = 'pg_dump' and sessions.datname = current_database() and sessions.query like 'COPY %'
"""


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Settings]:
    """Another server, as it is before anything of arrears is in it."""
    embedded = EmbeddedServer(tmp_path / "elsewhere")
    embedded.up()
    secrets = dict(line.split("=", 1) for line in embedded.secrets_file.read_text().splitlines())
    values = {name.removeprefix("ARREARS_").lower(): value for name, value in secrets.items()}
    own = Settings(home=embedded.home, **{name: values[name] for name in values if name in Settings.model_fields})
    with connect(own.owner().to("postgres").url(), "create", autocommit=True) as server, server.cursor() as cursor:
        cursor.execute(f"create database {DATABASE}")
    yield own
    embedded.down()


def commands(heading: str) -> str:
    """The first block of commands of the chapter below a heading."""
    chapter = (SOURCE_ROOT / "docs/operations.md").read_text().split(CHAPTER)[1].split("\n## ")[0]
    return chapter.split(heading)[1].split("```sh\n")[1].split("```")[0]


def execute(script: str, folder: Path, url: str) -> None:
    environment = os.environ | {"PATH": f"{binaries()}:{os.environ['PATH']}", "ARREARS_WAREHOUSE_URL": url}
    done = subprocess.run(
        ["sh", "-e", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def run(warehouse: Warehouse, day: dt.date) -> int:
    """The steps of a day, but for what the gate says. Returns the number of the publication."""
    loaded = pipeline.load(LENDER, day, url=warehouse.url(Role.LOADER))
    with connect(warehouse.url(Role.LOADER), "accept") as connection, connection.cursor() as cursor:
        registry.accept(cursor, loaded.delivery_id)
    built = pipeline.build(day, url=warehouse.url(Role.BUILDER))
    warehouse.judge(built.build_id)
    return pipeline.publish(built.build_id, url=warehouse.url(Role.PUBLISHER)).publication_id


def shown(warehouse: Warehouse, publication: int) -> dict[str, list[Any]]:
    """What readers see of a publication."""
    views = warehouse.rows("select viewname from pg_views where schemaname = 'marts_as_known' order by 1")
    named = f"set arrears.publication = '{publication}'; "
    return {
        view: sorted(
            warehouse.rows(f"{named}select * from marts_as_known.{view}", role=Role.READER),
            key=repr,
        )
        for (view,) in views
    }


@pytest.mark.usefixtures("models_alone")
def test_a_restored_warehouse_publishes_on(
    warehouse: Warehouse, elsewhere: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulate(
        start=FIRST, end=SECOND, loans=30, seed=4, lenders=[LENDER], landing=tmp_path / "landing",
        truth=tmp_path / "truth",
    )  # fmt: skip
    assert run(warehouse, FIRST) == 1
    execute(commands("Back up"), tmp_path, warehouse.owner_url)

    execute(commands("Restore"), tmp_path, elsewhere.owner().url())
    provision(elsewhere)  # `arrears up`
    for name in [field for field in Settings.model_fields if field.endswith("password")] + ["warehouse_url"]:
        if getattr(elsewhere, name):
            monkeypatch.setenv(f"ARREARS_{name.upper()}", getattr(elsewhere, name).get_secret_value())
    settings.cache_clear()
    restored = Warehouse(settings())
    first = shown(warehouse, 1)
    assert shown(restored, 1) == first
    assert run(restored, SECOND) == 2
    assert shown(restored, 1) == first
    assert len(shown(restored, 2)["mart_delinquency_daily"]) > len(first["mart_delinquency_daily"]) > 0


def test_a_build_that_waited_for_its_gate_is_built_again_after_a_restore(warehouse: Warehouse) -> None:
    """It is on record, and its tables are in no backup."""
    begin = "insert into ops.build (business_date, status, code_version) values (%s, 'built', 't') returning build_id"
    build_id = warehouse.value(begin, FIRST)
    with pytest.raises(Refused, match=f"tables of build {build_id} are not there, as after a restore: build again"):
        pipeline.gate_candidate(build_id, url=warehouse.url(Role.PUBLISHER))


def test_a_backup_holds_nothing_that_builds_replace(warehouse: Warehouse, tmp_path: Path) -> None:
    """Until it ends a dump has a lock on every table that is in it, and dbt puts new tables in place of old ones."""
    for schema in ("staging", "intermediate", "candidate"):
        warehouse.rows(f"create table {schema}.a_model (n int)", role=Role.BUILDER)
    warehouse.rows(
        "insert into ops.step_run (step, outcome, detail, started_at, finished_at) "
        "select 'load', 'done', md5(n::text), now(), now() from generate_series(1, 100000) as n"
    )
    os.mkfifo(tmp_path / "arrears.dump")  # it waits for whoever reads what it has written
    with ThreadPoolExecutor(1) as beside:
        script = commands("Back up").replace("pg_dump ", "pg_dump --no-sync ", 1)  # a pipe cannot be written to a disk
        backup = beside.submit(execute, script, tmp_path, warehouse.owner_url)
        with (tmp_path / "arrears.dump").open("rb", buffering=0) as dump:
            while not (held := {schema for (schema,) in warehouse.rows(OF_THE_DUMP)}):
                assert dump.read(1 << 16), "it was over before anybody looked"
            dump.readall()
        backup.result()
    assert "ops" in held
    assert held.isdisjoint({"staging", "intermediate", "candidate"})
