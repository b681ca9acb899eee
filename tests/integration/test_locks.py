"""Locks that somebody does not let go of: every step waits for an end, and says who it was."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from arrears import pipeline
from arrears.contract.entities import ENTITIES
from arrears.errors import Infrastructure
from arrears.load import registry
from arrears.publish import record, retain
from arrears.settings import Role
from arrears.warehouse.connect import connect, one
from arrears.warehouse.provision import provision

from ..conftest import Warehouse

Step = Callable[[Warehouse], object]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("arrears.warehouse.connect.LOCK_TIMEOUT", "300ms")


@contextmanager
def held(warehouse: Warehouse, lender: str | None = None) -> Iterator[int]:
    """The candidate, or the deliveries of a lender, in use by another process of the server. Gives its number."""
    with connect(warehouse.url(Role.LOADER), "by hand") as connection, connection.cursor() as cursor:
        # Who waits without an end fails and does not hang.
        cursor.execute("set idle_in_transaction_session_timeout = '20s'")
        if lender:
            registry.lock_lender(cursor, lender)
        else:
            record.lock(cursor)
        yield connection.info.backend_pid


@pytest.mark.parametrize(
    "step",
    [
        lambda warehouse: pipeline.build(dt.date(2024, 3, 31), url=warehouse.url(Role.BUILDER)),
        lambda warehouse: pipeline.publish(1, url=warehouse.url(Role.PUBLISHER)),
        lambda warehouse: pipeline.rollback(1, url=warehouse.url(Role.PUBLISHER), by="Li Na", reason="wrong"),
        lambda warehouse: retain(url=warehouse.url(Role.PUBLISHER), keep_newest=1),
    ],
    ids=["build", "publish", "rollback", "retain"],
)
def test_who_waits_for_the_candidate_is_told_who_has_it(warehouse: Warehouse, step: Step) -> None:
    with held(warehouse) as process, pytest.raises(Infrastructure) as failure:
        step(warehouse)
    assert str(failure.value) == (
        f"Waited in vain for the candidate: in use by process {process} of the server (arrears by hand). "
        "Run this again once that has ended."
    )


def test_who_waits_for_a_lender_is_told_who_has_it_and_nobody_waits_for_another(warehouse: Warehouse) -> None:
    with (
        held(warehouse, "one") as process,
        held(warehouse, "two"),
        pytest.raises(Infrastructure, match=rf"for the deliveries of one: in use by process {process} of the server"),
        held(warehouse, "one"),
    ):
        pass


def test_every_other_lock_is_waited_for_no_longer(warehouse: Warehouse) -> None:
    with connect(warehouse.owner_url, "by hand") as connection, connection.cursor() as cursor:
        cursor.execute("set idle_in_transaction_session_timeout = '20s'; lock table ops.publication")
        with pytest.raises(Infrastructure, match="during retain: canceling statement due to lock timeout"):
            retain(url=warehouse.url(Role.PUBLISHER), keep_newest=1)


def test_a_session_that_holds_a_lock_may_be_silent(warehouse: Warehouse) -> None:
    """For hours, while dbt works under it."""
    warehouse.rows("alter role arrears_builder in database of_a_test set idle_session_timeout = '1min'")
    with connect(warehouse.url(Role.BUILDER), "build") as connection, connection.cursor() as cursor:
        assert one(cursor, "show idle_session_timeout") == ("0",)


def test_what_is_sent_into_a_void_is_known_to_be_lost_after_a_minute(warehouse: Warehouse) -> None:
    """Keepalives are silent as long as something sent is not acknowledged: a build's pulse would hang for a quarter of
    an hour, while the server has ended its session and let go of its lock."""
    with connect(warehouse.url(Role.BUILDER), "build") as connection, connection.cursor() as cursor:
        assert one(cursor, "show tcp_user_timeout") == ("60000",)
        assert connection.info.dsn_parameters["tcp_user_timeout"] == "60000"


def test_a_new_lender_and_a_new_release_wait_for_no_reader_of_raw(warehouse: Warehouse) -> None:
    """A build or a backup reads for hours, and whoever comes after one that waits for it waits as well."""
    tables = ", ".join(f"raw.{entity}" for entity in ENTITIES)
    with connect(warehouse.owner_url, "by hand") as connection, connection.cursor() as cursor:
        cursor.execute(
            f"set idle_in_transaction_session_timeout = '20s'; lock table {tables}, ops.delivery in access share mode"
        )
        with connect(warehouse.url(Role.LOADER), "load") as other, other.cursor() as loading:
            registry.ensure_partitions(loading, "acme")
        provision(warehouse.settings)
