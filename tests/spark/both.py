"""The same build on both engines: on Postgres in a copy of the warehouse, so that neither finds what the other left."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass

import psycopg2

from arrears.build import build
from arrears.settings import Role, Settings
from arrears.warehouse.connect import connect

from ..conftest import fresh_database

Columns = dict[str, str]
RELATIONS = """
select relations.relname,
    array_agg(attributes.attname order by attributes.attname),
    array_agg(format_type(attributes.atttypid, attributes.atttypmod) order by attributes.attname)
from pg_class as relations
inner join pg_attribute as attributes
    on relations.oid = attributes.attrelid and attributes.attnum > 0 and not attributes.attisdropped
where relations.relnamespace = 'candidate'::regnamespace and relations.relkind in ('r', 'v')
group by relations.relname
"""


@dataclass
class Candidate:
    """Every relation of a candidate: its columns with their types, and its rows with how often they are there."""

    columns: dict[str, Columns]
    rows: dict[str, Counter[tuple[object, ...]]]


def candidate(url: str) -> Candidate:
    connection = psycopg2.connect(url)
    with connection, connection.cursor() as cursor:
        cursor.execute(RELATIONS)
        found = Candidate({name: dict(zip(names, types, strict=True)) for name, names, types in cursor.fetchall()}, {})
        for name, columns in found.columns.items():
            cursor.execute(f"select {', '.join(columns)} from candidate.{name}")
            found.rows[name] = Counter(cursor.fetchall())
    connection.close()
    return found


def on_postgres(day: dt.date, server: Settings, like: str, of_spark: Settings) -> Candidate:
    """What Postgres builds of all that the warehouse `like` has been sent."""
    url = fresh_database(server, "beside_spark", like)
    with connect(url, "test", autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute("drop table if exists intermediate.build_to_go_on_from")
    own = of_spark.model_copy(update={"engine": "postgres", "home": of_spark.home / "beside"})
    login = server.owner().to("beside_spark").login(Role.BUILDER.login, _password(server))
    build(day, url=login.url(), settings=own)
    return candidate(url)


def _password(server: Settings) -> str:
    assert server.builder_password is not None
    return server.builder_password.get_secret_value()


def differences(one: Candidate, other: Candidate) -> list[str]:
    """What is different, a line each: relations, columns, and of every relation how many rows and the first of them."""
    found = [f"{name} is on one side only" for name in set(one.columns) ^ set(other.columns)]
    for name in sorted(set(one.columns) & set(other.columns)):
        if one.columns[name] != other.columns[name]:
            found.append(f"{name}: {set(one.columns[name].items()) ^ set(other.columns[name].items())}")
        mine, theirs = one.rows[name] - other.rows[name], other.rows[name] - one.rows[name]
        for side, rows in (("the one", mine), ("the other", theirs)):
            if rows:
                found.append(f"{name}: {rows.total()} rows of {side} only, such as {next(iter(rows))}")
    return found
