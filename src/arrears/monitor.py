"""What a monitor wants of what stands: what is wrong in a sentence each, and Prometheus' text format."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, Gauge, generate_latest, write_to_textfile

from arrears.errors import Infrastructure

SEVERITIES = ("critical", "warning", "info")
# A day's deliveries are published the day after; on the one after that somebody should know why not.
BEHIND = dt.timedelta(days=2)


def problems(stands: dict[str, Any]) -> list[str]:
    """What somebody has to do something about, of what `arrears.status.status` says. None where all is well."""
    return [*_of_lenders(stands), *_of_the_build(stands), *_of_the_publication(stands)]


def _of_lenders(stands: dict[str, Any]) -> Iterator[str]:
    for row in stands["lenders"]:
        if row["lender"] in _held(stands):
            yield f"{row['lender']}: held back by the gate; what was published of it stands."
        elif refused := _refused(row):
            yield (
                f"{row['lender']}: refused and not replaced: the deliveries for {', '.join(map(str, refused))}."
                if len(refused) > 1
                else f"{row['lender']}: the delivery for {refused[0]} was refused."
            )
        elif row["is_stale"]:
            yield f"{row['lender']}: stale, its data reach to {row['data_as_of'] or 'no day'}."


def _refused(lender: dict[str, Any]) -> list[dt.date]:
    """Business dates whose delivery was refused. That a newer one was accepted does not bring what they would have."""
    newest = [lender["last_delivery"]] if lender["last_delivery_status"] == "refused" else []
    return sorted({*lender["refused_days"], *newest})


def _of_the_build(stands: dict[str, Any]) -> Iterator[str]:
    build, gate = stands["build"], stands["gate"]
    if build is None:
        return
    if ended := not_finished(build):
        yield ended
    elif build["status"] == "refused":
        yield f"{_named(build)} did not pass the gate."
    elif build["status"] == "built" and _waits(gate, build["build_id"]):
        yield f"{_named(build)} has warnings and waits for an approval."


def not_finished(build: dict[str, Any]) -> str | None:
    """What became of a build that left no candidate; None of any other."""
    if build["status"] == "failed":
        return f"{_named(build)} failed: {build['detail'] or 'see the log'}"
    if build["status"] == "cut off":
        return f"{_named(build)} was cut off, and nobody is at it any more: build again."
    return None


def _named(build: dict[str, Any]) -> str:
    return f"Build {build['build_id']} for {build['business_date']}"


def _held(stands: dict[str, Any]) -> list[str]:
    """Lenders that the gate holds back of the newest build."""
    build, gate = stands["build"], stands["gate"]
    held: list[str] = gate["held"] if build and gate and gate["build_id"] == build["build_id"] else []
    return held


def _waits(gate: dict[str, Any] | None, build_id: int) -> bool:
    return (
        gate is not None and (gate["build_id"], gate["outcome"]) == (build_id, "warn") and gate["approved_by"] is None
    )


def _of_the_publication(stands: dict[str, Any]) -> Iterator[str]:
    publication = stands["publication"]
    if publication is None:
        yield "Nothing has been published yet."
        return
    newest = max((row["data_as_of"] for row in stands["lenders"] if row["data_as_of"]), default=None)
    if newest is not None and newest > publication["business_date"] + BEHIND:
        yield f"Nothing was published since {publication['business_date']}, and deliveries reach to {newest}."


def exposition(stands: dict[str, Any]) -> str:
    """The figures in Prometheus' text format."""
    return generate_latest(_registry(stands)).decode()


def write_exposition(stands: dict[str, Any], path: Path) -> None:
    """The same as a file for node_exporter's textfile collector, put in place in one step. Raises Infrastructure."""
    try:
        write_to_textfile(str(path), _registry(stands))
    except OSError as error:
        raise Infrastructure(f"The figures cannot be written to {path}: {error}.") from error


def _registry(stands: dict[str, Any]) -> CollectorRegistry:
    registry = CollectorRegistry()

    def gauge(name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"arrears_{name}", text, labels, registry=registry)

    gauge("problems", "What somebody has to do something about (arrears status --json)").set(len(problems(stands)))
    _publication(gauge, stands["publication"])
    _lenders(gauge, stands["lenders"])
    _gate(gauge, stands["gate"])
    _steps(gauge, stands["steps"])
    return registry


def _publication(gauge: Any, publication: dict[str, Any] | None) -> None:
    number = gauge("publication_number", "The publication that the marts show, 0 before the first")
    made = gauge("publication_timestamp_seconds", "When it was made")
    day = gauge("publication_business_date_seconds", "Midnight UTC of the business date it is for")
    number.set(publication["publication_id"] if publication else 0)
    if publication:
        made.set(publication["published_at"].timestamp())
        day.set(_midnight(publication["business_date"]))


def _lenders(gauge: Any, lenders: list[dict[str, Any]]) -> None:
    as_of = gauge("lender_data_as_of_seconds", "Midnight UTC of the day the lender's data reach to", "lender")
    stale = gauge(
        "lender_stale", "1 where the lender was behind its calendar at the publication, or held back", "lender"
    )
    refused = gauge("lender_last_delivery_refused", "1 where the lender's newest delivery was refused", "lender")
    days = gauge("lender_refused_days", "Dates of the last month refused and not replaced", "lender")
    rejected = gauge("lender_rejected_rows", "Rejected rows of the lender's newest delivery", "lender")
    for row in lenders:
        name = row["lender"]
        if row["data_as_of"]:
            as_of.labels(name).set(_midnight(row["data_as_of"]))
        stale.labels(name).set(row["is_stale"])
        refused.labels(name).set(row["last_delivery_status"] == "refused")
        days.labels(name).set(len(_refused(row)))
        rejected.labels(name).set(row["rejected_rows"])


def _gate(gauge: Any, gate: dict[str, Any] | None) -> None:
    failed = gauge("gate_expectations_failed", "Expectations that did not hold at the last judgement", "severity")
    for severity in SEVERITIES:
        failed.labels(severity).set(sum(one["severity"] == severity for one in gate["failed"]) if gate else 0)


def _steps(gauge: Any, steps: list[dict[str, Any]]) -> None:
    labels = ("step", "lender")
    ended = gauge("step_timestamp_seconds", "When the step ended last", *labels)
    took = gauge("step_duration_seconds", "How long it took", *labels)
    rows = gauge("step_rows", "Rows it loaded or wrote", *labels)
    done = gauge("step_done", "1 where it was done, 0 where it was refused or failed", *labels)
    for step in steps:
        names = (step["step"], step["lender"] or "")
        ended.labels(*names).set(step["finished_at"].timestamp())
        took.labels(*names).set(step["seconds"])
        done.labels(*names).set(step["outcome"] == "done")
        if step["rows"] is not None:
            rows.labels(*names).set(step["rows"])


def _midnight(day: dt.date) -> float:
    return dt.datetime.combine(day, dt.time(), tzinfo=dt.UTC).timestamp()
