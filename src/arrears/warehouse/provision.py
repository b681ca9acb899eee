"""Roles, schemas, databases and tables: everything that exists before the first delivery.

Run by the warehouse's owner (`arrears up`), as often as one likes. Passwords come from the settings; identifiers
and literals are quoted by the driver.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor
from pydantic import SecretStr

from arrears.errors import Infrastructure, Usage
from arrears.settings import AIRFLOW, READERS, SUPERSET, Role, Settings
from arrears.warehouse.address import Address
from arrears.warehouse.connect import connect, first, one
from arrears.warehouse.migrations import migrate

SERVER_VERSION_MIN = 160000
BUILTIN_LOCALES = 170000

SCHEMAS = {
    "raw": Role.LOADER,
    "staging": Role.BUILDER,
    "intermediate": Role.BUILDER,
    "candidate": Role.BUILDER,
    "published": Role.PUBLISHER,
    "marts": Role.PUBLISHER,
    "marts_as_known": Role.PUBLISHER,
}


def provision(settings: Settings) -> None:
    """Bring the warehouse to the state this version of the package needs.

    Raises:
        Usage: the login of ARREARS_WAREHOUSE_URL may not. Infrastructure: the server cannot be reached, or is too old.
    """
    owner = settings.owner()
    try:
        _ensure_database(owner, owner.database)
        _provision_warehouse(settings, owner)
        for name, password in ((AIRFLOW, settings.airflow_password), (SUPERSET, settings.superset_database_password)):
            if password:
                _provision_metadata(owner, name, password)
    except (psycopg2.errors.InsufficientPrivilege, psycopg2.errors.ReadOnlySqlTransaction) as error:
        raise Usage(
            f"{owner.user} may not set up the warehouse ({error.diag.message_primary}): `arrears up` needs a login in "
            "ARREARS_WAREHOUSE_URL that owns the database and may create roles."
        ) from error


def _ensure_database(owner: Address, name: str) -> None:
    maintenance = owner.to("postgres").url()
    with connect(maintenance, "provision", autocommit=True) as connection, connection.cursor() as cursor:
        if connection.server_version < SERVER_VERSION_MIN:
            raise Infrastructure(
                f"PostgreSQL {connection.server_version // 10000} is too old: arrears needs 16 or newer."
            )
        if first(cursor, "select 1 from pg_database where datname = %s", [name]) is None:
            # another `up` may be quicker
            with suppress(psycopg2.errors.DuplicateDatabase, psycopg2.errors.UniqueViolation):
                cursor.execute(sql.SQL("create database {} ").format(sql.Identifier(name)) + _by_bytes(connection))


def _by_bytes(connection: Connection) -> sql.SQL:
    """Text sorts by its bytes, on every server, with every version of its libraries, and as on Spark."""
    provider = "builtin builtin_locale 'C.UTF-8'" if connection.server_version >= BUILTIN_LOCALES else "libc"
    return sql.SQL(f"template template0 encoding 'UTF8' locale 'C' locale_provider {provider}")


def _provision_warehouse(settings: Settings, owner: Address) -> None:
    with connect(owner.url(), "provision") as connection, connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtext('arrears.provision'))")
        if settings.engine == "spark":
            # The embedded server stretches its random passwords less, and Postgres's JDBC driver refuses to log in so.
            cursor.execute("set local scram_iterations = 4096")
        for role in Role:
            password = getattr(settings, f"{role.value}_password")
            _ensure_role(cursor, role.login, password.get_secret_value() if password else None)
        _ensure_readers(cursor)
        _limit_reader(cursor)
        _plan_for_bulk(cursor)
        _ensure_schemas(cursor, owner.database)
    migrate(owner.url())
    with connect(owner.url(), "provision") as connection, connection.cursor() as cursor:
        cursor.execute(Path(__file__).with_name("grants.sql").read_text())


def _ensure_role(cursor: Cursor, name: str, password: str | None) -> None:
    if first(cursor, "select 1 from pg_roles where rolname = %s", [name]) is None:
        cursor.execute(sql.SQL("create role {} login").format(sql.Identifier(name)))
    if password is not None:
        cursor.execute(sql.SQL("alter role {} login password {}").format(sql.Identifier(name), sql.Literal(password)))


def _ensure_readers(cursor: Cursor) -> None:
    """What readers have in common is a role that nobody logs in as: whoever is a member of a role may see what its
    sessions ask, and end them."""
    if first(cursor, "select 1 from pg_roles where rolname = %s", [READERS]) is None:
        cursor.execute(sql.SQL("create role {} nologin").format(sql.Identifier(READERS)))
    cursor.execute(
        sql.SQL("grant {} to {} with inherit true, set false").format(
            sql.Identifier(READERS), sql.Identifier(Role.READER.login)
        )
    )


def _limit_reader(cursor: Cursor) -> None:
    """A reader sees marts, writes nothing, and cannot hold the server up."""
    _set_for(
        cursor,
        Role.READER,
        default_transaction_read_only="on",
        statement_timeout="5min",
        idle_in_transaction_session_timeout="10min",
        search_path="marts",
    )


def _plan_for_bulk(cursor: Cursor) -> None:
    """A build joins whole books. What comes out of a common table expression has no statistics, so the planner takes it
    for a handful of rows and would loop over it, for minutes where a hash takes a second."""
    _set_for(cursor, Role.BUILDER, enable_nestloop="off", work_mem="64MB", jit="off")


def _set_for(cursor: Cursor, role: Role, **parameters: str) -> None:
    for parameter, value in parameters.items():
        cursor.execute(
            sql.SQL("alter role {} set {} = {}").format(
                sql.Identifier(role.login), sql.Identifier(parameter), sql.Literal(value)
            )
        )


def _ensure_schemas(cursor: Cursor, database: str) -> None:
    cursor.execute("create schema if not exists ops")
    owner = sql.Identifier(one(cursor, "select current_user")[0])
    for schema, role in SCHEMAS.items():
        # An owner that is no superuser has to be a member of a role to give it something.
        cursor.execute(sql.SQL("grant {} to {}").format(sql.Identifier(role.login), owner))
        cursor.execute(
            sql.SQL("create schema if not exists {} authorization {}").format(
                sql.Identifier(schema), sql.Identifier(role.login)
            )
        )
    let_in(cursor, database)


def let_in(cursor: Cursor, database: str) -> None:
    """Who may connect to a warehouse's database: nobody but its roles, and readers without tables of their own."""
    cursor.execute(sql.SQL("revoke all on database {} from public").format(sql.Identifier(database)))
    for name in (*(role.login for role in Role if role is not Role.READER), READERS):
        privileges = sql.SQL("connect" if name == READERS else "connect, temporary")
        cursor.execute(
            sql.SQL("grant {} on database {} to {}").format(privileges, sql.Identifier(database), sql.Identifier(name))
        )


def _provision_metadata(owner: Address, name: str, password: SecretStr) -> None:
    """Somebody's metadata: another database of the same server, owned by a role that cannot reach the warehouse."""
    _ensure_database(owner, name)
    with connect(owner.to(name).url(), "provision") as connection, connection.cursor() as cursor:
        _ensure_role(cursor, name, password.get_secret_value())
        cursor.execute(sql.SQL("revoke all on database {} from public").format(sql.Identifier(name)))
        cursor.execute(
            sql.SQL("grant all on database {0} to {0}; grant all on schema public to {0}").format(sql.Identifier(name))
        )
