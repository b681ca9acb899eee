"""What is let go of: the rows that only forgotten publications showed, and nothing else."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

import psycopg2
import pytest

from arrears.errors import Usage
from arrears.load import forget
from arrears.publish import compare, retain, rollback
from arrears.settings import Role
from arrears.warehouse.provision import provision

from ..conftest import Warehouse
from .candidate import Candidate

ROWS = "select * from marts_as_known.mart_x order by lender, month_end"
KEEP = 4


@pytest.fixture
def candidate(warehouse: Warehouse) -> Candidate:
    return Candidate(warehouse)


def shown(warehouse: Warehouse, publication: int | str) -> list[tuple[Any, ...]]:
    return warehouse.rows(f"set arrears.publication = '{publication}'; {ROWS}", role=Role.READER)


def publish_some_days(candidate: Candidate, days: list[dt.date], seed: int) -> dict[int, list[tuple[Any, ...]]]:
    """A publication a day, each with the months there are and some of them told anew. What each of them shows."""
    chance = random.Random(seed)
    book = {(lender, dt.date(2024, month, 28)): 1 for lender in "ab" for month in (1, 2, 3)}
    said = {}
    for day in days:
        for key in chance.sample(sorted(book), 2):
            book[key] = chance.randrange(4)  # 0: the row is not there
        rows = [(*key, loans, None) for key, loans in book.items() if loans]
        number = candidate.publish([*rows, ("always", day, 1, None)], day).publication_id
        said[number] = shown(candidate.warehouse, number)
    return said


DAYS = [dt.date(2024, 1, day) for day in (29, 30, 31, 31)] + [dt.date(2024, 2, day) for day in range(26, 29)]
DAYS += [dt.date(2024, 3, day) for day in range(1, 8)]
CLOSED_JANUARY, CLOSED_FEBRUARY = {3, 4}, {7}  # two of its last day; the last day of February was not run


@pytest.mark.parametrize("seed", range(3))
def test_kept_publications_show_what_they_did_and_no_row_is_left_over(candidate: Candidate, seed: int) -> None:
    warehouse = candidate.warehouse
    said = publish_some_days(candidate, DAYS, seed)
    before = warehouse.value("select count(*) from published.mart_x")
    done = retain(url=warehouse.url(Role.PUBLISHER), keep_newest=KEEP)
    newest = set(sorted(said)[-KEEP:])
    kept = CLOSED_JANUARY | CLOSED_FEBRUARY | newest
    assert {number: shown(warehouse, number) for number in kept} == {number: said[number] for number in kept}
    needed = "select from unnest(%s) as kept where published_in <= kept and coalesce(superseded_in > kept, true)"
    assert warehouse.value(f"select count(*) from published.mart_x where not exists ({needed})", sorted(kept)) == 0
    assert done["publications let go"] == len(said) - len(kept)
    assert before - warehouse.value("select count(*) from published.mart_x") > 0
    assert set(warehouse.rows("select publication_id, is_kept from publication", role=Role.READER)) == {
        (number, number in kept) for number in said
    }


def test_a_publication_that_was_let_go_is_an_error_and_not_a_wrong_answer(candidate: Candidate) -> None:
    warehouse = candidate.warehouse
    publish_some_days(candidate, DAYS, seed=5)
    publisher = warehouse.url(Role.PUBLISHER)
    retain(url=publisher, keep_newest=KEEP)
    with pytest.raises(psycopg2.DataError, match="Publication 2 is on record, but its rows are no longer kept"):
        shown(warehouse, 2)
    with pytest.raises(Usage, match="Publication 2 is on record, but its rows are no longer kept"):
        rollback(2, url=publisher, by="Li Wei", reason="wrong month")
    with pytest.raises(Usage, match="no longer kept"):
        compare(2, 3, url=publisher)
    assert compare(3, 7, url=publisher).months  # both closed a month


@pytest.mark.parametrize("named", ["99", "0", "one", "1; select 1"])
def test_a_publication_that_never_was_is_an_error(candidate: Candidate, named: str) -> None:
    candidate.publish([("a", DAYS[0], 1, None)], DAYS[0])
    with pytest.raises(psycopg2.DataError, match=f"There is no publication {named}"):
        shown(candidate.warehouse, named)


def test_nothing_more_goes_the_second_time(candidate: Candidate) -> None:
    said = publish_some_days(candidate, DAYS, seed=1)
    publisher = candidate.warehouse.url(Role.PUBLISHER)
    retain(url=publisher, keep_newest=KEEP)
    assert retain(url=publisher, keep_newest=KEEP) == {"publications let go": 0, "rows removed": 0}
    done = candidate.publish([("a", DAYS[-1], 1, None)], DAYS[-1])
    assert done.publication_id == max(said) + 1
    assert retain(url=publisher, keep_newest=KEEP)["publications let go"] == 1


def test_what_was_wrong_with_rows_is_forgotten_and_how_many_they_were_is_not(warehouse: Warehouse) -> None:
    for received in ("2020-01-01", "2999-01-01"):
        warehouse.rows(
            "with delivery as (insert into ops.delivery (lender, business_date, version, content_hash, status, "
            "received_at, rows_rejected) values ('a', %(day)s, 1, 'x', 'accepted', %(day)s, 1) returning delivery_id), "
            "file as (insert into ops.delivery_file (delivery_id, resource, path, sha256, bytes, rows_in_file, "
            "rows_accepted, rows_rejected) select delivery_id, 'loans', 'loans.csv', 'x', 1, 1, 0, 1 from delivery "
            "returning delivery_id, file_id) "
            "insert into ops.rejected_row select delivery_id, file_id, 2, 'amount', '?', 'a number' from file".replace(
                "%(day)s", f"'{received}'"
            )
        )
    assert forget(url=warehouse.url(Role.LOADER), older_than_days=400) == 1
    assert warehouse.rows(
        "select deliveries.received_at::date, count(rejected) from ops.delivery as deliveries "
        "left join ops.rejected_row as rejected using (delivery_id) group by 1 order by 1"
    ) == [(dt.date(2020, 1, 1), 0), (dt.date(2999, 1, 1), 1)]
    assert warehouse.value("select sum(rows_rejected) from ops.delivery_file") == 2


def test_so_is_what_refusals_gates_and_steps_said_of_them(warehouse: Warehouse) -> None:
    for day in ("2020-01-01", "2999-01-01"):
        warehouse.rows(
            "insert into ops.delivery (lender, business_date, version, content_hash, status, received_at, reasons) "
            "values ('a', %(day)s, 1, 'x', 'refused', %(day)s, '[\"L1\"]'); "
            "with run as (insert into ops.gate_run (boundary, outcome, started_at, finished_at) "
            "values ('delivery', 'fail', %(day)s, %(day)s) returning gate_run_id) "
            "insert into ops.gate_result (gate_run_id, suite, expectation, severity, success, observed) "
            "select gate_run_id, 'loan', 'x', 'critical', false, 'L1' from run; "
            "insert into ops.step_run (step, outcome, detail, started_at, finished_at) "
            "values ('load', 'refused', 'L1', %(day)s, %(day)s)".replace("%(day)s", f"'{day}'")
        )
    forget(url=warehouse.url(Role.LOADER), older_than_days=400)
    for details in ("reasons::text from ops.delivery", "observed from ops.gate_result", "detail from ops.step_run"):
        assert [text in (None, "[]") for (text,) in warehouse.rows(f"select {details} order by 1 nulls first")] in (
            [True, False],
            [False, True],
        )


# as 0004 left it: a session's publication was taken as it was named
BEFORE_RETENTION = """
create or replace view marts_as_known.mart_x with (security_barrier) as
select coalesce(nullif(current_setting('arrears.publication', true), ''), '1')::bigint as publication_id,
    p.lender, p.month_end, p.loans, p.rate
from published.mart_x as p where p.published_in <= 1;
drop table ops.publication_let_go cascade;
drop table ops.gate_held;
alter table ops.build_mart drop column keeps_changes;
alter table ops.build drop column engine;
alter table ops.gate_run drop column held_against;
alter table ops.delivery drop column rules;
drop view if exists marts_as_known.dim_lender;
drop function marts_as_known.named_publication();
drop function ops.forget_details(integer);
update ops.alembic_version set version_num = '0004'
"""


def test_the_views_of_an_older_warehouse_ask_too(candidate: Candidate) -> None:
    warehouse = candidate.warehouse
    candidate.publish([("a", DAYS[0], 1, None)], DAYS[0])
    candidate.publish([("a", DAYS[0], 2, None)], DAYS[0])
    warehouse.rows(BEFORE_RETENTION)
    assert len(shown(warehouse, 99)) == 1
    provision(warehouse.settings)
    with pytest.raises(psycopg2.DataError, match="There is no publication 99"):
        shown(warehouse, 99)
    assert [row[:4] for number in (1, 2) for row in shown(warehouse, number)] == [
        (1, "a", DAYS[0], 1),
        (2, "a", DAYS[0], 2),
    ]
    assert warehouse.rows("select bool_and(is_kept) from publication", role=Role.READER) == [(True,)]
