"""Many publications under the eyes of readers: none of them sees half of one, an error, nothing, or waits."""

from __future__ import annotations

import datetime as dt
import random
import time
from collections.abc import Iterator
from typing import Any

import psycopg2
import pytest

from arrears.errors import Infrastructure
from arrears.publish import PublishResult, publish, retain, rollback
from arrears.settings import Role
from arrears.warehouse.maintain import maintain

from ..conftest import Warehouse
from .conftest import Note
from .effort import FULL, PUBLICATIONS
from .readers import ROWS, TOTAL, WAIT, Readers

FEBRUARY, MARCH = dt.date(2024, 2, 29), dt.date(2024, 3, 1)
CELLS = [(lender, dt.date(2023, month, 28)) for lender in "abcd" for month in range(1, 11)]
TABLES = """
set role arrears_builder;
create table candidate.mart_x (lender text, month_end date, loans bigint, primary key (lender, month_end));
create table candidate.mart_y (lender text primary key, loans bigint);
create table candidate.dim_lender (lender text primary key, data_as_of date, is_stale boolean);
reset role;
"""
FILL = """
insert into candidate.mart_x (lender, month_end, loans) select lender, cast(month_end as date), loans
from unnest(%(lenders)s, %(months)s, %(loans)s) as cells (lender, month_end, loans)
on conflict (lender, month_end) do update set loans = excluded.loans;
delete from candidate.mart_y;
insert into candidate.mart_y (lender, loans) select lender, sum(loans) from candidate.mart_x group by lender;
delete from candidate.dim_lender;
insert into candidate.dim_lender select lender, %(day)s, false from candidate.mart_y;
"""
BUILT = """
with build as (
    insert into ops.build (business_date, status, code_version) values (%(day)s, 'built', 't') returning build_id
),
marts as (
    insert into ops.build_mart (build_id, mart, key_columns, period_column)
    select build_id, mart, string_to_array(key, ','), period from build cross join (
        values ('mart_x', 'lender,month_end', 'month_end'), ('mart_y', 'lender', null), ('dim_lender', 'lender', null)
    ) as marts (mart, key, period)
    union all
    select build_id, name, array['lender'], null from build cross join unnest(cast(%(more)s as text[])) as name
)
insert into ops.gate_run (boundary, held_against, build_id, outcome, started_at, finished_at)
select 'candidate', (select max(publication_id) from ops.publication), build_id, 'pass', now(), now()
from build returning build_id
"""


class Book:
    """A book in which loans go from cell to cell and stay as many; every state of it is built, judged and published."""

    def __init__(self, warehouse: Warehouse) -> None:
        self.warehouse = warehouse
        self.loans = dict.fromkeys(CELLS, TOTAL // ROWS)
        self.more: list[str] = []
        self._chance = random.Random(1)
        self._owner = psycopg2.connect(warehouse.owner_url)
        self._owner.autocommit = True
        self.run(TABLES)

    def run(self, statements: str, **parameters: Any) -> Any:
        with self._owner.cursor() as cursor:
            cursor.execute(statements, parameters or None)
            return cursor.fetchall() if cursor.description else None

    def close(self) -> None:
        self._owner.close()

    def publish(self, day: dt.date) -> PublishResult:
        for giving, taking in zip(*(self._chance.sample(CELLS, 5) for _ in range(2)), strict=True):
            self.loans[giving] -= 1
            self.loans[taking] += 1
        lenders, months = zip(*self.loans, strict=True)
        self.run(FILL, lenders=list(lenders), months=list(months), loans=list(self.loans.values()), day=day)
        ((build,),) = self.run(BUILT, day=day, more=self.more)
        return publish(build, url=self.warehouse.url(Role.PUBLISHER))

    def add_mart(self, name: str) -> None:
        self.run(f"set role arrears_builder; create table candidate.{name} (lender text primary key); reset role")
        self.more.append(name)

    def add_column(self, name: str) -> None:
        self.run(f"alter table candidate.mart_x add column {name} bigint default 7")

    def rights(self) -> Any:
        """Every view on a mart, with who may do what with it."""
        return self.run(
            "select oid, relname, relacl::text from pg_class where relkind = 'v' "
            "and relnamespace in ('marts'::regnamespace, 'marts_as_known'::regnamespace, 'bi'::regnamespace)"
        )


@pytest.fixture
def book(warehouse: Warehouse) -> Iterator[Book]:
    book = Book(warehouse)
    book.publish(FEBRUARY)
    book.run(
        "create role analyst login password 'analyst' in role arrears_readers; create schema bi authorization analyst; "
        "set role analyst; create view bi.mine as select count(*) as rows, sum(loans) as loans from marts.mart_x; "
        "reset role"
    )
    yield book
    book.run("drop schema bi cascade; drop role analyst")
    book.close()


def readers(book: Book, **pace: float) -> Readers:
    analyst = book.warehouse.settings.owner().login("analyst", "analyst").url()
    return Readers(book.warehouse.url(Role.READER), analyst, **pace)


def judge(seen: Readers) -> None:
    assert seen.troubles == []
    # Nobody waited that long for a lock, or there would be an error. For an answer one may, where other tests run.
    assert not FULL or max(seen.waits) < WAIT


def test_nobody_sees_a_publication_under_way(book: Book, note: Note) -> None:
    url, rights = book.warehouse.url(Role.PUBLISHER), set(book.rights())
    minute = 60.0 if FULL else 5.0
    began, results = time.monotonic(), []
    with readers(book, seconds=minute) as seen:
        for number in range(PUBLICATIONS):
            results.append(book.publish(MARCH + dt.timedelta(days=number * 4 // PUBLICATIONS)))
            if number == PUBLICATIONS // 2:
                book.add_mart("mart_z")
            if number % 50 == 25:
                results.append(rollback(1, url=url, by="Mei", reason="to see it"))
                retain(url=url, keep_newest=2)
                maintain(url)
            # the long query has to have seen all of its minute
            time.sleep(max(0.0, began + (minute + 5) * number / PUBLICATIONS - time.monotonic()))
    judge(seen)
    assert {result.outcome for result in results} == {"published"}
    assert rights <= set(book.rights())
    note(f"{len(results)} publications in {time.monotonic() - began:.0f} s, read all the time", seen.figures())


def test_a_column_is_added_while_all_read(book: Book, note: Note) -> None:
    """It waits for those who have a query open, and nobody waits for it."""
    columns = 10 if FULL else 2
    rights = set(book.rights())
    with readers(book, seconds=1.0, nap=0.15) as seen:
        for number in range(columns):
            book.add_column(f"more_{number}")
            book.publish(MARCH)
    judge(seen)
    assert rights == set(book.rights())
    last = f"select count(more_{columns - 1}) from"
    assert book.warehouse.value(f"{last} mart_x", role=Role.READER) == ROWS
    assert book.warehouse.value(f"{last} marts_as_known.mart_x", role=Role.READER) == ROWS
    note(f"{columns} columns added, read all the time", seen.figures())


def test_a_reader_who_never_ends_holds_a_column_up_and_nothing_else(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("arrears.publish.widening.PATIENCE", 0.5)
    reader = psycopg2.connect(book.warehouse.url(Role.READER))
    with reader, reader.cursor() as cursor:
        cursor.execute("select count(*) from mart_x")
        book.add_column("more")
        with pytest.raises(Infrastructure, match=r"always a reader .* open"):
            book.publish(MARCH)
        assert book.warehouse.value("select count(distinct publication_id) from mart_x", role=Role.READER) == 1
    reader.close()
    assert book.publish(MARCH).outcome == "published"
