"""Speaking to Superset, and the files that it is given. What a real one makes of them is in tests/superset."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from arrears.errors import Infrastructure, Refused, Usage
from arrears.settings import SOURCE_ROOT, Settings
from arrears.superset import forget_figures
from arrears.superset.bundle import DATABASE, DATABASE_FILE, bundle
from arrears.superset.datasets import DATABASE_UUID, datasets
from arrears.warehouse.address import Address

from .stand_in_superset import PASSWORD, StandIn, standing_in

ASSETS = SOURCE_ROOT / "dashboards" / "superset" / "assets"
CHINESE = re.compile(r"[\u4e00-\u9fff]")
ADDS_UP = re.compile(r"\b(sum|count|max|nullif)\(", re.I)


@pytest.fixture
def superset() -> Iterator[StandIn]:
    with standing_in() as server:
        yield server


def told(superset: StandIn, password: str = PASSWORD) -> int:
    return forget_figures(Settings(superset_url=superset.url, superset_password=password))


# --- speaking -----------------------------------------------------------------------------------------------


def test_every_dataset_of_our_database_is_forgotten_and_no_other(superset: StandIn) -> None:
    superset.datasets = [DATABASE, "examples", *[DATABASE] * 250]
    assert told(superset) == 251
    assert superset.forgotten == [f"{number}__table" for number in range(1, 253) if number != 2]


def test_a_wrong_password_is_refused(superset: StandIn) -> None:
    with pytest.raises(Refused, match="answered 401 to POST /api/v1/security/login") as refused:
        told(superset, "wr0ng")
    assert "wr0ng" not in str(refused.value)


@pytest.mark.parametrize("path", ["/api/v1/security/login", "/api/v1/dataset/", "/api/v1/cachekey/invalidate"])
def test_an_error_of_superset_is_worth_another_try(superset: StandIn, path: str) -> None:
    superset.broken[path] = 503
    with pytest.raises(Infrastructure, match="answered 503"):
        told(superset)


@pytest.mark.parametrize("said", ["<html>Welcome</html>", "[]"])
@pytest.mark.parametrize("path", ["/api/v1/security/login", "/api/v1/security/csrf_token/", "/api/v1/dataset/"])
def test_something_else_that_answers_is_no_superset(superset: StandIn, path: str, said: str) -> None:
    superset.broken[path] = said
    with pytest.raises(Refused, match="not as Superset's API answers"):
        told(superset)


def test_a_missing_right_is_refused(superset: StandIn) -> None:
    superset.datasets, superset.broken["/api/v1/cachekey/invalidate"] = [DATABASE], 403
    with pytest.raises(Refused, match="answered 403"):
        told(superset)
    assert not superset.forgotten


def test_nobody_at_the_address() -> None:
    with standing_in() as gone:
        url = gone.url
    with pytest.raises(Infrastructure, match="cannot be reached"):
        forget_figures(Settings(superset_url=url, superset_password=PASSWORD))


def test_none_is_configured() -> None:
    with pytest.raises(Usage, match="ARREARS_SUPERSET_URL"):
        forget_figures(Settings(superset_url=None))
    with pytest.raises(Usage, match="ARREARS_SUPERSET_PASSWORD"):
        forget_figures(Settings(superset_url="http://127.0.0.1:1", superset_password=None))


# --- the files ----------------------------------------------------------------------------------------------


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    return found


DATASETS = {path.stem: read(path) for path in sorted((ASSETS / "datasets" / DATABASE).glob("*.yaml"))}
CHARTS = {path.stem: read(path) for path in sorted((ASSETS / "charts").glob("*.yaml"))}
DASHBOARDS = {path.stem: read(path) for path in sorted((ASSETS / "dashboards").glob("*.yaml"))}
BY_UUID = {dataset["uuid"]: dataset for dataset in DATASETS.values()}


def test_datasets_say_what_the_marts_say() -> None:
    """If not: python scripts/superset_datasets.py"""
    described = {dataset["table_name"]: dataset for dataset in datasets(SOURCE_ROOT / "dbt_project")}
    by_hand = {"headline", "balance_bridge_steps", "delinquency_bridge_steps", "collection_funnel_steps"}
    assert sorted(described) == sorted(DATASETS.keys() - by_hand)
    for name, dataset in described.items():
        assert DATASETS[name] == dataset, name


def test_amounts_are_added_up_of_one_currency_alone() -> None:
    """A dataset with an amount has the currency of it, and so has every one on a dashboard that filters by it."""
    for name, dataset in DATASETS.items():
        amounts = [column["column_name"] for column in dataset["columns"] if column["type"] == "NUMERIC(18, 2)"]
        for metric in dataset["metrics"]:
            is_money = not set(re.findall(r"\w+", metric["expression"])).isdisjoint(amounts)
            assert metric["expression"].startswith("CASE WHEN MIN(currency) = MAX(currency) THEN ") == is_money, name
    for dashboard in DASHBOARDS.values():
        filtered = {one["id"] for one in dashboard["metadata"]["native_filter_configuration"]}
        uuids = {part["meta"]["uuid"] for part in dashboard["position"].values() if is_chart(part)}
        read_by = [BY_UUID[chart["dataset_uuid"]] for chart in CHARTS.values() if chart["uuid"] in uuids]
        columns = [{column["column_name"] for column in dataset["columns"]} for dataset in read_by]
        assert all("currency" in one for one in columns) == ("NATIVE_FILTER-currency" in filtered)


def test_rates_are_sums_over_sums() -> None:
    """No average is taken anywhere, of a rate or of anything."""
    expressions = [metric["expression"] for dataset in DATASETS.values() for metric in dataset["metrics"]]
    expressions += [
        metric.get("sqlExpression") or f"{metric['aggregate']}(x)"
        for chart in CHARTS.values()
        for metric in (*chart["params"].get("metrics", []), chart["params"].get("metric"))
        if isinstance(metric, dict)
    ]
    for expression in expressions:
        assert ADDS_UP.search(expression), expression
        assert "avg(" not in expression.lower(), expression
    assert len(expressions) > 200


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_names_what_its_dataset_has(name: str) -> None:
    chart = CHARTS[name]
    settings, dataset = chart["params"], BY_UUID[chart["dataset_uuid"]]
    columns = {column["column_name"] for column in dataset["columns"]}
    metrics = {metric["metric_name"] for metric in dataset["metrics"]}
    group = settings.get("groupby", [])
    asked = [*settings.get("all_columns", []), *(group if isinstance(group, list) else [group])]
    asked += [*settings.get("groupbyRows", []), *settings.get("groupbyColumns", []), settings.get("x_axis")]
    asked += [condition["subject"] for condition in settings["adhoc_filters"]]
    assert {one for one in asked if isinstance(one, str)} <= columns
    measured = [*settings.get("metrics", []), settings.get("metric")]
    assert {one for one in measured if isinstance(one, str)} <= metrics
    assert settings["viz_type"] == chart["viz_type"]
    assert CHINESE.search(chart["slice_name"])


def test_month_ends_are_drawn_at_their_month() -> None:
    """By the day, a bar of 30 June stands at July."""
    over_months = {
        name: chart["params"]["time_grain_sqla"]
        for name, chart in CHARTS.items()
        if f"{chart['params'].get('x_axis')}".endswith(("_month", "month_end"))
    }
    assert over_months == dict.fromkeys(over_months, "P1M")
    assert len(over_months) > 10


@pytest.mark.parametrize("name", ["outstanding", "overdue_rate", "par30", "par90"])
def test_a_card_is_no_sum_by_month(name: str) -> None:
    """Of the last month a lender that is behind is missing. The dataset takes each lender's own."""
    assert CHARTS[name]["viz_type"] == "big_number_total"
    assert BY_UUID[CHARTS[name]["dataset_uuid"]]["table_name"] == "headline"
    assert CHARTS[name]["params"]["adhoc_filters"] == []


def test_the_newest_changes_come_first() -> None:
    """Superset shows a thousand rows of them: in no order, a restatement might be none of those."""
    settings = CHARTS["changes"]["params"]
    assert settings["timeseries_limit_metric"]["sqlExpression"] == "MAX(publication_id)"
    assert settings["order_desc"] is True


def is_chart(part: Any) -> bool:
    return isinstance(part, dict) and part["type"] == "CHART"


def test_every_chart_is_on_a_dashboard_and_identities_differ() -> None:
    shown = [
        component["meta"]["uuid"]
        for dashboard in DASHBOARDS.values()
        for component in dashboard["position"].values()
        if is_chart(component)
    ]
    assert sorted(shown) == sorted(chart["uuid"] for chart in CHARTS.values())
    assert len(DASHBOARDS) == 4
    everything = [one["uuid"] for one in (*DATASETS.values(), *CHARTS.values(), *DASHBOARDS.values())]
    assert len(set(everything)) == len(everything)


@pytest.mark.parametrize("name", DASHBOARDS)
def test_the_exposure_of_a_dashboard_names_what_its_charts_read(name: str) -> None:
    exposures = read(SOURCE_ROOT / "dbt_project" / "models" / "exposures.yml")["exposures"]
    (exposure,) = [one for one in exposures if one["name"] == name]
    assert exposure["config"]["meta"]["dashboard"] == f"dashboards/superset/assets/dashboards/{name}.yaml"
    uuids = {part["meta"]["uuid"] for part in DASHBOARDS[name]["position"].values() if is_chart(part)}
    datasets_of_it = [BY_UUID[chart["dataset_uuid"]] for chart in CHARTS.values() if chart["uuid"] in uuids]
    marts = {
        mart
        for dataset in datasets_of_it
        for mart in (re.findall(r"\bmarts\.(\w+)", dataset["sql"]) if dataset["sql"] else [dataset["table_name"]])
        if not mart.startswith("publication")  # the record is no model
    }
    assert set(exposure["depends_on"]) == {f"ref('{mart}')" for mart in marts}


@pytest.mark.parametrize("name", DASHBOARDS)
def test_rows_of_a_dashboard_fit(name: str) -> None:
    position = DASHBOARDS[name]["position"]
    for component in position.values():
        if isinstance(component, dict) and component["type"] == "ROW":
            assert sum(position[child]["meta"]["width"] for child in component["children"]) == 12, component["id"]


def test_the_bundle_carries_the_readers_address_and_no_password() -> None:
    reader = Address.parse("postgresql://arrears_reader:s3cret@db.example:5433/book?sslmode=require")
    with zipfile.ZipFile(io.BytesIO(bundle(ASSETS, reader))) as packed:
        texts = {name: packed.read(name).decode() for name in packed.namelist()}
    database = YAML(typ="safe").load(texts[f"assets/{DATABASE_FILE}"])
    assert database["sqlalchemy_uri"] == (
        "postgresql+psycopg2://arrears_reader:XXXXXXXXXX@db.example:5433/book?sslmode=require"
    )
    assert (database["database_name"], database["uuid"]) == (DATABASE, str(DATABASE_UUID))
    assert not any(database[power] for power in ("allow_dml", "allow_ctas", "allow_cvas", "allow_csv_upload"))
    assert "s3cret" not in "".join(texts.values())
    assert len(texts) == 2 + len(DATASETS) + len(CHARTS) + len(DASHBOARDS)
