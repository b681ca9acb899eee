"""The headline: what the book of each lender is today, and against a month and a year before."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from arrears.report import cells
from arrears.report.figures import Figures
from arrears.report.names import Names
from arrears.report.words import Text


@dataclass(frozen=True)
class Tile:
    label: Text
    figure: str
    unit: str
    changes: tuple[tuple[Text, str, bool], ...]  # on what; how much; whether in percentage points


@dataclass(frozen=True)
class Tiles:
    """The headline of a lender, or of all lenders of a currency."""

    name: Text
    currency: str
    as_of: dt.date
    is_stale: bool
    tiles: tuple[Tile, ...]


def tiles(figures: Figures, names: Names, query: str) -> list[Tiles]:
    """Those of every row of a query: of all lenders of a currency, and of each."""
    return [_of(names, figures, row) for row in figures.tables[query]]


def _of(names: Names, figures: Figures, row: dict[str, Any]) -> Tiles:
    lender = row["lender"]
    of_it = [one for one in figures.lenders if one["currency"] == row["currency"] and lender in (None, one["lender"])]
    stale = any(one["is_stale"] for one in of_it)
    tiles = [
        _tile(names, row, "outstanding_principal", "outstanding", _whole, row["currency"]),
        _tile(names, row, "loans", "loans", _whole, ""),
    ]
    tiles += [
        _tile(names, row, rate, rate, lambda value: cells.figure(100 * value, 2), "%")
        for rate in ("overdue_rate", "par30_rate", "par90_rate")
    ]
    return Tiles(names.lender(lender), row["currency"], row["as_of"], stale, tuple(tiles))


def _whole(value: Any) -> str:
    return cells.figure(value, 0, ",")


def _tile(names: Names, row: dict[str, Any], column: str, changed: str, write: Callable[[Any], str], unit: str) -> Tile:
    changes = []
    for back in ("month", "year"):
        in_points = f"{changed}_{back}_pp" in row
        value = row[f"{changed}_{back}_pp" if in_points else f"{changed}_{back}"]
        told = cells.written("_pp", value) if in_points else cells.change(value)
        changes.append((names.word(f"on_the_{back}"), told, in_points and value is not None))
    value = row[column]
    return Tile(names.word(column), cells.NONE if value is None else write(value), unit, tuple(changes))
