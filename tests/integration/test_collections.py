"""Collections of a simulated lender through the whole pipeline: its actions, its agencies, and whose money is whose."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from arrears import pipeline
from arrears.load import registry
from arrears.settings import Role, settings
from arrears.simulate import layouts, simulate
from arrears.warehouse.connect import connect

from ..conftest import Warehouse, days

LENDER = "xiaodangjia"  # has agencies of all manners
FIRST, LAST = dt.date(2023, 3, 31), dt.date(2023, 8, 31)
LOANS, SEED = 400, 8
CHINA = ZoneInfo("Asia/Shanghai")
WEEK = dt.timedelta(days=7)

Row = dict[str, Any]


@pytest.fixture(scope="module")
def built(shared_warehouse: Warehouse) -> Warehouse:
    """Five months of deliveries, loaded, accepted without the gate (which others test) and built."""
    own = settings()
    simulate(
        start=FIRST, end=LAST, loans=LOANS, seed=SEED, lenders=[LENDER], every="month", landing=Path(own.landing),
        truth=Path(own.home) / "truth", workers=1,
    )  # fmt: skip
    url = shared_warehouse.url(Role.LOADER)
    for day in days(FIRST, LAST):
        if pipeline.delivery_complete(LENDER, day):
            loaded = pipeline.load(LENDER, day, url=url)
            with connect(url, "accept") as connection, connection.cursor() as cursor:
                registry.accept(cursor, loaded.delivery_id)
    pipeline.build(LAST, url=shared_warehouse.url(Role.BUILDER))
    return shared_warehouse


def table(warehouse: Warehouse, name: str) -> list[Row]:
    return [row for (row,) in warehouse.rows(f"select to_jsonb(t) from {name} as t")]


def local_day(action: Row) -> dt.date:
    return dt.datetime.fromisoformat(action["acted_at"]).astimezone(CHINA).date()


def test_every_accepted_action_is_in_the_fact_once(built: Warehouse) -> None:
    sent = built.rows("select distinct action_id, loan_id from raw.collection_action")
    found = built.rows("select action_id, loan_id from candidate.fct_collection_action")
    assert len(found) > 1000
    assert sorted(found) == sorted(sent)


def test_nothing_is_empty_or_of_one_kind(built: Warehouse) -> None:
    actions = table(built, "candidate.fct_collection_action")
    assert {row["promise_kept"] for row in actions} == {None, "kept", "partly_kept", "broken", "pending"}
    assert {row["breach_rule"] for row in actions} == {None, "quiet_hours", "daily_calls", "debtor_only"}
    months = table(built, "candidate.mart_collection_performance_monthly")
    agencies = {agency.name for agency in layouts.find(LENDER).PROFILE.agencies}
    assert {row["agency"] for row in months} == agencies | {"in_house"}
    assert sum(row["actions"] for row in months) == len(actions)


@pytest.mark.parametrize("rule", ["quiet_hours", "debtor_only"])
def test_agencies_without_manners_break_the_rules_more_often(rule: str, built: Warehouse) -> None:
    actions, breaches = defaultdict[str, int](int), defaultdict[str, int](int)
    for row in table(built, "candidate.mart_contact_compliance_daily"):
        if row["rule"] == rule:
            actions[row["agency"]] += row["actions"]
            breaches[row["agency"]] += row["breaches"]
    share = {agency: breaches[agency] / actions[agency] for agency in actions}
    ruder = sorted(layouts.find(LENDER).PROFILE.agencies, key=lambda agency: -agency.manners)
    found = [share["in_house"], *(share[agency.name] for agency in ruder)]
    assert found == sorted(found), share
    assert found[-1] > found[1], share


def test_a_call_at_night_is_one_by_the_clock_of_the_debtor(built: Warehouse) -> None:
    def is_at_night(action: Row) -> bool:
        hour = dt.datetime.fromisoformat(action["acted_at"]).astimezone(CHINA).hour
        return action["channel"] in ("phone", "visit") and not 8 <= hour < 22

    actions = table(built, "candidate.fct_collection_action")
    assert {row["action_id"] for row in actions if is_at_night(row)} == {
        row["action_id"] for row in actions if row["breach_rule"] == "quiet_hours"
    }


def test_the_fourth_call_of_a_day_is_counted_over_loans_and_agencies(built: Warehouse) -> None:
    person = dict(built.rows("select loan_id, borrower_key from candidate.dim_loan"))
    calls = defaultdict[tuple[str, dt.date], list[str]](list)
    agency = {row["action_id"]: row["agency"] or "in_house" for row in table(built, "candidate.fct_collection_action")}
    for row in sorted(table(built, "candidate.fct_collection_action"), key=_in_order):
        if row["channel"] == "phone" and row["connected"] and row["party"] in (None, "debtor"):
            calls[person[row["loan_id"]], local_day(row)].append(row["action_id"])
    expected = defaultdict[tuple[str, str], int](int)
    for (_, day), numbers in calls.items():
        for number in numbers[3:]:
            expected[agency[number], day.isoformat()] += 1
    found = {
        (row["agency"], row["contact_on"]): row["breaches"]
        for row in table(built, "candidate.mart_contact_compliance_daily")
        if row["rule"] == "daily_calls" and row["breaches"]
    }
    assert found == expected
    assert found


def _in_order(action: Row) -> tuple[dt.datetime, str]:
    return dt.datetime.fromisoformat(action["acted_at"]), action["action_id"]


def test_the_gate_lets_it_pass(built: Warehouse) -> None:
    suites = ("fct_collection_action", "mart_contact_compliance_daily", "mart_collection_performance_monthly")
    pipeline.gate_candidate(built.value("select max(build_id) from ops.build"), url=built.url(Role.PUBLISHER))
    judged = built.rows(
        "select suite, expectation, severity, success from ops.gate_result where suite = any(%s)", list(suites)
    )
    assert {suite for suite, *_ in judged} == set(suites)
    assert [row for row in judged if row[2] != "info" and not row[3]] == []


def test_each_yuan_belongs_to_the_last_action_before_it_or_to_nobody(built: Warehouse) -> None:
    """The attribution once more, payment by payment; what undoes a payment goes where that one went."""
    worked = defaultdict[str, list[Row]](list)
    for action in table(built, "candidate.fct_collection_action"):
        worked[action["loan_id"]].append(action)
    undoes = dict(built.rows(
        "select payment_id, reverses_payment_id from raw.payment where reverses_payment_id is not null"
    ))  # fmt: skip
    payments = {row["payment_id"]: row for row in table(built, "candidate.fct_payment") if row["kind"] != "waiver"}

    expected = defaultdict[tuple[Any, ...], Decimal](Decimal)
    nobodys = 0
    for number, payment in payments.items():
        if undoes.get(number, number) not in payments:
            continue  # takes a waiver back: no money
        first = payments[undoes.get(number, number)]
        value_on = dt.date.fromisoformat(first["value_on"])
        before = [row for row in worked[first["loan_id"]] if local_day(row) <= value_on <= local_day(row) + WEEK]
        if before:
            last = max(before, key=_in_order)
            key = (last["agency"] or "in_house", last["channel"], local_day(last).strftime("%Y-%m"))
            expected[key] += Decimal(str(payment["principal"]))
        else:
            nobodys += 1
    found = {
        (row["agency"], row["channel"], row["month_end"][:7]): Decimal(str(row["collected_principal_7d"]))
        for row in table(built, "candidate.mart_collection_performance_monthly")
    }
    assert {key: amount for key, amount in found.items() if amount} == {k: v for k, v in expected.items() if v}
    assert sum(found.values()) > 0
    assert nobodys > 0
