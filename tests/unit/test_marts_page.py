"""docs/marts.md is the public interface: the models' contracts have its tables, keys and columns, in its order."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pytest
from ruamel.yaml import YAML

from arrears.settings import SOURCE_ROOT

PAGE = SOURCE_ROOT / "docs" / "marts.md"
MODELS = SOURCE_ROOT / "dbt_project" / "models" / "marts"
MIGRATIONS = SOURCE_ROOT / "src" / "arrears" / "warehouse" / "migrations" / "versions"
ROW = re.compile(r"^\| (\w+)\*? \| ([^|]+) \| ([^|]+) \|$", re.M)
CHINESE = re.compile(r"[\u4e00-\u9fff]")
MONEY = "numeric(18,2)"
RATES = ("_rate", "_pp", "share_of_outstanding")  # endings of columns that are no money


@dataclass(frozen=True)
class Table:
    """One row of the page."""

    name: str
    key: tuple[str, ...]
    columns: tuple[str, ...]


def names(cell: str) -> tuple[str, ...]:
    """Column names of a cell; what stands in brackets explains them."""
    return tuple(part.strip() for part in re.sub(r"\([^)]*\)", "", cell).split(",") if part.strip())


def tables() -> dict[str, Table]:
    found = [Table(name, names(key), names(rest)) for name, key, rest in ROW.findall(PAGE.read_text(encoding="utf-8"))]
    tables = {table.name: table for table in found if table.key != ("key",)}
    monthly = tables["mart_overdue_rate_monthly"]
    tables["mart_overdue_rate_quarterly"] = Table("mart_overdue_rate_quarterly", ("lender", "quarter_end"),
                                                  monthly.columns)  # fmt: skip
    return tables


def models() -> dict[str, dict[str, Any]]:
    found = {}
    for path in sorted(MODELS.glob("*.yml")):
        for model in YAML(typ="safe").load(path.read_text(encoding="utf-8"))["models"]:
            assert model["name"] == path.stem, f"{path.name}: one YAML per model, of its name"
            found[model["name"]] = model
    return found


TABLES, CONTRACTS = tables(), models()
BUILT = sorted(name for name in TABLES if not name.startswith("publication"))


def test_the_page_names_every_mart_and_no_other() -> None:
    assert sorted(CONTRACTS) == BUILT
    assert len(TABLES) > 35, "the page was read"


@pytest.mark.parametrize("name", BUILT)
def test_a_mart_has_the_key_and_the_columns_of_the_page(name: str) -> None:
    model, table = CONTRACTS[name], TABLES[name]
    keys = [rule["columns"] for rule in model["constraints"] if rule["type"] == "primary_key"]
    assert [tuple(key) for key in keys] == [table.key]
    columns = [column["name"] for column in model["columns"]]
    assert set(table.key + table.columns) <= set(columns), "columns may be added, never removed"
    promised = [column for column in columns if column in {*table.key, *table.columns}]
    assert sorted(promised) == sorted({*table.key, *table.columns})


@pytest.mark.parametrize("name", BUILT)
def test_a_mart_says_what_it_is_in_two_languages_and_whose_it_is(name: str) -> None:
    model = CONTRACTS[name]
    assert model["config"]["meta"]["owner"]
    assert CHINESE.search(model["description"])
    for column in model["columns"]:
        assert column["data_type"], f"{name}.{column['name']} has no type: the contract is not enforced"
        assert CHINESE.search(column["description"]), f"{name}.{column['name']} has no Chinese term"


@pytest.mark.parametrize("name", BUILT)
def test_counts_and_money_have_their_types(name: str) -> None:
    for column in CONTRACTS[name]["columns"]:
        kind = column["data_type"]
        assert not kind.startswith(("double", "real", "float")), f"{name}.{column['name']} is a float"
        if kind.startswith("numeric") and column["name"] != "credit_score" and not column["name"].endswith(RATES):
            assert kind == MONEY, f"{name}.{column['name']} is {kind}"


@pytest.mark.parametrize("name", ["publication", "publication_lender", "publication_change"])
def test_the_record_of_publications_has_its_columns(name: str) -> None:
    """Views of the migrations; each column carries a comment, and those are the columns there are."""
    said = "\n".join(path.read_text(encoding="utf-8") for path in sorted(MIGRATIONS.glob("*.sql")))
    commented = re.findall(rf"comment on column marts\.{name}\.(\w+) is '((?:[^']|'')*)'", said)
    table = TABLES[name]
    assert {column for column, _ in commented} >= {*table.key, *table.columns}
    assert all(CHINESE.search(comment) for _, comment in commented)


def test_exposures_name_what_their_queries_read() -> None:
    path = MODELS.parent / "exposures.yml"
    exposures = YAML(typ="safe").load(path.read_text(encoding="utf-8"))["exposures"]
    described = {one["name"]: one.get("config", {}).get("meta", {}) for one in exposures}
    queries = {described[one["name"]]["query"]: one for one in exposures if "query" in described[one["name"]]}
    for query, exposure in queries.items():
        path = SOURCE_ROOT / query
        text = "\n".join(one.read_text(encoding="utf-8") for one in (path.glob("*.sql") if path.is_dir() else [path]))
        read = set(re.findall(r"\b(?:from|join)\s+(?:marts\.)?((?:dim|fct|mart)_\w+)", text))
        assert {f"ref('{mart}')" for mart in read} == set(exposure["depends_on"]), query
    assert queries


def test_a_rate_of_stocks_filters_no_side_alone() -> None:
    """A filter comes before the newest day is taken: the two sides would be of different days."""
    for path in MODELS.glob("*.yml"):
        said = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
        stocks = {one["name"] for one in said["models"][0].get("metrics", []) if "non_additive_dimension" in one}
        for one in said.get("metrics", []):
            sides = [one[side] for side in ("numerator", "denominator") if side in one]
            named = [{"name": side} if isinstance(side, str) else side for side in sides]
            if any(side["name"] in stocks for side in named):
                assert len({side.get("filter") for side in named}) == 1, one["name"]
