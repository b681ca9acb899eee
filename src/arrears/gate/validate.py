"""Running suites with Great Expectations, all in one process, and writing Data Docs."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from arrears.alone import alone
from arrears.errors import Usage
from arrears.gate.asked import asked
from arrears.gate.shown import told
from arrears.gate.suite import Boundary, ExpectationFile, SuiteFile
from arrears.warehouse.address import Address
from arrears.warehouse.connect import SURROUNDINGS, connect, failure

SHOWN = 20
SITE = "gate"
QUERY = "unexpected_rows_expectation"
# How queries of suites are planned. They join whole books, as builds do. What comes out of a subquery has no
# statistics, and the planner takes it for a handful of rows: it would loop over it, or merge by lender and compare each
# loan of one with every other. Hashes ask for memory instead, of which one query at a time has plenty.
# They run beside each other already.
SESSION = {
    "enable_nestloop": "off", "enable_mergejoin": "off", "work_mem": "256MB", "max_parallel_workers_per_gather": "0",
}  # fmt: skip


@dataclass(frozen=True)
class Batch:
    """A suite and the rows it looks at.

    Attributes:
        query: a select statement. key: the columns that tell a row from the others.
        previous: what `{previous}` stands for in the suite's queries: a relation, named previous.
    """

    suite: SuiteFile
    query: str
    key: tuple[str, ...] = ()
    boundary: Boundary = "candidate"
    previous: str | None = None

    @property
    def name(self) -> str:
        """Its name on the pages."""
        return f"{self.boundary}.{self.suite.table}"

    def arguments(self, expectation: ExpectationFile) -> dict[str, Any]:
        """What Great Expectations is given for an expectation. Of what stands in braces it knows `{batch}` alone."""
        if self.previous is None or "unexpected_rows_query" not in expectation.kwargs:
            return expectation.kwargs
        query = expectation.kwargs["unexpected_rows_query"].replace("{previous}", self.previous)
        return {**expectation.kwargs, "unexpected_rows_query": query}


@dataclass(frozen=True)
class Verdict:
    """The outcome of one expectation.

    Attributes:
        unexpected: rows that break it, where that can be counted. observed: what was seen instead.
    """

    boundary: Boundary
    suite: str
    expectation: str
    severity: str
    success: bool
    unexpected: int | None
    observed: str | None
    notes: str


def validate(batches: Sequence[Batch], *, url: str, docs: Path, connections: int) -> list[Verdict]:
    """Evaluate every expectation of every batch, and write Data Docs. connections: queries that run at once.

    An expectation that cannot be evaluated at all (a column is gone, its SQL is wrong) has failed: it is reported
    as critical whatever its severity.
    """
    if not batches:
        return []  # Great Expectations takes seconds to be imported
    questions = _questions(batches)
    verdicts: list[Verdict] = []
    with asked(list(questions.values()), url=judging(url).url(), connections=connections):
        context = _context(docs)
        with _warehouse(context, url) as warehouse:
            for batch in batches:
                results = _evaluate(context, warehouse, batch, "SUMMARY", list(questions))
                verdicts += [
                    _with_rows(_verdict(batch, expectation, results.get(expectation.name)), batch, url)
                    for expectation in batch.suite.expectations
                ]
            with alone(docs):  # the same may be judged twice at once, and both would take away what is old
                context.build_data_docs(site_names=[SITE])
    return verdicts


def _questions(batches: Sequence[Batch]) -> dict[tuple[str, str], str]:
    """The queries of all expectations that are queries, by the names of the batch and of the expectation."""
    of_all = {
        (batch.name, expectation.name): rows_query(batch, expectation.name)
        for batch in batches
        for expectation in batch.suite.expectations
    }
    return {of: query for of, query in of_all.items() if query is not None}


def unexpected_rows(batch: Batch, expectation: str, *, url: str) -> list[dict[str, Any]]:
    """The rows that break an expectation which is no query: their keys, and the column it is about.

    Raises:
        Usage: it is about the table as a whole.
    """
    named = next(item for item in batch.suite.expectations if item.name == expectation)
    context = _context(None)
    with _warehouse(context, url) as warehouse:
        alone = replace(batch, suite=SuiteFile(table=batch.suite.table, expectations=[named]))
        result = _evaluate(context, warehouse, alone, "COMPLETE", [])[expectation]
    rows: list[dict[str, Any]] | None = (result.result or {}).get("unexpected_index_list")
    if rows is None and not result.success:
        raise Usage(f"'{expectation}' is about {batch.suite.table} as a whole: it saw {_observed(result.result)}.")
    return rows or []


def judging(url: str) -> Address:
    """The address for the queries of suites."""
    return Address.parse(url).setting(**SESSION)


@contextmanager
def _warehouse(context: Any, url: str) -> Iterator[Any]:
    """The warehouse as Great Expectations' source.

    Raises:
        Infrastructure: the server failed. Great Expectations would take that for a fault of what it evaluates.
    """
    from sqlalchemy import event
    from sqlalchemy.engine import Engine, ExceptionContext

    failures: list[BaseException] = []

    def note(failed: ExceptionContext) -> None:
        if isinstance(failed.original_exception, SURROUNDINGS):
            failures.append(failed.original_exception)

    event.listen(Engine, "handle_error", note)
    try:
        source = context.data_sources.add_postgres(
            "warehouse", connection_string=judging(url).url("postgresql+psycopg2"), create_temp_table=False
        )
        try:
            yield source
        finally:
            source.get_execution_engine().close()
            source.get_engine().dispose()
    except Exception as error:
        if not failures:
            raise
        raise failure(url, "gate", failures[0]) from error
    finally:
        event.remove(Engine, "handle_error", note)
    if failures:
        raise failure(url, "gate", failures[0])


def _context(docs: Path | None) -> Any:
    """A context that lives in memory and writes nothing but its Data Docs, where it is to write any."""
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    logging.getLogger("great_expectations").setLevel(logging.ERROR)  # being imported, it tells of every class it has
    import great_expectations as gx
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    sites = {}
    if docs is not None:
        docs.mkdir(parents=True, exist_ok=True)
        sites[SITE] = {
            "class_name": "SiteBuilder",
            "show_how_to_buttons": False,
            "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(docs)},
            "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
        }
    return gx.get_context(
        mode="ephemeral",
        project_config=DataContextConfig(
            store_backend_defaults=InMemoryStoreBackendDefaults(),
            data_docs_sites=sites,
            progress_bars=ProgressBarsConfig(globally=False),
        ),
    )


def _evaluate(
    context: Any, warehouse: Any, batch: Batch, result_format: str, questions: Sequence[tuple[str, str]]
) -> dict[str, Any]:
    """Great Expectations' results of a batch, by the names of the expectations. questions: whose queries are asked."""
    import great_expectations as gx
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    from arrears.gate.counted import CountedRowsExpectation

    def configured(expectation: ExpectationFile) -> Any:
        kind, arguments = expectation.type, batch.arguments(expectation)
        if kind == QUERY:
            kind = CountedRowsExpectation.expectation_type
            arguments = {**arguments, "question": questions.index((batch.name, expectation.name))}
        return ExpectationConfiguration(
            type=kind, kwargs=arguments, meta={"name": expectation.name}, notes=expectation.notes,
            severity=expectation.severity,
        ).to_domain_obj()  # fmt: skip

    # Given to the constructor, not added one by one: adding replaces an expectation of the same type.
    suite = context.suites.add(
        gx.ExpectationSuite(name=batch.name, expectations=[configured(item) for item in batch.suite.expectations])
    )
    definition = context.validation_definitions.add(
        gx.ValidationDefinition(
            name=batch.name,
            data=warehouse.add_query_asset(batch.name, batch.query).add_batch_definition_whole_table("all"),
            suite=suite,
        )
    )
    outcome = definition.run(
        result_format={
            "result_format": result_format,
            "partial_unexpected_count": SHOWN,
            "unexpected_index_column_names": list(batch.key),
        }
    )
    return {result.expectation_config.meta["name"]: result for result in outcome.results}


def _with_rows(verdict: Verdict, batch: Batch, url: str) -> Verdict:
    """Show the first rows that a query found: Great Expectations only counts them."""
    if verdict.success or not verdict.unexpected:
        return verdict
    query = rows_query(batch, verdict.expectation)
    if query is None:
        return verdict
    with connect(judging(url).url(), "gate") as connection, connection.cursor() as cursor:
        cursor.execute(f"select * from ({query}) as found limit {SHOWN}")  # from a reviewed suite file
        names = [column.name for column in cursor.description or ()]
        return replace(verdict, observed=told(dict(zip(names, row, strict=True)) for row in cursor.fetchall()))


def rows_query(batch: Batch, expectation: str) -> str | None:
    """The query of the rows that break an expectation, where it is one that is written as such a query."""
    named = next(item for item in batch.suite.expectations if item.name == expectation)
    query: str | None = batch.arguments(named).get("unexpected_rows_query")
    return query.replace("{batch}", f"({batch.query}) as subselect") if query else None


def _verdict(batch: Batch, expectation: ExpectationFile, result: Any) -> Verdict:
    said = Verdict(
        batch.boundary, batch.suite.table, expectation.name, expectation.severity, False, None, None, expectation.notes
    )
    raised = "no result came back" if result is None else _exception(result)
    if raised is not None:
        return replace(said, severity="critical", observed=f"not evaluated: {raised}")
    detail = dict(result.result or {})
    unexpected = detail.get("unexpected_count")
    if unexpected is None and expectation.type == QUERY:
        unexpected = detail.get("observed_value")
    observed = None if result.success else _observed(detail)
    return replace(said, success=bool(result.success), unexpected=unexpected, observed=observed)


def _exception(result: Any) -> str | None:
    """The message of an exception during evaluation. Its place in the result depends on the kind of expectation."""
    info = result.exception_info or {}
    candidates = [info, *(value for value in info.values() if isinstance(value, dict))]
    for candidate in candidates:
        if candidate.get("raised_exception"):
            return " ".join(str(candidate.get("exception_message")).split())[:500]
    return None


def _observed(detail: dict[str, Any]) -> str:
    rows = detail.get("partial_unexpected_index_list")
    if rows:
        return told(rows[:SHOWN])
    values = detail.get("partial_unexpected_list")
    if values:
        return ", ".join(map(str, values[:SHOWN]))
    return str(detail.get("observed_value"))
