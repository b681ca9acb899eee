"""What a build on Spark does before and after dbt's models, on one core of this machine: trouble is told clearly."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import time
from pathlib import Path

import pytest

from arrears import engine
from arrears.build import build
from arrears.dbt import dbt_environment
from arrears.errors import Infrastructure
from arrears.lake import Lake
from arrears.settings import Role, Settings, settings
from arrears.spark.beside import COUNTED, TROUBLE
from benchmarks.cluster import LOOPBACK

from ..conftest import Warehouse

pytestmark = [pytest.mark.spark, pytest.mark.timeout(1800)]

DAY = dt.date(2024, 3, 31)
IN_PLACE_OF_DBT = Path(__file__).with_name("in_place_of_dbt.py")
BEGIN = "insert into ops.build (business_date, status, code_version) values (%s, %s, 't') returning build_id"
# What an administrator may have set for other programs of a cluster, and what the models rely on.
ELSEWHERE = {
    "spark.sql.timestampType": ("TIMESTAMP_NTZ", "TIMESTAMP_LTZ"),
    "spark.sql.decimalOperations.allowPrecisionLoss": ("false", "true"),
    "spark.sql.sources.default": ("orc", "parquet"),
    "spark.sql.files.ignoreMissingFiles": ("true", "false"),
    "spark.sql.files.ignoreCorruptFiles": ("true", "false"),
    "spark.speculation": ("true", "false"),
}
SETTINGS = """
import json, sys
from arrears.spark.place import Place
from arrears.spark.session import open_session
settings = open_session(Place.of_environment()).conf
print(json.dumps({name: settings.get(name) for name in sys.argv[1:]}))
"""


@pytest.fixture
def on_spark(shared_warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("SPARK_LOCAL_IP", LOOPBACK)
    spark = {"engine": "spark", "spark_master": "local[1]", "lake": str(tmp_path / "lake")}
    return settings().model_copy(update=spark)


def test_trouble_of_java_is_told_in_one_line(shared_warehouse: Warehouse, on_spark: Settings) -> None:
    """What a worker cannot read of Postgres comes as a stack of Java's, and is no fault of the data's."""
    builder = Role.BUILDER.login
    shared_warehouse.rows(f"revoke select on ops.delivery_file from {builder}")
    with pytest.raises(Infrastructure) as raised:
        build(DAY, url=shared_warehouse.url(Role.BUILDER), settings=on_spark)
    shared_warehouse.rows(f"grant select on ops.delivery_file to {builder}")
    message = str(raised.value)
    assert message.startswith("Spark failed before or after dbt's models: ")
    assert "permission denied for table delivery_file" in message
    assert (len(message.splitlines()), "\tat " in message) == (1, False)


def test_java_is_too_old(
    shared_warehouse: Warehouse, on_spark: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """JAVA_HOME comes before PATH, as it does for Spark."""
    java = tmp_path / "jdk" / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text("#!/bin/sh\necho 'openjdk version \"1.8.0_402\"' >&2\n")
    java.chmod(0o755)
    for home, said in {tmp_path / "jdk": f'{java} is version "1.8.0_402"', tmp_path: f"none at {tmp_path}/bin"}.items():
        monkeypatch.setenv("JAVA_HOME", str(home))
        with pytest.raises(Infrastructure, match="Spark needs Java 17 or newer and ") as raised:
            build(DAY, url=shared_warehouse.url(Role.BUILDER), settings=on_spark)
        assert said in str(raised.value)


def test_what_an_administrator_has_set_for_others(
    shared_warehouse: Warehouse, on_spark: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Results do not depend on spark-defaults.conf."""
    defaults = "".join(f"{name} {elsewhere}\n" for name, (elsewhere, _) in ELSEWHERE.items())
    (tmp_path / "spark-defaults.conf").write_text(defaults)
    monkeypatch.setenv("SPARK_CONF_DIR", str(tmp_path))
    done = subprocess.run(
        [*_python(on_spark), "-c", SETTINGS, *ELSEWHERE], env=_environment(shared_warehouse, on_spark),
        stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    assert json.loads(done.stdout.splitlines()[-1]) == {name: ours for name, (_, ours) in ELSEWHERE.items()}


@pytest.mark.parametrize("given_up", [False, True])
def test_a_build_that_was_given_up_changes_nothing(
    shared_warehouse: Warehouse, on_spark: Settings, tmp_path: Path, given_up: bool
) -> None:
    """Its driver lives on when the server restarts, and another build takes the lock."""
    run = shared_warehouse.rows
    run("update ops.build set status = 'failed'")
    run("drop table if exists intermediate.made__from_spark")
    ((build_id,),) = run(BEGIN, DAY, "running", role=Role.BUILDER)
    process = _in_place_of_dbt(shared_warehouse, on_spark, tmp_path)
    if given_up:
        run("update ops.build set status = 'failed'")
        run(BEGIN, DAY, "running", role=Role.BUILDER)
    output, code = _go_on(process, tmp_path, 0)
    there = shared_warehouse.value("select to_regclass('intermediate.made__from_spark') is not null")
    if given_up:
        assert (code, there, Lake(on_spark.lake).built()) == (Infrastructure.exit_code, False, None), output
        assert f"Build {build_id} was given up on its way" in output
    else:
        assert (code, there, Lake(on_spark.lake).built()) == (0, True, build_id), output
        assert json.loads((tmp_path / COUNTED).read_text()) == {"intermediate.made": 1}


@pytest.mark.parametrize(("of_dbt", "code"), [(1, 1), (0, Infrastructure.exit_code)])
def test_java_dies(shared_warehouse: Warehouse, on_spark: Settings, tmp_path: Path, of_dbt: int, code: int) -> None:
    """Under dbt, which has said so in its results; or after it, when nobody else does."""
    shared_warehouse.rows("update ops.build set status = 'failed'")
    shared_warehouse.rows(BEGIN, DAY, "running", role=Role.BUILDER)
    process = _in_place_of_dbt(shared_warehouse, on_spark, tmp_path)
    (tmp_path / "java_dies").touch()
    output, ended_with = _go_on(process, tmp_path, of_dbt)
    said = "Spark failed before or after dbt's models: its Java has ended (out of memory?)"
    assert (ended_with, said in output, TROUBLE in output) == (code, code != 1, code != 1), output


def _in_place_of_dbt(warehouse: Warehouse, own: Settings, folder: Path) -> subprocess.Popen[str]:
    """A build on Spark that has come to where dbt would run."""
    process = subprocess.Popen(
        [*_python(own), str(IN_PLACE_OF_DBT), "--full-refresh", "--target-path", str(folder)],
        env=_environment(warehouse, own), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        stdin=subprocess.PIPE,  # it ends with who holds the other end
    )  # fmt: skip
    while not (folder / "manifest.json").exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.2)
    return process


def _go_on(process: subprocess.Popen[str], folder: Path, of_dbt: int) -> tuple[str, int]:
    """What it says once dbt has ended with a code, and its own."""
    (folder / "code").write_text(str(of_dbt))
    (folder / "code").rename(folder / "may_go_on")
    assert process.stdout is not None
    return process.stdout.read(), process.wait()


def _python(own: Settings) -> tuple[str, ...]:
    return engine.chosen(own).program[:1]


def _environment(warehouse: Warehouse, own: Settings) -> dict[str, str]:
    return {**os.environ, **dbt_environment(warehouse.url(Role.BUILDER)), **engine.chosen(own).environment}
