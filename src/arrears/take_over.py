"""Make what Spark has handed over the candidate: with the keys, rules and comments of its contracts, and all at once.

Spark has written every relation beside the one that stands (arrears.spark.hand_over). A reader of the candidate sees
the build before or this one, and never some of both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from arrears.errors import Infrastructure, Refused
from arrears.spark.beside import BESIDE, handed_over
from arrears.warehouse.connect import one


def take_over(connection: Connection, manifest: Mapping[str, Any], counted: Mapping[str, int]) -> None:
    """Put the relations of the candidate in place, once no session of Spark's is left.

    Args:
        counted: the rows that Spark has of each relation, by `schema.name`.

    Raises:
        Refused: rows break a mart's contract. Infrastructure: there are other rows than Spark has.
    """
    relations = handed_over(manifest)
    with connection.cursor() as cursor:
        _count(cursor, relations, counted)
        broken = [fault for node in relations for fault in _declare(cursor, node)]
        if broken:
            raise Refused("Marts break their contracts; the candidate is as it was.", broken)
        for node in relations:
            _describe(cursor, node)
        cursor.execute("begin")
        try:
            for node in relations:
                _replace(cursor, node)
        except BaseException:
            cursor.execute("rollback")
            raise
        cursor.execute("commit")


def _beside(node: Mapping[str, Any]) -> sql.Identifier:
    return sql.Identifier(node["schema"], node["name"] + BESIDE)


def _count(cursor: Cursor, relations: Sequence[Mapping[str, Any]], counted: Mapping[str, int]) -> None:
    """Spark has counted them, but a worker that had been given up, and was only slow, may have gone on after that."""
    others = [
        node["name"]
        for node in relations
        if one(cursor, sql.SQL("select count(*) from {}").format(_beside(node)))
        != (counted[f"{node['schema']}.{node['name']}"],)
    ]
    if others:
        raise Infrastructure(f"Postgres has other rows than Spark wrote of {', '.join(others)}: build again.")


def _declare(cursor: Cursor, node: Mapping[str, Any]) -> list[str]:
    """Keys and rules, as dbt declares them on Postgres. Returns what the rows break."""
    faults = []
    for rule in _rules(node):
        try:
            cursor.execute(sql.SQL("alter table {} ").format(_beside(node)) + rule)
        except psycopg2.IntegrityError as error:
            faults.append(f"{node['name']}: {str(error).splitlines()[0]}")
    return faults


def _rules(node: Mapping[str, Any]) -> list[sql.Composable]:
    rules: list[sql.Composable] = [
        sql.SQL("alter column {} set not null").format(sql.Identifier(name))
        for name, column in node["columns"].items()
        if any(constraint["type"] == "not_null" for constraint in column.get("constraints", ()))
    ]
    for constraint in node.get("constraints", ()):  # a seed has none
        if constraint["type"] == "primary_key":
            columns = sql.SQL(", ").join(map(sql.Identifier, constraint["columns"]))
            rules.append(sql.SQL("add primary key ({})").format(columns))
        elif constraint["type"] == "check":
            rules.append(sql.SQL("add check ({})").format(sql.SQL(constraint["expression"])))
    return rules


def _describe(cursor: Cursor, node: Mapping[str, Any]) -> None:
    if node["description"]:
        cursor.execute(sql.SQL("comment on table {} is %s").format(_beside(node)), [node["description"]])
    for name, column in node["columns"].items():
        if column["description"]:
            cursor.execute(
                sql.SQL("comment on column {}.{} is %s").format(_beside(node), sql.Identifier(name)),
                [column["description"]],
            )
    cursor.execute(sql.SQL("analyze {}").format(_beside(node)))


def _replace(cursor: Cursor, node: Mapping[str, Any]) -> None:
    """Evidence is a view where Postgres has built it."""
    standing = sql.Identifier(node["schema"], node["name"])
    cursor.execute(
        "select relkind = 'v' from pg_class where oid = to_regclass(format('%%I.%%I', %s, %s))",
        [node["schema"], node["name"]],
    )
    for (is_view,) in cursor.fetchall():
        kind = sql.SQL("view" if is_view else "table")
        cursor.execute(sql.SQL("drop {} {} cascade").format(kind, standing))
    cursor.execute(sql.SQL("alter table {} rename to {}").format(_beside(node), sql.Identifier(node["name"])))
