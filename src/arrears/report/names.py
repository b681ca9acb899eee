"""What lenders and values are called in a report, and in which order they stand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from arrears.report import cells
from arrears.report.figures import Figures
from arrears.report.words import Text, Words, same

DAYS, FIRST = "window_days", "is_first_instalment"


class Names:
    """Names of one report: the words, its lenders, and its buckets and states by severity."""

    def __init__(self, figures: Figures, words: Words) -> None:
        self._words = words
        # a lender's contract need not have a Chinese name
        self._lenders = {
            one["lender"]: Text(en=one["name_en"], zh=one["name_zh"] or one["name_en"]) for one in figures.lenders
        }
        self._ranks = {row["bucket"]: row["sort_order"] for row in figures.tables["buckets"]}

    def word(self, name: str) -> Text:
        return self._words(name)

    def lender(self, lender: str | None) -> Text:
        """None: all of them."""
        return self._words("all_lenders") if lender is None else self._lenders.get(lender) or same(lender)

    def value(self, column: str, value: Any) -> Text:
        """A figure or a value of a column, as people read it."""
        if isinstance(value, bool):
            return self._words("yes" if value else "no")
        if isinstance(value, str):
            return self.lender(value) if column == "lender" else self._words(value)
        return same(cells.written(column, value))

    def series(self, column: str | None, key: str) -> Text:
        """What a line of a chart is called, by its key."""
        if column == DAYS:
            return Text(en=f"{key} d", zh=f"{key}天")
        if column == FIRST:
            return Text(en="first instalment", zh="首期") if key == "true" else Text(en="later ones", zh="其余各期")
        return self._words(key)

    def rank(self, value: Any) -> Any:
        """What values of a column are put in order by: buckets and states by severity, all else by itself."""
        return (self._ranks.get(value, 0), value) if isinstance(value, str) else value

    def in_order(self, values: Iterable[Any]) -> list[Any]:
        """Values once each, in their order."""
        return sorted(set(values), key=self.rank)


def key(value: Any) -> str:
    """What a series is told by."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:%Y-%m}" if isinstance(value, dt.date) else str(value)
