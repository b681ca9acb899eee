"""What a build on Spark does before and after dbt's models, on one core of this machine: trouble is told clearly."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from arrears.build import build
from arrears.errors import Infrastructure
from arrears.settings import Role, Settings, settings
from benchmarks.cluster import LOOPBACK

from ..conftest import Warehouse

pytestmark = [pytest.mark.spark, pytest.mark.timeout(1800)]

DAY = dt.date(2024, 3, 31)


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
