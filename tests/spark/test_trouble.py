"""What keeps Spark from building is said in one message, and what was published stands."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from arrears import pipeline
from arrears.build import build
from arrears.errors import Infrastructure
from arrears.lake import Lake
from arrears.load import registry
from arrears.settings import Role, Settings, settings
from arrears.simulate import simulate
from arrears.warehouse.connect import connect
from benchmarks.cluster import running_cluster

from ..chaos.test_disk_full import MIB, mounted
from ..conftest import Warehouse
from .both import Candidate, candidate
from .conftest import ENVIRONMENT
from .losing import lose_a_worker

pytestmark = [pytest.mark.spark, pytest.mark.timeout(7200)]

DAY, LENDER = dt.date(2024, 3, 31), "xiaodangjia"


@pytest.fixture(scope="module")
def on_spark(shared_warehouse: Warehouse, lake: Path) -> Settings:
    """The settings of a warehouse with one lender's day, built and published by Postgres, and in the lake."""
    own = settings()
    simulate(start=DAY, end=DAY, loans=10, seed=5, landing=Path(own.landing), truth=own.home / "truth")
    loader = shared_warehouse.url(Role.LOADER)
    loaded = pipeline.load(LENDER, DAY, url=loader)
    with connect(loader, "test") as connection, connection.cursor() as cursor:
        registry.accept(cursor, loaded.delivery_id)
    pipeline.fill_lake(url=loader)
    by_postgres = own.model_copy(update={"engine": "postgres"})
    built = build(DAY, url=shared_warehouse.url(Role.BUILDER), settings=by_postgres)
    shared_warehouse.judge(built.build_id)
    pipeline.publish(built.build_id, url=shared_warehouse.url(Role.PUBLISHER))
    return own


@pytest.fixture
def standing(shared_warehouse: Warehouse, on_spark: Settings) -> Iterator[Candidate]:
    """What stood before a test stands after it, and no build is left running."""
    before = candidate(shared_warehouse.owner_url)
    shown = shared_warehouse.rows("select publication_id, engine from publication where is_current", role=Role.READER)
    yield before
    assert candidate(shared_warehouse.owner_url) == before
    assert shown == shared_warehouse.rows(
        "select publication_id, engine from publication where is_current", role=Role.READER
    )
    assert shared_warehouse.value("select status from ops.build order by build_id desc limit 1") == "failed"


def said(warehouse: Warehouse, own: Settings) -> str:
    with pytest.raises(Infrastructure) as failure:
        build(DAY, url=warehouse.url(Role.BUILDER), settings=own)
    assert len(str(failure.value).splitlines()) == 1
    return str(failure.value)


@pytest.mark.usefixtures("standing")
def test_no_java(shared_warehouse: Warehouse, on_spark: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    java = Path(shutil.which("java") or "/none").parent
    monkeypatch.setenv("PATH", "/none")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    assert java.is_dir()
    assert said(shared_warehouse, on_spark).startswith("Spark needs Java 17 or newer and there is none")


@pytest.mark.usefixtures("standing")
def test_no_driver(shared_warehouse: Warehouse, on_spark: Settings) -> None:
    own = on_spark.model_copy(update={"jdbc_driver": Path("/none.jar")})
    assert said(shared_warehouse, own).startswith("Postgres's JDBC driver is not at /none.jar")


@pytest.mark.usefixtures("standing")
def test_no_master(shared_warehouse: Warehouse, on_spark: Settings) -> None:
    own = on_spark.model_copy(update={"spark_master": "spark://127.0.0.1:1"})
    assert said(shared_warehouse, own).startswith("No Spark master answers at spark://127.0.0.1:1: start it")


@pytest.mark.usefixtures("standing")
def test_no_worker(shared_warehouse: Warehouse, on_spark: Settings, tmp_path: Path) -> None:
    with running_cluster(ENVIRONMENT, tmp_path, workers=0) as empty:
        own = on_spark.model_copy(update={"spark_master": empty.master})
        assert said(shared_warehouse, own).startswith(f"No worker of {empty.master} took a task")


@pytest.mark.usefixtures("standing")
def test_all_workers_lost(shared_warehouse: Warehouse, on_spark: Settings, tmp_path: Path) -> None:
    with running_cluster(ENVIRONMENT, tmp_path, workers=1) as dying:
        own = on_spark.model_copy(update={"spark_master": dying.master})
        whole = build(DAY, url=shared_warehouse.url(Role.BUILDER), settings=own)
        assert Lake(own.lake).built() == whole.build_id
        lose_a_worker(own.home, dying)
        message = said(shared_warehouse, own)
    assert message.startswith(f"All workers of {dying.master} are lost, and none came back within 120 s")
    assert Lake(own.lake).built() is None  # nobody vouches for tables of which some are of another build


@pytest.mark.usefixtures("standing")
def test_a_full_disk(shared_warehouse: Warehouse, on_spark: Settings, lake: Path, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    with mounted(tmp_path / "disk", 2 * MIB) as disk:
        shutil.copytree(lake / "raw", disk.folder / "raw")
        own = on_spark.model_copy(update={"lake": str(disk.folder)})
        message = said(shared_warehouse, own)
    assert message == (
        f"The lake at {disk.folder} takes no more: No space left on device. Make room there and build again."
    )
