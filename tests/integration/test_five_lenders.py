"""Five lenders, five ways of delivering, from their files to one publication; and nothing personal left on the way."""

from __future__ import annotations

import datetime as dt
import io
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import psycopg2
import pytest
from psycopg2.extensions import cursor as Cursor

from arrears import pipeline
from arrears.contract import contract_for
from arrears.contract.model import FieldMapping, TableField
from arrears.delivery import Delivery
from arrears.delivery.stream import open_stream
from arrears.errors import Refused
from arrears.gate.gate import candidate_batches, delivery_batches
from arrears.gate.suite import Boundary, suites
from arrears.gate.validate import Batch
from arrears.load.frames import blocks
from arrears.settings import SOURCE_ROOT, Role, Settings, settings
from arrears.simulate import lenders, simulate

from ..conftest import Warehouse
from ..mutation.columns import Column, Watch, columns, unseen
from ..mutation.mutant import MUTANTS, Mutant, broken_rows, drop_constraints, mutants, rows_breaking

LENDERS = ["hongchuang", "jike", "lakala", "paipai", "xiaodangjia"]
FIRST, LAST = dt.date(2024, 3, 29), dt.date(2024, 3, 31)
DAYS = [FIRST + dt.timedelta(days=number) for number in range(3)]
LOANS = 240


@dataclass
class Published:
    """Three days of five lenders, published, and what was said on the way."""

    warehouse: Warehouse
    landing: Path
    home: Path
    said: str


@pytest.fixture(scope="module")
def published(shared_warehouse: Warehouse) -> Iterator[Published]:
    own = settings()
    home, landing = Path(own.home), Path(own.landing)
    simulate(start=FIRST, end=LAST, loans=LOANS, seed=3, landing=landing, truth=home / "truth")
    log = io.StringIO()
    handler = logging.StreamHandler(log)
    logging.getLogger().addHandler(handler)
    loader = shared_warehouse.url(Role.LOADER)
    for day in DAYS:
        for lender in LENDERS:
            assert "loaded" in _load_anyway(lender, day, loader)
    said = _spoil_and_load(landing, loader)
    built = pipeline.build(LAST, url=shared_warehouse.url(Role.BUILDER))
    pipeline.gate_candidate(built.build_id, url=shared_warehouse.url(Role.PUBLISHER))
    pipeline.publish(built.build_id, url=shared_warehouse.url(Role.PUBLISHER), approved_by="the test")
    logging.getLogger().removeHandler(handler)
    return Published(shared_warehouse, landing, home, said + log.getvalue())


def _spoil_and_load(landing: Path, loader: str) -> str:
    """Customers of the first day again: with a value that rejects its row, then with rows of another shape."""
    path = landing / "lakala" / f"{FIRST}" / f"CUST_{FIRST:%Y%m%d}.txt"
    whole = path.read_bytes()
    lines = whole.decode("gb18030").split("\n")
    cells = lines[1].split("|")
    said = []
    for spoiled in (
        "|".join([*cells[:4], "19x4", *cells[5:]]),  # a year that is none, beside the names
        "|".join([cells[0], *cells[2:], "x"]),  # everything shifted by a column
        "|".join(cells[:-1]),
    ):
        path.write_bytes("\n".join([lines[0], spoiled, *lines[2:]]).encode("gb18030"))
        said.append(str(pipeline.check("lakala", FIRST, url=loader).to_dict()))
        said.append(_load_anyway("lakala", FIRST, loader))
    path.write_bytes(whole)
    said.append(_load_anyway("lakala", FIRST, loader))
    assert "19x4" in said[0]
    assert "columns where the header has" in said[-2]
    return "\n".join(said)


def _load_anyway(lender: str, day: dt.date, loader: str) -> str:
    try:
        result = pipeline.load(lender, day, url=loader)
        pipeline.gate_delivery(result.delivery_id, url=loader)
    except Refused as refused:
        return str(refused)
    return str(result)


def test_every_lender_can_be_simulated() -> None:
    assert lenders() == LENDERS


def test_every_row_is_accepted_or_rejected(published: Published) -> None:
    counted = published.warehouse.rows(
        "select d.lender, f.path, f.rows_in_file, f.rows_accepted, f.rows_rejected from ops.delivery_file as f "
        "join ops.delivery as d using (delivery_id) where d.status = 'accepted'"
    )
    assert {lender for lender, *_ in counted} == set(LENDERS)
    for _, path, rows, accepted, rejected in counted:
        assert (rows, rejected) == (accepted, 0), path


def test_every_entity_of_every_lender_arrives(published: Published) -> None:
    entities = ["loan", "borrower", "instalment", "payment", "loan_event", "reported_position"]
    for entity in entities:
        found = dict(published.warehouse.rows(f"select lender, count(*) from raw.{entity} group by lender"))
        assert set(found) == set(LENDERS), entity
    # Two of the five do not report what their collectors do.
    worked = published.warehouse.rows("select distinct lender from raw.collection_action order by 1")
    assert worked == [("hongchuang",), ("jike",), ("xiaodangjia",)]
    modes = dict(published.warehouse.rows("select mode, count(*) from ops.lender_entity group by mode"))
    assert set(modes) == {"snapshot", "upsert", "append", "changes"}


def test_every_lender_is_in_every_mart(published: Published) -> None:
    for mart in (
        "dim_loan", "fct_loan_current", "fct_loan_month", "fct_instalment", "fct_payment", "mart_delinquency_daily",
        "mart_overdue_rate_monthly", "mart_balance_bridge_monthly",
    ):  # fmt: skip
        found = published.warehouse.rows(f"select distinct lender from marts.{mart}", role=Role.READER)
        assert {lender for (lender,) in found} == set(LENDERS), mart


def test_the_same_person_has_the_same_hash_everywhere(published: Published) -> None:
    shared = published.warehouse.value(
        "select count(*) from (select identity_hash from raw.borrower where identity_hash is not null "
        "group by identity_hash having count(distinct lender) > 1) as people"
    )
    assert shared > 0
    identities = {lender: set(_personal(published, lender, "hash")) for lender in LENDERS}
    known: set[str] = set()
    at_two = 0
    for mine in identities.values():
        at_two += len(mine & known)
        known |= mine
    assert at_two >= shared


# ── personal data ────────────────────────────────────────────────────────────────────────────────────────


def _personal(published: Published, lender: str, treatment: str) -> Iterator[str]:
    """Personal values as they stand in a lender's files, read past the treatment that the contract asks for."""
    contract = contract_for(settings().lenders, lender, LAST)
    for day in DAYS:
        for file in Delivery(contract, day, str(published.landing)).files:
            columns = file.resource.table.columns()
            wanted = [f"c{n}" for n, field in enumerate(columns, 1) if field.arrears.pii == treatment]
            if not wanted:
                continue
            plain = file.resource.model_copy(
                update={
                    "table": file.resource.table.model_copy(
                        update={"fields": list(map(_untreated, file.resource.table.fields))}
                    )
                }
            )
            stream = open_stream(type(file)(plain, file.path, file.location), lambda: b"")
            for block in blocks(stream, len(columns)):
                for name in wanted:
                    yield from filter(None, block.frame[name].to_list())


def _untreated(field: TableField) -> TableField:
    parts = [_untreated(part) for part in field.arrears.parts] if field.arrears.parts else None
    return field.model_copy(update={"arrears": FieldMapping(parts=parts)})


@dataclass
class Planted:
    """Personal values that the files had in clear."""

    values: list[str]

    def found_in(self, text: str) -> list[str]:
        """Those in a text. Polars looks for all of them at once; a regular expression tries one after the other."""
        found: list[str] = pl.Series([text]).str.extract_many(self.values).item().to_list()
        return found


@pytest.fixture(scope="module")
def planted(published: Published) -> Planted:
    values = {
        value.strip() for lender in LENDERS for kind in ("hash", "drop") for value in _personal(published, lender, kind)
    }
    assert len(values) > 5 * LOANS
    return Planted([value for value in values if len(value) > 1])


def test_what_is_planted_would_be_found(published: Published, planted: Planted) -> None:
    customers = next((published.landing / "lakala" / f"{FIRST}").glob("CUST_*")).read_text("gb18030")
    assert len(planted.found_in(customers)) > LOANS


def test_nothing_personal_in_any_table(published: Published, planted: Planted) -> None:
    tables = published.warehouse.rows("select format('%I.%I', schemaname, relname) from pg_stat_user_tables order by 1")
    assert len(tables) > 60
    connection = psycopg2.connect(published.warehouse.owner_url)
    with connection.cursor() as cursor:
        for (table,) in tables:
            content = io.StringIO()
            cursor.copy_expert(f"copy (select t::text from {table} as t) to stdout", content)
            assert not planted.found_in(content.getvalue()), table
    connection.close()


def test_nothing_personal_in_any_file_log_or_message(published: Published, planted: Planted, server: Settings) -> None:
    assert not planted.found_in(published.said)
    kept = [settings().home, server.home]
    looked_at = 0
    for path in (path for folder in kept for path in Path(folder).rglob("*")):
        inside = path.relative_to(next(Path(folder) for folder in kept if path.is_relative_to(folder))).parts
        if not path.is_file() or inside[0] in ("landing", "truth") or ("postgres" in inside and path.suffix != ".log"):
            continue
        looked_at += 1
        assert not planted.found_in(path.read_bytes().decode("utf-8", "replace")), path
    assert looked_at > 5


# ── a check that cannot fail ─────────────────────────────────────────────────────────────────────────────

BOUNDARIES: tuple[Boundary, ...] = ("delivery", "candidate", "publication")
SUITES = [(boundary, suite) for boundary in BOUNDARIES for suite in suites(SOURCE_ROOT / "expectations", boundary)]
TRIED = [mutant for boundary, suite in SUITES for mutant in mutants(boundary, suite)]


def test_every_expectation_has_a_mutant_and_every_mutant_an_expectation() -> None:
    """What has none may be an expectation that nothing ever breaks."""
    expectations = {(boundary, suite.table, one.name) for boundary, suite in SUITES for one in suite.expectations}
    assert {(mutant.boundary, mutant.table, mutant.expectation) for mutant in TRIED} == expectations
    files = {(path.parent.name, path.stem) for path in MUTANTS.rglob("*.yaml")}
    assert files == {(boundary, suite.table) for boundary, suite in SUITES}


@dataclass
class Laboratory:
    """A transaction in which anything may be written. Nothing of it stays.

    Attributes:
        batches: what the gate gives Great Expectations, by boundary and suite, and the delivery that is judged.
    """

    cursor: Cursor
    batches: dict[tuple[Boundary, str], tuple[Batch, int | None]]


@pytest.fixture(scope="module")
def laboratory(published: Published) -> Iterator[Laboratory]:
    connection = psycopg2.connect(published.warehouse.owner_url)
    with connection.cursor() as cursor:
        for schema in ("raw", "candidate"):
            drop_constraints(cursor, schema)
        cursor.execute("select max(build_id) from ops.build")
        (build,) = cursor.fetchone() or (None,)
        batches: dict[tuple[Boundary, str], tuple[Batch, int | None]] = {
            (batch.boundary, batch.suite.table): (batch, None) for batch in candidate_batches(cursor, build, settings())
        }
        for boundary, suite in SUITES:
            if boundary == "delivery":
                batches[boundary, suite.table] = _most_delivered(cursor, suite.table)
        yield Laboratory(cursor, batches)
    connection.rollback()
    connection.close()


def _most_delivered(cursor: Cursor, entity: str) -> tuple[Batch, int]:
    """Of the deliveries of an entity, the one that brought most."""
    cursor.execute(f"select delivery_id from raw.{entity} group by 1 order by count(*) desc, 1 limit 1")
    (delivery,) = cursor.fetchone() or (0,)
    batches = delivery_batches(cursor, delivery, settings())
    return next(one for one in batches if one.suite.table == entity), delivery


OF_NO_LENDER = ("dim_date", "dim_dpd_bucket")


def _of_the_whole_table(batch: Batch, mutant: Mutant) -> bool:
    return any(
        one.name == mutant.expectation and one.type.startswith("expect_table_") for one in batch.suite.expectations
    )


@pytest.mark.parametrize("mutant", TRIED, ids=str)
def test_a_mutant_is_caught(laboratory: Laboratory, mutant: Mutant) -> None:
    batch, delivery = laboratory.batches[mutant.boundary, mutant.table]
    broken = broken_rows(laboratory.cursor, batch, mutant, delivery)
    assert broken.after > broken.before
    if mutant.boundary != "delivery" and mutant.table not in OF_NO_LENDER and not _of_the_whole_table(batch, mutant):
        assert None not in broken.lenders, "what is wrong with one lender would stop the others"


COLUMNS = columns(SOURCE_ROOT / "dbt_project" / "models" / "marts")


@pytest.fixture(scope="module")
def watch(laboratory: Laboratory) -> Watch:
    of_candidate = [batch for (boundary, _), (batch, _) in laboratory.batches.items() if boundary == "candidate"]
    return Watch(laboratory.cursor, of_candidate)


@pytest.mark.parametrize("column", COLUMNS, ids=str)
def test_a_column_is_seen(watch: Watch, column: Column) -> None:
    """Or it is said why not: of a new column somebody has to think what it follows from."""
    assert watch.sees(column) != (str(column) in unseen())


def test_what_is_not_seen_is_a_column() -> None:
    assert set(unseen()) <= set(map(str, COLUMNS))


def test_the_gate_comes_after_a_crash(laboratory: Laboratory) -> None:
    """PostgreSQL empties unlogged tables then, and with them what marts are held against: no reason to refuse them."""
    cursor = laboratory.cursor
    cursor.execute("savepoint crash")
    cursor.execute(
        "select string_agg(cast(cast(oid as regclass) as text), ', ') from pg_class "
        "where relkind = 'r' and relpersistence = 'u'"
    )
    (emptied,) = cursor.fetchone() or ("",)
    cursor.execute(f"truncate {emptied}")
    broken = {
        f"{batch.suite.table}: {one.name}": rows_breaking(cursor, batch, one.name)
        for (boundary, _), (batch, _) in laboratory.batches.items()
        for one in batch.suite.expectations
        if boundary == "candidate" and one.severity != "info"
    }
    cursor.execute("rollback to savepoint crash")
    assert {expectation: rows for expectation, rows in broken.items() if rows} == {}
