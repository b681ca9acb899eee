"""From figures to what stands on a page: every part of it for every lender, as a chart with its figures, or a grid."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from arrears.report import cells, charts
from arrears.report.figures import Figures, Table
from arrears.report.grids import Grid, Grids
from arrears.report.names import Names, key
from arrears.report.pages import Part
from arrears.report.words import Text


@dataclass(frozen=True)
class Panel:
    """A part for one lender.

    Attributes:
        name: whose; None: of the whole.
        chart: SVG, whose figures are in the grid. legend: colour and name of each series.
        nothing: what to say where there is nothing to show.
    """

    name: Text | None
    is_stale: bool
    dated: str | None
    chart: str | None
    legend: tuple[tuple[str, Text], ...]
    has_dashes: bool
    grid: Grid
    nothing: Text | None


class Panels:
    """Makes the panels of one report."""

    def __init__(self, figures: Figures, names: Names) -> None:
        self._figures, self._names, self._grids = figures, names, Grids(names)
        self._lenders = [one["lender"] for one in figures.lenders]
        self._stale = {one["lender"] for one in figures.lenders if one["is_stale"]}

    def of(self, part: Part) -> list[Panel]:
        table = self._figures.tables[part.query]
        if part.whole:
            return [self._panel(part, table, None)]
        return [self._panel(part, table.of(lender), lender) for lender in self._lenders]

    def _panel(self, part: Part, table: Table, lender: str | None) -> Panel:
        rows = [row for row in table if all(row[column] == value for column, value in part.where.items())]
        series = self._series(part, rows) if part.kind in ("lines", "area") else []
        newest = max((row[part.dated] for row in rows), default=None) if part.dated else None
        nothing = None
        if not rows or (part.kind in ("lines", "area") and not _known(series)):
            nothing = part.nothing or self._names.word("nothing")
        title = f"{part.title}: {self._names.lender(lender)}" if lender else f"{part.title}"
        return Panel(
            name=None if part.whole else self._names.lender(lender),
            is_stale=lender in self._stale,
            dated=None if newest is None else f"{newest}",
            chart=self._chart(part, series, title) if series and nothing is None else None,
            legend=tuple((line.colour, self._names.series(part.series, line.name)) for line in series)
            if len(series) > 1
            else (),
            has_dashes=part.dashed is not None and any(not row[part.dashed] for row in rows),
            grid=self._grids.of(part, rows),
            nothing=nothing,
        )

    def _series(self, part: Part, rows: Sequence[dict[str, Any]]) -> list[charts.Line]:
        """The lines of a panel, in their order."""
        series, found = part.series, dict[str, list[charts.Point]]()
        if series is None:
            found = {y: [_point(part, row, y) for row in rows] for y in part.ys}
        else:
            for row in sorted(rows, key=lambda row: self._names.rank(row[series])):
                found.setdefault(key(row[series]), []).append(_point(part, row, part.ys[0]))
        colours = charts.colours(len(found))
        return [
            charts.Line(name, colour, tuple(sorted(points, key=lambda point: point[0])))
            for colour, (name, points) in zip(colours, found.items(), strict=True)
        ]

    def _chart(self, part: Part, series: list[charts.Line], title: str) -> str:
        assert part.x is not None
        known = _known(series)
        highest = max(y for _, y in known)
        axes = charts.Axes(
            dates=isinstance(known[0][0], dt.date),
            share=cells.is_share(part.ys[0]),
            zero=not part.floor,
            highest=part.at_most if part.at_most is not None and highest > part.at_most else None,
        )
        if part.kind == "area":
            return charts.area(series, axes, title)
        return charts.lines(series, axes, title, points=part.points)


def _point(part: Part, row: dict[str, Any], y: str) -> charts.Point:
    """x, y and whether the line is whole there."""
    assert part.x is not None
    is_whole = part.dashed is None or bool(row[part.dashed])
    return _place(part.x, row[part.x]), None if row[y] is None else float(row[y]), is_whole


def _place(column: str, x: Any) -> Any:
    """Where x stands on its axis: a month at its first day, where the axis has the mark of its name."""
    return x.replace(day=1) if column.endswith(("_month", "month_end")) else x


def _known(series: Sequence[charts.Line]) -> list[tuple[Any, float]]:
    """x and y of every figure there is."""
    return [(x, y) for line in series for x, y, _ in line.points if y is not None]
