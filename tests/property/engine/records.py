"""What came of a lender in the weeks before a book: on time or not, whole or not, or nothing."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from zoneinfo import ZoneInfo

from ...reference.book import Book, DeliveryRecord
from .dice import Dice

DEADLINES = (dt.time(9), dt.time(6, 30), dt.time(23, 59, 59))
MINUTES_AFTER_MIDNIGHT = (0, 540, 541, 390, 1439, 1440, 4000)


def with_records(dice: Dice, book: Book) -> Book:
    """A book with the record of its deliveries; most have none, since a day that is missing is as long as any other."""
    if not dice.chance(1, 4):
        return book
    days = sorted({dice.pick((0, 0, 1, 2, 31, 40)) for _ in range(dice.whole(1, 4))})
    book = replace(book, is_monthly=dice.chance(1, 4), deadline=dice.pick(DEADLINES))
    records = [_record(dice, book, book.data_as_of - dt.timedelta(days=days_before)) for days_before in days]
    return replace(book, records=tuple(records))


def _record(dice: Dice, book: Book, business_date: dt.date) -> DeliveryRecord:
    midnight = dt.datetime.combine(business_date + dt.timedelta(days=1), dt.time(), tzinfo=ZoneInfo(book.timezone))
    evaluated = dice.whole(0, 9)
    return DeliveryRecord(
        business_date=business_date,
        status=dice.pick(("accepted", "accepted", "refused")),
        received_at=midnight + dt.timedelta(minutes=dice.pick(MINUTES_AFTER_MIDNIGHT), seconds=dice.whole(0, 59)),
        files=dice.whole(0, 5),
        rows_accepted=dice.whole(0, 900),
        rows_rejected=dice.whole(0, 3),
        expectations_evaluated=evaluated,
        expectations_failed=min(dice.whole(0, 2), evaluated),
    )
