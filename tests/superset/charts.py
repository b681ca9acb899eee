"""Asking what a chart asks, and laying the answer beside rows of SQL.

Superset builds a chart's query in the browser, out of its settings; here is as much of that as decides which figures
come back. Whether it is what the browser asks is a test.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from arrears.superset.client import Superset


@dataclass(frozen=True)
class Query:
    """columns, metrics, filters: as Superset's API takes them."""

    columns: list[Any]
    metrics: list[Any]
    filters: list[dict[str, Any]]

    @property
    def essence(self) -> tuple[list[str], list[str], list[str]]:
        """What is grouped by, measured and left out, for comparison with another query."""
        return (
            sorted(_said(column) for column in self.columns),
            sorted(_said(metric) for metric in self.metrics),
            sorted(f"{one['col']} {one['op']} {one.get('val')}" for one in self.filters),
        )


def query_of(settings: dict[str, Any]) -> Query:
    """The query that a chart's settings come to."""
    columns = list(settings.get("all_columns", [])) + _listed(settings.get("groupby"))
    columns += settings.get("groupbyRows", []) + settings.get("groupbyColumns", [])
    if "x_axis" in settings:
        columns.insert(0, _axis(settings["x_axis"], settings.get("time_grain_sqla")))
    metrics = list(settings.get("metrics", [])) + _listed(settings.get("metric"))
    filters = [
        {"col": one["subject"], "op": one["operator"], "val": one["comparator"]} for one in settings["adhoc_filters"]
    ]
    return Query(columns, metrics, filters)


def asked(query: dict[str, Any]) -> Query:
    """A query as the browser sent it."""
    return Query(query["columns"], query.get("metrics") or [], query["filters"])


def rows(superset: Superset, dataset: int, query: Query, force: bool = False) -> list[tuple[Any, ...]]:
    """What comes back, columns in the query's order."""
    question = {
        "columns": query.columns, "metrics": query.metrics, "filters": query.filters,
        "row_limit": 50_000, "orderby": [],
    }  # fmt: skip
    answer = superset.post(
        "/api/v1/chart/data",
        json={"datasource": {"id": dataset, "type": "table"}, "force": force, "queries": [question],
              "result_format": "json", "result_type": "full"},
    )["result"][0]  # fmt: skip
    assert answer["error"] is None, answer["error"]
    return [tuple(row[name] for name in answer["colnames"]) for row in answer["data"]]


def comparable(found: Iterable[tuple[Any, ...]]) -> list[tuple[str, ...]]:
    """Rows of either side as text, sorted: figures to twelve digits, days and times as Superset's milliseconds."""
    return sorted(tuple(map(_text, row)) for row in found)


def _text(value: Any) -> str:
    if isinstance(value, dt.datetime):
        value = value.timestamp() * 1000
    elif isinstance(value, dt.date):
        value = dt.datetime.combine(value, dt.time(), dt.UTC).timestamp() * 1000
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return str(int(value)) if value == int(value) else f"{float(value):.12g}"
    return str(value)


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]


def _axis(axis: Any, grain: str | None) -> dict[str, Any]:
    own = axis if isinstance(axis, dict) else {"sqlExpression": axis, "label": axis, "expressionType": "SQL"}
    return own | {"columnType": "BASE_AXIS", "timeGrain": grain}


def _said(one: Any) -> str:
    """A column or metric as its name, or as its expression."""
    if isinstance(one, str):
        return one
    expression = one.get("sqlExpression") or f"{one['aggregate']}({one['column']['column_name']})"
    return f"{expression} {one.get('timeGrain') or ''}".strip()
