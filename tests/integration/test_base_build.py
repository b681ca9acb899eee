"""What a build may go on from: the one before, as long as the rules are the same and nobody else changed its tables."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from arrears import base_build, build, pipeline
from arrears.errors import Infrastructure
from arrears.settings import Role
from arrears.warehouse.connect import connect

from ..conftest import Warehouse
from .test_load import LOANS, Lender

DAY = dt.date(2024, 3, 31)
JANUARY = dt.date(2024, 1, 1)


def fingerprint(warehouse: Warehouse) -> str:
    with connect(warehouse.url(Role.BUILDER), "test") as connection, connection.cursor() as cursor:
        rules = base_build.rules_in_force(cursor, DAY)
    return base_build.fingerprint(warehouse.settings.dbt_project, "postgres", rules)


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


def test_a_build_is_given_up_where_another_contract_comes_into_force(
    warehouse: Warehouse, models_alone: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Loans that nothing happened to would keep the rules of the one before."""
    acme, beta = (Lender(warehouse, tmp_path, name) for name in ("acme", "beta"))
    for lender in (acme, beta):
        lender.send(DAY, loans=LOANS)
    acme.load_and_accept(DAY)
    build_models = build._build_models

    def while_dbt_runs(*how: Any) -> Any:
        done = build_models(*how)
        beta.load_and_accept(DAY)
        acme.document["arrears"]["conventions"] = {"grace_days": 7}
        acme.load_and_accept(DAY)
        return done

    monkeypatch.setattr(build, "_build_models", while_dbt_runs)
    with pytest.raises(Infrastructure, match=r"other contracts came into force \(acme\)"):
        pipeline.build(DAY, url=warehouse.url(Role.BUILDER))
    assert warehouse.rows("select status from ops.build") == [("failed",)]


def test_a_build_is_gone_on_from_by_the_next_one_alone(warehouse: Warehouse) -> None:
    with connect(warehouse.url(Role.BUILDER), "test") as connection, connection.cursor() as cursor:
        base_build.forget(cursor)
        assert base_build.find(cursor, "rules") is None
        for build_id in (1, 2):
            base_build.remember(cursor, build_id, "rules")
            assert (base_build.find(cursor, "rules"), base_build.find(cursor, "others")) == (build_id, None)
        base_build.forget(cursor)
        assert base_build.find(cursor, "rules") is None


@pytest.mark.parametrize("goes_on", [True, False])
def test_a_build_during_which_models_were_run_by_hand_is_not_gone_on_from(warehouse: Warehouse, goes_on: bool) -> None:
    with connect(warehouse.url(Role.BUILDER), "test") as connection, connection.cursor() as cursor:
        base_build.forget(cursor)
        if goes_on:
            base_build.remember(cursor, 1, "rules")
        cursor.execute("drop table intermediate.build_to_go_on_from")  # as dbt does that no build has started
        base_build.remember(cursor, 2, "rules")
        assert base_build.find(cursor, "rules") is None


def test_a_lender_s_very_first_contract_disturbs_no_build() -> None:
    before = {"acme": [{"value": "1"}, None]}
    build._refuse_other_rules(1, before, {**before, "beta": ["2024-01-01"]})
    with pytest.raises(Infrastructure, match=r"\(acme\)"):
        build._refuse_other_rules(1, before, {"acme": [{"value": "1"}, "2024-01-01"]})
