"""A build that looks the rows of few loans up tests what it wrote, and says so where that is wrong."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from arrears import pipeline
from arrears.errors import Refused
from arrears.load import registry
from arrears.settings import Role, settings
from arrears.simulate import simulate
from arrears.warehouse.connect import connect

from ..conftest import Warehouse
from .looked_up import looking_up

LENDER = "jike"
JANUARY, FEBRUARY, MARCH = dt.date(2024, 1, 31), dt.date(2024, 2, 29), dt.date(2024, 3, 31)
SPOILT = """
create function intermediate.spoil() returns trigger language plpgsql as $$
begin new.owed_left = -1; return new; end $$;
create trigger spoil before insert on intermediate.int_instalment_balance for each row execute function
intermediate.spoil()
"""


@pytest.fixture
def book(warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    """Three months lie ready, and builds look rows up whatever their number."""
    monkeypatch.setenv("ARREARS_DBT_PROJECT", str(looking_up(tmp_path, "0")))
    settings.cache_clear()
    simulate(
        start=dt.date(2024, 1, 1), end=MARCH, loans=20, seed=5, lenders=[LENDER], every="month",
        landing=Path(settings().landing), truth=tmp_path / "truth", workers=1,
    )  # fmt: skip
    return warehouse


def deliver(book: Warehouse, day: dt.date) -> None:
    url = book.url(Role.LOADER)
    with connect(url, "test") as connection, connection.cursor() as cursor:
        registry.accept(cursor, pipeline.load(LENDER, day, url=url).delivery_id)


def compiled(test: str) -> str:
    """The SQL of a data test, as the last build ran it."""
    return next((settings().home / "dbt" / "compiled").rglob(f"{test}*.sql")).read_text()


def test_what_a_build_wrote_is_tested(book: Warehouse) -> None:
    never_negative = "int_instalment_balance_never_negative"
    for day in (JANUARY, FEBRUARY):
        deliver(book, day)
        pipeline.build(day, url=book.url(Role.BUILDER))
        assert ("lateral" in compiled(never_negative)) is (day == FEBRUARY), "a build of everything tests everything"

    book.rows(SPOILT)
    deliver(book, MARCH)
    with pytest.raises(Refused) as refused:
        pipeline.build(MARCH, url=book.url(Role.BUILDER))
    assert any(never_negative in reason for reason in refused.value.reasons)
