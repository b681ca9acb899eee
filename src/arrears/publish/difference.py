"""What a publication changes in one mart: found once, written as row changes, counted by lender and month."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable, Composed, Identifier, Literal

from arrears.publish.mart import PUBLISHED, Mart

DIFFERENCE = Identifier("pg_temp", "difference")


@dataclass(frozen=True)
class Change:
    """Rows that a publication added, changed or removed in one mart, for one lender and month.

    Attributes:
        period: last day of the month that the rows describe; None for marts without dates.
        is_restatement: history that an earlier publication had already stated is now stated differently.
    """

    mart: str
    lender: str | None
    period: dt.date | None
    added: int
    changed: int
    removed: int
    is_restatement: bool


def find(cursor: Cursor, mart: Mart, wanted: Composable, standing: Composable) -> int:
    """Collect the keys of all rows in which `wanted` differs from what stands in the temporary table `difference`.

    wanted, standing: relations with the mart's columns. Returns the number of rows.
    """
    cursor.execute(SQL("drop table if exists {}").format(DIFFERENCE))
    cursor.execute(
        SQL(
            "create temporary table difference on commit drop as "
            "select {key}, {lender} as difference_lender, {period} as difference_period, "
            "p.present is null as is_added, c.present is null as is_removed "
            "from (select *, true as present from {wanted}) as c "
            "full join (select *, true as present from {standing}) as p on {same_key} "
            "where p.present is null or c.present is null or row({of_c}) is distinct from row({of_p})"
        ).format(
            key=SQL(", ").join(SQL("coalesce(c.{0}, p.{0}) as {0}").format(Identifier(name)) for name in mart.key),
            lender=_either("lender") if mart.has_lender else SQL("cast(null as text)"),
            period=_either(mart.period) if mart.period else SQL("cast(null as date)"),
            wanted=wanted, standing=standing, same_key=mart.same_key("c", "p"),
            of_c=mart.listed("c."), of_p=mart.listed("p."),
        )
    )  # fmt: skip
    return int(cursor.rowcount)


def _either(name: str) -> Composed:
    return SQL("coalesce(c.{0}, p.{0})").format(Identifier(name))


def write(cursor: Cursor, mart: Mart, wanted: Composable, publication_id: int) -> tuple[int, int]:
    """Close the rows that differ and insert what `wanted` has instead. Returns rows (added, closed)."""
    cursor.execute(SQL("analyze {}").format(DIFFERENCE))
    cursor.execute(
        SQL(
            "update {published} as p set superseded_in = {publication} from {difference} as d "
            "where p.superseded_in is null and not d.is_added and {same_key}"
        ).format(
            published=mart.relation(PUBLISHED), publication=Literal(publication_id), difference=DIFFERENCE,
            same_key=mart.same_key("p", "d"),
        )
    )  # fmt: skip
    closed = cursor.rowcount
    cursor.execute(
        SQL(
            "insert into {published} ({columns}, published_in) select {of_c}, {publication} "
            "from {wanted} as c join {difference} as d on {same_key} where not d.is_removed"
        ).format(
            published=mart.relation(PUBLISHED), columns=mart.listed(), of_c=mart.listed("c."),
            publication=Literal(publication_id), wanted=wanted, difference=DIFFERENCE,
            same_key=mart.same_key("c", "d"),
        )
    )  # fmt: skip
    return cursor.rowcount, closed


def count(cursor: Cursor, mart: Mart, previous: int | None) -> list[Change]:
    """The difference by lender and month.

    A row of a mart of history restates when its date was already covered by the previous publication, that is when
    it lies on or before that lender's data_as_of in it.
    """
    covered: Composable = SQL("false")
    if mart.is_history and previous is not None:
        covered = SQL(
            "d.difference_period <= (select pl.data_as_of from ops.publication_lender as pl "
            "where pl.publication_id = {} and pl.lender = d.difference_lender)"
        ).format(Literal(previous))
    cursor.execute(
        SQL(
            "select d.difference_lender, cast(date_trunc('month', d.difference_period) + interval '1 month - 1 day' "
            "as date) as period, count(*) filter (where d.is_added), "
            "count(*) filter (where not d.is_added and not d.is_removed), count(*) filter (where d.is_removed), "
            "coalesce(bool_or({covered}), false) from {difference} as d group by 1, 2 order by 1, 2"
        ).format(covered=covered, difference=DIFFERENCE)
    )
    return [Change(mart.name, *row) for row in cursor.fetchall()]
