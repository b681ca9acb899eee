"""A mart as its build offers it, as it is published, and how the one is brought to the shape of the other.

Published columns are an API: a column may be added, never removed or retyped. Views list their columns, so a BI
user's own view on a mart is never touched.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable, Composed, Identifier, Literal

from arrears.errors import Refused
from arrears.settings import READERS
from arrears.warehouse.connect import one

CANDIDATE, PUBLISHED, MARTS, AS_KNOWN = "candidate", "published", "marts", "marts_as_known"
RECORD = ("published_in", "superseded_in")
PUBLICATION = "publication_id"  # what a view has beside the mart's own columns
MONEY = "numeric(18,2)"  # the type of an amount, in the currency of its lender
PUBLICATION_COMMENT = "The publication that these rows belong to (发布编号)"


def names_an_amount(expression: str, columns: Iterable[Mapping[str, Any]]) -> bool:
    """Whether an expression over a mart names an amount: over several currencies it says nothing.

    columns: as the mart's YAML has them.
    """
    amounts = {column["name"] for column in columns if column.get("data_type") == MONEY}
    return not amounts.isdisjoint(re.findall(r"\w+", expression))


@dataclass(frozen=True)
class MartColumn:
    name: str
    sql_type: str
    comment: str | None


@dataclass(frozen=True)
class Mart:
    """One mart.

    Attributes:
        key: its key columns. period: the column that dates its rows, or None.
        keeps_changes: whether the build has kept which rows it changed (publish/changed.py).
    """

    name: str
    key: tuple[str, ...]
    period: str | None
    columns: tuple[MartColumn, ...]
    comment: str | None
    keeps_changes: bool

    @property
    def has_lender(self) -> bool:
        return any(column.name == "lender" for column in self.columns)

    @property
    def is_history(self) -> bool:
        """Whether its rows state history: the period is part of the key, so a row once published should not change."""
        return self.period is not None and self.period in self.key

    def missing_from(self, columns: Sequence[MartColumn]) -> list[MartColumn]:
        names = {column.name for column in columns}
        return [column for column in self.columns if column.name not in names]

    def relation(self, schema: str) -> Identifier:
        return Identifier(schema, self.name)

    def listed(self, prefix: str = "") -> Composed:
        """Its columns, each with `prefix`, for a select list."""
        return SQL(", ").join(SQL(prefix + "{}").format(Identifier(column.name)) for column in self.columns)

    def same_key(self, left: str, right: str) -> Composed:
        return SQL(" and ").join(SQL(f"{left}.{{0}} = {right}.{{0}}").format(Identifier(name)) for name in self.key)


def offered(cursor: Cursor, build_id: int) -> list[Mart]:
    """The marts of a build, as its record and the candidate schema describe them, in alphabetical order."""
    return _of_build(cursor, build_id, CANDIDATE)


def shown_by(cursor: Cursor, publication_id: int) -> list[Mart]:
    """The marts that a publication has, as they are published now, in alphabetical order."""
    (build_id,) = one(cursor, "select build_id from ops.publication where publication_id = %s", [publication_id])
    return _of_build(cursor, build_id, PUBLISHED)


def _of_build(cursor: Cursor, build_id: int, schema: str) -> list[Mart]:
    cursor.execute(
        "select mart, key_columns, period_column, comment, keeps_changes from ops.build_mart where build_id = %s "
        "order by mart",
        [build_id],
    )
    return [
        Mart(name, tuple(key), period, _own(columns_of(cursor, schema, name)), comment, keeps_changes)
        for name, key, period, comment, keeps_changes in cursor.fetchall()
    ]


def _own(columns: Sequence[MartColumn]) -> tuple[MartColumn, ...]:
    return tuple(column for column in columns if column.name not in RECORD)


def is_shown_by(publication: Composable, prefix: str = "") -> Composed:
    """Whether a publication shows a row of a published table."""
    return SQL(
        f"{prefix}published_in <= {{0}} and ({prefix}superseded_in is null or {prefix}superseded_in > {{0}})"
    ).format(publication)


def current_rows(mart: Mart) -> Composed:
    """The rows of a mart that are shown now, as a relation."""
    return SQL("(select {columns} from {published} where superseded_in is null)").format(
        columns=mart.listed(), published=mart.relation(PUBLISHED)
    )


def as_known_to(mart: Mart, publication_id: int) -> Composed:
    """The rows of a mart as a publication showed them, as a relation."""
    return SQL("(select {columns} from {published} where {shown})").format(
        columns=mart.listed(), published=mart.relation(PUBLISHED), shown=is_shown_by(Literal(publication_id))
    )


def columns_of(cursor: Cursor, schema: str, relation: str) -> tuple[MartColumn, ...]:
    """The columns of a table or view, in its order; none where there is no such relation."""
    cursor.execute(
        "select a.attname, format_type(a.atttypid, a.atttypmod), col_description(a.attrelid, a.attnum) "
        "from pg_attribute as a where a.attrelid = to_regclass(format('%%I.%%I', %s::text, %s::text)) "
        "and a.attnum > 0 and not a.attisdropped order by a.attnum",
        [schema, relation],
    )
    return tuple(MartColumn(*row) for row in cursor.fetchall())


def require_all(cursor: Cursor, marts: Sequence[Mart]) -> None:
    """Make sure that every published mart is offered: its views would go on showing what they show, as if it were new.

    Raises:
        Refused: one is not.
    """
    cursor.execute(
        "select relname from pg_class where relnamespace = %s::regnamespace and relkind = 'r' and relname <> all(%s) "
        "order by relname",
        [PUBLISHED, [mart.name for mart in marts]],
    )
    gone = [name for (name,) in cursor.fetchall()]
    if gone:
        raise Refused(
            "Published marts are an API: none may be removed. Keep the model, or publish one without rows under its "
            "name.",
            [f"{name}: published, and not in the build" for name in gone],
        )


def require_whole(cursor: Cursor, mart: Mart) -> None:
    """Make sure that the candidate has every published column.

    Raises:
        Refused: it lacks one, or has it in another type.
    """
    if not mart.columns:
        raise Refused(f"The build has no table candidate.{mart.name}: build again.")
    wanted = {column.name: column for column in mart.columns}
    reasons = [
        f"{mart.name}.{column.name}: published as {column.sql_type}, "
        + (f"now {wanted[column.name].sql_type}" if column.name in wanted else "now missing")
        for column in _own(columns_of(cursor, PUBLISHED, mart.name))
        if column.name not in wanted or wanted[column.name].sql_type != column.sql_type
    ]
    if reasons:
        raise Refused(
            "Published columns are an API: none may be removed or change its type. Keep the column and add the new "
            "one beside it, or publish the mart under a new name.",
            reasons,
        )


def ensure_published(cursor: Cursor, mart: Mart) -> None:
    """Create the published table and its views where the mart is new, and refresh comments."""
    if not columns_of(cursor, PUBLISHED, mart.name):
        _create(cursor, mart)
        _create_views(cursor, mart)
    _refresh_comments(cursor, mart)


def _create(cursor: Cursor, mart: Mart) -> None:
    columns = SQL(", ").join(
        SQL("{} {}").format(Identifier(column.name), SQL(column.sql_type)) for column in mart.columns
    )
    table = mart.relation(PUBLISHED)
    cursor.execute(
        SQL("create table {} ({}, published_in bigint not null, superseded_in bigint)").format(table, columns)
    )
    cursor.execute(
        SQL("create unique index {} on {} ({}) where superseded_in is null").format(
            Identifier(f"{mart.name}_current"), table, SQL(", ").join(map(Identifier, mart.key))
        )
    )
    cursor.execute(
        SQL("create index {} on {} (superseded_in) where superseded_in is not null").format(
            Identifier(f"{mart.name}_superseded"), table
        )
    )


# ── views ────────────────────────────────────────────────────────────────────────────────────────────────

CURRENT_PUBLICATION = SQL("(select max(publication_id) from ops.publication)")
# An error where the session names one that there is not, or that is no longer kept.
NAMED_PUBLICATION = SQL("(select marts_as_known.named_publication())")
# A reader that is bound to lenders, by its role or by the name it logged in with, sees those; any other sees all. By
# the role alone a member of arrears_readers would see all of them after `set role arrears_readers`.
VISIBLE = SQL(
    "(not exists (select from ops.reader_lender as mine where mine.role_name in (current_user, session_user)) "
    "or p.lender in (select mine.lender from ops.reader_lender as mine "
    "where mine.role_name in (current_user, session_user)))"
)


def _create_views(cursor: Cursor, mart: Mart) -> None:
    for schema in (MARTS, AS_KNOWN):
        cursor.execute(view(mart, schema, mart.columns))
        cursor.execute(SQL("grant select on {} to {}").format(mart.relation(schema), Identifier(READERS)))


def view(mart: Mart, schema: str, columns: Sequence[MartColumn]) -> Composed:
    """The statement that makes a mart's view, or gives it more columns. publication_id first: a view can only grow at
    its end."""
    publication = NAMED_PUBLICATION if schema == AS_KNOWN else CURRENT_PUBLICATION
    current = is_shown_by(publication, "p.") if schema == AS_KNOWN else SQL("p.superseded_in is null")
    return SQL(
        "create or replace view {view} with (security_barrier) as "
        "select {publication} as {named}, {names} from {table} as p where {current} and {visible}"
    ).format(
        named=Identifier(PUBLICATION),
        view=mart.relation(schema), publication=publication, table=mart.relation(PUBLISHED), current=current,
        names=SQL(", ").join(SQL("p.{}").format(Identifier(column.name)) for column in columns),
        visible=VISIBLE if mart.has_lender else SQL("true"),
    )  # fmt: skip


def _refresh_comments(cursor: Cursor, mart: Mart) -> None:
    """Carry the models' comments over to the views, where they changed: BI tools show them."""
    for schema in (MARTS, AS_KNOWN):
        standing = {column.name: column.comment for column in columns_of(cursor, schema, mart.name)}
        (comment,) = one(
            cursor,
            "select obj_description(to_regclass(format('%%I.%%I', %s::text, %s::text)), 'pg_class')",
            [schema, mart.name],
        )
        if mart.comment and comment != mart.comment:
            cursor.execute(SQL("comment on view {} is {}").format(mart.relation(schema), Literal(mart.comment)))
        comments = {column.name: column.comment for column in mart.columns}
        comments[PUBLICATION] = PUBLICATION_COMMENT
        for name, comment in comments.items():
            if comment and standing.get(name) != comment:
                cursor.execute(
                    SQL("comment on column {} is {}").format(Identifier(schema, mart.name, name), Literal(comment))
                )
