"""Bringing the lake to what the registry says: a file for what stands and lacks one, none for what does not.

It is written from raw, once a delivery is accepted, and what is missing is told from the names that are there. So
whatever was killed, lost or removed before, filling again makes good, and filling what is full writes nothing.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass
from functools import partial

from psycopg2.extensions import cursor as Cursor

from arrears.contract.entities import ENTITIES
from arrears.lake import rows
from arrears.lake.store import Lake, RawFile
from arrears.warehouse import locks
from arrears.warehouse.connect import connect, one


@dataclass(frozen=True)
class Filled:
    """How many files were written, and how many removed of deliveries that no longer stand."""

    written: int
    removed: int

    def to_dict(self) -> dict[str, int]:
        return asdict(self)


def fill(*, url: str, lake: str, delivery_id: int | None = None) -> Filled:
    """Write what stands and is not there, remove what is there and does not stand.

    Args:
        url: libpq URL of a role that reads raw. lake: path or fsspec URL.
        delivery_id: of the lender of this delivery alone; None: of all.

    Raises:
        Usage: no such place. Infrastructure: the warehouse or the lake failed; what is there is whole.
    """
    store, written, removed = Lake(lake), 0, 0
    with connect(url, "lake", autocommit=True) as connection, connection.cursor() as cursor:
        for lender in _lenders(cursor, delivery_id):
            # One at a time for a lender: two would write the same files, and one remove what the other just put there.
            locks.take(cursor, f"the files of {lender} in the lake", "arrears.lake", lender, of_session=True)
            standing, there = _standing(cursor, lender), _there(store, lender)
            lacking = [file for file in standing if file not in there]
            for file in lacking:
                store.put(file, partial(rows.write, cursor, file))
            written += len(lacking)
            removed += _remove(cursor, store, there.difference(standing))
            cursor.execute("select pg_advisory_unlock(hashtext('arrears.lake'), hashtext(%s))", [lender])
    return Filled(written, removed)


def _lenders(cursor: Cursor, delivery_id: int | None) -> list[str]:
    cursor.execute(
        "select distinct lender from ops.delivery where %(id)s is null or delivery_id = %(id)s order by lender",
        {"id": delivery_id},
    )
    return [lender for (lender,) in cursor.fetchall()]


def _standing(cursor: Cursor, lender: str) -> list[RawFile]:
    """What is accepted, and what the newest build is made from though another version was accepted since.

    A file of every entity, also of those a delivery has no rows of: so names alone say what is missing, and an engine
    finds a folder and the columns of each. Newest first: what is left of long ago waits for what is new.
    """
    cursor.execute(
        "select business_date, delivery_id from ops.delivery where lender = %s and (status = 'accepted' or delivery_id "
        "in (select known.delivery_id from ops.delivery_in_build as known where known.until_build is null)) "
        "order by 1 desc",
        [lender],
    )
    deliveries: list[tuple[dt.date, int]] = cursor.fetchall()
    return [RawFile(entity, lender, day, number) for day, number in deliveries for entity in ENTITIES]


def _there(store: Lake, lender: str) -> set[RawFile]:
    return {file for entity in ENTITIES for file in store.files(entity, lender)}


def _remove(cursor: Cursor, store: Lake, files: set[RawFile]) -> int:
    """Remove files, unless a build is under way, which may be reading them: then the next to fill the lake does."""
    if not files or not one(cursor, "select pg_try_advisory_lock_shared(hashtext('arrears.candidate'))")[0]:
        return 0
    for file in files:
        store.remove(file)
    cursor.execute("select pg_advisory_unlock_shared(hashtext('arrears.candidate'))")
    return len(files)
