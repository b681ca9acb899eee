"""Which publications can be shown again: the newest, and all that closed a month. Of others the record stays."""

from __future__ import annotations

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Identifier

from arrears.publish import record
from arrears.publish.mart import PUBLISHED
from arrears.warehouse.connect import connect

# Every publication for the last day of a month that was published closes it.
LET_GO = """
insert into ops.publication_let_go (publication_id)
select publication_id from (
    select
        publication_id, business_date,
        max(business_date) over (partition by date_trunc('month', business_date)) as closes_on,
        row_number() over (order by publication_id desc) as newest_first
    from ops.publication
) as publications
where
    newest_first > %(keep_newest)s and business_date < closes_on
    and publication_id not in (select publication_id from ops.publication_let_go)
"""

# A row is needed as long as a kept publication shows it: the first kept one that is not older than the row decides.
REMOVE = """
delete from {published} as old using (
    select
        publications.publication_id,
        min(kept.publication_id) over (order by publications.publication_id desc) as next_kept
    from ops.publication as publications
    left join (
        select publication_id from ops.publication
        where publication_id not in (select publication_id from ops.publication_let_go)
    ) as kept on publications.publication_id = kept.publication_id
) as horizon
where old.published_in = horizon.publication_id and old.superseded_in <= horizon.next_kept
"""


def retain(*, url: str, keep_newest: int) -> dict[str, int]:
    """Remove the rows that no kept publication shows. Every publication stays on record.

    Args:
        keep_newest: how many of the newest publications can be shown again, beside those that closed a month. At
            least one: the newest is the one that the marts show.
        url: libpq URL of the publisher role.

    Returns:
        Publications let go, and rows removed.

    Raises:
        Infrastructure: the warehouse failed; nothing was removed.
    """
    assert keep_newest >= 1, "the marts show the newest"
    with connect(url, "retain") as connection, connection.cursor() as cursor:
        record.lock(cursor)
        cursor.execute(LET_GO, {"keep_newest": keep_newest})
        let_go = cursor.rowcount
        removed = sum(_remove(cursor, table) for table in _tables(cursor)) if let_go else 0
    return {"publications let go": let_go, "rows removed": removed}


def _tables(cursor: Cursor) -> list[str]:
    cursor.execute("select tablename from pg_tables where schemaname = %s order by tablename", [PUBLISHED])
    return [name for (name,) in cursor.fetchall()]


def _remove(cursor: Cursor, table: str) -> int:
    cursor.execute(SQL(REMOVE).format(published=Identifier(PUBLISHED, table)))
    return cursor.rowcount
