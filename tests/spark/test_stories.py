"""The golden stories on Spark: whatever loan a test tells the models on Postgres, Spark says the same of it.

The tests in tests/golden say what is right, on Postgres. Here every book they tell is told both engines at once, each
as a lender of its own, and every row that comes of them is compared.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import psycopg2
import pytest

from arrears import engine
from arrears.dbt import dbt_environment
from arrears.settings import SOURCE_ROOT, Role, Settings
from arrears.spark.beside import BESIDE

from ..conftest import Warehouse, open_warehouse
from ..property.engine.staging import Staging
from ..property.engine.warehouse import BUSINESS_DATE, PROJECT, Model, compiled_models
from ..reference.book import Book
from .both import Candidate, candidate, differences
from .telling import WHERE

pytestmark = [pytest.mark.spark, pytest.mark.timeout(7200)]

# Their loans come as files, through the whole pipeline, and do so here: tests of the same names.
FROM_FILES = ("test_vector_a.py", "test_traps_deliveries.py")
ON_SPARK = Path(__file__).with_name("on_staging.py")


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[Book]:
    """Every book that a story tells, as of lenders of different names."""
    folder = tmp_path_factory.mktemp("told")
    left_out = [word for name in FROM_FILES for word in ("--ignore", f"tests/golden/{name}")]
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "tests.spark.telling", "tests/golden", *left_out, "--basetemp",
         str(folder / "tests")],
        env={**os.environ, WHERE: str(folder / "books")}, cwd=SOURCE_ROOT, check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    # what the process above has written
    books: list[Book] = pickle.loads((folder / "books").read_bytes())  # noqa: S301
    return [replace(book, lender=f"of_story_{number}") for number, book in enumerate(books)]


def test_every_story_is_the_same_on_spark(
    told: list[Book], server: Settings, tmp_path_factory: pytest.TempPathFactory, lake: Path
) -> None:
    assert len(told) > 150
    home = tmp_path_factory.mktemp("stories")
    with pytest.MonkeyPatch.context() as patch:
        warehouse = open_warehouse(server, "stories", home, patch)
        models = compiled_models(warehouse, home / "dbt")
        _on_postgres(warehouse.owner_url, models, told)
        _on_spark(warehouse, lake, home)
    postgres, spark = _sides(candidate(warehouse.owner_url))
    assert postgres.rows["fct_loan_current"].total() > 200
    assert differences(spark, postgres) == []


def _on_postgres(url: str, models: Sequence[Model], books: Sequence[Book]) -> None:
    connection = psycopg2.connect(url)
    with connection, connection.cursor() as cursor:
        Staging(cursor).fill(cursor, books)
        cursor.execute("analyze")
        for model in models:
            cursor.execute(model.insert)
            cursor.execute(f"analyze {model.relation}")
    connection.close()


def _on_spark(warehouse: Warehouse, lake: Path, home: Path) -> None:
    dbt = engine.chosen(warehouse.settings.model_copy(update={"lake": str(lake.with_name("stories"))}))
    done = subprocess.run(
        [dbt.program[0], str(ON_SPARK), BUSINESS_DATE.isoformat(), str(PROJECT), str(home / "spark")],
        env={**os.environ, **dbt_environment(warehouse.url(Role.BUILDER)), **dbt.environment},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def _sides(both: Candidate) -> tuple[Candidate, Candidate]:
    """What stands in Postgres, and what Spark has handed over beside it."""
    handed_over = {name.removesuffix(BESIDE) for name in both.rows if name.endswith(BESIDE)}
    return (
        Candidate(*({name: side[name] for name in handed_over} for side in (both.columns, both.rows))),
        Candidate(*({name: side[name + BESIDE] for name in handed_over} for side in (both.columns, both.rows))),
    )
