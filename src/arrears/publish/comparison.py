"""What is different between two publications: by mart, lender and month, and row by row, before and after."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable, Composed, Identifier, Literal

from arrears.errors import Usage
from arrears.publish.mart import PUBLISHED, Mart, shown_by
from arrears.warehouse.connect import connect, first


@dataclass(frozen=True)
class MonthDifference:
    """Rows of a mart that are different, for one lender and month (None where the mart has no such column)."""

    mart: str
    lender: str | None
    period: dt.date | None
    added: int
    changed: int
    removed: int


@dataclass(frozen=True)
class RowDifference:
    """A row that is different.

    Attributes:
        kind: added, changed or removed. key: its key. values: by column that is no key and differs, (before, after).
    """

    mart: str
    kind: str
    key: dict[str, Any]
    values: dict[str, tuple[Any, Any]]

    def to_dict(self) -> dict[str, Any]:
        values = {name: {"before": before, "after": after} for name, (before, after) in self.values.items()}
        return {"mart": self.mart, "kind": self.kind, "key": self.key, "values": values}


@dataclass(frozen=True)
class PublicationDifference:
    """months: all that differs. rows: of the marts that were asked for, the first ones by key."""

    before: int
    after: int
    months: tuple[MonthDifference, ...]
    rows: tuple[RowDifference, ...]

    def to_dict(self) -> dict[str, Any]:
        return {
            "before": self.before, "after": self.after, "months": [vars(month) for month in self.months],
            "rows": [row.to_dict() for row in self.rows],
        }  # fmt: skip


def compare(
    before: int, after: int, *, url: str, mart: str | None = None, lender: str | None = None, limit: int | None = 20
) -> PublicationDifference:
    """Compare what two publications showed.

    Args:
        before, after: their numbers, in either order. mart: only this one, and its rows, too. lender: only this one's.
        limit: rows at most; None for all. url: libpq URL of the publisher role.

    Raises:
        Usage: there is no such publication or mart.
    """
    with connect(url, "diff") as connection, connection.cursor() as cursor:
        marts = _marts(cursor, before, after, mart)
        months = [month for one in marts for month in _months(cursor, one, before, after, lender)]
        rows = _rows(cursor, marts[0], before, after, lender, limit) if mart else []
    return PublicationDifference(before, after, tuple(months), tuple(rows))


def _marts(cursor: Cursor, before: int, after: int, only: str | None) -> list[Mart]:
    for publication_id in (before, after):
        if first(cursor, "select from ops.publication where publication_id = %s", [publication_id]) is None:
            raise Usage(f"There is no publication {publication_id}: `arrears publications` lists those there are.")
    marts = {mart.name: mart for publication in (before, after) for mart in shown_by(cursor, publication)}
    if only is None:
        return [marts[name] for name in sorted(marts)]
    if only not in marts:
        raise Usage(f"There is no mart '{only}' in publications {before} and {after}. There are: {', '.join(marts)}.")
    return [marts[only]]


def _differing(mart: Mart, before: int, after: int, lender: str | None) -> Composed:
    """Rows that only one of the two publications showed, joined by their key: b as they were, a as they are."""
    of_lender: Composable = SQL("")
    if lender is not None:
        of_lender = SQL(" and {}").format(
            SQL("lender = {}").format(Literal(lender)) if mart.has_lender else SQL("false")
        )
    return SQL(
        "(select *, true as is_there from {published} where {shown_before} and not {shown_after}{of_lender}) as b "
        "full join (select *, true as is_there from {published} where {shown_after} and not {shown_before}{of_lender}) "
        "as a on {same_key} where row({of_b}) is distinct from row({of_a})"
    ).format(
        published=mart.relation(PUBLISHED), shown_before=_shown(before), shown_after=_shown(after), of_lender=of_lender,
        same_key=mart.same_key("b", "a"), of_b=mart.listed("b."), of_a=mart.listed("a."),
    )  # fmt: skip


def _shown(publication_id: int) -> Composed:
    return SQL("(published_in <= {0} and coalesce(superseded_in > {0}, true))").format(Literal(publication_id))


def _either(name: str | None, sql_type: str) -> Composed:
    if name is None:
        return SQL("cast(null as {})").format(SQL(sql_type))
    return SQL("coalesce(a.{0}, b.{0})").format(Identifier(name))


def _months(cursor: Cursor, mart: Mart, before: int, after: int, lender: str | None) -> list[MonthDifference]:
    cursor.execute(
        SQL(
            "select {lender}, cast(date_trunc('month', {period}) + interval '1 month - 1 day' as date), "
            "count(*) filter (where b.is_there is null), "
            "count(*) filter (where a.is_there and b.is_there), count(*) filter (where a.is_there is null) "
            "from {differing} group by 1, 2 order by 1, 2"
        ).format(
            lender=_either("lender" if mart.has_lender else None, "text"), period=_either(mart.period, "date"),
            differing=_differing(mart, before, after, lender),
        )
    )  # fmt: skip
    return [MonthDifference(mart.name, *row) for row in cursor.fetchall()]


def _rows(
    cursor: Cursor, mart: Mart, before: int, after: int, lender: str | None, limit: int | None
) -> list[RowDifference]:
    cursor.execute(
        SQL(
            "select b.is_there is null, a.is_there is null, {of_b}, {of_a} from {differing} "
            "order by {key} limit {limit}"
        ).format(
            of_b=mart.listed("b."), of_a=mart.listed("a."), differing=_differing(mart, before, after, lender),
            key=SQL(", ").join(_either(name, "text") for name in mart.key), limit=Literal(limit),
        )
    )  # fmt: skip
    return [_row(mart, *row) for row in cursor.fetchall()]


def _row(mart: Mart, is_added: bool, is_removed: bool, *values: Any) -> RowDifference:
    names = [column.name for column in mart.columns]
    was = dict(zip(names, values[: len(names)], strict=True))
    now = dict(zip(names, values[len(names) :], strict=True))
    kind = "added" if is_added else "removed" if is_removed else "changed"
    key = {name: (was if is_removed else now)[name] for name in mart.key}
    return RowDifference(
        mart.name,
        kind,
        key,
        {name: (was[name], now[name]) for name in names if name not in key and was[name] != now[name]},
    )
