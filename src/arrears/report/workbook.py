"""The figures as an Excel workbook, for who goes on reckoning with them. Both languages in every heading."""

from __future__ import annotations

import datetime as dt
import io
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from unicodedata import east_asian_width

import xlsxwriter
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from arrears.report import cells
from arrears.report.figures import Figures, Table
from arrears.report.names import Names
from arrears.report.pages import Definition
from arrears.report.words import Text, Words, same

FORMATS = {
    "share": "0.00%", "points": "+0.00;-0.00;0.00", "money": "#,##0.00", "count": "#,##0", "name": "0",
    "number": "#,##0.00", "date": "yyyy-mm-dd", "month": "yyyy-mm", "time": "yyyy-mm-dd hh:mm",
}  # fmt: skip
STYLE = "Table Style Light 1"
COLUMNS = {
    name: columns.split()
    for name, columns in {
        "headline": """lender currency as_of loans outstanding_principal balance_overdue_1 overdue_rate par30_rate
            par90_rate""",
        "lenders": "lender currency data_as_of is_stale days_stale days_missing",
        "ageing": """lender quarter_end bucket loans outstanding_principal share outstanding_year_before
            share_year_before""",
        "overdue_rates": """lender month_end active_loans outstanding_principal balance_overdue_1 overdue_rate
            par30_rate par90_rate overdue_rate_yoy_pp""",
        "first_payment_default": "lender window_days due_month eligible_loans short_loans default_rate is_mature",
        "reconciliation": """lender as_of_date break_type loans our_amount reported_amount difference
            oldest_break_on""",
    }.items()
}
CHART = {"width": 760, "height": 320}
EXCEL_EPOCH = dt.date(1899, 12, 30).toordinal()  # day 0 of Excel's calendar
MONTH = 30.4375  # days, on an axis that knows no months
TICKS = 12  # as many of them as an axis has room for
SCALE = {"type": "2_color_scale", "min_color": "#FFFFFF", "max_color": "#8BA3C7"}


@dataclass(frozen=True)
class Placed:
    """A table on a sheet: where its first and last row of figures are, and which column is where."""

    first: int
    last: int
    columns: dict[str, int]


def write(figures: Figures, words: Words, definitions: Iterable[Definition]) -> bytes:
    """The workbook as bytes; the same figures give the same bytes.

    Text is written as text: what begins with `=` in the data is no formula here.
    """
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {
        "in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False,
        "default_date_format": FORMATS["date"], "remove_timezone": True,
    })  # fmt: skip
    book.set_properties(
        {
            "title": f"arrears {figures.publication_id}",
            "created": figures.publication["published_at"].astimezone(dt.UTC).replace(tzinfo=None),
        }
    )
    sheets = _Sheets(book, figures, words)
    for add in (_summary, _ageing, _rates, _rolls, _triangle, _first_payments, _reconciliation):
        add(sheets)
    sheets.definitions(definitions)
    book.close()
    return out.getvalue()


class _Sheets:
    """The sheets of one workbook, and how things are written on them."""

    def __init__(self, book: Workbook, figures: Figures, words: Words) -> None:
        self.book, self.figures, self.words, self._names = book, figures, words, Names(figures, words)
        self._formats = {kind: book.add_format({"num_format": form}) for kind, form in FORMATS.items()}
        self._title = book.add_format({"bold": True, "font_size": 14})
        self._wrapped = book.add_format({"text_wrap": True, "valign": "top"})
        self._lenders = [one["lender"] for one in figures.lenders]

    def sheet(self, name: str, title: Text, freeze: int = 3) -> Worksheet:
        sheet = self.book.add_worksheet(name)
        sheet.write_string(0, 0, f"{title}", self._title)
        known = self.figures.publication
        sheet.write_string(1, 0, f"{self.word('publication_id')} {known['publication_id']}, {known['business_date']}")
        sheet.freeze_panes(freeze, 0)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        return sheet

    def word(self, name: str) -> str:
        return self.words(name).both(" ")

    def table(self, sheet: Worksheet, name: str, table: Table, columns: Sequence[str], at: int = 2) -> Placed:
        """A named table with the columns wanted, from a row on."""
        rows = [[row[column] for column in columns] for row in table]
        last = self.named(sheet, name, [(column, self.word(column)) for column in columns], rows, at)
        return Placed(at + 1, last, {column: across for across, column in enumerate(columns)})

    def named(
        self, sheet: Worksheet, name: str, heads: Sequence[tuple[str, str]], rows: Sequence[Sequence[Any]], at: int
    ) -> int:
        """A named table and its last row. `heads`: of every column what its values are, and its heading."""
        last = at + max(len(rows), 1)
        sheet.add_table(at, 0, last, len(heads) - 1, {
            "name": name, "style": STYLE, "columns": [{"header": heading} for _, heading in heads],
        })  # fmt: skip
        for across, (column, heading) in enumerate(heads):
            for down, row in enumerate(rows, start=at + 1):
                self.put(sheet, down, across, column, row[across])
            widest = max((self.width(column, row[across]) for row in rows), default=0)
            sheet.set_column(across, across, max(widest, len(heading) * 1.2, 8) + 3)
        return last

    def put(self, sheet: Worksheet, down: int, across: int, column: str, value: Any) -> None:
        kind = cells.kind(column, value)
        if value is None:
            sheet.write_blank(down, across, None)
        elif kind == "truth":
            sheet.write_string(down, across, self.word("yes" if value else "no"))
        elif kind == "text":
            sheet.write_string(down, across, self.value(column, value))
        elif kind in ("date", "month", "time"):
            moment = value.astimezone(dt.UTC).replace(tzinfo=None) if isinstance(value, dt.datetime) else value
            sheet.write_datetime(down, across, moment, self._formats[kind])
        else:
            sheet.write_number(down, across, value, self._formats[kind])

    def width(self, column: str, value: Any) -> int:
        """Of a cell as it is written, in digits; a Chinese character is as wide as two."""
        text = self.value(column, value) if cells.kind(column, value) == "text" else cells.written(column, value)
        return sum(1 + (east_asian_width(each) in "WF") for each in text)

    def value(self, column: str, value: Any) -> str:
        return self._names.value(column, value).both(" ")

    def definitions(self, definitions: Iterable[Definition]) -> None:
        sheet = self.sheet("Definitions", self.words("definitions"))
        sheet.set_column(0, 1, 28, self._wrapped)
        sheet.set_column(2, 3, 70, self._wrapped)
        rows = [[one.term.en, one.term.zh, one.means.en, one.means.zh] for one in definitions]
        headers = ["Term", "术语", "Meaning", "定义"]
        sheet.add_table(2, 0, 2 + len(rows), 3, {
            "name": "definitions", "style": STYLE, "columns": [{"header": head} for head in headers],
        })  # fmt: skip
        for down, row in enumerate(rows, start=3):
            for across, text in enumerate(row):
                sheet.write_string(down, across, text, self._wrapped)

    def chart(
        self,
        sheet: Worksheet,
        placed: Placed,
        table: Table,
        x: str,
        y: str,
        at: int,
        keep: Callable[[Any], bool] = bool,
    ) -> None:
        """Lines of y over x, a month, beside the table, one for each lender; the rows kept of a lender lie together.

        Scattered points with lines between them: a line chart lays every series over the months of the first.
        """
        chart = self.book.add_chart({"type": "scatter", "subtype": "straight_with_markers"})
        rows, months = list(table), list[dt.date]()
        for lender in self._lenders:
            of = [number for number, row in enumerate(rows) if row["lender"] == lender and keep(row)]
            if of:
                first, last = placed.first + of[0], placed.first + of[-1]
                months += [rows[number][x] for number in of]
                chart.add_series({
                    "name": self.value("lender", lender),
                    "categories": [sheet.name, first, placed.columns[x], last, placed.columns[x]],
                    "values": [sheet.name, first, placed.columns[y], last, placed.columns[y]],
                    "marker": {"type": "circle", "size": 3},  # a lender of one month has no line
                })  # fmt: skip
        if not chart.series:
            return  # Excel knows no chart of nothing
        chart.set_title({"name": self.word(y), "name_font": {"size": 12}})
        chart.set_x_axis({"num_format": "yyyy-mm", "major_gridlines": {"visible": False}, **_months(months)})
        chart.set_y_axis({"num_format": "0.0%"})
        chart.set_size(CHART)
        sheet.insert_chart(at, len(placed.columns) + 1, chart)

    def matrix(self, name: str, title: Text, query: str, down: Sequence[str], across: str, y: str) -> None:
        """A query turned: a row for every lender and value of `down`, a column for every `across`, shaded."""
        table, keys = self.figures.tables[query], ("lender", *down)
        acrosses = self._names.in_order(row[across] for row in table)
        found: dict[tuple[Any, ...], dict[Any, Any]] = {}
        for row in table:
            found.setdefault(tuple(row[key] for key in keys), {})[row[across]] = row[y]
        heads = [(key, self.word(key)) for key in keys]
        heads += [(y, self.value(across, one) if isinstance(one, str) else str(one)) for one in acrosses]
        rows = [(*of, *map(shares.get, acrosses)) for of, shares in found.items()]
        sheet = self.sheet(name, title)
        last = self.named(sheet, query, heads, rows, 2)
        sheet.conditional_format(3, len(keys), last, max(len(heads) - 1, len(keys)), SCALE)
        sheet.freeze_panes(3, len(keys))


def _months(months: Sequence[dt.date]) -> dict[str, float]:
    """Where an axis of months begins and ends, in Excel's days, and how far apart its marks are.

    Marks stand in the middle of months: counted by a month's mean length they stay within the month they name.
    """
    first, last = (day.replace(day=15).toordinal() - EXCEL_EPOCH for day in (min(months), max(months)))
    apart = max(1, math.ceil((last - first) / MONTH / TICKS))
    return {"min": first - MONTH, "max": last + MONTH, "major_unit": apart * MONTH}


def _summary(sheets: _Sheets) -> None:
    table = sheets.figures.tables["headline"]
    total = sheets.word("all_lenders")
    named = Table(table.columns, tuple((total if row[0] is None else row[0], *row[1:]) for row in table.rows))
    sheet = sheets.sheet("Summary", sheets.words("report"))
    placed = sheets.table(sheet, "headline", named, COLUMNS["headline"])
    sheets.table(sheet, "lenders", sheets.figures.tables["lenders"], COLUMNS["lenders"], placed.last + 2)


def _ageing(sheets: _Sheets) -> None:
    sheet = sheets.sheet("Ageing", sheets.words("bucket"))
    sheets.table(sheet, "ageing", sheets.figures.tables["ageing"], COLUMNS["ageing"])


def _rates(sheets: _Sheets) -> None:
    table = sheets.figures.tables["overdue_rates"]
    sheet = sheets.sheet("Overdue rates", sheets.words("overdue_rate"))
    placed = sheets.table(sheet, "overdue_rates", table, COLUMNS["overdue_rates"])
    for number, rate in enumerate(("overdue_rate", "par30_rate")):
        sheets.chart(sheet, placed, table, "month_end", rate, 2 + 17 * number)


def _rolls(sheets: _Sheets) -> None:
    """With the month of each row: a lender that is behind has an earlier one."""
    down = ("to_month_end", "from_state")
    sheets.matrix("Roll rates", same("Roll rates 迁徙率"), "roll_rates", down, "to_state", "share")


def _triangle(sheets: _Sheets) -> None:
    sheets.matrix("Vintages", sheets.words("ever30_rate"), "vintage_triangle", ("vintage_month",), "mob", "ever30_rate")


def _first_payments(sheets: _Sheets) -> None:
    """Ordered so that the rows of one line of the chart lie together: mature, seven days after the first instalment."""
    table = sheets.figures.tables["first_payment_default"]
    place = [table.columns.index(name) for name in ("lender", "window_days", "due_month")]
    ordered = Table(table.columns, tuple(sorted(table.rows, key=lambda row: [row[number] for number in place])))
    sheet = sheets.sheet("First payments", sheets.words("default_rate"))
    placed = sheets.table(sheet, "first_payment_default", ordered, COLUMNS["first_payment_default"])
    sheets.chart(sheet, placed, ordered, "due_month", "default_rate", 2, _is_drawn)


def _is_drawn(row: dict[str, Any]) -> bool:
    """The line would fall or rise where only a part of a month has come that far."""
    return bool(row["window_days"] == 7 and row["is_mature"])


def _reconciliation(sheets: _Sheets) -> None:
    sheet = sheets.sheet("Reconciliation", sheets.words("break_type"))
    sheets.table(sheet, "reconciliation", sheets.figures.tables["reconciliation"], COLUMNS["reconciliation"])
