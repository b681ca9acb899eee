"""Charts of a report, on the page and in the workbook, from figures made up for them."""

from __future__ import annotations

import datetime as dt
import io
import re
from decimal import Decimal
from itertools import pairwise
from typing import Any, Literal

import openpyxl
import pytest

from arrears.report import cells, charts, headline, tiles, workbook
from arrears.report.figures import Figures, Table
from arrears.report.names import Names
from arrears.report.pages import Part
from arrears.report.panels import Panel, Panels
from arrears.report.words import Words, same

EMPTY = Table(("lender", "bucket", "sort_order", "from_state", "to_state", "share", "vintage_month", "mob"), ())


def figures(**tables: list[dict[str, Any]]) -> Figures:
    """Of two lenders; a table that is not given is empty."""
    names = ("headline", "ageing", "roll_rates", "vintage_triangle", "buckets")
    found = dict.fromkeys(names, EMPTY)
    found |= {name: Table(tuple(columns), ()) for name, columns in workbook.COLUMNS.items()}
    found |= {name: Table(tuple(rows[0]), tuple(tuple(row.values()) for row in rows)) for name, rows in tables.items()}
    lender: dict[str, Any] = dict.fromkeys(("name_zh", *workbook.COLUMNS["lenders"]))
    lenders = [lender | {"lender": name, "name_en": name, "is_stale": False} for name in ("a", "b")]
    found["lenders"] = Table(tuple(lenders[0]), tuple(tuple(one.values()) for one in lenders))
    publication = {"publication_id": 1, "business_date": dt.date(2024, 5, 1)}
    publication |= {"published_at": dt.datetime(2024, 5, 2, tzinfo=dt.UTC)}
    found["publication"] = Table(tuple(publication), (tuple(publication.values()),))
    return Figures(1, None, found)


def month_end(month: int) -> dt.date:
    return dt.date(2024, month + 1, 1) - dt.timedelta(days=1)


# ── the workbook ─────────────────────────────────────────────────────────────────────────────────────────


def drawn(figures: Figures, sheet: str) -> list[list[tuple[Any, Any]]]:
    """What the first chart of a sheet draws: of every series the cells of x and y."""
    book = openpyxl.load_workbook(io.BytesIO(workbook.write(figures, Words({}), ())))
    (chart, *_) = book[sheet]._charts

    def values(reference: str) -> list[Any]:
        name, _, cells = reference.rpartition("!")
        return [row[0].value for row in book[name.strip("'")][cells.replace("$", "")]]

    return [list(zip(values(one.xVal.numRef.f), values(one.yVal.numRef.f), strict=True)) for one in chart.series]


def test_every_line_of_a_workbooks_chart_has_its_own_months() -> None:
    """The second lender begins two months later: a line chart would put it at the first one's months."""
    of = dict.fromkeys(workbook.COLUMNS["overdue_rates"])
    rates = [
        of | {"lender": lender, "month_end": month_end(month), "overdue_rate": month / 100}
        for lender, months in (("a", (1, 2, 3)), ("b", (3, 4)))
        for month in months
    ]
    a, b = drawn(figures(overdue_rates=rates), "Overdue rates")
    assert [(x.month, y) for x, y in a] == [(1, 0.01), (2, 0.02), (3, 0.03)]
    assert [(x.month, y) for x, y in b] == [(3, 0.03), (4, 0.04)]


def test_marks_of_an_axis_of_months_stay_within_their_months() -> None:
    for first in (dt.date(2020, 2, 29), dt.date(2023, 1, 1), dt.date(2023, 12, 31)):
        axis = workbook._months([first, first + dt.timedelta(days=366 * 3)])
        marks = [axis["min"] + axis["major_unit"] * number for number in range(15)]
        days = [dt.date(1899, 12, 30) + dt.timedelta(days=mark) for mark in marks]
        months = [day.year * 12 + day.month for day in days]
        assert len({after - before for before, after in pairwise(months)}) == 1
        assert axis["min"] < (first - dt.date(1899, 12, 30)).days < axis["max"]


def test_the_workbook_draws_mature_first_payments_alone() -> None:
    defaults = [
        {
            "lender": "a", "window_days": days, "due_month": dt.date(2024, month, 1), "eligible_loans": 10,
            "short_loans": month, "default_rate": month / 10, "is_mature": month < 4,
        }
        for days in (7, 30) for month in (2, 3, 4)
    ]  # fmt: skip
    found = figures(first_payment_default=defaults)
    (line,) = drawn(found, "First payments")
    assert [(x.month, y) for x, y in line] == [(2, 0.2), (3, 0.3)]
    sheet = openpyxl.load_workbook(io.BytesIO(workbook.write(found, Words({}), ())))["First payments"]
    assert [row[6].value for row in sheet["A3":"G9"]] == ["is_mature", *["yes", "yes", "no"] * 2]


def test_a_row_of_the_workbooks_roll_matrix_says_of_which_month_it_is() -> None:
    """Lender b is a month behind."""
    rolls = [
        {
            "lender": lender, "from_month_end": month_end(month - 1), "to_month_end": month_end(month),
            "from_state": "M1", "to_state": "M2", "share": 0.5,
        }
        for lender, month in (("a", 4), ("b", 3))
    ]  # fmt: skip
    book = openpyxl.load_workbook(io.BytesIO(workbook.write(figures(roll_rates=rolls), Words({}), ())))
    head, *rows = ([cell.value for cell in row] for row in book["Roll rates"]["A3:D5"])
    assert head == ["lender", "to_month_end", "from_state", "M2"]
    assert [(row[0], f"{row[1]:%Y-%m-%d}", *row[2:]) for row in rows] == [
        ("a", "2024-04-30", "M1", 0.5),
        ("b", "2024-03-31", "M1", 0.5),
    ]


# ── figures ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("overdue_rate", "0.102850", "10.29 %"),
        ("overdue_rate", "0.102849", "10.28 %"),
        ("overdue_rate_yoy_pp", "-0.1250", "−0.13"),
        ("overdue_rate_yoy_pp", "0.0050", "+0.01"),
        ("overdue_rate_yoy_pp", "-0.0049", "0.00"),
        ("amount_due", "1234.565", "1,234.57"),
        ("loans", 1234, "1,234"),
    ],
)
def test_a_half_is_rounded_up_as_in_sql_and_in_excel(column: str, value: Any, told: str) -> None:
    assert cells.written(column, Decimal(value) if isinstance(value, str) else value) == told


def test_a_half_is_rounded_up_at_the_head_of_the_page_and_in_a_terminal() -> None:
    half, rates = Decimal("0.102850"), ("overdue_rate", "par30_rate", "par90_rate")
    row: dict[str, Any] = {"lender": "a", "currency": "CNY", "as_of": dt.date(2024, 5, 31)}
    row |= {"loans": 2, "outstanding_principal": Decimal("1000.50"), **dict.fromkeys(rates, half)}
    row |= {f"{name}_{back}": Decimal("0.0025") for name in ("loans", "outstanding") for back in ("month", "year")}
    row |= {f"{rate}_{back}_pp": Decimal("0.1250") for rate in rates for back in ("month", "year")}
    assert headline.rows([row])[0][3:] == ["1,001", *["10.29"] * 3, *["+0.13"] * 2]
    found = figures(headline=[row])
    (shown,) = tiles.tiles(found, Names(found, Words({})), "headline")
    assert [tile.figure for tile in shown.tiles] == ["1,001", "2", *["10.29"] * 3]
    assert {change for tile in shown.tiles for _, change, _ in tile.changes} == {"+0.3 %", "+0.13"}


def test_a_half_is_rounded_up_in_a_matrix() -> None:
    rolls = [{"lender": "a", "from_state": "M1", "to_state": "M2", "share": Decimal("0.1225")}]
    part = Part(
        kind="matrix", query="roll_rates", rows="from_state", columns=("to_state",), y="share", title=same("rolls")
    )
    found = figures(roll_rates=rolls)
    grid = Panels(found, Names(found, Words({}))).of(part)[0].grid
    assert grid.rows[0].cells[1].text.en == "12.3"


# ── the page ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("ys", "marks"),
    [
        ((-0.4, 0.2, 0.6), ["−0.4", "−0.2", "0", "0.2", "0.4", "0.6"]),
        ((0, 1.5e9), ["0", "500,000,000", "1,000,000,000", "1,500,000,000"]),
    ],
)
def test_the_marks_of_an_axis_are_plain_numbers(ys: tuple[float, ...], marks: list[str]) -> None:
    """No 500m, which is half a point, and no 1.5G."""
    drawn = charts.lines([line("a", *ys)], charts.Axes(dates=False, share=False), "a chart")
    assert re.findall(r"translate\(-7,[^>]*>([^<]*)<", drawn) == marks


def line(name: str, *ys: float | None, dashed_from: int = 99) -> charts.Line:
    """A figure a month on book; dashed from one on."""
    return charts.Line(name, "#123456", tuple((x, y, x < dashed_from) for x, y in enumerate(ys)))


def strokes(svg: str) -> tuple[list[int], list[int], int]:
    """Of a picture: how many points every whole line has, and every dashed one; how many dots there are."""
    paths = [tag for tag in re.findall(r"<path [^>]*>", svg) if 'stroke="#123456"' in tag]
    whole, dashed = (
        sorted(
            len(re.findall("[ML]", drawn))
            for tag in paths
            if ("dasharray" in tag) == is_dashed
            for drawn in re.findall(r' d="([^"]*)"', tag)
        )
        for is_dashed in (False, True)
    )
    return whole, dashed, sum('fill="#123456"' in tag for tag in re.findall(r"<path [^>]*>", svg))


def drawn_as(*series: charts.Line) -> tuple[list[int], list[int], int]:
    return strokes(charts.lines(series, charts.Axes(dates=False, share=True), "a chart"))


def test_a_line_is_broken_where_there_is_no_figure() -> None:
    assert drawn_as(line("a", 0.1, 0.2, 0.3, None, 0.3, 0.4)) == ([2, 3], [], 0)
    assert drawn_as(line("a", None, 0.2, 0.3, 0.4, None)) == ([3], [], 0)


def test_a_point_without_a_line_is_seen() -> None:
    assert drawn_as(line("a", 0.1, 0.2, 0.3, 0.4), line("b", 0.2)) == ([4], [], 1)
    assert drawn_as(line("a", 0.1, 0.2, 0.3, None, 0.4, None, 0.2, 0.3)) == ([2, 3], [], 1)
    assert drawn_as(line("a", 0.1, 0.2)) == ([2], [], 2)


def test_dashes_begin_where_the_whole_line_ends_and_are_broken_like_it() -> None:
    assert drawn_as(line("a", 0.1, 0.2, 0.3, 0.4, dashed_from=2)) == ([2], [3], 0)
    assert drawn_as(line("a", 0.1, 0.2, None, 0.4, 0.5, dashed_from=2)) == ([2], [2], 0)
    assert drawn_as(line("a", 0.1, 0.2, 0.3, None, 0.5, dashed_from=2)) == ([2], [2], 1)


def panel(kind: Literal["lines", "area"], *ys: float | None) -> Panel:
    rows = [{"lender": "a", "month_end": month_end(month), "flow_rate": y} for month, y in enumerate(ys, start=1)]
    found = figures(flow_rates=rows)
    part = Part(kind=kind, query="flow_rates", x="month_end", y="flow_rate", title=same("flow"))
    return Panels(found, Names(found, Words({}))).of(part)[0]


def test_a_month_without_a_figure_is_no_month_that_a_line_goes_over() -> None:
    chart = panel("lines", 0.1, 0.2, None, 0.4, 0.5).chart
    assert chart is not None
    assert len(re.findall(r'stroke-width="1.7"', chart)) == 2
    assert panel("lines", None, None).nothing is not None
    assert panel("area", None, None).nothing is not None
    assert panel("area", 0.1, None, 0.3).chart is not None


def test_a_month_stands_at_the_mark_of_its_name() -> None:
    """At its last day it would stand beside the mark of the month after. Under the chart is that day."""
    shown = panel("lines", 0.1, 0.2, 0.3)
    assert shown.chart is not None
    marks = {name: float(x) for x, name in re.findall(r"translate\(([\d.]+),[^>]*>(\d{4}-\d\d)<", shown.chart)}
    (stroke,) = re.findall(r' d="(M[^"]*)" stroke="[^"]*" stroke-width="1.7"', shown.chart)
    assert [float(x) for x in re.findall(r"[ML]([\d.]+),", stroke)] == pytest.approx(list(marks.values()), abs=0.01)
    assert list(marks) == ["2024-01", "2024-02", "2024-03"]
    assert [row.cells[0].text.en for row in shown.grid.rows] == ["2024-01-31", "2024-02-29", "2024-03-31"]


def test_months_before_the_first_figure_take_no_room() -> None:
    """A change on the year has none in the first one."""
    chart = panel("lines", None, None, None, 0.1, 0.2, 0.3).chart
    assert chart is not None
    assert "2024-01" not in chart
