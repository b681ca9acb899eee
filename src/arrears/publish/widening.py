"""New columns of marts that are being read: added beside the readers, who wait for a moment at most.

Adding a column takes the table for itself. Waiting for that in the publication's transaction would let every reader
that comes meanwhile wait behind it, for as long as the longest query takes that is already open. So each change is a
transaction of its own that gives up soon and comes again, and is made before the publication begins: a column of nulls,
which it then fills.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import psycopg2
from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable, Identifier
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_random

from arrears.errors import Infrastructure
from arrears.publish.mart import AS_KNOWN, MARTS, PUBLICATION, PUBLISHED, Mart, columns_of, view
from arrears.warehouse.connect import connect

# How long a reader may have to wait behind a change, and for how long the change comes again: longer than any query
# of the BI role may be open (arrears.warehouse.provision).
LOCK_TIMEOUT, PATIENCE = "150ms", 15 * 60


def widen(cursor: Cursor, marts: Sequence[Mart], url: str) -> None:
    """Give the published tables and their views the columns that `marts` have more.

    cursor: reads what stands; its transaction must hold none of the tables. url: of the publisher role.
    """
    changes = [change for mart in marts for change in _changes(cursor, mart)]
    if not changes:
        return
    with connect(url, "add columns", autocommit=True) as connection, connection.cursor() as changing:
        changing.execute("select set_config('lock_timeout', %s, false)", [LOCK_TIMEOUT])
        for change in changes:
            _make(changing, change)


def _changes(cursor: Cursor, mart: Mart) -> Iterator[Composable]:
    """What is missing, statement by statement: an interrupted publication may have made the first of them."""
    standing = columns_of(cursor, PUBLISHED, mart.name)
    if not standing:
        return
    for column in mart.missing_from(standing):
        yield SQL("alter table {} add column {} {}").format(
            mart.relation(PUBLISHED), Identifier(column.name), SQL(column.sql_type)
        )
    for schema in (MARTS, AS_KNOWN):
        shown = columns_of(cursor, schema, mart.name)
        if missing := mart.missing_from(shown):
            kept = [column for column in shown if column.name != PUBLICATION]
            yield view(mart, schema, [*kept, *missing])


def _make(cursor: Cursor, change: Composable) -> None:
    again = retry_if_exception_type(psycopg2.errors.LockNotAvailable)
    try:
        Retrying(retry=again, wait=wait_random(0.1, 0.2), stop=stop_after_delay(PATIENCE), reraise=True)(
            cursor.execute, change
        )
    except psycopg2.errors.LockNotAvailable as error:
        raise Infrastructure(
            f"A mart has a new column, and for {PATIENCE} seconds there was always a reader with a query or a "
            "transaction open on it: pg_stat_activity says which. Nothing was published; publish again once they end."
        ) from error
