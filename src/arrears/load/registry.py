"""The registry of deliveries: which one stands for a lender and a day, and what became of the others."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Identifier, Literal

from arrears.contract.entities import ENTITIES
from arrears.contract.model import Contract
from arrears.delivery.fault import Fault
from arrears.delivery.files import Delivery, DeliveryFile
from arrears.warehouse.connect import first, one

REASONS_KEPT = 200


@dataclass(frozen=True)
class Standing:
    """A delivery in the registry."""

    delivery_id: int
    version: int
    status: str
    content_hash: str


def lock_lender(cursor: Cursor, lender: str) -> None:
    """Until the transaction ends, no other run touches this lender's deliveries."""
    cursor.execute("select pg_advisory_xact_lock(hashtext('arrears.load'), hashtext(%s))", [lender])


def newest(cursor: Cursor, lender: str, business_date: dt.date) -> Standing | None:
    """The newest delivery of that day that was not refused, or None."""
    row = first(
        cursor,
        "select delivery_id, version, status, content_hash from ops.delivery where lender = %s "
        "and business_date = %s and status <> 'refused' order by version desc limit 1",
        [lender, business_date],
    )
    return Standing(*row) if row else None


def is_judged(cursor: Cursor, lender: str, business_date: dt.date) -> bool:
    """Whether some delivery of that day was accepted or refused. One that is only loaded waits for its gate."""
    row = one(
        cursor,
        "select exists (select from ops.delivery where lender = %s and business_date = %s and status <> 'loaded')",
        [lender, business_date],
    )
    return bool(row[0])


def rows_before(cursor: Cursor, lender: str, business_date: dt.date) -> dict[str, int]:
    """Rows per resource of the newest accepted delivery of an earlier day."""
    cursor.execute(
        "select f.resource, f.rows_in_file from ops.delivery_file as f where f.delivery_id = ("
        "select d.delivery_id from ops.delivery as d where d.lender = %s and d.business_date < %s "
        "and d.status = 'accepted' order by d.business_date desc limit 1)",
        [lender, business_date],
    )
    return dict(cursor.fetchall())


def register(cursor: Cursor, delivery: Delivery, status: str, content_hash: str) -> int:
    """A new version of the day's delivery. Returns its delivery_id."""
    contract = delivery.contract
    row = one(
        cursor,
        "insert into ops.delivery (lender, business_date, version, content_hash, status, contract_effective_from, "
        "contract_hash) select %(lender)s, %(day)s, coalesce(max(version), 0) + 1, %(hash)s, %(status)s, "
        "%(effective)s, %(digest)s from ops.delivery where lender = %(lender)s and business_date = %(day)s "
        "returning delivery_id",
        {
            "lender": delivery.lender,
            "day": delivery.business_date,
            "hash": content_hash,
            "status": status,
            "effective": contract.arrears.effective_from,
            "digest": contract.digest,
        },
    )
    return int(row[0])


def register_file(cursor: Cursor, delivery_id: int, file: DeliveryFile) -> int:
    """A file of a delivery, its rows not yet counted. Returns its file_id."""
    sha256, size = file.fingerprint
    row = one(
        cursor,
        "insert into ops.delivery_file (delivery_id, resource, path, sha256, bytes, rows_in_file, rows_accepted, "
        "rows_rejected) values (%s, %s, %s, %s, %s, 0, 0, 0) returning file_id",
        [delivery_id, file.resource.name, file.path, sha256, size],
    )
    return int(row[0])


def count_file(cursor: Cursor, file_id: int, rows: int, rejected: int) -> None:
    """Record how many rows a file had and how many were rejected; the table checks that they add up."""
    cursor.execute(
        "update ops.delivery_file set rows_in_file = %s, rows_accepted = %s, rows_rejected = %s where file_id = %s",
        [rows, rows - rejected, rejected, file_id],
    )


def count_delivery(cursor: Cursor, delivery_id: int) -> None:
    """Sum the files' counts up."""
    cursor.execute(
        "update ops.delivery as d set (rows_in_files, rows_accepted, rows_rejected) = ("
        "select coalesce(sum(rows_in_file), 0), coalesce(sum(rows_accepted), 0), coalesce(sum(rows_rejected), 0) "
        "from ops.delivery_file as f where f.delivery_id = d.delivery_id) where d.delivery_id = %s",
        [delivery_id],
    )


def seen_again(cursor: Cursor, delivery_id: int) -> None:
    cursor.execute("insert into ops.delivery_seen (delivery_id) values (%s)", [delivery_id])


def refuse(cursor: Cursor, delivery_id: int, faults: Sequence[Fault | str]) -> None:
    """Put a delivery on record as refused, with its reasons."""
    reasons = [str(fault) for fault in faults]
    if len(reasons) > REASONS_KEPT:
        reasons = [*reasons[:REASONS_KEPT], f"… and {len(reasons) - REASONS_KEPT} more"]
    cursor.execute(
        "update ops.delivery set status = 'refused', reasons = %s, decided_at = clock_timestamp() "
        "where delivery_id = %s",
        [json.dumps(reasons, ensure_ascii=False), delivery_id],
    )


def accept(cursor: Cursor, delivery_id: int) -> None:
    """Let a loaded delivery stand for its day; older versions are superseded.

    One that a newer version has overtaken since it was loaded is itself superseded.
    """
    cursor.execute(
        "update ops.delivery as d set status = 'superseded' from ops.delivery as n where n.delivery_id = %s "
        "and n.status = 'loaded' and d.lender = n.lender and d.business_date = n.business_date "
        "and d.status in ('accepted', 'loaded') and d.version < n.version",
        [delivery_id],
    )
    cursor.execute(
        "update ops.delivery as d set decided_at = clock_timestamp(), status = case when exists ("
        "select from ops.delivery as n where n.lender = d.lender and n.business_date = d.business_date "
        "and n.status = 'accepted' and n.version > d.version) then 'superseded' else 'accepted' end "
        "where d.delivery_id = %s and d.status = 'loaded'",
        [delivery_id],
    )


def record_lender(cursor: Cursor, contract: Contract) -> None:
    """Write what the contract says of the lender where the models read it.

    A newer contract has the last word, as long as there is one: a date that was corrected since holds nothing up.
    """
    rules = contract.arrears
    cursor.execute(
        "insert into ops.lender values (%(lender)s, %(en)s, %(zh)s, %(currency)s, %(zone)s, %(calendar)s, %(due)s, "
        "%(from)s, %(hash)s) on conflict (lender) do update set name_en = excluded.name_en, "
        "name_zh = excluded.name_zh, currency = excluded.currency, timezone = excluded.timezone, "
        "calendar = excluded.calendar, delivery_deadline = excluded.delivery_deadline, "
        "contract_effective_from = excluded.contract_effective_from, contract_hash = excluded.contract_hash "
        "where ops.lender.contract_effective_from <> all(%(newer)s)",
        {
            "lender": contract.lender, "en": rules.names.en, "zh": rules.names.zh, "currency": rules.currency,
            "zone": rules.timezone, "calendar": rules.calendar, "due": rules.delivery.deadline,
            "from": rules.effective_from, "hash": contract.digest, "newer": _newer(contract),
        },
    )  # fmt: skip
    for entity, mode in contract.entity_modes().items():
        # Backfilling an old month with its old contract must not bring the old mode back.
        cursor.execute(
            "insert into ops.lender_entity (lender, entity, mode, is_cumulative) "
            "values (%(lender)s, %(entity)s, %(mode)s, %(cumulative)s) on conflict (lender, entity) "
            "do update set mode = excluded.mode, is_cumulative = excluded.is_cumulative "
            "where exists (select from ops.lender as l "
            "where l.lender = %(lender)s and l.contract_effective_from = %(from)s)",
            {
                "lender": contract.lender, "entity": entity, "mode": mode, "from": rules.effective_from,
                "cumulative": entity in contract.cumulative_entities(),
            },
        )  # fmt: skip
    _record_conventions(cursor, contract)


def _newer(contract: Contract) -> list[dt.date]:
    return [date for date in contract.effective_dates if date > contract.arrears.effective_from]


def _record_conventions(cursor: Cursor, contract: Contract) -> None:
    rules = contract.arrears
    rows: list[tuple[str | None, str, str, dt.date]] = [
        (None, name, str(value), rules.effective_from) for name, value in rules.conventions.items()
    ]
    rows += [
        (own.product, own.convention, own.value, own.effective_from or rules.effective_from)
        for own in rules.product_conventions
    ]
    is_first = all(date >= rules.effective_from for date in contract.effective_dates)
    since = dt.date.min if is_first else rules.effective_from  # the first may date conventions before itself
    until = min(_newer(contract), default=dt.date.max)
    cursor.execute(
        "delete from ops.lender_convention where lender = %s and effective_from >= %s and effective_from < %s",
        [contract.lender, since, until],
    )
    for product, name, value, effective_from in rows:
        if effective_from >= until:
            continue  # from then on the next contract speaks
        cursor.execute(
            "insert into ops.lender_convention values (%s, %s, %s, %s, %s) on conflict do nothing",
            [contract.lender, product, name, value, effective_from],
        )


def ensure_partitions(cursor: Cursor, lender: str) -> None:
    """A partition of every raw table for this lender. Takes its locks only when one is missing."""
    for entity in ENTITIES:
        name = f"{entity}_{lender}"
        if one(cursor, "select to_regclass(%s)", [f'raw."{name}"'])[0] is not None:
            continue
        cursor.execute(
            # The default saves sending the lender with every row that is copied into its partition.
            SQL("create table if not exists {0} partition of {1} (lender default {2}) for values in ({2})").format(
                Identifier("raw", name), Identifier("raw", entity), Literal(lender)
            )
        )
