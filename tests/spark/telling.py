"""A plugin of pytest: the books that tests tell the models, kept for the other engine (`-p tests.spark.telling`)."""

from __future__ import annotations

import os
import pickle
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.property.engine.warehouse import Engine, Tables
from tests.reference.book import Book

WHERE = "BOOKS_TOLD"  # the file, in the environment
TOLD = pytest.StashKey[list[Book]]()
PATCH = pytest.StashKey[pytest.MonkeyPatch]()


def pytest_configure(config: pytest.Config) -> None:
    books = config.stash[TOLD] = []
    run = Engine.run

    def keep(engine: Engine, told: Sequence[Book], tables: Sequence[str] | None = None) -> Tables:
        books.extend(told)
        return run(engine, told, tables)

    config.stash[PATCH] = patch = pytest.MonkeyPatch()
    patch.setattr(Engine, "run", keep)


def pytest_unconfigure(config: pytest.Config) -> None:
    config.stash[PATCH].undo()
    Path(os.environ[WHERE]).write_bytes(pickle.dumps(config.stash[TOLD]))
