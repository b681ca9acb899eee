"""Building the engine and the core marts from all raw rows, against DuckDB and a row per loan and day, in one run.

One lender with a plain book (scenario `plain`): what borrowers do is all there, what lenders grant is not, so that
peers of a page or two can follow to the cent. It is loaded once. Then, in turn, several times:

- arrears builds everything it has, with dbt's tests.
- DuckDB (peers/build.duckdb.sql) computes five marts from the same raw rows, in a database of its own that they were
  brought to beforehand: bringing them is not measured. It has two threads, as dbt has.
- arrears builds the same five and all that they need from nothing, as a recorded build by dbt: from the start of the
  first model to the end of the last, and with dbt's own start. That is more than the peer does: it also asks for all
  that a plain book has none of, from new schedules to pauses, and says what the peer leaves out (risk category,
  stage, kind of debt, reported figures).
- A row per loan and day (peers/row_a_day.sql) in the same server, to the daily book alone. Where that would be more
  rows than are bearable it is measured on one loan in so many, and the figure says so; it is not scaled up.

Every row of the five marts is held against DuckDB's, and every cell of the daily book against that of the rows a day;
a difference ends the benchmark.
"""

from __future__ import annotations

import datetime as dt
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2.extensions import cursor as Cursor

import arrears
from arrears import base_build
from arrears.build import BEGIN
from arrears.dbt import last_words, run_dbt
from arrears.settings import Role
from arrears.warehouse.connect import connect, one

from .grown import multiply_received
from .place import LAST, Place, place
from .table import Figure

PEERS = Path(__file__).with_name("peers")
DUCKDB = str(Path(__file__).resolve().parents[1] / ".venv-bench" / "bin" / "python")
BOOK = ("--lender", "jike", "--scenario", "plain")
RECEIVED = ("loan", "instalment", "payment", "loan_event")
COLUMNS = {
    "fct_loan_current": "lender,loan_id,as_of_date,state,bucket,dpd,contractual_dpd,oldest_unpaid_due_on,"
    "outstanding_principal,overdue_principal,overdue_amount",
    "fct_loan_month": "lender,loan_id,month_end,product,mob,state,bucket,dpd,contractual_dpd,outstanding_principal,"
    "overdue_principal,overdue_amount,max_dpd_to_date",
    "fct_payment": "lender,payment_id,loan_id,value_on,posted_on,kind,amount,principal,interest,fee,penalty,"
    "unallocated,is_reversed",
    "fct_instalment": "lender,loan_id,schedule_version,instalment_no,due_on,principal_due,interest_due,fee_due,"
    "principal_paid,interest_paid,fee_paid,settled_on,days_late,status",
    "mart_delinquency_daily": "lender,product,as_of_date,bucket,loans,outstanding_principal,overdue_principal,"
    "overdue_amount",
}
"""The five marts, and their columns that a plain book fills."""

TYPES = """
select string_agg(format('%%I %%s', attname, format_type(atttypid, atttypmod)), ', ' order by attnum)
from pg_attribute where attrelid = %s::regclass and attnum > 0 and not attisdropped
"""
SIZE = """
select count(distinct loan_id), (select count(*) from raw.instalment), (select count(*) from raw.payment) from raw.loan
"""
LOAN_DAYS = """
select sum(lenders.as_of - loans.disbursed_on + 1)
from (select distinct lender, loan_id, disbursed_on from raw.loan where disbursed_on is not null) as loans
inner join (select lender, max(business_date) as as_of from ops.delivery group by lender) as lenders
    on loans.lender = lenders.lender
"""
# What our daily book is made of, for the loans that the row per loan and day was measured on.
OURS_OF_SHARE = """
create temp table ours as
select
    segments.lender, segments.product, calendar.date as as_of_date, segments.bucket, count(*) as loans,
    sum(segments.outstanding_principal) as outstanding_principal,
    sum(segments.overdue_principal) as overdue_principal, sum(segments.overdue_amount) as overdue_amount
from intermediate.int_bucket_segment as segments
inner join row_a_day.loan as loans on segments.lender = loans.lender and segments.loan_id = loans.loan_id
inner join intermediate.int_calendar as calendar
    on calendar.date >= segments.starts_on
    and calendar.date < coalesce(segments.ends_on, 'infinity')
    and calendar.date <= loans.as_of
group by segments.lender, segments.product, calendar.date, segments.bucket
"""
OURS = "create temp table ours as select * from candidate.mart_delinquency_daily where loans > 0"
CELL = COLUMNS["mart_delinquency_daily"]
DIFFERING = f"""
select * from (
    (select 'ours' as whose, {CELL} from ours except all select 'ours', {CELL} from row_a_day.mart_delinquency_daily)
    union all
    (select 'theirs', {CELL} from row_a_day.mart_delinquency_daily except all select 'theirs', {CELL} from ours)
) as differing
order by as_of_date, product, bucket, whose limit 6
"""  # noqa: S608 (constants)


@dataclass(frozen=True)
class Built:
    """Seconds from the first model's start to the last one's end, and with the start of what ran them."""

    models: float
    whole: float


def measured(loans: int, histories: list[int], copies: int, times: int, most_rows: int) -> Iterator[Figure]:
    """The figures of full builds, for every number of months delivered. copies: how often every loan is told.

    A lender's first delivery carries what it lent in the eighteen months before, so that much comes on top.
    """
    for months in histories:
        with place() as there:
            there.history(months, loans, *BOOK)
            multiply_received(there, copies)
            yield from _measured(there, times, most_rows)


def _measured(there: Place, times: int, most_rows: int) -> Iterator[Figure]:
    lent, instalments, payments = there.own(SIZE)[0]
    loan_days = int(there.own(LOAN_DAYS)[0][0])
    share = -(-loan_days // most_rows)
    database = there.home / "peer.duckdb"
    _bring(there, database)
    everything, core, theirs, daily = [], [], [], []
    for number in range(times):
        everything.append(_build_everything(there))
        version, seconds = _duckdb(database, "build").split()
        theirs.append(float(seconds))
        core.append(_build_core(there))
        daily.append(_row_a_day(there, share))
        if not number:
            _hold_against_duckdb(there, database)
            _hold_against_rows(there, share)
    part = f"full build of {lent:,} loans"
    of_share = f", of one loan in {share}" if share > 1 else ""
    yield Figure(part, "instalments received", "rows", [instalments])
    yield Figure(part, "payments received", "rows", [payments])
    peer = Figure(part, f"DuckDB {version}, five marts", "s", theirs)
    ours = Figure(part, "arrears, the same", "s", [built.models for built in core], peer)
    yield peer
    yield ours
    yield Figure(part, "– with dbt's start", "s", [built.whole for built in core], peer)
    yield Figure(part, f"a row per loan and day{of_share}, one mart", "s", daily, ours)
    yield Figure(part, "– rows", "rows", [there.own("select count(*) from row_a_day.loan_day")[0][0]])
    yield Figure(part, "arrears, everything with tests", "s", [built.models for built in everything], ours)
    yield Figure(part, "– with the start of the command", "s", [built.whole for built in everything])


@contextmanager
def _warehouse(there: Place) -> Iterator[Cursor]:
    """The server as its owner, who may read raw rows and make a schema."""
    connection = psycopg2.connect(there.settings.owner().url())
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()


# ── arrears ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _build_everything(there: Place) -> Built:
    url = there.settings.url(Role.BUILDER)
    with connect(url, "build", autocommit=True) as connection, connection.cursor() as cursor:
        base_build.forget(cursor)
    ran = there.run("build", "--date", f"{LAST}")
    return Built(_spent(there.home / "dbt"), ran.seconds)


def _build_core(there: Place) -> Built:
    """The five marts and all they are made of, recorded like any build. The next one starts from nothing again."""
    settings, url, target = there.settings, there.settings.url(Role.BUILDER), there.home / "dbt"
    with connect(url, "build", autocommit=True) as connection, connection.cursor() as cursor:
        base_build.forget(cursor)
        begun = one(
            cursor,
            BEGIN,
            {"business_date": LAST, "code_version": arrears.__version__, "engine": "postgres", "base_build": None},
        )
        began = time.perf_counter()
        done = run_dbt(
            "run", "--full-refresh", "--select", *(f"+{mart}" for mart in COLUMNS),
            variables={}, url=url, settings=settings, target=target, build_id=begun[0],
        )  # fmt: skip
        whole = time.perf_counter() - began
        # not for publication: it has no other marts
        cursor.execute(
            "update ops.build set status = 'failed', finished_at = clock_timestamp() where build_id = %s", begun
        )
    if done.returncode:
        sys.exit(f"dbt could not build the core marts: {last_words(done.stdout)}")
    return Built(_spent(target), whole)


def _spent(target: Path) -> float:
    began, ended = span_of_models(target)
    return (ended - began).total_seconds()


def span_of_models(target: Path) -> tuple[dt.datetime, dt.datetime]:
    """The start of the first node that dbt ran, and the end of the last."""
    results: list[dict[str, Any]] = json.loads((target / "run_results.json").read_text())["results"]
    steps = [step for result in results for step in result["timing"]]
    return (
        min(dt.datetime.fromisoformat(step["started_at"]) for step in steps),
        max(dt.datetime.fromisoformat(step["completed_at"]) for step in steps),
    )


# ── DuckDB ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _duckdb(database: Path, *words: str) -> str:
    return subprocess.check_output([DUCKDB, str(PEERS / "with_duckdb.py"), str(database), *words], text=True)


def _bring(there: Place, database: Path) -> None:
    """Copy the raw rows, and which deliveries are accepted, into a database of DuckDB's."""
    queries = {name: f"select * from raw.{name}" for name in RECEIVED}  # noqa: S608
    queries["delivery"] = "select delivery_id, lender, business_date, status from ops.delivery"
    types = {name: there.own(TYPES, [f"raw.{name}"])[0][0] for name in RECEIVED}
    types["delivery"] = "delivery_id bigint, lender text, business_date date, status text"
    folder = there.home / "brought"
    _write(there, folder, queries)
    tables = [f"create table raw.{name} ({columns});" for name, columns in types.items()]
    (folder / "tables.sql").write_text("\n".join(tables))
    _duckdb(database, "bring", str(folder))
    shutil.rmtree(folder)


def _hold_against_duckdb(there: Place, database: Path) -> None:
    folder = there.home / "ours"
    queries = {mart: f"select {columns} from candidate.{mart}" for mart, columns in COLUMNS.items()}  # noqa: S608
    _write(there, folder, queries)
    if differing := _duckdb(database, "differ", str(folder)):
        sys.exit(f"DuckDB's marts are not ours:\n{differing}")
    shutil.rmtree(folder)


def _write(there: Place, folder: Path, queries: dict[str, str]) -> None:
    folder.mkdir()
    with _warehouse(there) as cursor:
        for name, query in queries.items():
            with (folder / f"{name}.csv").open("wb") as sink:
                cursor.copy_expert(f"copy ({query}) to stdout with (format csv, header true)", sink, size=1 << 20)


# ── a row per loan and day ──────────────────────────────────────────────────────────────────────────────────────────


def _row_a_day(there: Place, share: int) -> float:
    with _warehouse(there) as cursor:
        cursor.execute("drop schema if exists row_a_day cascade")
        began = time.perf_counter()
        for statement in _statements(PEERS / "row_a_day.sql"):
            cursor.execute(statement, {"share": share})
        return time.perf_counter() - began


def _statements(file: Path) -> list[str]:
    return [statement for statement in file.read_text().split(";\n") if statement.strip()]


def _hold_against_rows(there: Place, share: int) -> None:
    with _warehouse(there) as cursor:
        cursor.execute(OURS if share == 1 else OURS_OF_SHARE)
        cursor.execute(DIFFERING)
        differing = [" ".join(map(str, row)) for row in cursor.fetchall()]
    if differing:
        sys.exit("The daily book from a row per loan and day is not ours:\n" + "\n".join(differing))
