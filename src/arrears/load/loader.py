"""The loading transaction: a delivery is in raw whole, or not at all."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from psycopg2.extensions import cursor as Cursor

from arrears.delivery.control import control_faults
from arrears.delivery.fault import BrokenFile, BrokenWorkbook, Fault
from arrears.delivery.files import Delivery, DeliveryFile
from arrears.errors import Refused
from arrears.load import registry
from arrears.load.file import LoadingFile
from arrears.load.raw import Source
from arrears.load.values import Day
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
            delivery_id = registry.register(cursor, delivery, "")
            _load_files(cursor, delivery, findings, delivery_id, pii_key, accept=False)
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
            delivery_id = registry.register(cursor, delivery, delivery.content_hash)
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
        delivery_id = registry.register(cursor, delivery, content_hash)
        # What refuses it comes first, so that a long list of rejected rows cannot push it off the record.
        registry.refuse(cursor, delivery_id, [*refusing, *(fault for fault in faults if not fault.refuses)])
    raise Refused(
        f"The delivery of {delivery.lender} for {delivery.business_date} is refused; what stood before still stands. "
        f"`arrears check {delivery.lender} {delivery.business_date}` shows every fault.",
        [str(fault) for fault in refusing[:20]] + ([f"… and {len(refusing) - 20} more"] if len(refusing) > 20 else []),
    )


def _load_files(
    cursor: Cursor, delivery: Delivery, findings: Findings, delivery_id: int, pii_key: Callable[[], bytes],
    *, accept: bool = True,
) -> None:  # fmt: skip
    """Load every file and keep going after a fault, so that all faults of the delivery are found in one pass.

    Raises:
        Infrastructure: a file changed while it was read, so that nothing found in it counts.
    """
    findings.faults.extend(delivery.missing)
    cursor.execute("set local datestyle = 'ISO, YMD'")
    cursor.execute("select set_config('timezone', %s, true)", [delivery.contract.arrears.timezone])
    before = registry.rows_before(cursor, delivery.lender, delivery.business_date)
    for file in delivery.files:
        cursor.execute("savepoint file")
        # What will not stand is not written.
        accepting = accept and not findings.refusing
        try:
            _load_file(cursor, delivery, file, findings, delivery_id, before, pii_key, accept=accepting)
        except BrokenFile as broken:
            file.ensure_unchanged()  # of one that is still being written nothing is wrong yet
            cursor.execute("rollback to savepoint file")
            _note_broken(findings, delivery, file, broken)
        cursor.execute("release savepoint file")


def _note_broken(findings: Findings, delivery: Delivery, file: DeliveryFile, broken: BrokenFile) -> None:
    """Note why a file cannot be read; of a workbook that is broken as a whole once, not for every sheet."""
    if not isinstance(broken, BrokenWorkbook):
        findings.faults.extend(_placed(delivery, file, broken.faults))
    elif not set(broken.faults) <= set(findings.faults):
        findings.faults.extend(broken.faults)


def _placed(delivery: Delivery, file: DeliveryFile, faults: Iterable[Fault]) -> list[Fault]:
    """The faults, with the sheet where the file's path does not say enough."""
    sheet = delivery.sheet_of(file)
    return [replace(fault, sheet=sheet) if sheet and fault.file == file.path else fault for fault in faults]


def _load_file(
    cursor: Cursor, delivery: Delivery, file: DeliveryFile, findings: Findings, delivery_id: int,
    before: dict[str, int], pii_key: Callable[[], bytes], *, accept: bool,
) -> None:  # fmt: skip
    rules = delivery.contract.arrears
    file_id = registry.register_file(cursor, delivery_id, file)
    source = Source(delivery.lender, delivery.business_date, delivery_id, file_id)
    day = Day(delivery.business_date, rules.timezone)
    loaded = LoadingFile(file, source, day, pii_key, accept=accept).load(cursor)
    findings.rows += loaded.rows
    findings.rejected += loaded.rejected
    faults = [*control_faults(delivery, file, loaded.rows), *loaded.faults]
    if loaded.rejected > rules.limits.rejected_share * loaded.rows:
        share = f"more than the contract's {rules.limits.rejected_share:.1%}"
        faults.append(Fault(file.path, f"{loaded.rejected} of {loaded.rows} rows are bad, {share}"))
    faults += _size_faults(delivery, file, loaded.rows, before.get(file.resource.name))
    findings.faults.extend(_placed(delivery, file, faults))
    registry.count_file(cursor, file_id, loaded.rows, loaded.rejected)


def _size_faults(delivery: Delivery, file: DeliveryFile, rows: int, before: int | None) -> list[Fault]:
    """A snapshot is the whole book, so it neither shrinks nor grows by much from one delivery to the next. What is new
    or changed since the day before may be anything; of it the contract can say how little is too little."""
    limits, least = delivery.contract.arrears.limits, file.resource.arrears.least_rows
    if rows < least:
        return [Fault(file.path, f"{rows} rows where the contract expects {least} at least: is the file whole?")]
    if not before or file.resource.arrears.mode != "snapshot":
        return []
    if rows < before * (1 - limits.fall_in_rows):
        return [Fault(file.path, f"{rows} rows where the delivery before had {before}: is the file whole?")]
    if rows > before * limits.rise_in_rows:
        return [Fault(file.path, f"{rows} rows where the delivery before had {before}: is it the right file?")]
    return []
