"""One server and one cluster for all tests of Spark; a book of five lenders in a warehouse and in a lake."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from arrears.settings import SOURCE_ROOT, Settings, settings
from arrears.warehouse.provision import provision
from benchmarks.cluster import LOOPBACK, Cluster, running_cluster

from ..conftest import Warehouse, open_warehouse, running_server

ENVIRONMENT = SOURCE_ROOT / ".venv-spark"
# Books of tests are over before it pays to compile well what runs often: compiled quickly a build takes three quarters.
QUICK = "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m"
DEFAULTS = f"""\
spark.driver.extraJavaOptions {QUICK}
spark.executor.extraJavaOptions {QUICK}
"""


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """As for the other tests, with passwords that Spark can log in with."""
    with running_server(tmp_path_factory.mktemp("warehouse")) as (_, own):
        provision(own.model_copy(update={"engine": "spark"}))
        yield own


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("cluster")
    (folder / "spark-defaults.conf").write_text(DEFAULTS)
    with running_cluster(ENVIRONMENT, folder, workers=2) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def patch() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch
    settings.cache_clear()


@pytest.fixture(scope="module")
def shared_warehouse(
    server: Settings, tmp_path_factory: pytest.TempPathFactory, patch: pytest.MonkeyPatch
) -> Warehouse:
    return open_warehouse(server, "of_spark", tmp_path_factory.mktemp("of_spark"), patch)


@pytest.fixture(scope="module")
def lake(shared_warehouse: Warehouse, cluster: Cluster, patch: pytest.MonkeyPatch) -> Path:
    """The lake's folder, with `settings()` building on Spark."""
    folder = Path(shared_warehouse.settings.home) / "lake"
    patch.setenv("ARREARS_ENGINE", "spark")
    patch.setenv("ARREARS_SPARK_MASTER", cluster.master)
    patch.setenv("ARREARS_LAKE", str(folder))
    patch.setenv("SPARK_LOCAL_IP", LOOPBACK)
    patch.setenv("SPARK_CONF_DIR", str(cluster.folder))
    settings.cache_clear()
    return folder
