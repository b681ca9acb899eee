"""Connections: opened with a few retries, and every server-side trouble turned into one clear message."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg2
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import Composable
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_exponential

from arrears.errors import Infrastructure
from arrears.warehouse.address import Address

# Errors of the surroundings, not of the data: lost connection, lock or statement timeout, no disk, no memory.
SURROUNDINGS = (
    psycopg2.OperationalError,
    psycopg2.InterfaceError,
    psycopg2.errors.DeadlockDetected,
    psycopg2.errors.SerializationFailure,
)
# After this long without a sign of life either side takes the other for gone. By default a machine that vanished would
# hold its locks for two hours, in which its retry waits for them.
KEEPALIVES = {"idle": 30, "interval": 10, "count": 3}  # seconds, seconds, and unanswered questions
UNANSWERED = 60_000  # milliseconds for which what was sent may lie unacknowledged; meanwhile keepalives are silent
# Airflow's timeout of a task is a signal, which does not reach who waits in libpq. So the server ends the wait, well
# before the hour that the shortest of these tasks has: then it is tried again, and in the end somebody is paged.
LOCK_TIMEOUT = "30min"

Parameters = Sequence[Any] | Mapping[str, Any] | None


@retry(
    retry=retry_if_exception_type(psycopg2.OperationalError),
    wait=wait_exponential(multiplier=0.2, max=2),
    stop=stop_after_delay(5),
    reraise=True,
)
def _open(url: str, name: str) -> Connection:
    of_server = {f"tcp_keepalives_{what}": str(value) for what, value in KEEPALIVES.items()}
    of_server["tcp_user_timeout"] = str(UNANSWERED)
    # A session that holds a lock is silent while others work under it, whatever a server thinks of silent ones.
    address = Address.parse(url).setting(lock_timeout=LOCK_TIMEOUT, idle_session_timeout="0", **of_server)
    of_client: dict[str, Any] = {f"keepalives_{what}": value for what, value in KEEPALIVES.items()}
    of_client["tcp_user_timeout"] = UNANSWERED
    opened: Connection = psycopg2.connect(
        address.url(), application_name=f"arrears {name}", connect_timeout=5, **of_client
    )
    return opened


@contextmanager
def connect(url: str, name: str, *, autocommit: bool = False) -> Iterator[Connection]:
    """A connection that is always closed; one transaction, committed if the block ends well, else rolled back.

    Args:
        url: libpq URL (`postgresql://…`).
        name: what the connection is for; shown in pg_stat_activity.
        autocommit: every statement its own transaction.

    Raises:
        Infrastructure: the server cannot be reached, or the connection, a lock or the disk failed on the way.
    """
    try:
        opened = _open(url, name)
    except psycopg2.OperationalError as error:
        raise Infrastructure(
            f"Cannot reach the warehouse at {Address.parse(url)}: {str(error).strip().splitlines()[-1]}. "
            "Is it running? `arrears up` starts the embedded server; for another one check ARREARS_WAREHOUSE_URL."
        ) from error
    opened.autocommit = autocommit
    try:
        yield opened
        if not autocommit:
            opened.commit()
    except SURROUNDINGS as error:
        raise failure(url, name, error) from error
    finally:
        opened.close()  # rolls back what was not committed


def failure(url: str, name: str, error: BaseException) -> Infrastructure:
    """What to say when one of SURROUNDINGS is raised."""
    # An answer to a commit may be lost as well.
    return Infrastructure(
        f"The warehouse at {Address.parse(url)} failed during {name}: {str(error).strip().splitlines()[0]}. "
        "What this step changes is there in whole or not at all; run it again once the cause is gone."
    )


def one(cursor: Cursor, query: str | Composable, parameters: Parameters = None) -> tuple[Any, ...]:
    """Run a query that always answers with a row, and return that row."""
    cursor.execute(query, parameters)
    row = cursor.fetchone()
    assert row is not None, "the query returned no row"
    return tuple(row)


def first(cursor: Cursor, query: str | Composable, parameters: Parameters = None) -> tuple[Any, ...] | None:
    """Run a query and return its first row, or None when it has none."""
    cursor.execute(query, parameters)
    row = cursor.fetchone()
    return None if row is None else tuple(row)
