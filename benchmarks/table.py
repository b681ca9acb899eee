"""Figures as they are measured, and the table that is made of them."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Figure:
    """One thing measured some times in the same way.

    Attributes:
        part: which of the benchmarks it is from.
        what: what was measured.
        unit: `s`, `MiB`, `rows`, `bytes`, …
        measured: one value of every time.
        against: the figure that it is a multiple of, if any; measured in the same run.
    """

    part: str
    what: str
    unit: str
    measured: Sequence[float]
    against: Figure | None = field(default=None)

    @property
    def median(self) -> float:
        return statistics.median(self.measured)

    @property
    def ratio(self) -> float | None:
        return self.median / self.against.median if self.against else None


def written(figures: Iterable[Figure]) -> str:
    """The figures as a table in Markdown: the median, from least to most, and the ratio of medians."""
    lines = ["| part | what | median | from–to | ratio |", "|---|---|---:|---:|---:|"]
    for figure in figures:
        spread = f"{_shown(min(figure.measured))}–{_shown(max(figure.measured))}" if len(figure.measured) > 1 else ""
        ratio = f"{figure.ratio:.2f} × {figure.against.what}" if figure.against else ""
        lines.append(f"| {figure.part} | {figure.what} | {_shown(figure.median)} {figure.unit} | {spread} | {ratio} |")
    return "\n".join(lines)


def _shown(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
