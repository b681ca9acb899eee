"""What a monitor is told: problems in a sentence each, and figures that Prometheus' own parser reads."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from arrears.monitor import problems
from arrears.publish import approve
from arrears.settings import Role
from arrears.status import status
from arrears.warehouse import locks
from arrears.warehouse.connect import connect

from ..conftest import Warehouse
from .candidate import MARCH, Candidate
from .command_line import CommandLine

DELIVERY = (
    "insert into ops.delivery (lender, business_date, version, content_hash, status, rows_rejected) "
    "values (%s, %s, 1, 'x', %s, %s)"
)
STEP = (
    "insert into ops.step_run (step, lender, outcome, rows, started_at, finished_at) "
    "values (%s, %s, %s, %s, '2024-04-01 00:00:00+00', '2024-04-01 00:00:02.5+00')"
)


@pytest.fixture
def candidate(warehouse: Warehouse) -> Candidate:
    return Candidate(warehouse)


@pytest.fixture
def arrears(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    return CommandLine(capsys, monkeypatch)


def told(warehouse: Warehouse) -> list[str]:
    return problems(status(warehouse.url(Role.PUBLISHER)))


def test_an_empty_warehouse_has_one_problem(warehouse: Warehouse) -> None:
    assert told(warehouse) == ["Nothing has been published yet."]


def test_what_is_well_is_no_problem(candidate: Candidate) -> None:
    candidate.warehouse.rows(DELIVERY, "a", MARCH, "accepted", 0)
    candidate.publish([("a", MARCH, 1, None)])
    assert told(candidate.warehouse) == []


def test_a_lender_that_is_refused_or_behind_is_a_problem(candidate: Candidate) -> None:
    run = candidate.warehouse.rows
    for lender, day, state in (("a", MARCH, "refused"), ("b", MARCH - dt.timedelta(days=1), "accepted")):
        run(DELIVERY, lender, day, state, 0)
    candidate.publish([("a", MARCH, 1, None), ("b", MARCH, 1, None)])
    run("update ops.publication_lender set is_stale = true")
    assert told(candidate.warehouse) == [
        "a: the delivery for 2024-03-31 was refused.",
        "b: stale, its data reach to 2024-03-30.",
    ]


def test_a_refused_day_is_a_problem_until_it_is_replaced(candidate: Candidate) -> None:
    """That the day after was accepted brings nothing of what the refused one would have brought."""
    run, two_days_before = candidate.warehouse.rows, MARCH - dt.timedelta(days=2)
    for days_before, state in ((40, "refused"), (2, "refused"), (1, "refused"), (0, "accepted")):
        run(DELIVERY, "a", MARCH - dt.timedelta(days=days_before), state, 0)
    candidate.publish([("a", MARCH, 1, None)])
    assert told(candidate.warehouse) == ["a: refused and not replaced: the deliveries for 2024-03-29, 2024-03-30."]
    run(DELIVERY.replace("1, 'x'", "2, 'y'"), "a", two_days_before, "accepted", 0)
    assert told(candidate.warehouse) == ["a: the delivery for 2024-03-30 was refused."]


def test_a_publication_that_no_longer_comes_is_a_problem(candidate: Candidate) -> None:
    """A scheduler that is down, or a DAG that is paused, fails nothing."""
    candidate.publish([("a", MARCH, 1, None)])
    for days_after, says in (
        (2, []),
        (3, ["Nothing was published since 2024-03-31, and deliveries reach to 2024-04-03."]),
    ):
        candidate.warehouse.rows(DELIVERY, "a", MARCH + dt.timedelta(days=days_after), "accepted", 0)
        assert told(candidate.warehouse) == says


def test_a_build_that_waits_failed_or_was_refused_is_a_problem(candidate: Candidate) -> None:
    candidate.publish([("a", MARCH, 1, None)])
    number = candidate.build([("a", MARCH, 2, None)], gate="warn")
    name = f"Build {number} for 2024-03-31"
    assert told(candidate.warehouse) == [f"{name} has warnings and waits for an approval."]
    approve(number, url=candidate.warehouse.url(Role.PUBLISHER), by="Wang Fang", reason="a new product")
    assert told(candidate.warehouse) == []
    for state, says in (("refused", "did not pass the gate."), ("failed", "failed: see the log")):
        candidate.warehouse.rows("update ops.build set status = %s where build_id = %s", state, number)
        assert told(candidate.warehouse) == [f"{name} {says}"]


def test_a_build_that_nobody_is_at_is_a_problem(candidate: Candidate) -> None:
    """Whoever was killed has said nothing, and nobody else is told."""
    candidate.publish([("a", MARCH, 1, None)])
    number = candidate.build([("a", MARCH, 2, None)], gate="")
    candidate.warehouse.rows("update ops.build set status = 'running' where build_id = %s", number)
    with connect(candidate.warehouse.url(Role.BUILDER), "build") as connection, connection.cursor() as cursor:
        locks.take(cursor, "the candidate", "arrears.candidate", of_session=True)
        assert told(candidate.warehouse) == []
    assert told(candidate.warehouse) == [
        f"Build {number} for 2024-03-31 was cut off, and nobody is at it any more: build again."
    ]


def test_a_build_that_failed_says_why_and_not_why_others_did(candidate: Candidate) -> None:
    """Whose clock is ahead, and who waited for it in vain meanwhile, makes no difference."""
    run = candidate.warehouse.rows
    candidate.publish([("a", MARCH, 1, None)])
    number = candidate.build([("a", MARCH, 2, None)], gate="")
    run(
        "update ops.build set status = 'failed', started_at = '2024-04-01 00:00+00', "
        "finished_at = '2024-04-01 01:00+00' where build_id = %s", number,
    )  # fmt: skip
    for detail, started, finished in (
        ("the day before", "2024-03-31 23:00+00", "2024-03-31 23:30+00"),
        ("waited in vain", "2024-04-01 00:10+00", "2024-04-01 00:40+00"),
        ("its own", "2024-04-01 00:02+00", "2024-04-01 01:00:00.1+00"),
        ("no lake", "2024-04-01 00:00+00", "2024-04-01 02:00+00"),
    ):
        run(
            "insert into ops.step_run (step, outcome, detail, started_at, finished_at) "
            "values ('build', 'failed', %s, %s, %s)", detail, started, finished,
        )  # fmt: skip
    assert told(candidate.warehouse) == [f"Build {number} for 2024-03-31 failed: its own"]


def test_prometheus_reads_the_figures(candidate: Candidate, arrears: CommandLine, tmp_path: Path) -> None:
    run = candidate.warehouse.rows
    run(DELIVERY, 'quo"ted', MARCH, "accepted", 3)
    run(STEP, "load", 'quo"ted', "done", 1200)
    run(STEP, "load", 'quo"ted', "refused", None)
    run(STEP, "build", None, "done", None)
    candidate.publish([('quo"ted', MARCH, 1, None)])
    arrears("status", "--prometheus", str(tmp_path / "arrears.prom"))
    text = (tmp_path / "arrears.prom").read_text()
    assert arrears("status", "--prometheus", "-").out == text
    figures = {
        (sample.name.removeprefix("arrears_"), *(sample.labels[name] for name in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    midnight = dt.datetime(2024, 3, 31, tzinfo=dt.UTC).timestamp()
    assert (
        figures.items()
        >= {
            ("publication_number",): 1,
            ("publication_business_date_seconds",): midnight,
            ("lender_data_as_of_seconds", 'quo"ted'): midnight,
            ("lender_rejected_rows", 'quo"ted'): 3,
            ("lender_stale", 'quo"ted'): 0,
            ("step_duration_seconds", 'quo"ted', "load"): 2.5,
            ("step_done", 'quo"ted', "load"): 0,
            ("step_done", "", "build"): 1,
            ("gate_expectations_failed", "critical"): 0,
            ("problems",): 0,
        }.items()
    )


def test_json_begins_with_what_is_wrong(warehouse: Warehouse, arrears: CommandLine) -> None:
    said: dict[str, Any] = json.loads(arrears("status", "--json").out)
    assert said["problems"] == ["Nothing has been published yet."]
    assert set(said) == {"problems", "lenders", "build", "gate", "publication", "steps"}
