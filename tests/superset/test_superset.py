"""The dashboards in a real Superset: what is loaded, what every chart shows, what the next publication does to it."""

from __future__ import annotations

import io
import json
import stat
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Request
from ruamel.yaml import YAML

from arrears.errors import Refused
from arrears.settings import Role

from ..browser import browsing
from .charts import asked, comparable, query_of, rows
from .conftest import FOLDER, NEXT, World
from .dashboard import LOGIN, looked_at, queries
from .figures import FIGURES

pytestmark = [pytest.mark.superset, pytest.mark.timeout(1500)]

ASSETS = FOLDER / "assets"
CHARTS = sorted(path.stem for path in (ASSETS / "charts").glob("*.yaml"))
DASHBOARDS = sorted(path.stem for path in (ASSETS / "dashboards").glob("*.yaml"))


def read(kind: str, name: str) -> dict[str, Any]:
    return YAML(typ="safe").load((ASSETS / kind / f"{name}.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def charts(world: World) -> dict[str, dict[str, Any]]:
    """Every chart as Superset keeps it, by its identity."""
    found = world.admin.get("/api/v1/chart/", q="(page_size:100,columns:!(id,uuid,slice_name,params,datasource_id))")[
        "result"
    ]
    return {one["uuid"]: one | {"params": json.loads(one["params"])} for one in found}


def shown(world: World, charts: dict[str, dict[str, Any]], name: str, force: bool = False) -> list[tuple[str, ...]]:
    chart = charts[read("charts", name)["uuid"]]
    return comparable(rows(world.admin, chart["datasource_id"], query_of(chart["params"]), force))


def published(world: World, name: str) -> list[tuple[str, ...]]:
    return comparable(world.warehouse.rows(f"set search_path = marts; {FIGURES[name]}", role=Role.READER))


# --- what is loaded -----------------------------------------------------------------------------------------


def test_loading_again_changes_nothing(world: World) -> None:
    before = exported(world)
    world.local.load(world.reader)
    assert exported(world) == before
    assert sum(name.startswith("charts/") for name in before) == len(CHARTS)
    assert sum(name.startswith("dashboards/") for name in before) == len(DASHBOARDS)


def exported(world: World) -> dict[str, str]:
    """All assets as Superset gives them out, but for the time it says it is."""
    answer = world.admin.http.get("/api/v1/assets/export/").raise_for_status()
    with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
        texts = {name.partition("/")[2]: packed.read(name).decode() for name in packed.namelist()}
    return {name: text for name, text in texts.items() if name != "metadata.yaml"}


def test_somebody_elses_change_is_overwritten(world: World, charts: dict[str, dict[str, Any]]) -> None:
    before, chart = exported(world), charts[read("charts", "par30")["uuid"]]
    changed = {"slice_name": "PAR", "params": json.dumps(chart["params"] | {"metric": "par60_rate"})}
    world.admin.http.put(f"/api/v1/chart/{chart['id']}", json=changed).raise_for_status()
    assert exported(world) != before
    world.local.load(world.reader)
    after = exported(world)
    name = next(name for name in after if "PAR30" in name)
    assert read_text(after[name])["params"]["metric"] == "par30_rate"


def read_text(text: str) -> dict[str, Any]:
    return YAML(typ="safe").load(text)


def test_columns_are_those_of_the_published_views(world: World) -> None:
    """By name, in their order, with the comments that the views carry; after them the currency."""
    views = world.warehouse.rows(
        "select table_name, column_name, col_description(format('marts.%I', table_name)::regclass, ordinal_position) "
        "from information_schema.columns where table_schema = 'marts' order by table_name, ordinal_position",
        role=Role.READER,
    )
    names = {view for view, _, _ in views}
    described = [
        (dataset["table_name"], column["column_name"], column["description"])
        for dataset in (read("datasets/arrears", path.stem) for path in (ASSETS / "datasets/arrears").glob("*.yaml"))
        if dataset["table_name"] in names
        for column in (dataset["columns"] if dataset["sql"] is None else dataset["columns"][:-1])
    ]
    assert sorted(described) == sorted(views)


def test_superset_reads_as_the_reader(world: World) -> None:
    (database,) = world.admin.get("/api/v1/database/")["result"]
    connection = world.admin.get(f"/api/v1/database/{database['id']}/connection")["result"]
    assert "arrears_reader:XXXXXXXXXX@" in connection["sqlalchemy_uri"]
    for sql, why in (("delete from marts.dim_lender", "DML"), ("select * from raw.loan", "permission denied")):
        answer = world.admin.http.post(
            "/api/v1/sqllab/execute/", json={"database_id": database["id"], "sql": sql, "runAsync": False}
        )
        assert not answer.is_success
        assert why in answer.text, answer.text


def test_secrets_are_made_once_and_nobody_elses(world: World) -> None:
    made = {name: world.local.home / name for name in ("admin", "publisher", "secret_key")}
    for path in made.values():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert len(path.read_text()) > 40
    again = type(world.local)(world.local.home, world.local.programs, world.local.folder)
    assert (again.admin, again.publisher) == (world.local.admin, world.local.publisher)
    assert len({path.read_text() for path in made.values()}) == 3


# --- what charts show ---------------------------------------------------------------------------------------


def test_every_chart_has_figures_to_be_held_against() -> None:
    assert sorted(FIGURES) == CHARTS


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_shows_what_the_marts_say(world: World, charts: dict[str, dict[str, Any]], name: str) -> None:
    expected = published(world, name)
    assert expected, "nothing to show"
    assert shown(world, charts, name) == expected


# --- what is seen -------------------------------------------------------------------------------------------


@dataclass
class Visit:
    """Somebody logged in with a browser, and what it has sent since."""

    page: Page
    sent: list[Request]

    def keep(self, request: Request) -> None:
        self.sent.append(request)


@pytest.fixture
def visit(world: World) -> Iterator[Visit]:
    with browsing() as browser:
        page = browser.new_page(base_url=world.local.url)
        page.set_default_timeout(60_000)
        page.goto("/login/")
        assert page.evaluate(LOGIN % {"password": world.local.admin})
        visit = Visit(page, [])
        page.on("request", visit.keep)
        yield visit


def address(dashboard: str) -> str:
    return f"/superset/dashboard/{read('dashboards', dashboard)['slug']}/"


def test_every_dashboard_looks_well(charts: dict[str, dict[str, Any]], visit: Visit, tmp_path: Path) -> None:
    """No chart shows an error or nothing, and each asks the browser's way what was asked above."""
    for name in DASHBOARDS:
        parts = [part for part in read("dashboards", name)["position"].values() if isinstance(part, dict)]
        uuids = {part["meta"]["uuid"] for part in parts if part["type"] == "CHART"}
        faults, titles = looked_at(visit.page, address(name))
        visit.page.screenshot(path=tmp_path / f"{name}.png")
        assert not faults, f"{name} ({tmp_path / f'{name}.png'}): {faults}"
        assert sorted(titles) == sorted(charts[uuid]["slice_name"] for uuid in uuids), name
    kept = {chart["id"]: query_of(chart["params"]).essence for chart in charts.values()}
    assert {chart: asked(query).essence for chart, query in queries(visit.sent)} == kept


@pytest.mark.parametrize(("column", "value"), [("lender", "jike"), ("currency", "CNY")])
def test_a_filter_reaches_every_chart(charts: dict[str, dict[str, Any]], visit: Visit, column: str, value: str) -> None:
    """Of every dashboard that has it: none of the charts would show the others' figures without a word."""
    only, shown = {"col": column, "op": "IN", "val": [value]}, set()
    for name in DASHBOARDS:
        filters = read("dashboards", name)["metadata"]["native_filter_configuration"]
        if f"NATIVE_FILTER-{column}" not in {one["id"] for one in filters}:
            continue
        faults, titles = looked_at(
            visit.page,
            address(name),
            native_filters=f"(NATIVE_FILTER-{column}:(id:NATIVE_FILTER-{column},extraFormData:(filters:!((col:{column},"
            f"op:IN,val:!({value})))),filterState:(value:!({value})),ownState:()))",
        )
        assert not faults, f"{name}: {faults}"
        shown |= {*titles}
    filtered = {chart for chart, query in queries(visit.sent) if only in asked(query).filters}
    assert filtered == {chart["id"] for chart in charts.values() if chart["slice_name"] in shown}


# --- the next publication -----------------------------------------------------------------------------------


def test_the_publisher_may_have_figures_forgotten_and_nothing_else(world: World) -> None:
    with pytest.raises(Refused, match="403"):
        world.publisher.load(b"", {})
    with pytest.raises(Refused, match="403"):
        world.publisher.post("/api/v1/database/", json={"database_name": "other"})


def test_figures_are_kept_until_the_publication_says_so(world: World, charts: dict[str, dict[str, Any]]) -> None:
    """The last test: it publishes another day."""
    kept = ("rows_in_files", "publications", "headline")
    before = {name: shown(world, charts, name) for name in kept}
    world.publish(NEXT, NEXT)
    for name in kept:
        assert published(world, name) != before[name], f"{name} would show nothing of it"
        assert shown(world, charts, name) == before[name], f"{name} was not kept"
    assert world.publisher.forget_figures("arrears") == len(list((ASSETS / "datasets/arrears").glob("*.yaml")))
    for name in kept:
        assert shown(world, charts, name) == published(world, name)
