"""The loading transaction: a delivery is in raw whole, or not at all."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from psycopg2.extensions import cursor as Cursor

from arrears.delivery.fault import Fault
from arrears.delivery.files import Delivery, DeliveryFile
from arrears.delivery.text import BrokenFile, TextStream
from arrears.errors import Refused
from arrears.load import registry
from arrears.load.stage import Source, Stage
from arrears.warehouse.connect import connect, one


@dataclass
class Findings:
    """Everything wrong with a delivery, and its size.

    Attributes:
        faults: faults in the order of the files; those with `refuses` refuse the whole delivery.
        rows: rows in all files. rejected: rows that would be rejected.
    """

    lender: str
    business_date: dt.date
    faults: list[Fault] = field(default_factory=list)
    rows: int = 0
    rejected: int = 0

    @property
    def refusing(self) -> list[Fault]:
        return [fault for fault in self.faults if fault.refuses]

    def to_dict(self) -> dict[str, Any]:
        return {
            "lender": self.lender, "business_date": self.business_date.isoformat(), "rows": self.rows,
            "rejected": self.rejected, "accepted": not self.refusing,
            "faults": [fault.to_dict() for fault in self.faults],
        }  # fmt: skip


@dataclass(frozen=True)
class LoadResult:
    """What loading did.

    Attributes:
        outcome: `loaded` (waits for the delivery gate) or `unchanged` (these bytes stand already).
        rows: rows in all files. rejected: rows in ops.rejected_row.
    """

    delivery_id: int
    lender: str
    business_date: str
    outcome: str
    rows: int
    rejected: int

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


class _RollBack(Exception):
    """Leaves the transaction block without committing."""


def check(delivery: Delivery, *, url: str, pii_key: Callable[[], bytes]) -> Findings:
    """Would this delivery be accepted? Loads it, keeps every fault, and rolls everything back."""
    findings = Findings(delivery.lender, delivery.business_date)
    try:
        with connect(url, f"check {delivery.lender}") as connection, connection.cursor() as cursor:
            registry.lock_lender(cursor, delivery.lender)  # a load under way may be writing the same version
            delivery_id = registry.register(cursor, delivery, "loaded", "")
            _load_files(cursor, delivery, findings, delivery_id, pii_key, insert=False)
            raise _RollBack
    except _RollBack:
        return findings


def load(delivery: Delivery, *, url: str, pii_key: Callable[[], bytes]) -> LoadResult:
    """Load a delivery in one transaction.

    Raises:
        Refused: faults that refuse it whole; it is on record as refused, and raw is as it was.
        Infrastructure: the warehouse failed; nothing was changed.
    """
    findings = Findings(delivery.lender, delivery.business_date)
    if delivery.missing:
        return _refuse(delivery, findings, delivery.missing, url)
    _ensure_partitions(delivery.lender, url)
    try:
        with connect(url, f"load {delivery.lender}") as connection, connection.cursor() as cursor:
            registry.lock_lender(cursor, delivery.lender)
            standing = registry.newest(cursor, delivery.lender, delivery.business_date)
            if standing is not None and standing.content_hash == delivery.content_hash:
                if standing.status == "accepted":
                    registry.seen_again(cursor, standing.delivery_id)
                return _unchanged(cursor, delivery, standing)
            registry.record_lender(cursor, delivery.contract)
            delivery_id = registry.register(cursor, delivery, "loaded", delivery.content_hash)
            _load_files(cursor, delivery, findings, delivery_id, pii_key)
            if findings.refusing:
                raise _RollBack
            registry.count_delivery(cursor, delivery_id)
    except _RollBack:
        return _refuse(delivery, findings, findings.faults, url)
    return LoadResult(
        delivery_id, delivery.lender, delivery.business_date.isoformat(), "loaded", findings.rows, findings.rejected
    )


def _ensure_partitions(lender: str, url: str) -> None:
    with connect(url, f"load {lender}") as connection, connection.cursor() as cursor:
        registry.lock_lender(cursor, lender)
        registry.ensure_partitions(cursor, lender)


def _unchanged(cursor: Cursor, delivery: Delivery, standing: registry.Standing) -> LoadResult:
    counted = "select rows_in_files, rows_rejected from ops.delivery where delivery_id = %s"
    rows, rejected = one(cursor, counted, [standing.delivery_id])
    # A delivery that was loaded but never judged (killed in between) goes on to the gate.
    outcome = "unchanged" if standing.status == "accepted" else "loaded"
    return LoadResult(
        standing.delivery_id, delivery.lender, delivery.business_date.isoformat(), outcome, rows, rejected
    )


def _refuse(delivery: Delivery, findings: Findings, faults: list[Fault], url: str) -> LoadResult:
    """Record the refusal in a transaction of its own, then raise it."""
    refusing = [fault for fault in faults if fault.refuses]
    content_hash = "" if delivery.missing else delivery.content_hash
    with connect(url, f"refuse {delivery.lender}") as connection, connection.cursor() as cursor:
        registry.lock_lender(cursor, delivery.lender)
        delivery_id = registry.register(cursor, delivery, "refused", content_hash)
        # What refuses it comes first, so that a long list of rejected rows cannot push it off the record.
        registry.refuse(cursor, delivery_id, [*refusing, *(fault for fault in faults if not fault.refuses)])
    raise Refused(
        f"The delivery of {delivery.lender} for {delivery.business_date} is refused; what stood before still stands. "
        f"`arrears check {delivery.lender} {delivery.business_date}` shows every fault.",
        [str(fault) for fault in refusing[:20]] + ([f"… and {len(refusing) - 20} more"] if len(refusing) > 20 else []),
    )


def _load_files(
    cursor: Cursor, delivery: Delivery, findings: Findings, delivery_id: int, pii_key: Callable[[], bytes],
    *, insert: bool = True,
) -> None:  # fmt: skip
    """Load every file and keep going after a fault, so that all faults of the delivery are found in one pass."""
    findings.faults.extend(delivery.missing)
    cursor.execute("set local datestyle = 'ISO, YMD'")
    cursor.execute("select set_config('timezone', %s, true)", [delivery.contract.arrears.timezone])
    before = registry.rows_before(cursor, delivery.lender, delivery.business_date)
    for number, file in enumerate(delivery.files):
        cursor.execute("savepoint file")
        try:
            _load_file(cursor, delivery, file, findings, delivery_id, number, before, pii_key, insert)
        except BrokenFile as broken:
            cursor.execute("rollback to savepoint file")
            findings.faults.extend(broken.faults)
        cursor.execute("release savepoint file")


def _load_file(
    cursor: Cursor, delivery: Delivery, file: DeliveryFile, findings: Findings, delivery_id: int, number: int,
    before: dict[str, int], pii_key: Callable[[], bytes], insert: bool,
) -> None:  # fmt: skip
    limits = delivery.contract.arrears.limits
    file_id = registry.register_file(cursor, delivery_id, file)
    source = Source(delivery.lender, delivery.business_date, delivery_id, file_id)
    stream = TextStream(file, pii_key)
    stage = Stage(cursor, file, delivery.business_date, delivery_id, number)
    stage.copy(stream)
    rejected = stage.reject(source)
    findings.rows += stage.rows
    findings.rejected += rejected
    findings.faults.extend(stage.control_faults(stream))
    findings.faults.extend(stage.date_faults())
    findings.faults.extend(stage.duplicate_faults())
    if rejected:
        findings.faults.extend(stage.rejected(source))
    if rejected > limits.rejected_share * stage.rows:
        findings.faults.append(
            Fault(
                file.path,
                f"{rejected} of {stage.rows} rows are bad, more than the contract's {limits.rejected_share:.1%}",
            )
        )
    findings.faults.extend(_size_faults(delivery, file, stage.rows, before.get(file.resource.name)))
    if insert and not findings.refusing:
        stage.insert(source, rejected)
    registry.count_file(cursor, file_id, stage.rows, rejected)
    stage.drop()


def _size_faults(delivery: Delivery, file: DeliveryFile, rows: int, before: int | None) -> list[Fault]:
    """A snapshot is the whole book, so it neither shrinks nor grows by much from one delivery to the next."""
    limits = delivery.contract.arrears.limits
    if not before or file.resource.arrears.mode != "snapshot":
        return []
    if rows < before * (1 - limits.fall_in_rows):
        return [Fault(file.path, f"{rows} rows where the delivery before had {before}: is the file whole?")]
    if rows > before * limits.rise_in_rows:
        return [Fault(file.path, f"{rows} rows where the delivery before had {before}: is it the right file?")]
    return []
