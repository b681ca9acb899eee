"""What metrics there are: dbt's semantic layer over the marts, turned to the views that BI reads.

A rate is a numerator and a denominator over one population. Both stand once, in the YAML beside the mart; MetricFlow,
which comes with dbt, writes the SQL.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import Any

from metricflow.engine.metricflow_engine import MetricFlowEngine, MetricFlowQueryRequest
from metricflow.protocols.sql_client import SqlEngine
from metricflow.sql.render.postgres import PostgresSQLSqlPlanRenderer
from metricflow_semantics.model.dbt_manifest_parser import parse_manifest_from_dbt_generated_manifest
from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup

from arrears.errors import Usage
from arrears.metrics.manifests import ALL_NODES, SEMANTIC, folder_of_manifests
from arrears.publish.mart import CANDIDATE, names_an_amount
from arrears.settings import Settings

GRAINS = ("day", "month", "quarter", "year")
COARSE = GRAINS[GRAINS.index("month") + 1 :]
LOAN_MONTHS = "fct_loan_month"  # has a row of nothing for the month in which a loan left the book
# a mart of what there is at month-ends, and a row of nothing for a month-end of which its lender had none
WITH_EMPTY_MONTHS = """(
    SELECT *
    FROM (
        SELECT books.lender, days.date AS month_end
        FROM (SELECT lender, MIN(month_end) AS first_month_end FROM {mart} GROUP BY lender) AS books
        INNER JOIN "{schema}"."dim_lender" AS lenders ON books.lender = lenders.lender
        INNER JOIN "{schema}"."dim_date" AS days
            ON days.is_month_end AND days.date BETWEEN books.first_month_end AND lenders.data_as_of
    ) AS months
    LEFT JOIN {mart} USING (lender, month_end)
)"""


@dataclass(frozen=True)
class Metric:
    """One metric.

    Attributes:
        kind: simple (a sum), ratio or derived.
        label: its name for people, English and Chinese.
        numerator, denominator: metrics that a ratio is made of; None for others.
    """

    name: str
    kind: str
    label: str
    description: str
    numerator: str | None
    denominator: str | None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


class _PostgresSql:
    """All that MetricFlow has to know of a database it does not connect to."""

    sql_engine_type = SqlEngine.POSTGRES
    sql_plan_renderer = PostgresSQLSqlPlanRenderer()

    def render_bind_parameter_key(self, bind_parameter_key: str) -> str:
        return f"%({bind_parameter_key})s"


class Metrics:
    """The metrics of the newest build on this machine, or of the project.

    Args:
        settings: where dbt's manifests are, or the project is.
        schema: the schema to read instead of the candidate: `marts` or `marts_as_known`.

    Raises:
        Infrastructure: dbt cannot read the project.
    """

    def __init__(self, settings: Settings, schema: str) -> None:
        folder = folder_of_manifests(settings)
        document = json.loads((folder / SEMANTIC).read_text(encoding="utf-8"))
        for described in (*document["semantic_models"], *document["project_configuration"]["time_spines"]):
            _turn_to(schema, described["node_relation"])
        manifest = parse_manifest_from_dbt_generated_manifest(json.dumps(document))
        self._manifest = manifest
        self._schema = schema
        self._written = folder / ALL_NODES
        # MetricFlow asks for a client that can run queries; only what renders them is used here
        self._engine = MetricFlowEngine(SemanticManifestLookup(manifest), _PostgresSql())  # type: ignore[arg-type]

    @cached_property
    def all(self) -> list[Metric]:
        """Every metric, by name."""
        return [
            Metric(
                one.name, str(one.type.value), one.label or one.name, one.description or "",
                *(side.name if side else None for side in (one.type_params.numerator, one.type_params.denominator)),
            )
            for one in sorted(self._manifest.metrics, key=lambda one: one.name)
        ]  # fmt: skip

    def dimensions(self, *names: str) -> dict[str, str]:
        """What metrics can be grouped and filtered by together: short name to MetricFlow's own, its column's name, too.

        Raises:
            Usage: there is no metric of a name.
        """
        known = {metric.name for metric in self.all}
        for name in names:
            if name not in known:
                raise Usage(no_such("metric", name, known))
        items = self._engine.list_group_bys(metric_names=list(names))
        finest = max((_grain(item) for item in items if item.name == "metric_time"), default=0)
        found = {grain: f"metric_time__{grain}" for grain in GRAINS[finest:]}
        found |= {item.name: _own_name(item) for item in items if item.name != "metric_time"}
        return found

    def looks_back(self, name: str) -> bool:
        """Whether a metric holds a month against an earlier one."""
        parts = self._made_of(name).metrics or []
        return any(part.offset_window or part.offset_to_grain or self.looks_back(part.name) for part in parts)

    def is_money(self, name: str) -> bool:
        """Whether a metric is an amount, or made of amounts: over several currencies it says nothing."""
        made_of = self._made_of(name)
        if own := made_of.metric_aggregation_params:
            return names_an_amount(made_of.expr, self._columns[own.semantic_model])
        parts = (made_of.numerator, made_of.denominator, *(made_of.metrics or []))
        return any(self.is_money(part.name) for part in parts if part)

    def sql(self, names: list[str], by: list[str], where: list[str]) -> str:
        """The SELECT that computes metrics by dimensions (MetricFlow's names), under conditions in its template.

        A stock is that of the newest month-end of the lender's data: one on which there is nothing left is newer than
        the last that had something.
        """
        request = MetricFlowQueryRequest.create(metric_names=names, group_by_names=by, where_constraints=where)
        sql = str(self._engine.explain(request).sql_statement.sql)
        for mart in self._marts_of_stocks:
            relation = f'"{self._schema}"."{mart}"'
            sql = sql.replace(relation, WITH_EMPTY_MONTHS.format(schema=self._schema, mart=relation))
        return sql

    def _made_of(self, name: str) -> Any:
        (metric,) = (one for one in self._manifest.metrics if one.name == name)
        return metric.type_params

    @cached_property
    def _columns(self) -> dict[str, list[dict[str, Any]]]:
        """By mart its columns, as its YAML has them."""
        return {
            node["name"]: list(node["columns"].values())
            for node in json.loads(self._written.read_text(encoding="utf-8"))["nodes"].values()
            if node["resource_type"] == "model"
        }

    @cached_property
    def _marts_of_stocks(self) -> list[str]:
        """Marts of what there is at month-ends, which have no row of a month-end where there is nothing."""
        found = set()
        for metric in self._manifest.metrics:
            own = metric.type_params.metric_aggregation_params
            if own and own.non_additive_dimension and own.non_additive_dimension.name == "month_end":
                found.add(own.semantic_model)
        return sorted(found - {LOAN_MONTHS})


def _own_name(item: Any) -> str:
    """What MetricFlow calls a dimension or an entity; a date with its grain, as its column is called."""
    name: str = getattr(item, "dunder_name", item.name)
    timed = getattr(item, "type_params", None)
    return f"{name}__{timed.time_granularity.value}" if timed else name


def _grain(item: Any) -> int:
    """Place in GRAINS of how fine the time of a metric is."""
    return GRAINS.index(item.type_params.time_granularity.value)


def _turn_to(schema: str, relation: dict[str, str]) -> None:
    assert relation["schema_name"] == CANDIDATE, relation
    relation["schema_name"] = schema
    relation["relation_name"] = f'"{schema}"."{relation["alias"]}"'


def no_such(what: str, name: str, known: Iterable[str]) -> str:
    """What to say where a metric or dimension does not exist, with what comes close."""
    close = get_close_matches(name, known, n=3)
    hint = f" Is it {' or '.join(close)}?" if close else f" There are: {', '.join(sorted(known))}."
    return f"There is no {what} {name}.{hint}"
