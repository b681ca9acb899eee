"""Spark builds what Postgres builds: every relation of the candidate row for row, to the cent and the day."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from arrears import pipeline
from arrears.explain import explain
from arrears.load import registry
from arrears.settings import Role, Settings, settings
from arrears.simulate import layouts, simulate
from arrears.simulate.faults import Order, inject
from arrears.simulate.writers import Landing
from arrears.warehouse.connect import connect
from benchmarks.cluster import Cluster

from ..conftest import Warehouse, days
from .both import candidate, differences, on_postgres
from .losing import lose_a_worker

pytestmark = [pytest.mark.spark, pytest.mark.timeout(14400)]

LENDERS = ["hongchuang", "jike", "lakala", "paipai", "xiaodangjia"]
FIRST, LAST = dt.date(2024, 3, 1), dt.date(2024, 3, 31)
LOANS, SEED = 60, 5
# Days sent again with a correction of a payment, by the day on which they are.
CORRECTED = {dt.date(2024, 3, 5): ("jike", 2), dt.date(2024, 3, 20): ("xiaodangjia", 12), LAST: ("paipai", 27)}


class Book:
    """Five lenders' deliveries, loaded day by day. A build fills the lake with them."""

    def __init__(self, warehouse: Warehouse) -> None:
        self.warehouse = warehouse
        self.landing, self.home = Path(warehouse.settings.landing), Path(warehouse.settings.home)
        simulate(start=FIRST, end=LAST, loans=LOANS, seed=SEED, landing=self.landing, truth=self.home / "truth")
        self._to_load = days(FIRST, LAST)

    def load_until(self, day: dt.date) -> None:
        """Load every day's deliveries up to this one that are not yet loaded."""
        while self._to_load and self._to_load[0] <= day:
            self._load(self._to_load.pop(0), *LENDERS)

    def _load(self, day: dt.date, *lenders: str) -> None:
        """Load, and accept without the gate, which others test."""
        loader = self.warehouse.url(Role.LOADER)
        with connect(loader, "test") as connection, connection.cursor() as cursor:
            for lender in lenders:
                loaded = pipeline.load(lender, day, url=loader)
                registry.accept(cursor, loaded.delivery_id)
                connection.commit()

    def correct(self, lender: str, day: dt.date) -> None:
        place = {lender: (Landing(str(self.landing), lender), layouts.find(lender).FORMAT)}
        inject([Order("resent_changed", lender, day)], landings=place, seed=SEED, withheld=self.home / "aside")
        self._load(day, lender)

    def build(self, day: dt.date) -> int:
        return pipeline.build(day, url=self.warehouse.url(Role.BUILDER)).build_id


@pytest.fixture(scope="module")
def book(shared_warehouse: Warehouse, lake: Path) -> Book:
    return Book(shared_warehouse)


@pytest.mark.usefixtures("models_alone")
def test_a_month_day_by_day_with_corrections_and_a_lost_worker(book: Book, cluster: Cluster, server: Settings) -> None:
    for number, day in enumerate(days(FIRST, LAST)):
        book.load_until(day)
        if day in CORRECTED:
            lender, sent_first = CORRECTED[day]
            book.correct(lender, day.replace(day=sent_first))
        if number == 1:
            lose_a_worker(book.home, cluster)
        build_id = book.build(day)
        if number == 1:
            assert len(cluster.workers) == 1
            cluster.add_worker()
        assert differences(candidate(book.warehouse.owner_url), on_postgres(day, server, "of_spark", settings())) == []
        went_on = book.warehouse.value("select base_build is not null from ops.build where build_id = %s", build_id)
        assert went_on == (number > 0)


def test_gate_publisher_and_record_take_it_as_any_candidate(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DBT_RESOURCE_TYPES", raising=False)
    book.load_until(LAST)
    build_id = book.build(LAST)  # with dbt's tests
    pipeline.gate_candidate(build_id, url=book.warehouse.url(Role.PUBLISHER))
    published = pipeline.publish(
        build_id, url=book.warehouse.url(Role.PUBLISHER), approved_by="the test", reason="a test"
    )
    assert published.outcome == "published"
    assert book.warehouse.rows("select engine from publication where is_current", role=Role.READER) == [("spark",)]
    # the warehouse has never been built by Postgres: what an explanation reads was handed over
    lender, loan = book.warehouse.rows(
        "select lender, loan_id from fct_loan_current where dpd > 30 order by lender, loan_id limit 1", role=Role.READER
    )[0]
    (comparison, *_) = explain(lender, loan, LAST, published.publication_id, settings=settings()).published
    assert comparison.differences == {}
