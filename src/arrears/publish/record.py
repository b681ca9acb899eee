"""The record of publications: which one the marts show, and what each of them changed. Never rewritten."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from psycopg2.extensions import cursor as Cursor
from psycopg2.extras import execute_values

from arrears.errors import Usage
from arrears.publish.difference import Change
from arrears.warehouse import locks
from arrears.warehouse.connect import first, one


@dataclass(frozen=True)
class PublishResult:
    """What was published.

    Attributes:
        outcome: `published`, or `unchanged`: this was published before. What follows is then what the publication did,
            or nothing where another build had the same content for the same business date.
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
class Entry:
    """A publication to be put on record.

    Attributes:
        approved_by, reason: who let it through in spite of warnings, or wanted it rolled back, and why.
        restores: the publication whose content it shows again.
    """

    business_date: dt.date
    build_id: int
    gate_status: str
    code_version: str
    approved_by: str | None = None
    reason: str | None = None
    restores: int | None = None


def lock(cursor: Cursor) -> None:
    """One writer of `published` at a time, and none beside a build."""
    locks.take(cursor, "the candidate", "arrears.candidate")


def require(cursor: Cursor, publication_id: int) -> None:
    """Make sure that a publication can be shown.

    Raises:
        Usage: it was never made, or its rows are no longer kept.
    """
    row = first(
        cursor,
        "select let_go_at from ops.publication left join ops.publication_let_go using (publication_id) "
        "where publication_id = %s",
        [publication_id],
    )
    if row is None:
        raise Usage(f"There is no publication {publication_id}: `arrears publications` lists those there are.")
    if row[0] is not None:
        raise Usage(
            f"Publication {publication_id} is on record, but its rows are no longer kept (since {row[0]:%Y-%m-%d}): "
            "`arrears publications` says which are."
        )


@dataclass(frozen=True)
class Current:
    """The publication that the marts show.

    Attributes:
        build_id: the build that it shows. restores: the publication that it shows again, if it went back to one.
    """

    publication_id: int
    business_date: dt.date
    build_id: int
    restores: int | None


def current(cursor: Cursor) -> Current | None:
    """The publication that the marts show; none before the first."""
    row = first(
        cursor,
        "select publication_id, business_date, build_id, restores from ops.publication "
        "order by publication_id desc limit 1",
    )
    return Current(*row) if row else None


def of(cursor: Cursor, publication_id: int) -> PublishResult:
    """What a publication did when it was made, for whoever asks for it again."""
    business_date, added, closed = one(
        cursor,
        "select business_date, rows_added, rows_closed from ops.publication where publication_id = %s",
        [publication_id],
    )
    cursor.execute(
        "select mart, lender, period, rows_added, rows_changed, rows_removed, is_restatement "
        "from ops.publication_change where publication_id = %s and is_restatement order by mart, lender, period",
        [publication_id],
    )
    restated = tuple(Change(*row) for row in cursor.fetchall())
    return PublishResult(publication_id, "unchanged", business_date, added, closed, restated)


def begin(cursor: Cursor, entry: Entry) -> int:
    """Put a publication on record. Returns its number."""
    # The number is the one after the newest, not a sequence's: a rolled-back transaction leaves no gap.
    row = one(
        cursor,
        "insert into ops.publication (publication_id, business_date, build_id, gate_status, approved_by, reason, "
        "restores, rows_added, rows_closed, code_version) "
        "select coalesce(max(publication_id), 0) + 1, %(business_date)s, %(build_id)s, %(gate_status)s, "
        "%(approved_by)s, %(reason)s, %(restores)s, 0, 0, %(code_version)s from ops.publication "
        "returning publication_id",
        asdict(entry),
    )
    return int(row[0])


def finish(cursor: Cursor, publication_id: int, added: int, closed: int, changes: Sequence[Change]) -> None:
    """Add what came of it: what changed, and how far every lender's data reach."""
    cursor.execute(
        "update ops.publication set rows_added = %s, rows_closed = %s where publication_id = %s",
        [added, closed, publication_id],
    )
    cursor.execute(
        "insert into ops.publication_lender (publication_id, lender, data_as_of, is_stale) "
        "select %s, lender, data_as_of, is_stale from published.dim_lender where superseded_in is null",
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
