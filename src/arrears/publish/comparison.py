"""What is different between two publications: by mart, lender and month, and row by row, before and after."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable, Composed, Identifier, Literal

from arrears.errors import Usage
from arrears.publish import difference, record
from arrears.publish.difference import Change
from arrears.publish.mart import PUBLISHED, Mart, is_shown_by, shown_by
from arrears.warehouse.connect import connect


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
    months: tuple[Change, ...]
    rows: tuple[RowDifference, ...]

    def to_dict(self) -> dict[str, Any]:
        return {
            "before": self.before, "after": self.after, "months": [_counts(month) for month in self.months],
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
        Usage: there is no such publication, mart or lender, or its rows are no longer kept.
    """
    with connect(url, "diff") as connection, connection.cursor() as cursor:
        # one state of all marts: upkeep beside it may remove what one of the two showed
        connection.set_session(isolation_level="REPEATABLE READ")
        marts = _marts(cursor, before, after, mart)
        _require_lender(cursor, before, after, lender)
        months: list[Change] = []
        rows: list[RowDifference] = []
        for one in marts:
            was, now = _shown_otherwise(one, before, after, lender)
            if difference.find(cursor, one, now, was):
                months += difference.count(cursor, one, previous=None)
                rows += _rows(cursor, one, now, was, limit) if mart else []
    return PublicationDifference(before, after, tuple(months), tuple(rows))


def _marts(cursor: Cursor, before: int, after: int, only: str | None) -> list[Mart]:
    for publication_id in (before, after):
        record.require(cursor, publication_id)
    marts = {mart.name: mart for publication in (before, after) for mart in shown_by(cursor, publication)}
    if only is None:
        return [marts[name] for name in sorted(marts)]
    if only not in marts:
        raise Usage(f"There is no mart '{only}' in publications {before} and {after}. There are: {', '.join(marts)}.")
    return [marts[only]]


def _require_lender(cursor: Cursor, before: int, after: int, lender: str | None) -> None:
    """Else a name that nobody has would show no difference."""
    cursor.execute(
        "select distinct lender from ops.publication_lender where publication_id in (%s, %s) order by 1",
        [before, after],
    )
    known = [name for (name,) in cursor.fetchall()]
    if lender is not None and lender not in known:
        raise Usage(f"Publications {before} and {after} know no lender {lender}. There are: {', '.join(known)}.")


def _shown_otherwise(mart: Mart, before: int, after: int, lender: str | None) -> tuple[Composed, Composed]:
    """The rows that only the first of two publications showed, and those that only the second did."""
    of_lender: Composable = SQL("true")
    if lender is not None:
        of_lender = SQL("lender = {}").format(Literal(lender)) if mart.has_lender else SQL("false")

    def shown(by: int, not_by: int) -> Composed:
        return SQL("(select {columns} from {published} where {shown} and not ({not_shown}) and {of_lender})").format(
            columns=mart.listed(), published=mart.relation(PUBLISHED), shown=is_shown_by(Literal(by)),
            not_shown=is_shown_by(Literal(not_by)), of_lender=of_lender,
        )  # fmt: skip

    return shown(before, after), shown(after, before)


def _rows(cursor: Cursor, mart: Mart, now: Composed, was: Composed, limit: int | None) -> list[RowDifference]:
    """The rows of which `difference` has the keys, before and after."""
    cursor.execute(
        SQL(
            "select d.is_added, d.is_removed, {of_b}, {of_a} from {difference} as d "
            "left join {was} as b on {key_of_b} left join {now} as a on {key_of_a} order by {key} limit {limit}"
        ).format(
            of_b=mart.listed("b."), of_a=mart.listed("a."), difference=difference.DIFFERENCE, was=was, now=now,
            key_of_b=mart.same_key("d", "b"), key_of_a=mart.same_key("d", "a"),
            key=SQL(", ").join(SQL("d.{}").format(Identifier(name)) for name in mart.key), limit=Literal(limit),
        )
    )  # fmt: skip
    return [_row(mart, *row) for row in cursor.fetchall()]


def _counts(month: Change) -> dict[str, Any]:
    counts = asdict(month)
    del counts["is_restatement"]  # a question about one publication and the one before it
    return counts


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
