"""The real models on small books: dbt builds them once, PostgreSQL then runs what dbt compiled, book after book.

A dbt run takes seconds whatever the size of the book. So dbt builds the empty warehouse, which leaves every table with
its contract and every model as compiled SQL; a run fills the staging tables, inserts model after model in the order of
the manifest, reads the marts, and rolls all of it back.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import psycopg2
import psycopg2.extras
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from arrears.dbt import dbt_environment
from arrears.settings import SOURCE_ROOT, Role

from ...conftest import Warehouse
from ...reference.book import Book
from .staging import Staging

PROJECT = SOURCE_ROOT / "dbt_project"

# The calendar of working days ends with 2026, so that days after it are met too.
BUSINESS_DATE = dt.date(2027, 12, 31)

# Rolled back rows stay in the files until a vacuum.
RUNS_BETWEEN_VACUUMS = 100

SESSION = """
    set client_min_messages = error;
    set synchronous_commit = off;
    set jit = off;
    set enable_nestloop = off;
    set max_parallel_workers_per_gather = 0;
    set work_mem = '64MB';
    set datestyle = 'ISO, YMD'
"""

Row = dict[str, Any]
Tables = dict[str, list[Row]]


@dataclass(frozen=True)
class Model:
    """One table that the engine computes.

    relation: schema and name, quoted. columns: in the order of the select. key: its primary key (marts only).
    """

    name: str
    relation: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    select: str

    @property
    def is_mart(self) -> bool:
        return bool(self.key)

    @property
    def insert(self) -> str:
        return f"insert into {self.relation} ({', '.join(self.columns)})\n{self.select}"


def dbt(warehouse: Warehouse, target: Path, *command: str) -> None:
    """Run dbt on the project as of BUSINESS_DATE.

    Raises:
        AssertionError: dbt failed; with what it printed.
    """
    done = subprocess.run(
        [
            sys.executable, "-m", "dbt.cli.main", "--no-use-colors", "--log-path", str(target), *command,
            "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--target-path", str(target),
            "--vars", json.dumps({"business_date": BUSINESS_DATE.isoformat()}),
        ],
        env={"DBT_LOG_LEVEL_FILE": "info"} | os.environ | dbt_environment(warehouse.url(Role.BUILDER)),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def compiled_models(warehouse: Warehouse, target: Path) -> list[Model]:
    """Build the empty warehouse with dbt, and return what it compiled of the models that a book goes into.

    In an order in which each comes after what it reads, and compiled as for a build of everything. What seeds alone
    make stays as dbt has built it.
    """
    dbt(warehouse, target, "build", "--full-refresh", "--resource-type", "seed", "--resource-type", "model")
    nodes = json.loads((target / "manifest.json").read_text())["nodes"]
    results = json.loads((target / "run_results.json").read_text())["results"]
    compiled = {result["unique_id"]: result["compiled_code"] for result in results}
    reads = {name: node["depends_on"].get("nodes", []) for name, node in nodes.items()}
    staged = {name for name, node in nodes.items() if node["schema"] == "staging"}
    of_books: list[str] = []
    for name in TopologicalSorter(reads).static_order():
        if name in nodes and _is_computed(nodes[name]) and staged.union(of_books).intersection(reads[name]):
            of_books.append(name)
    return [_model(warehouse, nodes[name], compiled[name]) for name in of_books]


def _is_computed(node: Row) -> bool:
    return (
        node["resource_type"] == "model"
        and node["schema"] in ("intermediate", "candidate")
        and node["config"]["materialized"] not in ("view", "ephemeral")
    )


def _model(warehouse: Warehouse, node: Row, select: str) -> Model:
    relation = f'"{node["schema"]}"."{node["alias"]}"'
    found = warehouse.rows(
        "select attname from pg_attribute where attrelid = cast(%s as regclass) and attnum > 0 and not attisdropped "
        "order by attnum", relation,
    )  # fmt: skip
    keys = [tuple(rule["columns"]) for rule in node.get("constraints", []) if rule["type"] == "primary_key"]
    return Model(node["name"], relation, tuple(f'"{name}"' for (name,) in found), keys[0] if keys else (), select)


class RuleBroken(AssertionError):
    """A mart refused a row: it breaks its key, or what its contract says of every row."""


class Engine:
    """The compiled models on one connection.

    Every statement is prepared: on a book of a few loans, planning takes most of the time of a query. Nested loops are
    left out of the plans, which are made once and have to do for larger books too.
    """

    def __init__(self, url: str, models: Sequence[Model]) -> None:
        self.models = list(models)
        self.keys = {model.name: model.key for model in models if model.is_mart}
        self._runs = 0
        self._connection: Connection = psycopg2.connect(url)
        with self._connection, self._connection.cursor() as cursor:
            cursor.execute(SESSION)
            self._staging = Staging(cursor)
            for model in self.models:
                cursor.execute(f"truncate {model.relation}")
                cursor.execute(f"alter table {model.relation} set (autovacuum_enabled = off)")
            for number, model in enumerate(self.models):
                cursor.execute(f"prepare compute_{number} as {model.insert}")

    def run(self, books: Sequence[Book], tables: Sequence[str] | None = None) -> Tables:
        """What the models make of books, each of a lender of its own: the rows of every mart (or of `tables`).

        Raises:
            AssertionError: a model failed, for example because two rows have the same key.
        """
        try:
            with self._connection.cursor() as cursor:
                self._staging.fill(cursor, books)
                self._compute(cursor)
                return {name: rows_of(cursor, name) for name in tables or self.keys}
        finally:
            self._connection.rollback()
            self._runs += 1
            if self._runs % RUNS_BETWEEN_VACUUMS == 0:
                self._vacuum()

    def _compute(self, cursor: Cursor) -> None:
        for number, model in enumerate(self.models):
            try:
                cursor.execute(f"execute compute_{number}")
            except psycopg2.IntegrityError as error:
                raise RuleBroken(f"A row of {model.name} breaks a rule of its contract: {error}") from error
            except psycopg2.Error as error:
                raise AssertionError(f"The model {model.name} failed: {error}") from error

    def _vacuum(self) -> None:
        self._connection.autocommit = True
        with self._connection.cursor() as cursor:
            cursor.execute("vacuum")
        self._connection.autocommit = False

    def close(self) -> None:
        self._connection.close()


def rows_of(cursor: Cursor, mart: str, lender: str | None = None) -> list[Row]:
    """The rows of a candidate mart, of one lender or all, as dictionaries."""
    where = cursor.mogrify(" where lender = %s", [lender]).decode() if lender else ""
    cursor.execute(f'select * from candidate."{mart}"{where}')
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


@contextmanager
def engine(url: str, models: Sequence[Model]) -> Iterator[Engine]:
    """An engine on the models' own warehouse, which no other test may use meanwhile. url: the owner's."""
    opened = Engine(url, models)
    try:
        yield opened
    finally:
        opened.close()


def broken(models: Sequence[Model], name: str, good: str, bad: str) -> list[Model]:
    """The models, with the text `good` of one of them replaced wherever it stands.

    Raises:
        AssertionError: the model has no such text.
    """
    assert any(model.name == name and good in model.select for model in models), f"{name} does not say {good}"
    return [replace(one, select=one.select.replace(good, bad)) if one.name == name else one for one in models]
