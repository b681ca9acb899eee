"""Many loans over 24 months through dbt itself, and every row of every mart against the reference.

ARREARS_LOANS=10000 asks for ten thousand loans; without it there are fewer, so that CI has an answer in minutes.
ARREARS_SEED=7 asks for other ones.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import psycopg2
import pytest

from arrears.gate.suite import suites
from arrears.gate.validate import Batch
from arrears.settings import settings

from ..conftest import Warehouse
from ..mutation.mutant import rows_breaking
from ..property.engine.compare import differences, told
from ..property.engine.random_books import random_books
from ..property.engine.staging import Staging
from ..property.engine.warehouse import BUSINESS_DATE, compiled_models, dbt, rows_of
from ..reference.book import Book
from ..reference.borrowers import Everywhere
from ..reference.reckoning import everywhere, reckon

LOANS = int(os.environ.get("ARREARS_LOANS", "1000"))
SEED = int(os.environ.get("ARREARS_SEED", "20240229"))
MOST_LENDERS_SHOWN = 10

# What the gate holds against deliveries: these books are in staging, and nobody delivered them.
OF_DELIVERIES = {"dim_lender", "mart_data_quality_daily"}

Keys = dict[str, tuple[str, ...]]


@pytest.fixture(scope="module")
def books() -> list[Book]:
    return random_books(LOANS, SEED)


@pytest.fixture(scope="module")
def keys(shared_warehouse: Warehouse, books: list[Book], tmp_path_factory: pytest.TempPathFactory) -> Keys:
    """The marts built from the books, by their keys."""
    target = tmp_path_factory.mktemp("dbt")
    models = compiled_models(shared_warehouse, target)
    connection = psycopg2.connect(shared_warehouse.owner_url)
    with connection, connection.cursor() as cursor:
        Staging(cursor).fill(cursor, books)
        cursor.execute("analyze")
    connection.close()
    layers = ("models/intermediate", "models/sums", "models/marts", "models/evidence")
    dbt(shared_warehouse, target, "run", "--full-refresh", "--select", *layers)
    return {model.name: model.key for model in models if model.is_mart}


def lender_differs(book: Book, url: str, keys: Keys, known: Everywhere) -> str:
    """The first way in which the marts of a book's lender differ from the reference; empty if they do not."""
    reckoned = reckon([book], BUSINESS_DATE, known)
    connection = psycopg2.connect(url)
    with connection, connection.cursor() as cursor:
        computed = {table: rows_of(cursor, table, book.lender) for table in reckoned}
    connection.close()
    found = differences(computed, reckoned, keys)
    also = f"\n(and {len(found) - 1} more tables)" if len(found) > 1 else ""
    return told(found[:1], [book]) + also


def _all_differences(books: list[Book], url: str, keys: Keys) -> Iterator[str]:
    # by lender: whatever is summed is summed within one, and a process holds the rows of one at a time; what has to be
    # known of borrowers at the others is little
    known = everywhere(books)
    spawning = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=os.cpu_count(), mp_context=spawning) as pool:
        yield from filter(None, pool.map(partial(lender_differs, url=url, keys=keys, known=known), books))


@pytest.mark.timeout(3600)
def test_no_loan_and_no_sum_differs_from_the_reference(
    shared_warehouse: Warehouse, books: list[Book], keys: Keys
) -> None:
    found = list(_all_differences(books, shared_warehouse.owner_url, keys))
    shown = "\n\n".join(found[:MOST_LENDERS_SHOWN])
    assert not found, f"{len(found)} of {len(books)} lenders differ (seed {SEED}). How the first of them do:\n\n{shown}"


def test_the_gate_keeps_out_nothing_that_agrees_with_the_reference(shared_warehouse: Warehouse, keys: Keys) -> None:
    """Whatever lenders are measured by, and however odd their loans are: no critical expectation may stop them."""
    critical = [
        (Batch(suite, f"select * from candidate.{suite.table}"), expectation.name)
        for suite in suites(settings().expectations, "candidate")
        if suite.table not in OF_DELIVERIES
        for expectation in suite.expectations
        if expectation.severity == "critical"
    ]
    connection = psycopg2.connect(shared_warehouse.owner_url)
    with connection, connection.cursor() as cursor:
        found = {f"{batch.suite.table}: {name}": rows_breaking(cursor, batch, name) for batch, name in critical}
    connection.close()
    assert len(found) > 100
    assert {name: rows for name, rows in found.items() if rows} == {}


def test_the_loans_are_worth_asking_about(shared_warehouse: Warehouse, keys: Keys) -> None:
    """Every state, bucket, exit and status occurs: agreement on loans to which nothing happens would prove little."""
    seen = {
        column: {value for (value,) in shared_warehouse.rows(f"select distinct {column} from candidate.{table}")}
        for table, column in (
            ("fct_loan_current", "state"), ("fct_loan_current", "debt_type"), ("fct_delinquency_spell", "exit_reason"),
            ("fct_instalment", "status"), ("fct_collection_action", "promise_kept"),
            ("fct_collection_action", "breach_rule"), ("mart_forbearance_monthly", "kind"),
            ("mart_long_overdue_monthly", "dpd_band"), ("mart_risk_classification_monthly", "category"),
            ("mart_borrower_segment_monthly", "loan_count_band"), ("mart_early_warning", "signal"),
            ("mart_reconciliation_daily", "break_type"),
        )
    }  # fmt: skip
    assert seen["state"] >= {"active", "unknown", "settled", "written_off", "transferred", "compensated", "bought_back"}
    assert seen["debt_type"] >= {"overdue_unpaid", "partial", "default"}
    assert seen["exit_reason"] >= {
        "open", "paid", "waived", "extended", "restructured", "written_off", "transferred", "compensated",
        "bought_back",
    }  # fmt: skip
    assert seen["status"] >= {
        "not_due", "paid", "paid_late", "partial", "overdue", "waived", "replaced", "written_off",
    }  # fmt: skip
    assert seen["promise_kept"] >= {"pending", "kept", "partly_kept", "broken"}
    assert seen["breach_rule"] >= {"quiet_hours", "daily_calls", "debtor_only"}
    assert seen["kind"] == {"extension", "instalment_plan", "relief"}
    assert seen["dpd_band"] == {"181-270", "271-360", "361+", "about_one_year"}
    assert seen["category"] >= {"normal", "special_mention", "substandard", "doubtful", "loss", "stage_3"}
    assert seen["loan_count_band"] == {"1", "2", "3-4", "5+"}
    assert seen["signal"] == {
        "first_missed_payment", "partial_payment", "days_late_lengthening", "broken_promise", "new_loan_elsewhere",
        "relief_ended",
    }  # fmt: skip
    assert seen["break_type"] == {"none", "timing", "schedule", "missing_payment", "allocation", "unexplained"}
