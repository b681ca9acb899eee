"""The publication: one transaction under an advisory lock, row changes only, its own record in the same commit."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import Composable

from arrears.errors import Refused, Usage
from arrears.publish import approval, changed, difference, record
from arrears.publish.approval import Approval, GateRun
from arrears.publish.difference import Change
from arrears.publish.holding import offered_but
from arrears.publish.mart import (
    Mart,
    as_known_to,
    current_rows,
    ensure_published,
    offered,
    require_all,
    require_whole,
    shown_by,
)  # fmt: skip
from arrears.publish.record import Current, Entry, PublishResult
from arrears.publish.widening import widen
from arrears.warehouse.connect import connect, first, one


@dataclass(frozen=True)
class _Build:
    build_id: int
    business_date: dt.date
    status: str
    code_version: str
    newest: int
    newest_status: str


def publish(
    build_id: int,
    *,
    url: str,
    approved_by: str | None = None,
    reason: str | None = None,
    judged: Collection[int] | None = None,
) -> PublishResult:
    """Publish a build that has passed the gate. Publishing it again is a no-op, and tells what it did then.

    Of lenders that the gate holds back, the marts go on showing what they show, marked stale.

    Args:
        build_id: the build. approved_by, reason: who approves it and why, where warnings stand in the way and nobody
            has approved it before.
        url: libpq URL of the publisher role.
        judged: the gate runs whose warnings they approve; None: what the gate said last.

    Raises:
        Usage: there is no such build.
        Refused: it has not passed the gate, was judged again since it was approved or before somebody went back, is not
            the newest, would break the published columns, or was published and gone back from.
        Infrastructure: the warehouse failed; the marts are as they were.
    """
    with connect(url, "publish") as connection, connection.cursor() as cursor:
        record.lock(cursor)
        current = record.current(cursor)
        done = _published_before(cursor, build_id, current)
        if done is not None:
            return done
        build = _build(cursor, build_id)
        previous = current.publication_id if current else None
        said, approved = _judged(cursor, build, previous, approved_by, reason, judged)
        _refuse_going_back(current, build)
        marts = offered(cursor, build_id)
        require_all(cursor, marts)
        for mart in marts:
            require_whole(cursor, mart)
        widen(cursor, marts, url)
        cursor.execute("savepoint approved")  # who let it through stays on record where there is nothing to publish
        entry = Entry(
            build.business_date, build_id, said.outcome, build.code_version,
            approved_by=approved.approved_by if approved else None, reason=approved.reason if approved else None,
        )  # fmt: skip
        publication_id = record.begin(cursor, entry)
        for mart in marts:
            ensure_published(cursor, mart)
        base = changed.base_shown(cursor, build_id, previous)
        added, closed, changes = _write(
            cursor, marts, lambda mart: offered_but(mart, said.held, previous), publication_id, previous, base
        )
        if current is not None and not changes and current.business_date == build.business_date:
            cursor.execute("rollback to savepoint approved")
            return PublishResult(current.publication_id, "unchanged", build.business_date, 0, 0, ())
        record.finish(cursor, publication_id, added, closed, changes)
        cursor.execute("update ops.build set status = 'published' where build_id = %s", [build_id])
    return _published(publication_id, build.business_date, added, closed, changes)


def rollback(publication_id: int, *, url: str, by: str, reason: str) -> PublishResult:
    """Publish what an earlier publication showed, again, as a new one. Nothing is taken off the record.

    Going back to it once more is a no-op as long as nothing has been published since.

    The next publication of a newer build shows that build: what was wrong has to be put right before it.

    Args:
        publication_id: the earlier one. by, reason: who wants it and why; both go on record.
        url: libpq URL of the publisher role.

    Raises:
        Usage: there is no such publication, its rows are no longer kept, or it is the one that the marts show.
        Infrastructure: the warehouse failed; the marts are as they were.
    """
    with connect(url, "roll back") as connection, connection.cursor() as cursor:
        record.lock(cursor)
        current = record.current(cursor)
        if current is not None and current.restores == publication_id:
            return record.of(cursor, current.publication_id)
        previous = current.publication_id if current else None
        entry = _to_restore(cursor, publication_id, previous, by, reason)
        number = record.begin(cursor, entry)
        # a mart that came after the earlier publication is empty again
        marts = {mart.name: mart for known in (publication_id, number - 1) for mart in shown_by(cursor, known)}
        added, closed, changes = _write(
            cursor, list(marts.values()), lambda mart: as_known_to(mart, publication_id), number, previous, base=None
        )
        record.finish(cursor, number, added, closed, changes)
    return _published(number, entry.business_date, added, closed, changes)


def _published(
    publication_id: int, business_date: dt.date, added: int, closed: int, changes: Sequence[Change]
) -> PublishResult:
    restated = tuple(change for change in changes if change.is_restatement)
    return PublishResult(publication_id, "published", business_date, added, closed, restated)


def published_day(*, url: str) -> dt.date | None:
    """The business date that the marts show; None before the first publication. Raises Infrastructure."""
    with connect(url, "published day") as connection, connection.cursor() as cursor:
        current = record.current(cursor)
        return current.business_date if current else None


def _published_before(cursor: Cursor, build_id: int, current: Current | None) -> PublishResult | None:
    """The publication of this build, if an earlier try did commit and only its answer was lost."""
    row = first(
        cursor,
        "select publication_id from ops.publication where build_id = %s and restores is null",
        [build_id],
    )
    if row is None:
        return None
    (publication_id,) = row
    if current is not None and current.build_id < build_id:
        # That it stands would be no answer: the marts show an earlier build, because somebody wanted them to.
        raise Refused(
            f"Build {build_id} was published as publication {publication_id}, and publication {current.publication_id} "
            f"has gone back from it: `arrears rollback {publication_id}` shows it again; else build again."
        )
    return record.of(cursor, publication_id)


def _build(cursor: Cursor, build_id: int) -> _Build:
    row = first(
        cursor,
        "select b.build_id, b.business_date, b.status, b.code_version, newest.build_id, newest.status "
        "from ops.build as b cross join (select build_id, status from ops.build order by build_id desc limit 1) "
        "as newest where b.build_id = %s",
        [build_id],
    )
    if row is None:
        raise Usage(f"There is no build {build_id}.")
    build = _Build(*row)
    if build.newest != build_id:
        raise Refused(
            f"Build {build_id} is not the newest: the candidate schema is build {build.newest}'s, which is "
            f"'{build.newest_status}'. "
            + ("Gate and publish that." if build.newest_status == "built" else "Build again, then gate and publish.")
        )
    if build.status != "built":
        raise Refused(f"Build {build_id} is '{build.status}', not built: build again, then gate it.")
    return build


def _judged(
    cursor: Cursor,
    build: _Build,
    previous: int | None,
    approved_by: str | None,
    reason: str | None,
    judged: Collection[int] | None,
) -> tuple[GateRun, Approval | None]:
    """What the gate said, and who approved it where that is needed."""
    gate_run = approval.newest_gate_run(cursor, build.build_id)
    if gate_run is None:
        raise Refused(f"Build {build.build_id} has not been through the gate: run `arrears gate` first.")
    if gate_run.outcome == "fail":
        raise Refused(f"Build {build.build_id} failed the gate: `arrears status` lists the reasons.")
    approval.refuse_held_against_another(gate_run, build.build_id, previous)
    if gate_run.outcome == "pass":
        return gate_run, None
    given = approval.of(cursor, gate_run.gate_run_id)
    if given is None and approved_by:
        _refuse_what_nobody_saw(gate_run, build, approved_by, judged)
        approval.give(cursor, gate_run.gate_run_id, approved_by, reason)
        given = approval.of(cursor, gate_run.gate_run_id)
    if given is None:
        raise Refused(
            f"Build {build.build_id} passed the gate with warnings: somebody has to approve it. "
            "`arrears status` lists them; `arrears approve --by NAME --reason WHY` approves, "
            "then `arrears publish` publishes."
        )
    return gate_run, given


def _refuse_what_nobody_saw(gate_run: GateRun, build: _Build, approved_by: str, judged: Collection[int] | None) -> None:
    if judged is not None and set(judged) != set(gate_run.gate_runs):
        raise Refused(
            f"Build {build.build_id} was judged again since the warnings that {approved_by} approved: look at the new "
            "ones (`arrears status` lists them) and approve again. In Airflow clear the run from `gate_candidate` on; "
            "or `arrears approve --by NAME --reason WHY`, then `arrears publish`."
        )


def _refuse_going_back(current: Current | None, build: _Build) -> None:
    """A day that was run late must not take the marts back to it."""
    if current is not None and current.business_date > build.business_date:
        shown = current.business_date
        raise Refused(
            f"Build {build.build_id} is for {build.business_date}, and publication {current.publication_id} already "
            f"shows {shown}. What was loaded late is published by building for {shown} or later."
        )


def _to_restore(cursor: Cursor, publication_id: int, newest: int | None, by: str, reason: str) -> Entry:
    record.require(cursor, publication_id)
    if publication_id == newest:
        raise Usage(f"Publication {publication_id} is the one that the marts show: there is nothing to go back to.")
    business_date, build_id, gate_status, code_version = one(
        cursor,
        "select business_date, build_id, gate_status, code_version from ops.publication where publication_id = %s",
        [publication_id],
    )
    return Entry(business_date, build_id, gate_status, code_version, by, reason, publication_id)


def _write(
    cursor: Cursor,
    marts: Sequence[Mart],
    wanted_of: Callable[[Mart], Composable],
    publication_id: int,
    previous: int | None,
    base: int | None,
) -> tuple[int, int, list[Change]]:
    """Make the marts show what `wanted_of` says of each. Returns rows added and closed, and the changes by month.

    base: the build that the marts show, if all that is wanted otherwise was changed since it.
    """
    added = closed = 0
    changes: list[Change] = []
    for mart in marts:
        wanted = wanted_of(mart)
        if _find(cursor, mart, wanted, base):
            changes += difference.count(cursor, mart, previous)
            more, fewer = difference.write(cursor, mart, wanted, publication_id)
            added, closed = added + more, closed + fewer
    return added, closed, changes


def _find(cursor: Cursor, mart: Mart, wanted: Composable, base: int | None) -> int:
    """Find what a mart shows otherwise than is wanted. Returns the number of rows."""
    standing: Composable = current_rows(mart)
    if changed.collect(cursor, mart, base):
        wanted, standing = changed.only_changed(mart, wanted), changed.only_changed(mart, standing)
    return difference.find(cursor, mart, wanted, standing)
