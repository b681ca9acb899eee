"""Advisory locks: who works on a part of the warehouse works on it alone.

They are waited for as long as for any lock (arrears.warehouse.connect).
"""

from __future__ import annotations

import psycopg2
from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composed, Placeholder

from arrears.errors import Infrastructure
from arrears.warehouse.connect import first

# Of one key the lower half is in objid, of two it is the second.
HOLDER = """
select pid, application_name
from pg_locks inner join pg_stat_activity using (pid)
where
    locktype = 'advisory' and granted
    and database = (select oid from pg_database where datname = current_database())
    and objid = hashtext(%(last)s)::oid and objsubid = %(keys)s
    and (%(keys)s = 1 or classid = hashtext(%(first)s)::oid)
order by pid
limit 1
"""


def take(cursor: Cursor, what: str, *keys: str, of_session: bool = False) -> None:
    """Wait until nobody else holds a lock, and hold it until the transaction ends, or the session.

    Args:
        what: that nobody else works on meanwhile, for people. keys: one or two names of the lock.

    Raises:
        Infrastructure: somebody held it for longer than a lock is waited for.
    """
    function = SQL("pg_advisory_lock" if of_session else "pg_advisory_xact_lock")
    try:
        cursor.execute(SQL("select {}({})").format(function, _hashed(keys)), keys)
    except psycopg2.errors.LockNotAvailable as error:
        cursor.connection.rollback()
        who = holder(cursor, *keys) or "somebody who has ended since"
        raise Infrastructure(
            f"Waited in vain for {what}: in use by {who}. Run this again once that has ended."
        ) from error


def _hashed(keys: tuple[str, ...]) -> Composed:
    return SQL(", ").join(SQL("hashtext({})").format(Placeholder()) for _ in keys)


def holder(cursor: Cursor, *keys: str) -> str | None:
    """Who holds a lock, for people; None where nobody does."""
    row = first(cursor, HOLDER, {"first": keys[0], "last": keys[-1], "keys": len(keys)})
    return f"process {row[0]} of the server ({row[1]})" if row else None
