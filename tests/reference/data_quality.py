"""What came from a lender each day: mart_data_quality_daily."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from zoneinfo import ZoneInfo

from .book import Book, DeliveryRecord
from .dates import DAY, days, month_end
from .facts import Row
from .money import cents


def data_quality_daily(book: Book, business_date: dt.date) -> list[Row]:
    """A row for every day on which the lender delivered or should have, from the first delivery on."""
    came = {record.business_date: record for record in book.records}
    if not came:
        return []
    return [
        _row(book, day, came.get(day))
        for day in days(min(came), business_date)
        if day in came or not book.is_monthly or day == month_end(day)
    ]


def _row(book: Book, day: dt.date, record: DeliveryRecord | None) -> Row:
    row: Row = {"lender": book.lender, "business_date": day}
    if record is None:
        counts = ("files", "rows_in_files", "rows_accepted", "rows_rejected", "orphan_rows", "expectations_evaluated",
                  "expectations_failed")  # fmt: skip
        nothing = dict.fromkeys(counts, 0)
        return row | nothing | {"delivery_status": "missing", "delivered_at": None, "hours_late": None}
    return row | {
        "files": record.files,
        "rows_in_files": record.rows_accepted + record.rows_rejected,
        "rows_accepted": record.rows_accepted,
        "rows_rejected": record.rows_rejected,
        # the delivery that brought what stands has the rows that belong to nothing
        "orphan_rows": _orphans(book) if day == book.data_as_of else 0,
        "delivery_status": record.status,
        "delivered_at": record.received_at,
        "hours_late": _hours_late(book, record),
        "expectations_evaluated": record.expectations_evaluated,
        "expectations_failed": record.expectations_failed,
    }


def _hours_late(book: Book, record: DeliveryRecord) -> Decimal:
    """Hours between the deadline, on the lender's clocks on the day after, and the arrival; 0 for what came in time.

    Where clocks show a deadline twice, or leave it out, the later instant that it may mean counts.
    """
    shown = dt.datetime.combine(record.business_date + DAY, book.deadline, tzinfo=ZoneInfo(book.timezone))
    due_at = max(shown.replace(fold=fold).astimezone(dt.UTC) for fold in (0, 1))
    late = record.received_at.astimezone(dt.UTC) - due_at
    return cents(Decimal(max(int(late.total_seconds()), 0)) / 3600)


def _orphans(book: Book) -> int:
    """Returns of payments that nobody knows."""
    return sum(
        payment.reverses_payment_id is not None
        and payment.reverses_payment_id not in {other.payment_id for other in loan.payments}
        for loan in book.loans
        for payment in loan.payments
    )
