"""On which business dates a lender delivers."""

from __future__ import annotations

from typing import Literal

import numpy as np

from arrears.simulate.book import Ints, stream
from arrears.simulate.engine import month_ends

Every = Literal["day", "month"]


class Schedule:
    """A lender's deliveries from `start` to `end` (days since 1970-01-01): every day, or every month-end and `end`.

    incomplete: share of the days without a delivery, drawn from a stream of their own; never the first day, and never
    a month-end.
    """

    def __init__(self, *, start: int, end: int, every: Every, incomplete: float, seed: int, lender: str) -> None:
        self.start, self.end = start, end
        ends = month_ends(start, end)
        if every == "month":
            days = sorted({*ends, end})
        else:
            missing = _missing(start, end, incomplete, seed, lender) - ends
            days = [day for day in range(start, end + 1) if day not in missing]
        self.days: Ints = np.array(days, dtype=np.int64)

    def delivered_on(self, day: int) -> int:
        """The business date of the delivery that carries a day. What was booked after the last one waits for the day
        after the end."""
        at = int(np.searchsorted(self.days, day))
        return int(self.days[at]) if at < len(self.days) else self.end + 1

    def delivers(self, day: int) -> bool:
        """Whether there is a delivery for a business date."""
        return day >= self.start and self.delivered_on(day) == day


def _missing(start: int, end: int, share: float, seed: int, lender: str) -> set[int]:
    if share <= 0:
        return set()
    drawn = stream(seed, lender, "missing", start + 10**6).random(end - start)
    return {start + 1 + int(k) for k in np.flatnonzero(drawn < share)}
