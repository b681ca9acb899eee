"""The registry of deliveries: which one stands for a lender and a day, and what became of the others."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Identifier, Literal

from arrears.contract.entities import ENTITIES
from arrears.contract.model import Contract
from arrears.delivery.fault import Fault
from arrears.delivery.files import Delivery, DeliveryFile
from arrears.warehouse import locks
from arrears.warehouse.connect import first, one

REASONS_KEPT = 200
LOCK = "arrears.load"


@dataclass(frozen=True)
class Standing:
    """A delivery in the registry."""

    delivery_id: int
    version: int
    status: str
    content_hash: str


@dataclass(frozen=True)
class _Dates:
    """When a contract begins, and what was known then of the lender's others. Days as ISO writes them.

    Attributes:
        newer: those that begin after it. is_first: none begins before it.
    """

    own: str
    newer: list[str]
    is_first: bool

    def have_replaced(self, earlier: str) -> bool:
        """Whether a contract of a date that was read earlier is no more: there is none, or this one in its place."""
        if self.own < earlier:
            return earlier not in self.newer
        return self.own == earlier or self.is_first


def lock_lender(cursor: Cursor, lender: str) -> None:
    """Until the transaction ends, no other run touches this lender's deliveries."""
    locks.take(cursor, f"the deliveries of {lender}", LOCK, lender)


def newest(cursor: Cursor, lender: str, business_date: dt.date) -> Standing | None:
    """The newest delivery of that day that was not refused, or None."""
    row = first(
        cursor,
        "select delivery_id, version, status, content_hash from ops.delivery where lender = %s "
        "and business_date = %s and status <> 'refused' order by version desc limit 1",
        [lender, business_date],
    )
    return Standing(*row) if row else None


def is_pending(cursor: Cursor, lender: str, business_date: dt.date) -> bool:
    """Whether it is open what becomes of a day's files: none of its deliveries was judged yet, one that is loaded waits
    for its gate, or somebody is at work on the lender's deliveries, perhaps on the one in place of a refused one."""
    (waits,) = one(
        cursor,
        "select coalesce(bool_or(status = 'loaded'), true) from ops.delivery where lender = %s and business_date = %s",
        [lender, business_date],
    )
    return waits or locks.holder(cursor, LOCK, lender) is not None


def rows_before(cursor: Cursor, lender: str, business_date: dt.date) -> dict[str, int]:
    """Rows per resource of the newest delivery of an earlier day that is accepted or waits for its gate.

    Where days are loaded side by side, the day before may not be judged yet.
    """
    cursor.execute(
        "select f.resource, f.rows_in_file from ops.delivery_file as f where f.delivery_id = ("
        "select d.delivery_id from ops.delivery as d where d.lender = %s and d.business_date < %s "
        "and d.status in ('accepted', 'loaded') order by d.business_date desc, d.version desc limit 1)",
        [lender, business_date],
    )
    return dict(cursor.fetchall())


def register(cursor: Cursor, delivery: Delivery, content_hash: str) -> int:
    """A new version of the day's delivery, `loaded` until it is accepted or refused. Returns its delivery_id."""
    contract = delivery.contract
    row = one(
        cursor,
        "insert into ops.delivery (lender, business_date, version, content_hash, status, contract_effective_from, "
        "contract_hash, rules) select %(lender)s, %(day)s, coalesce(max(version), 0) + 1, %(hash)s, 'loaded', "
        "%(effective)s, %(digest)s, %(rules)s from ops.delivery where lender = %(lender)s and business_date = %(day)s "
        "returning delivery_id",
        {
            "lender": delivery.lender,
            "day": delivery.business_date,
            "hash": content_hash,
            "effective": contract.arrears.effective_from,
            "digest": contract.digest,
            "rules": json.dumps(_rules(contract), ensure_ascii=False),
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
    """Put a loaded delivery on record as refused, with its reasons."""
    reasons = [str(fault) for fault in faults]
    if len(reasons) > REASONS_KEPT:
        reasons = [*reasons[:REASONS_KEPT], f"… and {len(reasons) - REASONS_KEPT} more"]
    cursor.execute(
        "update ops.delivery set status = 'refused', reasons = %s, decided_at = clock_timestamp() "
        "where delivery_id = %s and status = 'loaded'",
        [json.dumps(reasons, ensure_ascii=False), delivery_id],
    )


def accept(cursor: Cursor, delivery_id: int) -> None:
    """Let a loaded delivery stand for its day, and what its contract says of the lender; older versions are superseded.

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
        "where d.delivery_id = %s and d.status = 'loaded' returning lender, status, rules",
        [delivery_id],
    )
    for lender, status, rules in cursor.fetchall():
        if status == "accepted" and rules is not None:  # an earlier release put them in force when it loaded
            _put_in_force(cursor, lender, rules, _accepted_since(cursor, lender, delivery_id))


def _rules(contract: Contract) -> dict[str, Any]:
    """What a contract says of its lender, as it is kept with a delivery."""
    rules = contract.arrears
    own, dates = rules.effective_from, contract.effective_dates
    conventions: list[tuple[str | None, str, str, dt.date]] = [
        (None, name, str(value), own) for name, value in rules.conventions.items()
    ]
    conventions += [(of.product, of.convention, of.value, of.effective_from or own) for of in rules.product_conventions]
    return {
        "en": rules.names.en, "zh": rules.names.zh, "currency": rules.currency, "zone": rules.timezone,
        "calendar": rules.calendar, "due": rules.delivery.deadline.isoformat(), "hash": contract.digest,
        "from": own.isoformat(), "newer": [date.isoformat() for date in dates if date > own],
        "is_first": all(date >= own for date in dates), "modes": contract.entity_modes(),
        "cumulative": sorted(contract.cumulative_entities()),
        "conventions": [(*what, since.isoformat()) for *what, since in conventions],
    }  # fmt: skip


def _accepted_since(cursor: Cursor, lender: str, delivery_id: int) -> list[_Dates]:
    """Of the contracts of deliveries that were loaded after this one and have passed their gates."""
    cursor.execute(
        "select distinct rules ->> 'from', rules -> 'newer', cast(rules ->> 'is_first' as boolean) from ops.delivery "
        "where lender = %s and delivery_id > %s and status <> 'refused' and decided_at is not null "
        "and rules is not null",
        [lender, delivery_id],
    )
    return [_Dates(*row) for row in cursor.fetchall()]


def _put_in_force(cursor: Cursor, lender: str, rules: dict[str, Any], since: list[_Dates]) -> None:
    """Write what an accepted delivery's contract says of the lender where the models read it.

    A newer contract has the last word, as long as there is one: a date that was corrected since holds nothing up.
    Contracts that were read `since` this one, of deliveries whose gates ended before its gate did, know better which
    there are: one that they have replaced does not come back.
    """
    own = rules["from"]
    if any(later.have_replaced(own) for later in since):
        return
    rules = {
        **rules,
        "newer": [*rules["newer"], *(later.own for later in since if later.own > own)],
        "is_first": rules["is_first"] and all(later.own > own for later in since),
    }
    cursor.execute(
        "insert into ops.lender values (%(lender)s, %(en)s, %(zh)s, %(currency)s, %(zone)s, %(calendar)s, %(due)s, "
        "%(from)s, %(hash)s) on conflict (lender) do update set name_en = excluded.name_en, "
        "name_zh = excluded.name_zh, currency = excluded.currency, timezone = excluded.timezone, "
        "calendar = excluded.calendar, delivery_deadline = excluded.delivery_deadline, "
        "contract_effective_from = excluded.contract_effective_from, contract_hash = excluded.contract_hash "
        "where ops.lender.contract_effective_from <> all(%(newer)s::date[])",
        {**rules, "lender": lender},
    )
    for entity, mode in rules["modes"].items():
        # Backfilling an old month with its old contract must not bring the old mode back.
        cursor.execute(
            "insert into ops.lender_entity (lender, entity, mode, is_cumulative) "
            "values (%(lender)s, %(entity)s, %(mode)s, %(cumulative)s) on conflict (lender, entity) "
            "do update set mode = excluded.mode, is_cumulative = excluded.is_cumulative "
            "where exists (select from ops.lender as l "
            "where l.lender = %(lender)s and l.contract_effective_from = %(from)s)",
            {
                "lender": lender, "entity": entity, "mode": mode, "from": rules["from"],
                "cumulative": entity in rules["cumulative"],
            },
        )  # fmt: skip
    _put_conventions_in_force(cursor, lender, rules)


def _put_conventions_in_force(cursor: Cursor, lender: str, rules: dict[str, Any]) -> None:
    # The first contract may date conventions before itself. Days are compared as ISO writes them.
    since = dt.date.min.isoformat() if rules["is_first"] else rules["from"]
    until = min(rules["newer"], default=dt.date.max.isoformat())
    cursor.execute(
        "delete from ops.lender_convention where lender = %s and effective_from >= %s and effective_from < %s",
        [lender, since, until],
    )
    for product, name, value, effective_from in rules["conventions"]:
        if effective_from >= until:
            continue  # from then on the next contract speaks
        cursor.execute(
            "insert into ops.lender_convention values (%s, %s, %s, %s, %s) on conflict do nothing",
            [lender, product, name, value, effective_from],
        )


def ensure_partitions(cursor: Cursor, lender: str) -> None:
    """A partition of every raw table for this lender, put in beside those who read and write the others.

    Made as one in the first place it would have to wait for whoever uses the table, and everybody who comes later, of
    every lender, for it. As a table of its own that is attached it waits for another new lender at most.
    """
    for entity in ENTITIES:
        name = f"{entity}_{lender}"
        if one(cursor, "select to_regclass(%s)", [f'raw."{name}"'])[0] is not None:
            continue
        cursor.execute(
            # The default saves sending the lender with every row that is copied into its partition.
            SQL(
                "create table {0} (like {1} including all); alter table {0} alter lender set default {2}; "
                "alter table {1} attach partition {0} for values in ({2})"
            ).format(Identifier("raw", name), Identifier("raw", entity), Literal(lender))
        )
