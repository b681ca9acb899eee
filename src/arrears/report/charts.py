"""Charts as SVG. They hold numbers, dates and names of buckets alone; words stand beside them, in two languages."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any

# An ordered scale that reads the same with every kind of colour vision, from little to much, in print and on white. The
# style sheet exchanges each for one that is seen on black.
SCALE = (
    "#8bd646", "#5ec962", "#3fbc73", "#28ae80", "#1fa088", "#21918c",
    "#27808e", "#2f6c8e", "#38588c", "#414487", "#472d7b", "#440154",
)  # fmt: skip
DARK_SCALE = (
    "#3b5f8f", "#33738e", "#2c858e", "#25978b", "#24aa83", "#39bb76",
    "#56c667", "#77d153", "#9bd93c", "#c2df23", "#e2e418", "#fde725",
)  # fmt: skip
WIDTH, HEIGHT = 330, 170
AXIS = {"labelColor": "currentColor", "domainColor": "currentColor", "tickColor": "currentColor"}
# Labels are set apart by more than they need here: who looks at the page may have wider letters.
CONFIG = {
    "background": None,
    "font": "sans-serif",
    "view": {"stroke": None},
    "axis": {**AXIS, "gridColor": "currentColor", "gridOpacity": 0.12, "labelFontSize": 11, "title": None},
}


Point = tuple[Any, float | None, bool]


@dataclass(frozen=True)
class Line:
    """One series of a chart. points: x, y (None where there is no figure) and whether the line is whole, not dashed."""

    name: str
    colour: str
    points: tuple[Point, ...]


def colours(count: int) -> list[str]:
    """Colours for an ordered series, as far apart as may be."""
    if count == 1:
        return [SCALE[8]]
    return [SCALE[round(number * (len(SCALE) - 1) / (count - 1))] for number in range(count)]


@dataclass(frozen=True)
class Axes:
    """What a panel is drawn on.

    Attributes:
        dates: x is a date; else a count of months.
        share: y is a share, written in percent; else in plain digits. zero: y begins at 0.
        highest: where y ends; None: where its values do.
    """

    dates: bool
    share: bool
    zero: bool = True
    highest: float | None = None


def lines(series: Sequence[Line], axes: Axes, title: str, *, points: bool = False) -> str:
    """A line for each series; dashed where it is not whole, broken where there is no figure."""
    pieces = [(line, piece, whole) for line in series for piece, whole in _pieces(line)]
    alone = points or max((sum(y is not None for _, y, _ in line.points) for line in series), default=0) < 3
    layers: list[dict[str, Any]] = []
    for is_whole, dash in ((True, {}), (False, {"strokeDash": [4, 3]})):
        joined = [
            {**_value(line, point), "p": number}
            for number, (line, piece, whole) in enumerate(pieces)
            if whole == is_whole and len(piece) > 1
            for point in piece
        ]
        layers.append({"data": {"values": joined}, "mark": {"type": "line", "strokeWidth": 1.7, **dash}})
    # a point that nothing leads to or from is no line: it is seen as a point
    dots = [_value(line, point) for line, piece, _ in pieces if alone or len(piece) == 1 for point in piece]
    layers.append({"data": {"values": dots}, "mark": {"type": "circle", "size": 14, "opacity": 1}})
    encoding = _encoding(series, axes) | {"detail": {"field": "p", "type": "nominal"}}
    drawn = [{**layer, "encoding": encoding} for layer in layers if layer["data"]["values"]]
    return _svg({"layer": drawn}, title)


def _pieces(line: Line) -> Iterator[tuple[list[Point], bool]]:
    """What of a line is drawn in one stroke, and whether whole: it ends at a gap, and where dashes begin or end."""
    for is_known, run in groupby(line.points, key=lambda point: point[1] is not None):
        known = list(run) if is_known else []
        if len(known) == 1:
            yield known, known[0][2]
        for whole, pairs in groupby(pairwise(known), key=lambda pair: pair[0][2] and pair[1][2]):
            (first, second), *others = pairs
            yield [first, second, *(after for _, after in others)], whole


def area(series: Sequence[Line], axes: Axes, title: str) -> str:
    """Series one upon the other, the first at the bottom."""
    values = [
        {**_value(line, point), "o": number}
        for number, line in enumerate(series)
        for point in line.points
        if point[1] is not None
    ]
    encoding = _encoding(series, axes)
    encoding["y"]["stack"] = "zero"
    encoding["order"] = {"field": "o", "type": "quantitative"}
    return _svg({"data": {"values": values}, "mark": {"type": "area"}, "encoding": encoding}, title)


def _value(line: Line, point: Point) -> dict[str, Any]:
    x, y, _ = point
    return {"x": x.isoformat() if hasattr(x, "isoformat") else x, "y": y, "s": line.name}


def _encoding(series: Sequence[Line], axes: Axes) -> dict[str, Any]:
    x: dict[str, Any] = {"field": "x", "type": "quantitative", "axis": {"tickMinStep": 1, "format": "d", "grid": False}}
    if axes.dates:
        x = {
            "field": "x", "type": "temporal", "scale": {"type": "utc"},
            "axis": {"format": "%Y-%m", "labelOverlap": True, "labelSeparation": 24, "tickCount": 4, "grid": False},
        }  # fmt: skip
    y: dict[str, Any] = {
        "field": "y", "type": "quantitative", "scale": {"zero": axes.zero, "nice": axes.highest is None},
        "axis": {"format": "~%" if axes.share else ",~f", "tickCount": 5},
    }  # fmt: skip
    if axes.highest is not None:
        y["scale"] = {"domain": [0, axes.highest], "clamp": True}
    scale = {"domain": [line.name for line in series], "range": [line.colour for line in series]}
    return {"x": x, "y": y, "color": {"field": "s", "type": "nominal", "legend": None, "scale": scale}}


def _svg(spec: dict[str, Any], title: str) -> str:
    import vl_convert

    whole = {
        "width": WIDTH,
        "height": HEIGHT,
        # left: an amount's digits are wider in a reader's font than where the room for them was reckoned
        "padding": {"left": 16, "top": 4, "right": 22, "bottom": 4},
        "autosize": {"type": "fit", "contains": "padding"},
    }
    drawn: str = vl_convert.vegalite_to_svg(json.dumps({**whole, **spec, "config": CONFIG}), vl_version="6.1")
    return _for_a_page(drawn, title)


def _for_a_page(drawn: str, title: str) -> str:
    """The drawing as a picture with one description, without names that another on the page may have, too."""
    from html import escape

    drawn = re.sub(r' (?:aria-[a-z]+|role|class|id|pointer-events|xmlns:xlink|version)="[^"]*"', "", drawn)
    drawn = re.sub(r'<text [^>]*opacity="0"[^>]*>[^<]*</text>', "", drawn)  # labels left out for want of room
    drawn = re.sub(r'<path d="M0,0h0v0h0Z"/>|<path d="" display="none"/>', "", drawn)
    drawn = re.sub(r"<g>(?:<g></g>)*</g>", "", drawn)
    drawn = re.sub(r'(<svg [^>]*?) width="\d+" height="\d+"', r"\1", drawn, count=1)
    return drawn.replace("<svg ", f'<svg role="img" aria-label="{escape(title)}" ', 1)
