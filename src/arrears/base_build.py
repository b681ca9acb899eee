"""The build that the next one may go on from.

A build recomputes the loans that something happened to since the build before (dbt_project/macros/touched.sql). That is
only right if what that build left is still there and was made by the same rules. One row says so. Like the tables
it speaks for it is not logged, so a crash of the server that empties them takes the row as well, and the next
build builds everything. Models that are run by hand take the table away.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from arrears.warehouse.connect import first, one

TABLE = sql.Identifier("intermediate", "build_to_go_on_from")
# What the models read besides deliveries: another calendar, convention or mode changes loans nobody delivered.
RULES = ("lender", "lender_entity", "lender_convention")


def rules_in_force(cursor: Cursor, business_date: dt.date) -> dict[str, list[Any]]:
    """By lender, what the models of a build for `business_date` read of it besides its deliveries."""
    found: dict[str, list[Any]] = {}
    for table in RULES:
        cursor.execute(
            sql.SQL("select rules.lender, to_jsonb(rules) from {} as rules order by to_jsonb(rules)::text").format(
                sql.Identifier("ops", table)
            )
        )
        for lender, row in cursor.fetchall():
            found.setdefault(lender, []).append(row)
    # the first contract of a lender reaches back to its oldest loan (stg_lender_convention)
    cursor.execute(
        "select lender, min(contract_effective_from)::text from ops.delivery "
        "where status = 'accepted' and business_date <= %s group by lender",
        [business_date],
    )
    for lender, first_contract in cursor.fetchall():
        found.setdefault(lender, []).append(first_contract)
    return found


def fingerprint(project: Path, tables: str, rules: Mapping[str, list[Any]]) -> str:
    """A hash of the dbt project and the rules: with deliveries and the business date they decide what a build gives.

    Args:
        tables: whose tables they are: each engine goes on from its own.
    """
    digest = hashlib.sha256(tables.encode() + b"\0")
    for path in sorted(project.rglob("*")):
        inside = path.relative_to(project)
        if path.is_file() and path.suffix in (".sql", ".yml", ".csv") and inside.parts[0] not in ("target", "logs"):
            digest.update(inside.as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    digest.update(json.dumps(rules, sort_keys=True).encode())
    return digest.hexdigest()


def find(cursor: Cursor, fingerprint: str) -> int | None:
    """The build that left the tables as they are, by the same rules; None: everything has to be built."""
    if not _is_there(cursor):
        return None
    found = first(cursor, sql.SQL("select build_id from {} where fingerprint = %s").format(TABLE), [fingerprint])
    return int(found[0]) if found else None


def forget(cursor: Cursor) -> None:
    """Before everything is built: until that is done there is nothing to go on from.

    The table is there all the same: if it is gone later, somebody has run models by hand (macros/touched.sql).
    """
    cursor.execute(
        sql.SQL("create unlogged table if not exists {} (build_id bigint not null, fingerprint text not null)").format(
            TABLE
        )
    )
    cursor.execute(sql.SQL("delete from {}").format(TABLE))


def remember(cursor: Cursor, build_id: int, fingerprint: str) -> None:
    """The tables are now those of this build, unless somebody has run models by hand since it began."""
    if not _is_there(cursor):
        return
    cursor.execute(
        sql.SQL("with gone as (delete from {0}) insert into {0} values (%s, %s)").format(TABLE), [build_id, fingerprint]
    )


def _is_there(cursor: Cursor) -> bool:
    return bool(one(cursor, "select to_regclass('intermediate.build_to_go_on_from') is not null")[0])
