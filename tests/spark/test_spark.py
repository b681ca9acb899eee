"""Spark builds what Postgres builds: every relation of the candidate row for row, to the cent and the day."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from arrears import pipeline
from arrears.explain import explain
from arrears.load import registry
from arrears.publish import PublishResult
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

    def publish(self, build_id: int) -> PublishResult:
        publisher = self.warehouse.url(Role.PUBLISHER)
        pipeline.gate_candidate(build_id, url=publisher)
        return pipeline.publish(build_id, url=publisher, approved_by="the test", reason="a test")


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
        made = candidate(book.warehouse.owner_url)
        assert differences(made, on_postgres(day, server, "of_spark", settings())) == []
        went_on = book.warehouse.value("select base_build is not null from ops.build where build_id = %s", build_id)
        assert went_on == (number > 0)
    assert [name for name, rows in made.rows.items() if not rows] == ["untold_schedule"], "nothing to be equal in"


def folders(lake: Path, table: str) -> dict[str, set[tuple[str, int]]]:
    """The files of a table by the folder they are in, each with when it was written."""
    found: dict[str, set[tuple[str, int]]] = {}
    for file in lake.glob(f"built/*/*.db/{table}/**/*.parquet"):
        found.setdefault(str(file.parent.relative_to(lake)), set()).add((file.name, file.stat().st_mtime_ns))
    return found


@pytest.mark.usefixtures("models_alone")
def test_a_correction_writes_folders_of_its_lender_alone(book: Book, lake: Path) -> None:
    book.load_until(LAST)
    book.build(LAST)
    before = {table: folders(lake, table) for table in ("int_payment", "fct_loan_month")}
    assert all("month_end=" in folder for folder in before["fct_loan_month"])
    book.correct("jike", dt.date(2024, 3, 26))
    book.build(LAST)
    for table, stood in before.items():
        stands = folders(lake, table)
        written = {folder for folder in stood.keys() | stands.keys() if stood.get(folder) != stands.get(folder)}
        assert written, table
        assert all("lender=jike" in folder for folder in written), table


def test_gate_publisher_and_record_take_it_as_any_candidate(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DBT_RESOURCE_TYPES", raising=False)
    book.load_until(LAST)
    built = pipeline.build(LAST, url=book.warehouse.url(Role.BUILDER))
    assert built.tests > 0
    published = book.publish(built.build_id)
    assert published.outcome == "published"
    assert book.warehouse.rows("select engine from publication where is_current", role=Role.READER) == [("spark",)]
    # the warehouse has never been built by Postgres: what an explanation reads was handed over
    lender, loan = book.warehouse.rows(
        "select lender, loan_id from fct_loan_current where dpd > 30 order by lender, loan_id limit 1", role=Role.READER
    )[0]
    (comparison, *_) = explain(lender, loan, LAST, published.publication_id, settings=settings()).published
    assert comparison.differences == {}

    # the other engine, on the same day in the same warehouse, has nothing to add, and takes nothing away
    monkeypatch.setenv("ARREARS_ENGINE", "postgres")
    settings.cache_clear()
    by_postgres = pipeline.build(LAST, url=book.warehouse.url(Role.BUILDER))
    assert by_postgres.engine == "postgres"
    again = book.publish(by_postgres.build_id)
    assert (again.outcome, again.publication_id) == ("unchanged", published.publication_id)
    settings.cache_clear()
