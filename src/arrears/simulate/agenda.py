"""Numbers that wait for their day."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from arrears.simulate.book import Ints


class Agenda:
    """Rows of `width` columns, put down for a day and taken on that day, in the order in which they were put."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._days: dict[int, list[tuple[Ints, ...]]] = defaultdict(list)

    def put(self, day: Ints, *columns: Ints) -> None:
        """Put rows down, each for its own day."""
        if not len(day):
            return
        order = np.argsort(day, kind="stable")
        ordered = day[order]
        sorted_columns = [c[order] for c in columns]
        cuts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
        ends = [*cuts[1:], len(ordered)]
        for a, b in zip(cuts, ends, strict=True):
            self._days[int(ordered[a])].append(tuple(c[a:b] for c in sorted_columns))

    def look(self, day: int) -> tuple[Ints, ...]:
        """A day's rows, left where they are."""
        parts = self._days.get(day, ())
        if not parts:
            return tuple(np.zeros(0, dtype=np.int64) for _ in range(self._width))
        return tuple(np.concatenate([p[k] for p in parts]).astype(np.int64) for k in range(self._width))

    def take(self, day: int) -> tuple[Ints, ...]:
        """A day's rows; they are gone afterwards."""
        rows = self.look(day)
        self._days.pop(day, None)
        return rows
