"""Weekly upkeep: give space back and refresh the planner's statistics of what the publisher owns."""

from __future__ import annotations

from psycopg2.sql import SQL, Identifier

from arrears.warehouse.connect import connect


def maintain(url: str) -> dict[str, int]:
    """Vacuum and analyze every table of `published`, as its owner.

    Row changes only ever close and add rows, so the tables grow by what changed and autovacuum keeps up; this is the
    belt to its braces. Returns the number of tables visited.
    """
    with connect(url, "maintain", autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute("select tablename from pg_tables where schemaname = 'published' order by 1")
        tables = [row[0] for row in cursor.fetchall()]
        for table in tables:
            cursor.execute(SQL("vacuum (analyze) {}").format(Identifier("published", table)))
    return {"tables vacuumed": len(tables)}
