"""What Spark has handed over becomes the candidate whole, or not at all."""

from __future__ import annotations

from typing import Any

import pytest

from arrears.errors import Infrastructure
from arrears.settings import Role
from arrears.take_over import take_over
from arrears.warehouse.connect import connect

from ..conftest import Warehouse


def _seed(name: str) -> dict[str, Any]:
    columns = {"one": {"description": "", "constraints": []}}
    return {"resource_type": "seed", "schema": "intermediate", "name": name, "description": "", "columns": columns}


def test_rows_that_came_after_spark_had_counted(warehouse: Warehouse) -> None:
    """A seed and what a view gives have no key that would refuse a row that is there twice."""
    url, run = warehouse.url(Role.BUILDER), warehouse.rows
    manifest = {"nodes": {name: _seed(name) for name in ("first", "second")}}
    for name in ("first", "second"):
        run(f"create table intermediate.{name} as select 0 as one", role=Role.BUILDER)
        run(f"create table intermediate.{name}__from_spark as select 1 as one", role=Role.BUILDER)
    counted = {"intermediate.first": 1, "intermediate.second": 1}
    run("insert into intermediate.second__from_spark values (1)", role=Role.BUILDER)
    with (
        pytest.raises(Infrastructure, match="other rows than Spark wrote of second: build again"),
        connect(url, "test", autocommit=True) as connection,
    ):
        take_over(connection, manifest, counted)
    both = "select one from intermediate.first union all select one from intermediate.second"
    assert run(both) == [(0,), (0,)]
    run("delete from intermediate.second__from_spark where ctid = '(0,2)'", role=Role.BUILDER)
    with connect(url, "test", autocommit=True) as connection:
        take_over(connection, manifest, counted)
    assert run(both) == [(1,), (1,)]
