"""Approving a candidate of which only warnings were said: who did, why, and of which judgement of the gate."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from psycopg2.extensions import cursor as Cursor

from arrears.errors import Refused
from arrears.gate.judgement import JUDGEMENT
from arrears.publish import record
from arrears.warehouse.connect import connect, first


@dataclass(frozen=True)
class GateRun:
    """A judgement of the gate. outcome: pass, warn or fail. held: lenders held back, of which it says nothing.

    gate_runs: its entries on record, one of each boundary. held_against: the publication that the marts showed.
    """

    gate_runs: tuple[int, ...]
    outcome: str
    held: tuple[str, ...]
    held_against: int | None

    @property
    def gate_run_id(self) -> int:
        """The entry that an approval of it is of."""
        return max(self.gate_runs)


@dataclass(frozen=True)
class Approval:
    build_id: int
    approved_by: str
    reason: str | None
    approved_at: dt.datetime


def approve(build_id: int, *, url: str, by: str, reason: str) -> Approval:
    """Approve a build that passed the gate with warnings. The first approval stands.

    It is of what the gate said last: a build that is judged again has to be approved again.

    Args:
        build_id: the build. by, reason: who and why, for the record. url: libpq URL of the publisher role.

    Raises:
        Refused: the gate has not judged the build, found nothing wrong with it, or more than a warning, or somebody has
            gone back to an earlier publication since.
    """
    with connect(url, "approve") as connection, connection.cursor() as cursor:
        gate_run = newest_gate_run(cursor, build_id)
        if gate_run is None:
            raise Refused(f"Build {build_id} has not been through the gate: run `arrears gate` first.")
        if gate_run.outcome != "warn":
            raise Refused(
                f"Build {build_id} passed the gate: there is nothing to approve."
                if gate_run.outcome == "pass"
                else f"Build {build_id} failed the gate, which nobody can approve: `arrears status` lists the reasons."
            )
        given = of(cursor, gate_run.gate_run_id)
        if given is None:
            current = record.current(cursor)
            refuse_held_against_another(gate_run, build_id, current.publication_id if current else None)
            give(cursor, gate_run.gate_run_id, by, reason)
            given = of(cursor, gate_run.gate_run_id)
        assert given is not None
        return given


def standing(build_id: int, *, url: str) -> Approval | None:
    """The approval of what the gate said last of a build, if there is one."""
    with connect(url, "approve") as connection, connection.cursor() as cursor:
        gate_run = newest_gate_run(cursor, build_id)
        return of(cursor, gate_run.gate_run_id) if gate_run else None


def refuse_held_against_another(gate_run: GateRun, build_id: int, shown: int | None) -> None:
    """Refuse where somebody has gone back since: what was said is about the difference from another publication, and
    the build probably has in it what they went back from.

    shown: the publication that the marts show.
    """
    if gate_run.held_against != shown:
        raise Refused(
            f"Build {build_id} was held against publication {gate_run.held_against or 'none'}, and the marts show "
            f"publication {shown} now: mend what was gone back from and build again, or, where this build is right, "
            "judge it again (`arrears gate`; in Airflow clear the run from `gate_candidate` on)."
        )


def newest_gate_run(cursor: Cursor, build_id: int) -> GateRun | None:
    row = first(cursor, JUDGEMENT, {"build_id": build_id})
    if row is None:
        return None
    gate_runs, outcome, _, held, held_against = row
    return GateRun(tuple(gate_runs), outcome, tuple(held), held_against)


def give(cursor: Cursor, gate_run_id: int, by: str, reason: str | None) -> None:
    cursor.execute(
        "insert into ops.approval (gate_run_id, approved_by, reason) values (%s, %s, %s) on conflict do nothing",
        [gate_run_id, by, reason],
    )


def of(cursor: Cursor, gate_run_id: int) -> Approval | None:
    row = first(
        cursor,
        "select g.build_id, a.approved_by, a.reason, a.approved_at "
        "from ops.approval as a join ops.gate_run as g on g.gate_run_id = a.gate_run_id where a.gate_run_id = %s",
        [gate_run_id],
    )
    return Approval(*row) if row else None
