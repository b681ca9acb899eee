"""The publication: one transaction under an advisory lock, row changes only, its own record in the same commit."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass
from typing import Any

from psycopg2.extensions import cursor as Cursor
from psycopg2.extras import execute_values

from arrears.errors import Refused, Usage
from arrears.publish import difference
from arrears.publish.difference import Change
from arrears.publish.mart import Mart, ensure_published, offered
from arrears.warehouse.connect import connect, first, one


@dataclass(frozen=True)
class PublishResult:
    """What was published.

    Attributes:
        outcome: `published`, or `unchanged`: the marts show this content and business date already.
        rows_added: rows written. rows_closed: rows that stopped being current.
        restatements: marts and months of already published history that changed.
    """

    publication_id: int
    outcome: str
    business_date: dt.date
    rows_added: int
    rows_closed: int
    restatements: tuple[Change, ...]

    def to_dict(self) -> dict[str, Any]:
        answer = asdict(self)
        answer["business_date"] = self.business_date.isoformat()
        answer["restatements"] = [
            {**asdict(change), "period": change.period.isoformat() if change.period else None}
            for change in self.restatements
        ]
        return answer


@dataclass(frozen=True)
class _Build:
    build_id: int
    business_date: dt.date
    status: str
    code_version: str
    newest: int


def publish(build_id: int, *, url: str, approved_by: str | None = None) -> PublishResult:
    """Publish a build that has passed the gate. Publishing it again is a no-op.

    Args:
        build_id: the build. approved_by: who approved it, where warnings stand in the way.
        url: libpq URL of the publisher role.

    Raises:
        Usage: there is no such build.
        Refused: it has not passed the gate, is not the newest, or would break the published columns.
        Infrastructure: the warehouse failed; the marts are as they were.
    """
    with connect(url, "publish") as connection, connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtext('arrears.candidate'))")
        done = _published_before(cursor, build_id)
        if done is not None:
            return done
        build = _build(cursor, build_id)
        gate_status = _gate_status(cursor, build, approved_by)
        previous, shown = _current(cursor)
        _refuse_going_back(previous, shown, build)
        publication_id = _record(cursor, build, gate_status, approved_by)
        added, closed, changes = _write(cursor, offered(cursor, build_id), publication_id, previous)
        if previous is not None and not changes and shown == build.business_date:
            connection.rollback()
            return PublishResult(previous, "unchanged", build.business_date, 0, 0, ())
        _record_result(cursor, publication_id, added, closed, changes)
        cursor.execute("update ops.build set status = 'published' where build_id = %s", [build_id])
    restated = tuple(change for change in changes if change.is_restatement)
    return PublishResult(publication_id, "published", build.business_date, added, closed, restated)


def _published_before(cursor: Cursor, build_id: int) -> PublishResult | None:
    """The publication of this build, if an earlier try did commit and only its answer was lost."""
    row = first(cursor, "select publication_id, business_date from ops.publication where build_id = %s", [build_id])
    return PublishResult(row[0], "unchanged", row[1], 0, 0, ()) if row else None


def _build(cursor: Cursor, build_id: int) -> _Build:
    row = first(
        cursor,
        "select build_id, business_date, status, code_version, (select max(build_id) from ops.build) "
        "from ops.build where build_id = %s",
        [build_id],
    )
    if row is None:
        raise Usage(f"There is no build {build_id}.")
    build = _Build(*row)
    if build.newest != build_id:
        raise Refused(
            f"Build {build_id} is not the newest: the candidate schema holds build {build.newest}. "
            "Gate and publish that."
        )
    if build.status != "built":
        raise Refused(f"Build {build_id} is '{build.status}', not built: build again, then gate it.")
    return build


def _gate_status(cursor: Cursor, build: _Build, approved_by: str | None) -> str:
    row = first(
        cursor,
        "select outcome from ops.gate_run where boundary = 'candidate' and build_id = %s "
        "order by gate_run_id desc limit 1",
        [build.build_id],
    )
    if row is None:
        raise Refused(f"Build {build.build_id} has not been through the gate: run `arrears gate` first.")
    outcome = str(row[0])
    if outcome == "fail":
        raise Refused(f"Build {build.build_id} failed the gate: `arrears status` lists the reasons.")
    if outcome == "warn" and not approved_by:
        raise Refused(
            f"Build {build.build_id} passed the gate with warnings: somebody has to approve it. "
            "`arrears status` lists them; `arrears publish --approved-by NAME` publishes."
        )
    return outcome


def _current(cursor: Cursor) -> tuple[int, dt.date] | tuple[None, None]:
    """The publication that the marts show, and its business date; nothing before the first."""
    row = first(
        cursor, "select publication_id, business_date from ops.publication order by publication_id desc limit 1"
    )
    return (row[0], row[1]) if row else (None, None)


def _refuse_going_back(previous: int | None, shown: dt.date | None, build: _Build) -> None:
    """A day that was run late must not take the marts back to it."""
    if shown is not None and shown > build.business_date:
        raise Refused(
            f"Build {build.build_id} is for {build.business_date}, and publication {previous} already shows {shown}. "
            f"What was loaded late is published by building for {shown} or later."
        )


def _record(cursor: Cursor, build: _Build, gate_status: str, approved_by: str | None) -> int:
    # The number is the one after the newest, not a sequence's: a rolled-back publication leaves no gap.
    row = one(
        cursor,
        "insert into ops.publication (publication_id, business_date, build_id, gate_status, approved_by, rows_added, "
        "rows_closed, code_version) select coalesce(max(publication_id), 0) + 1, %s, %s, %s, %s, 0, 0, %s "
        "from ops.publication returning publication_id",
        [build.business_date, build.build_id, gate_status, approved_by, build.code_version],
    )
    return int(row[0])


def _write(
    cursor: Cursor, marts: list[Mart], publication_id: int, previous: int | None
) -> tuple[int, int, list[Change]]:
    added = closed = 0
    changes: list[Change] = []
    for mart in marts:
        ensure_published(cursor, mart)
        if difference.find(cursor, mart):
            changes += difference.count(cursor, mart, previous)
            more, fewer = difference.write(cursor, mart, publication_id)
            added, closed = added + more, closed + fewer
    return added, closed, changes


def _record_result(cursor: Cursor, publication_id: int, added: int, closed: int, changes: list[Change]) -> None:
    cursor.execute(
        "update ops.publication set rows_added = %s, rows_closed = %s where publication_id = %s",
        [added, closed, publication_id],
    )
    cursor.execute(
        "insert into ops.publication_lender (publication_id, lender, data_as_of, is_stale) "
        "select %s, lender, data_as_of, is_stale from candidate.dim_lender",
        [publication_id],
    )
    execute_values(
        cursor,
        "insert into ops.publication_change (publication_id, mart, lender, period, rows_added, rows_changed, "
        "rows_removed, is_restatement) values %s",
        [
            (publication_id, c.mart, c.lender, c.period, c.added, c.changed, c.removed, c.is_restatement)
            for c in changes
        ],
    )
