"""All the rows that break an expectation, of which a refusal shows the first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from arrears.errors import Usage
from arrears.gate.gate import candidate_batches, delivery_batches
from arrears.gate.shown import masked
from arrears.gate.validate import Batch, judging, rows_query, unexpected_rows
from arrears.settings import Settings
from arrears.warehouse.connect import connect, first

FETCHED_AT_ONCE = 1000


def unexpected(
    table: str, expectation: str, *, url: str, settings: Settings, delivery_id: int | None = None
) -> Iterator[dict[str, Any]]:
    """Yield every row that breaks an expectation, personal data masked, each as {column: value}.

    Args:
        table, expectation: as the gate named them. delivery_id: a delivery; without it, the candidate as it stands.
        url: libpq URL of the role that judges: publisher for the candidate, loader for a delivery.

    Raises:
        Usage: there is no such expectation, or it is about the table and not about rows.
    """
    batch = _batch(table, expectation, url, settings, delivery_id)
    query = rows_query(batch, expectation)
    rows = _stream(query, url) if query else iter(unexpected_rows(batch, expectation, url=url))
    return map(masked, rows)


def _batch(table: str, expectation: str, url: str, settings: Settings, delivery_id: int | None) -> Batch:
    with connect(url, "unexpected") as connection, connection.cursor() as cursor:
        if delivery_id is not None:
            batches = delivery_batches(cursor, delivery_id, settings)
        else:
            newest = first(cursor, "select max(build_id) from ops.build")
            batches = candidate_batches(cursor, newest[0] if newest else None, settings)
    of_table = [batch for batch in batches if batch.suite.table == table]
    if not of_table:
        there = ", ".join(sorted({batch.suite.table for batch in batches}))
        raise Usage(f"There is no suite for '{table}' here. There are: {there or 'none'}.")
    for batch in of_table:
        if any(item.name == expectation for item in batch.suite.expectations):
            return batch
    names = [item.name for batch in of_table for item in batch.suite.expectations]
    raise Usage(f"'{table}' has no expectation '{expectation}'. It has: {'; '.join(names)}.")


def _stream(query: str, url: str) -> Iterator[dict[str, Any]]:
    with connect(judging(url).url(), "unexpected") as connection, connection.cursor("unexpected") as cursor:
        cursor.itersize = FETCHED_AT_ONCE
        cursor.execute(query)  # from a reviewed suite file
        names: list[str] = []
        for row in cursor:
            names = names or [column.name for column in cursor.description or ()]
            yield dict(zip(names, row, strict=True))
