"""A mart as Superset describes it: columns, their terms in both languages, and metrics, all out of the mart's own YAML.

The files below dashboards/superset/assets/datasets are written from here (scripts/superset_datasets.py), so that what a
mart says of itself is typed once. A metric is what MetricFlow makes of it: a sum, or a sum over a sum; of money, where
all of it is of one currency.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import LiteralScalarString

from arrears.publish.mart import MARTS, MONEY, PUBLICATION, PUBLICATION_COMMENT, names_an_amount

DATABASE_UUID = UUID("6f1d3f0e-6c2b-4a0e-9c55-2f0a8c1f7b10")
RECORDS = {  # views that are no models: their comments are in the migrations
    "publication": {
        "publication_id": "bigint", "published_at": "timestamp with time zone", "business_date": "date",
        "is_current": "boolean", "gate_status": "text", "approved_by": "text", "rows_added": "bigint",
        "rows_closed": "bigint", "code_version": "text", "reason": "text", "restores": "bigint", "is_kept": "boolean",
        "engine": "text",
    },
    "publication_lender": {
        "publication_id": "bigint", "lender": "text", "data_as_of": "date", "is_stale": "boolean",
    },
    "publication_change": {
        "publication_id": "bigint", "mart": "text", "lender": "text", "period": "date", "rows_added": "bigint",
        "rows_changed": "bigint", "rows_removed": "bigint", "is_restatement": "boolean",
    },
}  # fmt: skip
COMMENT = re.compile(r"comment on (?:view|column) marts\.(\w+(?:\.\w+)?) is\s+'((?:[^']|'')*)'")
TERM = re.compile(r"\(([^()]*[\u4e00-\u9fff][^()]*)\)$")
DIMENSION = re.compile(r"\{\{ *Dimension\('\w+?__(\w+)'\) *\}\}")
MEASURES = ("bigint", MONEY)  # what may be added up: counts and money, never a rate
PERCENT, RATIO, WHOLE = ".2%", ".2f", ",.0f"
CURRENCY = {
    "name": "currency", "data_type": "text", "description": "Currency of the lender's amounts, ISO 4217 (币种)",
}  # fmt: skip
WITH_CURRENCY = """\
select
    mart.*,
    lenders.currency
from {schema}.{name} as mart
inner join {schema}.dim_lender as lenders
    on mart.lender = lenders.lender
"""
OF_ONE_CURRENCY = "CASE WHEN MIN(currency) = MAX(currency) THEN {} END"

Yaml = dict[str, Any]


def datasets(dbt_project: Path) -> Iterator[Yaml]:
    """The dataset of every mart, and of the record of publications, in Superset's own form."""
    for path in sorted((dbt_project / "models" / "marts").glob("*.yml")):
        said = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
        yield _of_mart(said["models"][0], said.get("metrics", []))
    comments = _comments_of_records()
    for name, types in RECORDS.items():
        columns = [
            {"name": column, "data_type": kind, "description": comments[f"{name}.{column}"]}
            for column, kind in types.items()
        ]
        key = {PUBLICATION, "restores", "published_at", "period"}
        yield _dataset(name, comments[name], None, columns, key, _sums(columns, key))


def dataset_uuid(name: str) -> UUID:
    """The identity of a dataset: the same wherever it is loaded."""
    return uuid5(DATABASE_UUID, name)


def _of_mart(model: Yaml, ratios: list[Yaml]) -> Yaml:
    key = {name for rule in model["constraints"] if rule["type"] == "primary_key" for name in rule["columns"]}
    own = {"name": PUBLICATION, "data_type": "bigint", "description": PUBLICATION_COMMENT}
    period = model["config"]["meta"].get("period_column")
    declared = model.get("metrics")
    metrics = _declared(declared, ratios, model["columns"]) if declared else _sums(model["columns"], key)
    columns = [own, *model["columns"]]
    sql = None
    if "lender" in (names := {column["name"] for column in columns}) and "currency" not in names:
        columns.append(CURRENCY)
        sql = LiteralScalarString(WITH_CURRENCY.format(schema=MARTS, name=model["name"]))
    return _dataset(model["name"], model["description"], period, columns, key | {PUBLICATION}, metrics, sql)


def _comments_of_records() -> dict[str, str]:
    """Comments of views and of their columns, by `view` and `view.column`; the newest migration counts."""
    folder = Path(__file__).resolve().parents[1] / "warehouse" / "migrations" / "versions"
    texts = (path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.sql")))
    return {name: comment.replace("''", "'") for text in texts for name, comment in COMMENT.findall(text)}


# --- metrics ------------------------------------------------------------------------------------------------


def _sums(columns: list[Yaml], key: set[str]) -> list[Yaml]:
    """Of a mart that declares no metrics: what can be added up, by the names of the columns. People cannot."""
    return [
        _metric(
            f"sum_{column['name']}", _title(column), _added(f"SUM({column['name']})", columns), WHOLE,
            column["description"],
        )
        for column in columns
        if column["data_type"] in MEASURES and column["name"] not in key and "borrowers" not in column["name"]
    ]  # fmt: skip


def _declared(simple: list[Yaml], ratios: list[Yaml], columns: list[Yaml]) -> list[Yaml]:
    """Metrics as they are declared. Those that look back at another period are left out: an expression cannot."""
    sums = {one["name"]: one["expr"] for one in simple}
    found = [
        _metric(
            one["name"], one["label"], _added(f"SUM({one['expr']})", columns), WHOLE, one.get("description"),
            not_over=one.get("non_additive_dimension", {}).get("name"),
        )
        for one in simple
    ]  # fmt: skip
    rates: dict[str, str] = {}
    for one in ratios:
        if one["type"] == "ratio":
            over, under = (_side(one[side], sums) for side in ("numerator", "denominator"))
            rates[one["name"]] = f"{over} / NULLIF({under}, 0)"
        elif not any("offset_window" in each for each in one["input_metrics"]):
            rates[one["name"]] = re.sub(r"\b(\w+_rate)\b", lambda name: f"({rates[name[1]]})", one["expr"])
        else:
            continue
        kind = PERCENT if one["type"] == "ratio" else RATIO
        told = _added(rates[one["name"]], columns)
        found.append(_metric(one["name"], one["label"], told, kind, one.get("description")))
    return found


def _added(expression: str, columns: Iterable[Yaml]) -> str:
    """An expression over several lenders: where it names an amount, nothing over several currencies."""
    return OF_ONE_CURRENCY.format(expression) if names_an_amount(expression, columns) else expression


def _side(side: str | Yaml, sums: dict[str, str]) -> str:
    """One side of a rate."""
    if isinstance(side, str):
        return f"SUM({sums[side]})"
    total = f"SUM({sums[side['name']]})"
    condition = DIMENSION.sub(r"\1", side.get("filter", ""))
    return f"{total} FILTER (WHERE {condition})" if condition else total


def _metric(
    name: str, label: str, expression: str, d3format: str, description: str | None, not_over: str | None = None
) -> Yaml:
    warning = f"A stock: group by {not_over} or choose one; added up over several it means nothing." if not_over else ""
    return {
        "metric_name": name,
        "verbose_name": label,
        "expression": expression,
        "description": description,
        "d3format": d3format,
        "extra": {"warning_markdown": warning} if warning else {},
    }


# --- columns ------------------------------------------------------------------------------------------------


def _title(column: Yaml) -> str:
    """A column's name for people, with its Chinese term."""
    term = TERM.search(column["description"])
    words = column["name"].replace("_", " ").capitalize()
    return f"{words} ({term[1]})" if term else words


def _is_time(column: Yaml) -> bool:
    return bool(column["data_type"].startswith(("date", "timestamp")))


def _column(column: Yaml, is_key: bool) -> Yaml:
    kind = column["data_type"]
    return {
        "column_name": column["name"],
        "verbose_name": _title(column),
        "is_dttm": _is_time(column),
        "is_active": True,
        "type": kind.upper().replace(",", ", "),
        "groupby": is_key or not kind.startswith(("bigint", "numeric")),
        "filterable": True,
        "expression": None,
        "description": column["description"],
    }


def _dataset(
    name: str, description: str, period: str | None, columns: list[Yaml], key: set[str], metrics: list[Yaml],
    sql: str | None = None,
) -> Yaml:  # fmt: skip
    return {
        "table_name": name,
        "main_dttm_col": period or next((one["name"] for one in columns if one["name"] in key and _is_time(one)), None),
        "description": description,
        "schema": MARTS,
        "sql": sql,
        "filter_select_enabled": True,
        "normalize_columns": False,
        "always_filter_main_dttm": False,
        "uuid": str(dataset_uuid(name)),
        "metrics": metrics,
        "columns": [_column(column, column["name"] in key) for column in columns],
        "version": "1.0.0",
        "database_uuid": str(DATABASE_UUID),
    }
