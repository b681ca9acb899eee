"""The real models on PostgreSQL, built once for all the stories told here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from arrears.settings import Settings, settings

from ..conftest import open_warehouse
from ..property.engine.warehouse import compiled_models, engine
from .stories import Marts


@pytest.fixture(scope="session")
def marts(server: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Marts]:
    """What the models make of loans that a test tells. Nothing stays in the warehouse from one test to the next."""
    home = tmp_path_factory.mktemp("stories")
    # the environment points at this warehouse only while dbt builds it: other tests have their own
    with pytest.MonkeyPatch.context() as patch:
        warehouse = open_warehouse(server, "stories", home, patch)
        models = compiled_models(warehouse, home / "dbt")
    settings.cache_clear()
    with engine(warehouse.owner_url, models) as opened:
        yield Marts(opened)
