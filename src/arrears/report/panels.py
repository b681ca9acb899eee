"""From figures to what stands on a page: every part of it, for every lender, as charts and grids."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from arrears.report import cells, charts
from arrears.report.figures import Figures, Table
from arrears.report.pages import Part
from arrears.report.words import Text, Words, same

SHADES = 10


@dataclass(frozen=True)
class Cell:
    """One cell of a grid.

    Attributes:
        number: whether it stands to the right.
        shade: how dark, 0 to SHADES. more: what stands in its title. bar: from and to, in percent of the widest.
    """

    text: Text
    number: bool = False
    shade: int | None = None
    more: str | None = None
    bar: tuple[float, float] | None = None
    falls: bool = False


@dataclass(frozen=True)
class Row:
    cells: tuple[Cell, ...]
    is_sum: bool = False


@dataclass(frozen=True)
class Grid:
    header: tuple[Cell, ...]
    rows: tuple[Row, ...]


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


class Panels:
    """Makes the panels of one report."""

    def __init__(self, figures: Figures, words: Words) -> None:
        self._figures, self._words = figures, words
        self._lenders = {one["lender"]: one for one in figures.lenders}
        self._ranks = {row["bucket"]: row["sort_order"] for row in figures.tables["buckets"]}

    def of(self, part: Part) -> list[Panel]:
        table = self._figures.tables[part.query]
        if part.whole:
            return [self._panel(part, table, None)]
        return [self._panel(part, table.of(lender), lender) for lender in self._lenders]

    def tiles(self, part: Part) -> list[Tiles]:
        return [self._tiles(row) for row in self._figures.tables[part.query]]

    def name(self, lender: str | None) -> Text:
        if lender is None:
            return self._words("all_lenders")
        return Text(en=self._lenders[lender]["name_en"], zh=self._lenders[lender]["name_zh"])

    # ── one panel ────────────────────────────────────────────────────────────────────────────────────────

    def _panel(self, part: Part, table: Table, lender: str | None) -> Panel:
        rows = [row for row in table if all(row[column] == value for column, value in part.where.items())]
        series = self._series(part, rows) if part.kind in ("lines", "area") else []
        newest = max((row[part.dated] for row in rows), default=None) if part.dated else None
        nothing = None
        if not rows or (part.kind in ("lines", "area") and not any(line.points for line in series)):
            nothing = part.nothing or self._words("nothing")
        title = f"{part.title}: {self.name(lender)}" if lender else f"{part.title}"
        return Panel(
            name=None if part.whole else self.name(lender),
            is_stale=bool(lender and self._lenders[lender]["is_stale"]),
            dated=None if newest is None else f"{newest}",
            chart=self._chart(part, series, title) if series and nothing is None else None,
            legend=tuple((line.colour, self._series_name(part, line.name)) for line in series)
            if len(series) > 1
            else (),
            has_dashes=part.dashed is not None and any(not row[part.dashed] for row in rows),
            grid=self._grid(part, rows),
            nothing=nothing,
        )

    def _series(self, part: Part, rows: Sequence[dict[str, Any]]) -> list[charts.Line]:
        """The lines of a panel, in their order."""
        series, found = part.series, dict[str, list[Any]]()
        if series is None:
            found = {y: [_point(part, row, y) for row in rows] for y in part.ys}
        else:
            for row in sorted(rows, key=lambda row: self._rank(row[series])):
                found.setdefault(_key(row[series]), []).append(_point(part, row, part.ys[0]))
        colours = charts.colours(len(found))
        return [
            charts.Line(name, colour, tuple(sorted((p for p in points if p is not None), key=lambda p: p[0])))
            for colour, (name, points) in zip(colours, found.items(), strict=True)
        ]

    def _chart(self, part: Part, series: list[charts.Line], title: str) -> str:
        assert part.x is not None
        xs = [point[0] for line in series for point in line.points]
        highest = max((point[1] for line in series for point in line.points), default=0.0)
        axes = charts.Axes(
            dates=isinstance(xs[0], dt.date),
            share=cells.is_share(part.ys[0]),
            zero=not part.floor,
            highest=part.at_most if part.at_most is not None and highest > part.at_most else None,
        )
        if part.kind == "area":
            return charts.area(series, axes, title)
        return charts.lines(series, axes, title, points=part.points)

    def _series_name(self, part: Part, name: str) -> Text:
        if part.series in ("window_days",):
            return Text(en=f"{name} d", zh=f"{name}天")
        if part.series == "is_first_instalment":
            return Text(en="first instalment", zh="首期") if name == "true" else Text(en="later ones", zh="其余各期")
        return self._words(name)

    # ── the order of things ──────────────────────────────────────────────────────────────────────────────

    def _rank(self, value: Any) -> Any:
        """What values of a column are put in order by: buckets and states by severity, all else by itself."""
        return (self._ranks.get(value, 0), value) if isinstance(value, str) else value

    def _in_order(self, values: Iterable[Any]) -> list[Any]:
        return sorted(set(values), key=self._rank)

    # ── grids ────────────────────────────────────────────────────────────────────────────────────────────

    def _grid(self, part: Part, rows: Sequence[dict[str, Any]]) -> Grid:
        if part.kind == "table":
            return self._plain_grid(part, rows)
        if part.kind == "bars":
            return self._bars(part, rows)
        if part.kind == "matrix":
            return self._matrix(part, rows)
        return self._chart_figures(part, rows)

    def _plain_grid(self, part: Part, rows: Sequence[dict[str, Any]]) -> Grid:
        sums = set(part.sums.get("values", ()))
        header = tuple(self._head(column, rows) for column in part.columns)
        return Grid(
            header,
            tuple(
                Row(
                    tuple(
                        self._cell(c, row[c], number=head.number) for c, head in zip(part.columns, header, strict=True)
                    ),
                    bool(sums) and row[part.sums["column"]] in sums,
                )
                for row in rows
            ),
        )

    def _bars(self, part: Part, rows: Sequence[dict[str, Any]]) -> Grid:
        assert part.label is not None
        y = part.ys[0]
        ends = [self._ends(part, row) for row in rows]
        low, high = min((min(pair) for pair in ends), default=0.0), max((max(pair) for pair in ends), default=0.0)
        wide = (max(high, 0.0) - min(low, 0.0)) or 1.0

        def at(value: float) -> float:
            return round(100 * (value - min(low, 0.0)) / wide, 2)

        header = [self._head(part.label, rows), Cell(same("")), *(self._head(c, rows) for c in (y, *part.also))]
        drawn = [
            Row(
                (
                    self._cell(part.label, row[part.label]),
                    Cell(same(""), bar=(at(min(pair)), at(max(pair))), falls=pair[1] < pair[0]),
                    *(self._cell(column, row[column], number=True) for column in (y, *part.also)),
                )
            )
            for row, pair in zip(rows, ends, strict=True)
        ]
        return Grid(tuple(header), tuple(drawn))

    @staticmethod
    def _ends(part: Part, row: dict[str, Any]) -> tuple[float, float]:
        if part.starts_at and part.ends_at:
            return float(row[part.starts_at]), float(row[part.ends_at])
        return 0.0, float(row[part.ys[0]] or 0)

    def _matrix(self, part: Part, rows: Sequence[dict[str, Any]]) -> Grid:
        assert part.rows is not None
        down, across, y = part.rows, part.columns[0], part.ys[0]
        found = {(row[down], row[across]): row for row in rows}
        heads = self._in_order(row[across] for row in rows)
        highest = max((float(row[y] or 0) for row in rows), default=0.0) or 1.0

        def cell(key: tuple[Any, Any]) -> Cell:
            row = found.get(key)
            if row is None or row[y] is None:
                return Cell(same(""), number=True)
            more = ", ".join(f"{self._words(name)}: {cells.written(name, row[name])}" for name in part.also)
            return Cell(same(f"{100 * row[y]:.1f}"), True, shade=round(SHADES * float(row[y]) / highest), more=more)

        header = (self._head(down, ()), *(Cell(self._value(across, head), True) for head in heads))
        lines = self._in_order(row[down] for row in rows)
        return Grid(
            header, tuple(Row((self._cell(down, line), *(cell((line, head)) for head in heads))) for line in lines)
        )

    def _chart_figures(self, part: Part, rows: Sequence[dict[str, Any]]) -> Grid:
        """The figures of a chart: a row for every x, a column for every line."""
        assert part.x is not None
        if part.series is None:
            return self._plain_grid(part.model_copy(update={"columns": (part.x, *part.ys)}), rows)
        y = part.ys[0]
        found = {(row[part.x], _key(row[part.series])): row[y] for row in rows}
        names = [_key(value) for value in self._in_order(row[part.series] for row in rows)]
        header = (self._head(part.x, ()), *(Cell(self._series_name(part, name), True) for name in names))
        xs = sorted({row[part.x] for row in rows})
        return Grid(
            header,
            tuple(
                Row((self._cell(part.x, x), *(self._cell(y, found.get((x, name)), number=True) for name in names)))
                for x in xs
            ),
        )

    def _head(self, column: str, rows: Iterable[dict[str, Any]]) -> Cell:
        values = (row[column] for row in rows)
        return Cell(self._words(column), number=any(_is_number(value) for value in values))

    def _cell(self, column: str, value: Any, *, number: bool = False) -> Cell:
        return Cell(self._value(column, value), number or _is_number(value))

    def _value(self, column: str, value: Any) -> Text:
        if isinstance(value, bool):
            return self._words("yes" if value else "no")
        if isinstance(value, str):
            return self.name(value) if column == "lender" else self._words(value)
        return same(cells.written(column, value))

    # ── tiles ────────────────────────────────────────────────────────────────────────────────────────────

    def _tiles(self, row: dict[str, Any]) -> Tiles:
        lender = row["lender"]
        of = [self._lenders[lender]] if lender else list(self._lenders.values())
        tiles = [
            self._tile(row, "outstanding_principal", "outstanding", lambda value: f"{value:,.0f}", row["currency"]),
            self._tile(row, "loans", "loans", lambda value: f"{value:,d}", ""),
        ]
        tiles += [
            self._tile(row, rate, rate, lambda value: f"{100 * value:.2f}", "%")
            for rate in ("overdue_rate", "par30_rate", "par90_rate")
        ]
        return Tiles(self.name(lender), row["currency"], row["as_of"], any(one["is_stale"] for one in of), tuple(tiles))

    def _tile(self, row: dict[str, Any], column: str, changed: str, write: Callable[[Any], str], unit: str) -> Tile:
        changes = []
        for back in ("month", "year"):
            in_points = f"{changed}_{back}_pp" in row
            value = row[f"{changed}_{back}_pp" if in_points else f"{changed}_{back}"]
            told = cells.written("_pp", value) if in_points else cells.change(value)
            changes.append((self._words(f"on_the_{back}"), told, in_points and value is not None))
        value = row[column]
        return Tile(self._words(column), cells.NONE if value is None else write(value), unit, tuple(changes))


def _point(part: Part, row: dict[str, Any], y: str) -> tuple[Any, float, bool] | None:
    """x, y and whether the line is whole there; nothing where there is no figure."""
    assert part.x is not None
    if row[y] is None:
        return None
    return row[part.x], float(row[y]), part.dashed is None or bool(row[part.dashed])


def _key(value: Any) -> str:
    """What a series is told by."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:%Y-%m}" if isinstance(value, dt.date) else str(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)
