"""What a build may go on from: the one before, as long as the rules are the same and nobody else changed its tables."""

from __future__ import annotations

import datetime as dt

from arrears import base_build
from arrears.settings import Role
from arrears.warehouse.connect import connect

from ..conftest import Warehouse

DAY = dt.date(2024, 3, 31)
JANUARY = dt.date(2024, 1, 1)


def fingerprint(warehouse: Warehouse) -> str:
    with connect(warehouse.url(Role.BUILDER), "test") as connection, connection.cursor() as cursor:
        return base_build.fingerprint(cursor, warehouse.settings.dbt_project, "postgres", DAY)


def deliver(warehouse: Warehouse, status: str, contract: dt.date, day: dt.date = DAY) -> None:
    """Put a delivery under the contract of a date on record."""
    warehouse.rows(
        "insert into ops.delivery (lender, business_date, version, content_hash, status, contract_effective_from) "
        "select 'a_lender', %s, count(*) + 1, '', %s, %s from ops.delivery", day, status, contract,
    )  # fmt: skip


def test_a_lender_s_first_contract_is_that_of_a_delivery_that_counts(warehouse: Warehouse) -> None:
    """One that was refused may have been dated by mistake, and would date the book for good."""
    deliver(warehouse, "accepted", JANUARY)
    before = fingerprint(warehouse)
    for status in ("refused", "loaded", "superseded"):
        deliver(warehouse, status, dt.date(2014, 1, 1))
    deliver(warehouse, "accepted", dt.date(2014, 1, 1), DAY + dt.timedelta(days=1))
    assert fingerprint(warehouse) == before
    deliver(warehouse, "accepted", dt.date(2023, 1, 1), dt.date(2023, 12, 31))
    assert fingerprint(warehouse) != before
