"""The two gates: a delivery's rows before they count, a candidate before it is published."""

from __future__ import annotations

import datetime as dt
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg2.extensions import cursor as Cursor
from psycopg2.extras import execute_values
from psycopg2.sql import SQL, Identifier, Placeholder

from arrears.contract.entities import ENTITIES
from arrears.errors import Refused, Usage
from arrears.gate import holding
from arrears.gate.judgement import JUDGEMENT
from arrears.gate.suite import Boundary, SuiteFile, suites
from arrears.gate.validate import SHOWN, Batch, Verdict, validate
from arrears.load import registry
from arrears.settings import Settings
from arrears.warehouse.connect import connect, first, one


@dataclass(frozen=True)
class GateResult:
    """What a gate said.

    Attributes:
        outcome: `pass`; `warn` when a warning failed; `fail` when a critical expectation failed. Without what is
            wrong with lenders held back alone.
        evaluated: number of expectations. failed: those that did not hold, all of them.
        held: lenders held back: of them the marts go on showing what was published before.
        gate_runs: what it said of a candidate on record, for who approves it.
    """

    boundary: str
    outcome: str
    evaluated: int
    failed: tuple[Verdict, ...]
    held: tuple[str, ...] = ()
    gate_runs: tuple[int, ...] = ()

    def holding_back(self) -> Refused | None:
        """What to tell of the lenders held back, and why; None where there are none."""
        if not self.held:
            return None
        critical = [verdict for verdict in self.failed if verdict.severity == "critical"]
        return Refused(
            f"Held back: {', '.join(self.held)}. What was published of them stands, marked stale; the others go on.",
            _reasons(critical),
        )

    def to_dict(self) -> dict[str, Any]:
        return {
            "boundary": self.boundary, "outcome": self.outcome, "evaluated": self.evaluated,
            "failed": [
                {"suite": v.suite, "expectation": v.expectation, "severity": v.severity, "observed": v.observed}
                for v in self.failed
            ],
            "held": list(self.held),
        }  # fmt: skip


def gate_delivery(delivery_id: int, *, url: str, settings: Settings) -> GateResult:
    """Judge a loaded delivery. If it passes it stands for its day; if not, what stood before still stands.

    One that was judged by the time it is to be accepted or refused stays what it is.

    Raises:
        Usage: there is no such delivery.
        Refused: a critical expectation failed, now or when it was judged before.
    """
    with connect(url, "gate delivery") as connection, connection.cursor() as cursor:
        lender, business_date, status = _delivery(cursor, delivery_id)
        if status != "loaded":
            return _decided_before(lender, business_date, status)
        batches = delivery_batches(cursor, delivery_id, settings)
    started = dt.datetime.now(dt.UTC)
    verdicts = validate(
        batches, url=url, docs=settings.home / "data_docs" / "delivery" / lender, connections=settings.gate_connections
    )
    result = GateResult("delivery", _outcome(verdicts), len(verdicts), _failed(verdicts))
    with connect(url, "gate delivery") as connection, connection.cursor() as cursor:
        registry.lock_lender(cursor, lender)
        *_, status = _delivery(cursor, delivery_id)
        if status != "loaded":  # the first of two attempts has the word
            return _decided_before(lender, business_date, status)
        _record(cursor, "delivery", result.outcome, verdicts, started, delivery_id=delivery_id)
        if result.outcome == "fail":
            registry.refuse(cursor, delivery_id, _reasons(result.failed, delivery_id))
        else:
            registry.accept(cursor, delivery_id)
    if result.outcome == "fail":
        raise Refused(
            f"The delivery of {lender} for {business_date} did not pass the gate; what stood before still stands.",
            _reasons(result.failed, delivery_id),
        )
    return result


def _decided_before(lender: str, business_date: dt.date, status: str) -> GateResult:
    """What to say of a delivery that has been accepted, or raise of one that has been refused, before it was asked."""
    if status == "refused":
        raise Refused(
            f"The delivery of {lender} for {business_date} was refused by the gate before: load it again, from the "
            "file as it is now."
        )
    return GateResult("delivery", "pass", 0, ())


def gate_candidate(build_id: int, *, url: str, settings: Settings) -> GateResult:
    """Judge a built candidate: by itself, and against what is published. Both are on record; the worse one counts.

    Where all that is critical is wrong with some of the lenders, they are held back, and the others can be published.
    What it says holds as long as the marts show what they show now.
    Of a build that is published already it says what it said then.

    Raises:
        Usage: there is no such build, or it is not built.
        Refused: a critical expectation failed, and not for some of the lenders alone; the marts stay as they are. Or
            another build began meanwhile.
    """
    with connect(url, "gate candidate") as connection, connection.cursor() as cursor:
        row = first(
            cursor,
            "select status, (select max(build_id) from ops.build), (select max(publication_id) from ops.publication) "
            "from ops.build where build_id = %s",
            [build_id],
        )
        if row is None:
            raise Usage(f"There is no build {build_id}.")
        status, newest, held_against = row
        if status == "published":
            return _said(cursor, build_id)
        if status not in ("built", "refused") or newest != build_id:
            raise Refused(
                f"Build {build_id} is '{status}' and build {newest} is the newest: there is nothing to judge."
            )
        if not one(cursor, "select to_regclass('candidate.dim_lender') is not null")[0]:
            raise Refused(f"The tables of build {build_id} are not there, as after a restore: build again.")
        batches = candidate_batches(cursor, build_id, settings)
        cursor.execute("select lender from candidate.dim_lender where data_as_of is not null")
        lenders = {lender for (lender,) in cursor.fetchall()}
    started = dt.datetime.now(dt.UTC)
    verdicts = validate(
        batches, url=url, docs=settings.home / "data_docs" / "candidate", connections=settings.gate_connections
    )
    blamed = holding.blame(verdicts, batches, url=url) if _outcome(verdicts) == "fail" else {}
    held = holding.to_hold(blamed, lenders)
    counting = holding.counting(verdicts, blamed, held)
    gate_runs: list[int] = []
    with connect(url, "gate candidate") as connection, connection.cursor() as cursor:
        _refuse_another_beneath(cursor, build_id)
        for boundary in ("candidate", "publication"):
            of_boundary = [verdict for verdict in verdicts if verdict.boundary == boundary]
            outcome = _outcome(verdict for verdict in counting if verdict.boundary == boundary)
            gate_runs.append(
                _record(cursor, boundary, outcome, of_boundary, started, build_id=build_id, held_against=held_against)
            )
        result = GateResult(
            "candidate", _outcome(counting), len(verdicts), _failed(verdicts), tuple(sorted(held)), tuple(gate_runs)
        )
        _hold(cursor, gate_runs[-1], result.held)
        cursor.execute(
            "update ops.build set status = %s where build_id = %s and status in ('built', 'refused')",
            ["refused" if result.outcome == "fail" else "built", build_id],
        )
    if result.outcome == "fail":
        raise Refused(f"Build {build_id} did not pass the gate; the marts are as they were.", _reasons(result.failed))
    return result


def _said(cursor: Cursor, build_id: int) -> GateResult:
    """What the gate said last of a build, from the record."""
    gate_runs, outcome, _, held, _ = one(cursor, JUDGEMENT, {"build_id": build_id})
    cursor.execute(
        "select boundary, suite, expectation, severity, success, unexpected_count, observed, notes "
        "from ops.gate_result join ops.gate_run using (gate_run_id) where gate_run_id = any(%s)",
        [gate_runs],
    )
    verdicts = [Verdict(*row) for row in cursor.fetchall()]
    return GateResult("candidate", outcome, len(verdicts), _failed(verdicts), tuple(held), tuple(gate_runs))


def _refuse_another_beneath(cursor: Cursor, build_id: int) -> None:
    """What was read while another build changed the tables is neither build's: nothing of it goes on record."""
    (newest,) = one(cursor, "select max(build_id) from ops.build")
    if newest != build_id:
        raise Refused(
            f"Build {newest} began while build {build_id} was judged, and changed what was looked at: nothing is said "
            f"of build {build_id}. Gate and publish the newer one, once it is built."
        )


def _delivery(cursor: Cursor, delivery_id: int) -> tuple[str, dt.date, str]:
    row = first(cursor, "select lender, business_date, status from ops.delivery where delivery_id = %s", [delivery_id])
    if row is None:
        raise Usage(f"There is no delivery {delivery_id}.")
    return row[0], row[1], row[2]


def candidate_batches(cursor: Cursor, build_id: int | None, settings: Settings) -> list[Batch]:
    """One batch per mart and suite: of the mart by itself, and against the publication before, if it was in one."""
    cursor.execute("select mart, key_columns from ops.build_mart where build_id = %s", [build_id])
    keys = {mart: tuple(key) for mart, key in cursor.fetchall()}
    cursor.execute("select relname from pg_class where relnamespace = 'published'::regnamespace and relkind = 'r'")
    published = {row[0] for row in cursor.fetchall()}

    def batch(suite: SuiteFile, boundary: Boundary, previous: str | None = None) -> Batch:
        rows = f'select * from candidate."{suite.table}"'
        return Batch(suite, rows, keys.get(suite.table, ()), boundary, previous)

    return [batch(suite, "candidate") for suite in suites(settings.expectations, "candidate")] + [
        batch(
            suite, "publication", f'(select * from published."{suite.table}" where superseded_in is null) as previous'
        )
        for suite in suites(settings.expectations, "publication")
        if suite.table in published
    ]


def delivery_batches(cursor: Cursor, delivery_id: int, settings: Settings) -> list[Batch]:
    """One batch per entity of which the delivery has rows."""
    batches = []
    for suite in suites(settings.expectations, "delivery"):
        if suite.table not in ENTITIES:
            raise Refused(f"There is a delivery suite for '{suite.table}', which is not an entity.")
        has_rows = f"select exists (select from raw.{suite.table} where delivery_id = %s)"  # a name of ENTITIES
        if one(cursor, has_rows, [delivery_id])[0]:
            rows = f"select * from raw.{suite.table} where delivery_id = {int(delivery_id)}"
            batches.append(Batch(suite, rows, ("line_no", *ENTITIES[suite.table].key), "delivery"))
    return batches


def _failed(verdicts: Iterable[Verdict]) -> tuple[Verdict, ...]:
    return tuple(verdict for verdict in verdicts if not verdict.success)


def _outcome(verdicts: Iterable[Verdict]) -> str:
    severities = {verdict.severity for verdict in _failed(verdicts)}
    return "fail" if "critical" in severities else "warn" if "warning" in severities else "pass"


def _reasons(failed: Iterable[Verdict], delivery_id: int | None = None) -> list[str]:
    """What failed, with the first rows, and how to see the others."""
    return [
        f"{verdict.suite}: {verdict.expectation} ({verdict.severity}"
        + (f", {verdict.unexpected} rows" if verdict.unexpected is not None else "")
        + f"): {verdict.observed}"
        + (f"; all of them: {_all_rows(verdict, delivery_id)}" if (verdict.unexpected or 0) > SHOWN else "")
        for verdict in failed
        if verdict.severity != "info"  # on record, and no reason for anything
    ]


def _all_rows(verdict: Verdict, delivery_id: int | None) -> str:
    of_delivery = ["--delivery", str(delivery_id)] if delivery_id is not None else []
    return shlex.join(["arrears", "unexpected", verdict.suite, verdict.expectation, *of_delivery])


def _record(
    cursor: Cursor, boundary: Boundary, outcome: str, verdicts: Sequence[Verdict], started: dt.datetime,
    **of: int | None,
) -> int:  # fmt: skip
    """of: what was judged, by the columns that say so: the loader may name no others."""
    (gate_run_id,) = one(
        cursor,
        SQL(
            "insert into ops.gate_run ({}, boundary, outcome, started_at, finished_at) "
            "values ({}, %s, %s, %s, clock_timestamp()) returning gate_run_id"
        ).format(SQL(", ").join(map(Identifier, of)), SQL(", ").join([Placeholder()] * len(of))),
        [*of.values(), boundary, outcome, started],
    )
    execute_values(
        cursor,
        "insert into ops.gate_result (gate_run_id, suite, expectation, severity, success, unexpected_count, observed, "
        "notes) values %s",
        [
            (gate_run_id, v.suite, v.expectation, v.severity, v.success, v.unexpected, v.observed, v.notes)
            for v in verdicts
        ],
    )
    return int(gate_run_id)


def _hold(cursor: Cursor, gate_run_id: int, lenders: Iterable[str]) -> None:
    held = [(gate_run_id, lender) for lender in lenders]
    execute_values(cursor, "insert into ops.gate_held (gate_run_id, lender) values %s", held)
