"""Running suites with Great Expectations, all in one process, and writing Data Docs."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from arrears.gate.suite import ExpectationFile, SuiteFile
from arrears.warehouse.address import Address
from arrears.warehouse.connect import connect

SHOWN = 20
SITE = "gate"


@dataclass(frozen=True)
class Batch:
    """A suite and the rows it looks at: a select statement."""

    suite: SuiteFile
    query: str


@dataclass(frozen=True)
class Verdict:
    """The outcome of one expectation.

    Attributes:
        unexpected: rows that break it, where that can be counted. observed: what was seen instead.
    """

    suite: str
    expectation: str
    severity: str
    success: bool
    unexpected: int | None
    observed: str | None
    notes: str


def validate(batches: Sequence[Batch], *, url: str, docs: Path) -> list[Verdict]:
    """Evaluate every expectation of every batch.

    An expectation that cannot be evaluated at all (a column is gone, its SQL is wrong) has failed: it is reported
    as critical whatever its severity.
    """
    context = _context(docs)
    warehouse = context.data_sources.add_postgres(
        "warehouse", connection_string=Address.parse(url).url("postgresql+psycopg2"), create_temp_table=False
    )
    verdicts: list[Verdict] = []
    try:
        for batch in batches:
            verdicts += [_with_rows(verdict, batch, url) for verdict in _validate(context, warehouse, batch)]
        context.build_data_docs(site_names=[SITE])
    finally:
        warehouse.get_engine().dispose()
    return verdicts


def _context(docs: Path) -> Any:
    """A context that lives in memory and writes nothing but its Data Docs."""
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    import great_expectations as gx
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    docs.mkdir(parents=True, exist_ok=True)
    site = {
        "class_name": "SiteBuilder",
        "show_how_to_buttons": False,
        "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(docs)},
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
    }
    return gx.get_context(
        mode="ephemeral",
        project_config=DataContextConfig(
            store_backend_defaults=InMemoryStoreBackendDefaults(),
            data_docs_sites={SITE: site},
            progress_bars=ProgressBarsConfig(globally=False),
        ),
    )


def _validate(context: Any, warehouse: Any, batch: Batch) -> list[Verdict]:
    import great_expectations as gx
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    name = batch.suite.table
    # Given to the constructor, not added one by one: adding replaces an expectation of the same type.
    suite = context.suites.add(
        gx.ExpectationSuite(
            name=name,
            expectations=[
                ExpectationConfiguration(
                    type=expectation.type,
                    kwargs=expectation.kwargs,
                    meta={"name": expectation.name},
                    notes=expectation.notes,
                    severity=expectation.severity,
                ).to_domain_obj()
                for expectation in batch.suite.expectations
            ],
        )
    )
    definition = context.validation_definitions.add(
        gx.ValidationDefinition(
            name=name,
            data=warehouse.add_query_asset(name, batch.query).add_batch_definition_whole_table("all"),
            suite=suite,
        )
    )
    outcome = definition.run(result_format={"result_format": "SUMMARY", "partial_unexpected_count": SHOWN})
    results = {result.expectation_config.meta["name"]: result for result in outcome.results}
    return [_verdict(name, expectation, results.get(expectation.name)) for expectation in batch.suite.expectations]


def _with_rows(verdict: Verdict, batch: Batch, url: str) -> Verdict:
    """Show the first rows that a query found: Great Expectations only counts them."""
    expectation = next(item for item in batch.suite.expectations if item.name == verdict.expectation)
    query = expectation.kwargs.get("unexpected_rows_query")
    if verdict.success or not verdict.unexpected or query is None:
        return verdict
    found = query.replace("{batch}", f"({batch.query}) as subselect")
    with connect(url, "gate") as connection, connection.cursor() as cursor:
        cursor.execute(f"select * from ({found}) as found limit {SHOWN}")  # from a reviewed suite file
        names = [column.name for column in cursor.description or ()]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return replace(verdict, observed="; ".join(map(_row, rows)))


def _verdict(suite: str, expectation: ExpectationFile, result: Any) -> Verdict:
    raised = "no result came back" if result is None else _exception(result)
    if raised is not None:
        return Verdict(suite, expectation.name, "critical", False, None, f"not evaluated: {raised}", expectation.notes)
    detail = dict(result.result or {})
    unexpected = detail.get("unexpected_count")
    if unexpected is None and expectation.type == "unexpected_rows_expectation":
        unexpected = detail.get("observed_value")
    observed = None if result.success else _observed(detail)
    return Verdict(
        suite, expectation.name, expectation.severity, bool(result.success), unexpected, observed, expectation.notes
    )


def _exception(result: Any) -> str | None:
    """The message of an exception during evaluation. Its place in the result depends on the kind of expectation."""
    info = result.exception_info or {}
    candidates = [info, *(value for value in info.values() if isinstance(value, dict))]
    for candidate in candidates:
        if candidate.get("raised_exception"):
            return " ".join(str(candidate.get("exception_message")).split())[:500]
    return None


def _observed(detail: dict[str, Any]) -> str:
    values = detail.get("partial_unexpected_list")
    if values:
        return ", ".join(map(str, values[:SHOWN]))
    return str(detail.get("observed_value"))


def _row(row: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in row.items())
