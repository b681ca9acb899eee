"""Days run by Airflow itself. The tests tell one story, in this order: a backfill, three dates, a correction, a late
delivery. Nobody does more than what stands here.
"""

from __future__ import annotations

import datetime as dt
import json

import pytest

from arrears.settings import Role

from .conftest import PROMPT, TARDY, World
from .services import USER

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(900)]


def publications(world: World) -> list[tuple[dt.date, str, str | None, str | None]]:
    query = "select business_date, gate_status, approved_by, reason from publication order by publication_id"
    return world.warehouse.rows(query, role=Role.READER)


def deliveries(world: World, lender: str, status: str) -> list[dt.date]:
    query = "select business_date from ops.delivery where lender = %s and status = %s order by 1"
    return [row[0] for row in world.warehouse.rows(query, lender, status)]


def known_of_lenders(world: World, day: dt.date) -> list[tuple[str, dt.date, bool]]:
    """As of when each lender was known in the publication of a business date, and whether that was stale."""
    query = (
        "select lender, data_as_of, is_stale from publication_lender join publication using (publication_id) "
        "where business_date = %s order by lender"
    )
    return world.warehouse.rows(query, day, role=Role.READER)


def test_a_backfill_of_ten_days_is_published_once_somebody_approved(world: World) -> None:
    """The lender delivers already when it goes live: what is due by itself is caught up on beside the backfill."""
    airflow, history = world.airflow, world.calendar.history
    first, second, _ = world.calendar.due
    world.deliver(TARDY, *history, first, second)
    airflow.unpause(f"load_{TARDY}", "publish_marts")
    airflow.backfill(f"load_{TARDY}", history[0], history[-1])
    for day in history:
        assert airflow.until_ended("success", f"load_{TARDY}", f"{day}", 400)["run_type"] == "backfill"
    for day in (first, second):
        assert airflow.until_ended("success", f"load_{TARDY}", f"{day}", 100)["run_type"] == "scheduled"
    assert deliveries(world, TARDY, "accepted") == [*history, first, second]

    key = f"{history[-1]}"
    airflow.trigger("publish_marts", key)
    airflow.until_asked("publish_marts", key, "approve", 400)
    assert publications(world) == []
    assert world.told == [f"arrears: publication of {key} waits for approval"]
    airflow.approve("publish_marts", key, "approve", "known before go-live")
    airflow.until_ended("success", "publish_marts", key, 200)
    assert publications(world) == [(history[-1], "warn", USER, "known before go-live")]


def test_dates_publish_by_themselves(world: World) -> None:
    """Two of another lender are caught up on. Its second is broken: it is refused once, and nobody else is held up."""
    airflow, (first, second, third) = world.airflow, world.calendar.due
    loans = next((world.prepared / PROMPT / f"{second}").glob("LOAN*"))
    (world.prepared / "corrected").write_bytes(loans.read_bytes())
    loans.write_bytes(loans.read_bytes().replace("借据号".encode("gb18030"), "借据".encode("gb18030"), 1))
    world.deliver(PROMPT, first, second, third)
    airflow.unpause(f"load_{PROMPT}", "call_publication")

    for day in (first, second):
        airflow.until_ended("success", "publish_marts", f"{day}", 400)
    assert [row[:3] for row in publications(world)[1:]] == [(first, "pass", None), (second, "pass", None)]
    assert known_of_lenders(world, first) == [(PROMPT, first, False), (TARDY, first, False)]
    assert known_of_lenders(world, second) == [(PROMPT, first, True), (TARDY, second, False)]

    refused = airflow.until_ended("failed", f"load_{PROMPT}", f"{second}", 200)
    assert airflow.tasks(refused) == {
        "wait_for_delivery": "success",
        "load": "failed",
        "gate_delivery": "upstream_failed",
    }
    assert deliveries(world, PROMPT, "refused") == [second]  # a refusal is not retried
    failure = f"arrears: load_{PROMPT}.load failed for {second}"  # told when the task has failed already
    airflow.until("told of the failure", lambda: failure in world.told and failure in world.mailed, 60)


def test_a_failed_task_is_cleared_when_the_delivery_is_corrected(world: World) -> None:
    airflow, second = world.airflow, world.calendar.due[1]
    corrected = world.prepared / "corrected"
    corrected.replace(next((world.landing / PROMPT / f"{second}").glob("LOAN*")))
    airflow.clear(f"load_{PROMPT}", f"{second}", "load")
    airflow.until_ended("success", f"load_{PROMPT}", f"{second}", 200)
    assert deliveries(world, PROMPT, "accepted") == list(world.calendar.due)


def test_a_late_delivery_is_published_when_it_comes(world: World) -> None:
    """The newest date's cut-off has not come, so its publication waits for whoever is missing."""
    airflow, third = world.airflow, world.calendar.due[-1]
    assert airflow.run("call_publication", f"{third}")["state"] == "running"
    assert airflow.run("publish_marts", f"{third}") == {}
    world.deliver(TARDY, third)
    airflow.until_ended("success", "publish_marts", f"{third}", 400)
    assert known_of_lenders(world, third) == [(PROMPT, third, False), (TARDY, third, False)]
    assert [row[0] for row in publications(world)] == [world.calendar.history[-1], *world.calendar.due]
    published = [line for line in world.told if "published" in line]
    assert published == [f"arrears: published {row[0]}" for row in publications(world)]
    assert sorted(world.mailed) == sorted(world.told)


def test_lineage_is_told_where_it_is_switched_on(world: World) -> None:
    """Of every run and task by Airflow's provider, and by the builds of what dbt made from what."""
    events = [json.loads(line) for line in world.lineage.read_text().splitlines()]
    assert {event["job"]["namespace"] for event in events} == {"arrears"}
    ended = {(event["job"]["name"], event["eventType"]) for event in events}
    assert {
        (f"load_{TARDY}", "COMPLETE"),
        (f"load_{PROMPT}.load", "FAIL"),
        (f"load_{PROMPT}.load", "COMPLETE"),
        ("publish_marts", "COMPLETE"),
        ("publish_marts.build", "COMPLETE"),
    } <= ended
    made = [event for event in events if event["eventType"] == "COMPLETE" and event["outputs"]]
    database = world.warehouse.settings.owner().database
    (monthly, *_) = [event for event in made if event["outputs"][0]["name"].endswith("mart_overdue_rate_monthly")]
    assert monthly["outputs"][0]["name"] == f"{database}.candidate.mart_overdue_rate_monthly"
    assert f"{database}.candidate.fct_loan_month" in {table["name"] for table in monthly["inputs"]}
    assert {event["run"]["facets"]["parent"]["job"]["name"] for event in made} == {"publish_marts.build"}
