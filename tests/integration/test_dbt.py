"""The dbt project as a whole: unit tests, an empty warehouse, keys and comments, style."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import subprocess
import sys
from pathlib import Path

import psycopg2
import pytest
import yaml

from arrears import base_build, pipeline
from arrears.dbt import dbt_environment
from arrears.errors import Refused
from arrears.settings import SOURCE_ROOT, Role, settings
from arrears.warehouse.connect import connect

from ..conftest import Warehouse

PROJECT = SOURCE_ROOT / "dbt_project"
DAY = dt.date(2024, 3, 31)


@pytest.fixture(scope="module")
def built(shared_warehouse: Warehouse) -> Warehouse:
    """A candidate built from a warehouse in which no lender has delivered anything."""
    pipeline.build(DAY, url=settings().url(Role.BUILDER))
    return shared_warehouse


def environment(warehouse: Warehouse, target: Path) -> dict[str, str]:
    quick = {"DBT_LOG_LEVEL_FILE": "info"}
    return quick | os.environ | dbt_environment(warehouse.url(Role.BUILDER)) | {"DBT_TARGET_PATH": str(target)}


def dbt(warehouse: Warehouse, target: Path, *command: str) -> subprocess.CompletedProcess[str]:
    project = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--target-path", str(target)]
    return subprocess.run(
        [sys.executable, "-m", "dbt.cli.main", "--no-use-colors", "--log-path", str(target), *command, *project],
        env=environment(warehouse, target), capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_an_empty_warehouse_builds_empty_marts(built: Warehouse) -> None:
    assert built.value("select count(*) from candidate.dim_loan") == 0
    assert built.value("select count(*) from candidate.mart_delinquency_daily") == 0
    assert built.value("select count(*) from candidate.dim_dpd_bucket") > 0


def test_unit_tests_tell_the_story_of_a_loan(built: Warehouse, tmp_path: Path) -> None:
    done = dbt(built, tmp_path, "test", "--select", "test_type:unit", "--vars", f'{{"business_date": "{DAY}"}}')
    assert done.returncode == 0, done.stdout
    summary = next(line for line in done.stdout.splitlines() if "Done. PASS=" in line)
    assert int(summary.split("PASS=")[1].split()[0]) >= 26, summary


def test_a_build_needs_its_business_date(built: Warehouse) -> None:
    done = dbt(built, settings().home / "dbt", "build", "--select", "int_lender")
    assert done.returncode != 0
    assert "business_date" in done.stdout


def test_models_run_by_hand_are_of_no_build_on_record(built: Warehouse) -> None:
    """One that was killed still says that it runs: they would take its day and what it goes on from for theirs, and the
    next build would go on from what they leave."""
    with connect(built.url(Role.BUILDER), "test") as connection, connection.cursor() as cursor:
        base_build.forget(cursor)
        base_build.remember(cursor, 1, "rules")
    begin = "insert into ops.build (business_date, status, code_version, base_build) values (%s, 'running', 't', 1)"
    built.rows(begin, DAY, role=Role.BUILDER)
    done = dbt(built, settings().home / "dbt", "run", "--select", "int_lender")
    built.rows("update ops.build set status = 'failed' where status = 'running'")
    assert done.returncode != 0
    assert "business_date" in done.stdout
    assert built.value("select to_regclass('intermediate.build_to_go_on_from') is null")


def test_the_next_build_need_not_parse_the_project_anew(built: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """That takes some seconds of a small build. What differs from build to build is read when models run."""
    monkeypatch.setenv("DBT_LOG_LEVEL_FILE", "debug")
    log = settings().home / "dbt" / "logs" / "dbt.log"
    before = log.stat().st_size
    pipeline.build(DAY, url=settings().url(Role.BUILDER))
    said = log.read_text()[before:]
    assert "Partial parsing enabled: 0 files deleted, 0 files added, 0 files changed." in said


def test_every_mart_has_a_key_and_comments_in_both_languages(built: Warehouse) -> None:
    marts = {path.stem for path in (PROJECT / "models" / "marts").glob("*.sql")}
    keyed = built.rows(
        "select c.relname from pg_constraint as k join pg_class as c on c.oid = k.conrelid "
        "where k.contype = 'p' and c.relnamespace = 'candidate'::regnamespace"
    )
    assert {row[0] for row in keyed} == marts
    uncommented = built.rows(
        "select c.relname, a.attname from pg_class as c join pg_attribute as a on a.attrelid = c.oid and a.attnum >= 0 "
        "where c.relnamespace = 'candidate'::regnamespace and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped "
        "and coalesce(col_description(c.oid, a.attnum), '') !~ '[一-鿿]'"
    )
    assert uncommented == []
    assert built.rows(
        "select relname from pg_class where relnamespace = 'candidate'::regnamespace and relkind = 'r' "
        "and obj_description(oid, 'pg_class') is null"
    ) == []  # fmt: skip


def test_evidence_is_there_for_the_gate_and_is_no_mart(built: Warehouse) -> None:
    evidence = {path.stem for path in (PROJECT / "models" / "evidence").glob("*.sql")}
    views = built.rows("select relname from pg_class where relnamespace = 'candidate'::regnamespace and relkind = 'v'")
    assert {name for (name,) in views} == evidence
    for name in evidence:
        built.rows(f"select * from candidate.{name}", role=Role.PUBLISHER)
    marts = {path.stem for path in (PROJECT / "models" / "marts").glob("*.sql")}
    assert {name for (name,) in built.rows("select mart from ops.build_mart")} == marts
    unsaid = built.rows(
        "select c.relname, a.attname from pg_class as c join pg_attribute as a on a.attrelid = c.oid and a.attnum >= 1 "
        "where c.relnamespace = 'candidate'::regnamespace and c.relkind = 'v' "
        "and (coalesce(col_description(c.oid, a.attnum), '') !~ '[一-鿿]' "
        "or coalesce(obj_description(c.oid, 'pg_class'), '') !~ '[一-鿿]')"
    )
    assert unsaid == []


def test_every_declared_key_is_a_primary_key(built: Warehouse) -> None:
    declared = {
        (table["name"], tuple(table["config"]["meta"]["key"]))
        for path in PROJECT.glob("*/**/*.yml")
        for kind in ("models", "seeds")
        for table in yaml.safe_load(path.read_text()).get(kind, [])
        if "key" in table.get("config", {}).get("meta", {})
    }
    keys = built.rows(
        "select c.relname, array_agg(a.attname order by array_position(k.conkey, a.attnum)) "
        "from pg_constraint as k join pg_class as c on c.oid = k.conrelid "
        "join pg_attribute as a on a.attrelid = c.oid and a.attnum = any(k.conkey) "
        "where k.contype = 'p' and c.relnamespace in ('staging'::regnamespace, 'intermediate'::regnamespace) "
        "group by c.relname"
    )
    assert len(declared) > 60
    assert {(table, tuple(map(str, key))) for table, key in keys} == declared


def test_what_breaks_a_key_or_a_rule_of_a_mart_does_not_come_in(built: Warehouse) -> None:
    """Constraints are the tests of keys and of what holds in a row: nothing looks through a whole table every day."""

    def refusal(statement: str) -> str:
        with pytest.raises(psycopg2.errors.IntegrityError) as refused:
            built.rows(statement, role=Role.BUILDER)
        return str(refused.value)

    twice = refusal("insert into intermediate.contact_rules select * from intermediate.contact_rules limit 1")
    assert "Key (rule, effective_from)=(" in twice
    assert "already exists" in twice
    nobody = refusal("insert into intermediate.int_loan_close (lender, loan_id) values (null, 'L1')")
    assert '"lender" of relation "int_loan_close" violates not-null' in nobody
    of_a_mart = "insert into candidate.mart_data_quality_daily (lender, business_date, delivery_status) values "
    unlikely = refusal(of_a_mart + "('a_lender', '2024-03-31', 'accepted')")
    assert "mart_data_quality_daily_counts" in unlikely


def test_a_failing_model_is_refused_with_its_name(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "dbt_project"
    shutil.copytree(PROJECT, broken, ignore=shutil.ignore_patterns("target", "logs"))
    model = broken / "models" / "staging" / "stg_delivery.sql"
    model.write_text(model.read_text().replace("from ", "from no_such_schema.", 1))
    monkeypatch.setenv("ARREARS_DBT_PROJECT", str(broken))
    settings.cache_clear()
    with pytest.raises(Refused) as refused:
        pipeline.build(DAY, url=settings().url(Role.BUILDER))
    assert any("stg_delivery" in reason for reason in refused.value.reasons), refused.value.reasons
    assert warehouse.rows("select status from ops.build") == [("failed",)]


def test_sql_is_in_style(built: Warehouse, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sqlfluff", "lint", "models", "tests", "--disable-progress-bar"],
        cwd=PROJECT, env=environment(built, tmp_path), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
