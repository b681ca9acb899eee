"""Which rows of a mart can differ from what the marts show: those that the build says it has changed, where it goes on
from the very build that they show. Otherwise any row can.

dbt keeps what it changes in candidate.<mart>_changed, in the transaction that changes it (macros/cells.sql).
"""

from __future__ import annotations

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable, Composed, Identifier

from arrears.publish.mart import CANDIDATE, Mart
from arrears.warehouse.connect import first

KEYS = Identifier("pg_temp", "changed_keys")

# Where lenders are held back, now or in what the marts show, that is not all of one build.
GOES_ON_FROM_WHAT_IS_SHOWN = """
select builds.base_build
from ops.build as builds
inner join ops.publication as shown on builds.base_build = shown.build_id and shown.restores is null
where
    builds.build_id = %(build_id)s
    and shown.publication_id = %(previous)s
    and not exists (
        select from ops.gate_run as judgements inner join ops.gate_held as held
            on judgements.gate_run_id = held.gate_run_id
        where judgements.build_id in (builds.build_id, builds.base_build)
    )
"""


def base_shown(cursor: Cursor, build_id: int, previous: int | None) -> int | None:
    """The build that this one goes on from, if the publication `previous` shows just that one; else None."""
    found = first(cursor, GOES_ON_FROM_WHAT_IS_SHOWN, {"build_id": build_id, "previous": previous})
    return int(found[0]) if found else None


def collect(cursor: Cursor, mart: Mart, base: int | None) -> bool:
    """Put the keys of all rows that were changed since the build `base` into the temporary table `changed_keys`.

    Returns False where that is not known. A build that failed has changed rows as well, and says so.
    """
    if base is None or not mart.keeps_changes or not _is_kept(cursor, mart):
        return False
    cursor.execute(SQL("drop table if exists {}").format(KEYS))
    cursor.execute(
        SQL(
            "create temporary table changed_keys on commit drop as "
            "select distinct {key} from {changed} where base_build = %s"
        ).format(key=SQL(", ").join(map(Identifier, mart.key)), changed=_kept_in(mart)),
        [base],
    )
    cursor.execute(SQL("analyze {}").format(KEYS))
    return True


def only_changed(mart: Mart, rows: Composable) -> Composed:
    """Of rows of a mart those with a key in `changed_keys`, as a relation."""
    return SQL("(select {columns} from {keys} as k inner join {rows} as r on {same_key})").format(
        columns=mart.listed("r."), keys=KEYS, rows=rows, same_key=mart.same_key("k", "r")
    )


def _kept_in(mart: Mart) -> Identifier:
    return Identifier(CANDIDATE, f"{mart.name}_changed")


def _is_kept(cursor: Cursor, mart: Mart) -> bool:
    """Whoever runs dbt by hand loses what was kept, for what it then changes is on no record."""
    cursor.execute("select to_regclass(%s) is not null", [_kept_in(mart).as_string(cursor)])
    return cursor.fetchone() == (True,)
