"""The grids of a report: tables, bars, matrices, and the figures under a chart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from arrears.report import cells
from arrears.report.names import Names, key
from arrears.report.pages import Part
from arrears.report.words import Text, same

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


class Grids:
    """Makes the grids of one report."""

    def __init__(self, names: Names) -> None:
        self._names = names

    def of(self, part: Part, rows: Sequence[dict[str, Any]]) -> Grid:
        if part.kind == "table":
            return self._plain(part, rows)
        if part.kind == "bars":
            return self._bars(part, rows)
        if part.kind == "matrix":
            return self._matrix(part, rows)
        return self._of_chart(part, rows)

    def _plain(self, part: Part, rows: Sequence[dict[str, Any]]) -> Grid:
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
        heads = self._names.in_order(row[across] for row in rows)
        highest = max((float(row[y] or 0) for row in rows), default=0.0) or 1.0

        def cell(key: tuple[Any, Any]) -> Cell:
            row = found.get(key)
            if row is None or row[y] is None:
                return Cell(same(""), number=True)
            more = ", ".join(f"{self._names.word(name)}: {cells.written(name, row[name])}" for name in part.also)
            share = same(cells.figure(100 * row[y], 1))
            return Cell(share, True, shade=round(SHADES * float(row[y]) / highest), more=more)

        header = (self._head(down, ()), *(Cell(self._names.value(across, head), True) for head in heads))
        lines = self._names.in_order(row[down] for row in rows)
        return Grid(
            header, tuple(Row((self._cell(down, line), *(cell((line, head)) for head in heads))) for line in lines)
        )

    def _of_chart(self, part: Part, rows: Sequence[dict[str, Any]]) -> Grid:
        """The figures of a chart: a row for every x, a column for every line."""
        assert part.x is not None
        if part.series is None:
            return self._plain(part.model_copy(update={"columns": (part.x, *part.ys)}), rows)
        y = part.ys[0]
        found = {(row[part.x], key(row[part.series])): row[y] for row in rows}
        names = [key(value) for value in self._names.in_order(row[part.series] for row in rows)]
        header = (self._head(part.x, ()), *(Cell(self._names.series(part.series, name), True) for name in names))
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
        return Cell(self._names.word(column), number=any(_is_number(value) for value in values))

    def _cell(self, column: str, value: Any, *, number: bool = False) -> Cell:
        return Cell(self._names.value(column, value), number or _is_number(value))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)
