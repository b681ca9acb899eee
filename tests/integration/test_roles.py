"""What each role may do, tried: the reader above all."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg2
import pytest
from pydantic import SecretStr

from arrears.errors import Usage
from arrears.settings import Role
from arrears.warehouse.provision import provision

from ..conftest import Warehouse
from .test_publish import A_FEB, Candidate


@pytest.fixture
def published(warehouse: Warehouse) -> Warehouse:
    Candidate(warehouse).publish([A_FEB])
    return warehouse


def test_the_reader_reads_the_marts(published: Warehouse) -> None:
    for query in (
        "select * from mart_x",
        "select * from marts.dim_lender",
        "select * from marts_as_known.mart_x",
        "select * from publication",
        "select * from publication_lender",
        "select * from publication_change",
    ):
        assert published.rows(query, role=Role.READER)


@pytest.mark.parametrize(
    "statement",
    [
        "insert into marts.mart_x (lender) values ('x')",
        "update marts.mart_x set loans = 0",
        "delete from marts.mart_x",
        "create table marts.mine (a int)",
        "create table public.mine (a int)",
        "create temporary table mine (a int)",
        "create view marts.mine as select 1",
        "drop view marts.mart_x cascade",
        "select * from published.mart_x",
        "select * from candidate.mart_x",
        "select * from raw.loan",
        "select * from raw.borrower",
        "select * from ops.publication",
        "select * from ops.reader_lender",
        "select * from ops.rejected_row",
        "insert into ops.reader_lender values ('x', 'y')",
        "set role arrears_publisher",
        "set role arrears_loader",
        "set session authorization arrears_owner",
        "alter role arrears_reader set statement_timeout = 0; create role other",
        "select pg_read_file('/etc/passwd')",
        "copy (select 1) to program 'true'",
        "copy (select 1) to '/tmp/arrears_reader_was_here'",
        "select lo_create(0)",
        "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'arrears_owner'",
    ],
)
def test_the_reader_can_do_nothing_else(published: Warehouse, statement: str) -> None:
    other = psycopg2.connect(published.owner_url)  # somebody for pg_terminate_backend to aim at
    try:
        # Read-only is a default that the reader can lift; what it may not do, it may not do in read-write either.
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            published.rows(f"set transaction read write; {statement}", role=Role.READER)
    finally:
        other.close()


def test_another_search_path_reaches_nothing_more(published: Warehouse) -> None:
    with pytest.raises(psycopg2.errors.UndefinedTable):
        published.rows("set search_path = published, raw; select * from mart_x", role=Role.READER)


def test_the_reader_is_read_only_and_limited_in_time_by_default(published: Warehouse) -> None:
    shown = [
        published.value(f"show {name}", role=Role.READER)
        for name in ("default_transaction_read_only", "statement_timeout", "idle_in_transaction_session_timeout")
    ]
    assert shown == ["on", "5min", "10min"]


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        (Role.LOADER, "select * from candidate.mart_x"),
        (Role.LOADER, "select * from published.mart_x"),
        (Role.LOADER, "insert into ops.publication (publication_id) values (9)"),
        (Role.LOADER, "insert into ops.gate_run (boundary, build_id, outcome) values ('candidate', 1, 'pass')"),
        (Role.LOADER, "delete from ops.rejected_row"),
        (Role.LOADER, "update ops.gate_result set observed = null"),
        (Role.BUILDER, "select reasons from ops.delivery"),
        (Role.BUILDER, "select ops.forget_details(0)"),
        (Role.BUILDER, "update ops.build set business_date = '2024-01-01'"),
        (Role.BUILDER, "insert into raw.loan (lender) values ('x')"),
        (Role.BUILDER, "select * from published.mart_x"),
        (Role.BUILDER, "select * from ops.rejected_row"),
        (Role.BUILDER, "select observed from ops.gate_result"),
        (Role.BUILDER, "update ops.delivery set status = 'accepted'"),
        (Role.BUILDER, "insert into ops.gate_run (boundary, outcome) values ('candidate', 'pass')"),
        (Role.PUBLISHER, "select * from raw.loan"),
        (Role.PUBLISHER, "insert into candidate.mart_x (lender) values ('x')"),
        (Role.PUBLISHER, "delete from ops.publication"),
        (Role.PUBLISHER, "update ops.publication set approved_by = 'nobody'"),
        (Role.PUBLISHER, "update ops.build set code_version = ''"),
        (Role.PUBLISHER, "delete from ops.publication_change"),
    ],
)
def test_each_step_keeps_to_its_own_schemas(published: Warehouse, role: Role, statement: str) -> None:
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        published.rows(statement, role=role)


@pytest.fixture
def investor(published: Warehouse) -> Iterator[str]:
    """The URL of a reader as the guide makes one."""
    published.rows("create role investor login password 'investor'")
    published.rows("grant arrears_readers to investor with inherit true, set false")
    yield published.settings.owner().login("investor", "investor").url()
    published.rows("drop role investor")


def test_an_investor_neither_sees_nor_ends_what_others_ask(published: Warehouse, investor: str) -> None:
    """Of a role that is logged in as, a member may do both."""
    others = psycopg2.connect(published.url(Role.READER))
    own = psycopg2.connect(investor)
    try:
        with others.cursor() as asking, own.cursor() as cursor:
            asking.execute("select * from marts.mart_x where lender = 'secret'")
            cursor.execute("select count(*) from marts.mart_x")
            assert cursor.fetchone() == (1,)
            cursor.execute("select pid, query from pg_stat_activity where usename = 'arrears_reader'")
            ((process, query),) = cursor.fetchall()
            assert "secret" not in query
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                cursor.execute("select pg_terminate_backend(%s)", [process])
    finally:
        own.close()
        others.close()


def test_what_a_reader_may_sort_on_disk_is_limited(published: Warehouse) -> None:
    assert published.value("show temp_file_limit", role=Role.READER) == "10GB"


def test_airflow_cannot_reach_the_warehouse_nor_the_reader_airflow(published: Warehouse) -> None:
    own = published.settings.owner()
    for address in (
        own.login("airflow", _password("AIRFLOW", published)),
        own.to("airflow").login(Role.READER.login, _password("READER", published)),
    ):
        with pytest.raises(psycopg2.OperationalError, match="permission denied for database"):
            psycopg2.connect(address.url())


def _password(name: str, published: Warehouse) -> str:
    secret = getattr(published.settings, f"{name.lower()}_password")
    if secret is None:  # the server fixture's own file has it
        pytest.fail(f"no password for {name}")
    return str(secret.get_secret_value())


def test_who_may_not_set_up_the_warehouse_is_told_so(warehouse: Warehouse) -> None:
    own = warehouse.settings.model_copy(update={"warehouse_url": SecretStr(warehouse.url(Role.READER))})
    with pytest.raises(Usage, match="arrears_reader may not set up the warehouse"):
        provision(own)
