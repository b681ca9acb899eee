"""The clock of days past due: when it stands still, and how it counts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from .book import Event
from .conventions import Conventions
from .dates import DAY, add_months, days

Pause = tuple[dt.date, dt.date | None]


class Pauses:
    """The days on which the clock stands still. A pause: its first day, and the day on which the clock runs again."""

    def __init__(self, pauses: Iterable[Pause] = ()) -> None:
        self._pauses = tuple(pauses)

    @classmethod
    def of(cls, events: Iterable[Event]) -> Pauses:
        """What events say. A pause within a pause adds nothing; both words on one day leave things as they are."""
        told: dict[dt.date, set[str]] = {}
        for event in events:
            if event.kind in ("paused", "resumed"):
                told.setdefault(event.event_on, set()).add(event.kind)
        pauses: list[Pause] = []
        since: dt.date | None = None
        for day, kinds in sorted(told.items()):
            if kinds == {"paused"} and since is None:
                since = day
            elif kinds == {"resumed"} and since is not None:
                pauses.append((since, day))
                since = None
        if since is not None:
            pauses.append((since, None))
        return cls(pauses)

    def last_running(self, day: dt.date) -> dt.date:
        """The last day up to this one on which the clock runs."""
        while (pause := self._around(day)) is not None:
            day = pause[0] - DAY
        return day

    def paused_days(self, first: dt.date, last: dt.date) -> int:
        """How many days from first to last the clock stands still."""
        if not self._pauses:
            return 0
        return sum(self._around(day) is not None for day in days(first, last))

    def ends(self) -> list[dt.date]:
        """The days from which the clock runs again; not those on which another pause takes over."""
        return [until for _, until in self._pauses if until is not None and self._around(until) is None]

    def _around(self, day: dt.date) -> Pause | None:
        for pause in self._pauses:
            if pause[0] <= day and (pause[1] is None or day < pause[1]):
                return pause
        return None


NEVER_PAUSED = Pauses()


def overdue_from(due_on: dt.date, conventions: Conventions) -> dt.date:
    """The first day on which an instalment is overdue. A pause stops the clock, but nothing from being overdue."""
    return due_on + DAY * (1 - conventions.first_day)


def days_past_due(due_on: dt.date, day: dt.date, conventions: Conventions) -> int:
    """Days from a due date to the close of a day, in the way of counting of the conventions; never below 0."""
    count = {"days": _calendar_days, "30_360": _thirty_360, "ots": _ots, "mba": _mba}[conventions.day_count]
    return max(0, count(due_on, day, conventions.first_day))


def _calendar_days(due_on: dt.date, day: dt.date, first_day: int) -> int:
    return (day - due_on).days + first_day


def _thirty_360(due_on: dt.date, day: dt.date, first_day: int) -> int:
    whole_months = (day.year - due_on.year) * 12 + day.month - due_on.month
    return whole_months * 30 + min(day.day, 30) - min(due_on.day, 30) + first_day


def _ots(due_on: dt.date, day: dt.date, _: int) -> int:
    """Office of Thrift Supervision: a month is past due when the next due date's day closes unpaid."""
    return 30 * _whole_months(due_on, day)


def _mba(due_on: dt.date, day: dt.date, _: int) -> int:
    """Mortgage Bankers Association: a month is past due at the close of the eve of the next due date."""
    return 30 * _whole_months(due_on, day + DAY)


def _whole_months(first: dt.date, last: dt.date) -> int:
    months = 0
    while add_months(first, months + 1) <= last:
        months += 1
    return months
