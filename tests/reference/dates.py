"""Days, months and quarters."""

from __future__ import annotations

import datetime as dt
from calendar import monthrange
from collections.abc import Iterator

DAY = dt.timedelta(days=1)


def days(first: dt.date, last: dt.date) -> Iterator[dt.date]:
    """Every day from first to last, both included."""
    day = first
    while day <= last:
        yield day
        day += DAY


def month_end(day: dt.date) -> dt.date:
    """The last day of a day's month."""
    return day.replace(day=monthrange(day.year, day.month)[1])


def add_months(day: dt.date, months: int) -> dt.date:
    """The same day so many months later, or the last of that month where it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return dt.date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def month_end_after(day: dt.date, months: int) -> dt.date:
    """The month-end so many months after a day's month."""
    return month_end(add_months(day.replace(day=1), months))


def months_between(earlier: dt.date, later: dt.date) -> int:
    """Calendar months from one day's month to another's."""
    return (later.year - earlier.year) * 12 + later.month - earlier.month


def month_ends(first: dt.date, last: dt.date) -> list[dt.date]:
    """Every month-end on or after first that is not after last."""
    found = []
    end = month_end(first)
    while end <= last:
        found.append(end)
        end = month_end_after(end, 1)
    return found


def is_quarter_end(day: dt.date) -> bool:
    """Whether a month-end also ends a quarter."""
    return day.month % 3 == 0 and day == month_end(day)
