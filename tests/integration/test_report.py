"""The report of a publication: its numbers are the marts', its bytes are always the same, and people can read it.

Five lenders, two publications of one day. In the first, one lender's delivery of the day before is missing and another
has not delivered for the day; both come after it.
"""

from __future__ import annotations

import datetime as dt
import importlib
import io
import json
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import openpyxl
import psycopg2
import psycopg2.extras
import pytest
import s3fs
from playwright.sync_api import Browser

from arrears import pipeline
from arrears.errors import Infrastructure, Usage
from arrears.load import registry
from arrears.report import Report, cells, paper
from arrears.report.pages import read_definitions, read_pages
from arrears.report.words import Words
from arrears.settings import SOURCE_ROOT, Role, settings
from arrears.simulate import simulate
from arrears.warehouse.connect import connect

from ..browser import browsing
from ..conftest import Warehouse, days
from .command_line import CommandLine
from .report_sums import AS_THEY_ARE, SHARES, TABLES, Row, months_before, newest_of, ratio, whole_months

DEFINITIONS = SOURCE_ROOT / "dashboards" / "report"
FIRST, LAST = dt.date(2024, 3, 30), dt.date(2024, 4, 1)
LENDERS = ("hongchuang", "jike", "lakala", "paipai", "xiaodangjia")
INCOMPLETE, LATE = "lakala", "paipai"
PRINTED = ("report.pdf",) if paper.has_chinese() else ()  # without such a font there is no PDF, and a note says so
FILES = ("report.html", "metrics.json", "arrears.xlsx", *PRINTED)
NUMBER = re.compile(r"\d")


@dataclass
class Book:
    """The warehouse, and the reports of its two publications, each as it was written when it was the newest."""

    warehouse: Warehouse
    reports: dict[int, dict[str, bytes]]

    def write(self, **choices: Any) -> Report:
        return pipeline.report(
            url=self.warehouse.url(Role.PUBLISHER), reader_url=self.warehouse.url(Role.READER), **choices
        )

    def marts(self, publication: int) -> Callable[[str], list[Row]]:
        """The rows of a mart as a publication had them."""

        def rows(mart: str) -> list[Row]:
            connection = psycopg2.connect(self.warehouse.url(Role.READER))
            with connection, connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
                cursor.execute("select set_config('arrears.publication', %s, true)", [str(publication)])
                cursor.execute(f"select * from marts_as_known.{mart}")
                found = [dict(row) for row in cursor.fetchall()]
            connection.close()
            return found

        return rows


def contents(report: Report) -> dict[str, bytes]:
    return {name: Path(report.folder, name).read_bytes() for name in report.files}


def _load(warehouse: Warehouse, lender: str, day: dt.date) -> None:
    if not pipeline.delivery_complete(lender, day):
        return
    loaded = pipeline.load(lender, day, url=warehouse.url(Role.LOADER))
    with connect(warehouse.url(Role.LOADER), "accept") as connection, connection.cursor() as cursor:
        registry.accept(cursor, loaded.delivery_id)


def _publish(warehouse: Warehouse) -> int:
    """Build and publish; what the gate would say is not what is asked here."""
    built = pipeline.build(LAST, url=warehouse.url(Role.BUILDER))
    warehouse.judge(built.build_id)
    return pipeline.publish(built.build_id, url=warehouse.url(Role.PUBLISHER)).publication_id


@pytest.fixture(scope="module")
def book(models_alone: None, shared_warehouse: Warehouse) -> Book:
    own = settings()
    simulate(start=FIRST, end=LAST, loans=60, seed=3, landing=Path(own.landing), truth=Path(own.home) / "truth")
    held_up = {(INCOMPLETE, LAST - dt.timedelta(days=1)), (LATE, LAST)}
    for lender in LENDERS:
        for day in days(FIRST, LAST):
            if (lender, day) not in held_up:
                _load(shared_warehouse, lender, day)
    assert _publish(shared_warehouse) == 1
    book = Book(shared_warehouse, {})
    book.reports[1] = contents(book.write())
    for lender, day in sorted(held_up):
        _load(shared_warehouse, lender, day)
    assert _publish(shared_warehouse) == 2
    book.reports[2] = contents(book.write())
    return book


@pytest.fixture(scope="module")
def told(book: Book) -> dict[str, list[Row]]:
    """The tables of metrics.json of the newest publication, money and rates to their last digit."""
    tables = json.loads(book.reports[2]["metrics.json"], parse_float=Decimal)["tables"]
    return {name: [dict(zip(t["columns"], row, strict=True)) for row in t["rows"]] for name, t in tables.items()}


def shown(value: Any) -> Any:
    """A mart's value as it stands in metrics.json."""
    plain = cells.plain(value)
    return Decimal(str(plain)) if isinstance(plain, float) else plain


# ── its numbers are the marts' ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", TABLES)
def test_sums_and_rates_are_those_of_the_mart(book: Book, told: dict[str, list[Row]], name: str) -> None:
    table, _, way = name.partition(" ")
    expected = TABLES[name].rows(book.marts(2))
    found = {
        tuple(row[key] for key in TABLES[name].keys): {figure: row[figure] for figure in next(iter(expected.values()))}
        for row in told[table]
        if not way or row["way"] == way
    }
    assert found == {
        tuple(map(shown, key)): {figure: shown(value) for figure, value in figures.items()}
        for key, figures in expected.items()
    }


@pytest.mark.parametrize("name", AS_THEY_ARE)
def test_what_a_mart_says_is_shown_as_it_is(book: Book, told: dict[str, list[Row]], name: str) -> None:
    mart, columns, newest = AS_THEY_ARE[name]
    rows = book.marts(2)(mart)
    last = newest_of(rows, newest) if newest else {}
    expected = [
        tuple(shown(row[c]) for c in columns) for row in rows if not newest or row[newest] == last[row["lender"]]
    ]
    assert sorted(map(repr, expected)) == sorted(repr(tuple(row[c] for c in columns)) for row in told[name])


@pytest.mark.parametrize("name", SHARES)
def test_shares_are_of_their_own_kind(told: dict[str, list[Row]], name: str) -> None:
    of, figure = SHARES[name]
    for row in told[name]:
        kin = [one for one in told[name] if all(one[column] == row[column] for column in ("lender", *of))]
        assert row["share"] == shown(ratio(row[figure], sum(one[figure] for one in kin)))


def test_the_headline_is_the_book_of_the_day_against_a_month_and_a_year_before(
    book: Book, told: dict[str, list[Row]]
) -> None:
    daily = book.marts(2)("mart_delinquency_daily")
    from_day = {"M0": 0, "M1": 1, "M2": 31, "M3": 61, "M4": 91, "M5": 121, "M6": 151, "M6+": 181}

    def balance(lenders: set[str], back: int, over: int) -> Decimal:
        day = months_before(LAST, back)
        return sum(
            (row["outstanding_principal"] for row in daily
             if row["lender"] in lenders and row["as_of_date"] == day and from_day[row["bucket"]] >= over),
            Decimal(0),
        )  # fmt: skip

    assert [row["lender"] for row in told["headline"]] == [None, *LENDERS]
    for row in told["headline"]:
        lenders = {row["lender"]} if row["lender"] else set(LENDERS)
        assert row["outstanding_principal"] == shown(balance(lenders, 0, 0))
        for name, over in (("overdue_rate", 1), ("par30_rate", 30), ("par90_rate", 90)):
            now, month, year = (
                ratio(balance(lenders, back, over), balance(lenders, back, 0), 20) for back in (0, 1, 12)
            )
            assert now is not None
            assert row[name] == shown(round(now, 6))
            assert row[f"{name}_month_pp"] == (None if month is None else shown(round(100 * (now - month), 4)))
            assert row[f"{name}_year_pp"] == (None if year is None else shown(round(100 * (now - year), 4)))


def test_the_ageing_ties(book: Book, told: dict[str, list[Row]]) -> None:
    mart = book.marts(2)("mart_ageing_quarterly")
    for lender in LENDERS:
        lines = {row["bucket"]: row for row in told["ageing"] if row["lender"] == lender}
        quarter = max(row["quarter_end"] for row in mart if row["lender"] == lender)
        buckets = {row["bucket"]: row for row in mart if row["lender"] == lender and row["quarter_end"] == quarter}
        for bucket, row in buckets.items():
            assert lines[bucket]["outstanding_principal"] == shown(row["outstanding_principal"])
            assert lines[bucket]["share"] == shown(row["share_of_outstanding"])
        for line, parts in {
            "past_due": ["M1", "M2", "M3", "M4", "M5", "M6", "M6+"],
            "past_90": ["M4", "M5", "M6", "M6+"],
            "book": list(buckets),
        }.items():
            for figure in ("loans", "outstanding_principal"):
                assert lines[line][figure] == sum(lines[part][figure] for part in parts)


@pytest.mark.parametrize(
    ("table", "mart", "signs"),
    [
        ("balance_bridge", "mart_balance_bridge_monthly",
         {"opening": 1, "disbursed": 1, "scheduled_principal": -1, "prepaid": -1, "waived": -1, "written_off": -1,
          "transferred": -1, "corrections": 1, "closing": 1}),
        ("delinquency_bridge", "mart_delinquency_bridge_monthly",
         {"opening_30": 1, "rolled_in": 1, "cured": -1, "paid_down": -1, "written_off": -1, "other": 1,
          "closing_30": 1}),
    ],
)  # fmt: skip
def test_a_bridge_goes_from_its_opening_to_its_closing(
    book: Book, told: dict[str, list[Row]], table: str, mart: str, signs: dict[str, int]
) -> None:
    rows = book.marts(2)(mart)
    for lender in LENDERS:
        month = max(row["month_end"] for row in rows if row["lender"] == lender)
        steps = [row for row in told[table] if row["lender"] == lender]
        assert [step["step"] for step in steps] == list(signs)
        for step in steps:
            of = [row[step["step"]] for row in rows if row["lender"] == lender and row["month_end"] == month]
            assert step["amount"] == shown(signs[step["step"]] * sum(of))
        # each begins where the one before it ended, and the last is as high as they have come
        for before, step in pairwise(steps[:-1]):
            assert step["starts_at"] == before["ends_at"]
        assert steps[-1]["ends_at"] == steps[-1]["amount"] == steps[-2]["ends_at"]


def test_the_funnel_and_the_lift(book: Book, told: dict[str, list[Row]]) -> None:
    performance, in_funnel = book.marts(2)("mart_collection_performance_monthly"), whole_months("month_end", 3)
    as_of = {row["lender"]: row["data_as_of"] for row in book.marts(2)("dim_lender")}
    for row in told["collections_funnel"]:
        of = [r for r in performance if r["lender"] == row["lender"] and in_funnel(r, as_of[r["lender"]])]
        assert row["number"] == sum(r[row["step"]] for r in of)
    backtest, in_backtest = book.marts(2)("mart_early_warning_backtest"), whole_months("month_end", 12)
    newest = {lender: max(r["month_end"] for r in backtest if r["lender"] == lender) for lender in LENDERS}
    for row in told["early_warning"]:
        of = [
            r for r in backtest
            if (r["lender"], r["signal"]) == (row["lender"], row["signal"]) and in_backtest(r, newest[r["lender"]])
        ]  # fmt: skip
        flagged, unflagged = (
            ratio(sum(r[f"{kind}_m2_60d"] for r in of), sum(r[f"{kind}_loans"] for r in of), 20)
            for kind in ("flagged", "unflagged")
        )
        assert row["flagged_rate"] == (None if flagged is None else shown(round(flagged, 6)))
        assert row["lift"] == (None if flagged is None or not unflagged else shown(round(flagged / unflagged, 2)))
    early = {(row["lender"], row["loan_id"]) for row in book.marts(2)("fct_loan_current") if row["dpd"] <= 30}
    today = [row for row in book.marts(2)("mart_early_warning") if (row["lender"], row["loan_id"]) in early]
    assert sum(row["loans_today"] for row in told["early_warning"]) == len(today) > 0


def test_flow_rates_are_stock_over_the_stock_before(told: dict[str, list[Row]]) -> None:
    stock = {(row["lender"], row["month_end"], row["bucket"]): row for row in told["flow_rates"]}
    order = ["M1", "M2", "M3", "M4", "M5", "M6"]
    assert {bucket for *_, bucket in stock} == set(order)
    for (lender, month, bucket), row in stock.items():
        assert row["flow_rate"] == shown(ratio(row["outstanding_principal"], row["outstanding_before"]))
        before = (dt.date.fromisoformat(month).replace(day=1) - dt.timedelta(days=1)).isoformat()
        came_from = stock.get((lender, before, order[order.index(bucket) - 1])) if bucket != "M1" else None
        if came_from:
            assert row["outstanding_before"] == came_from["outstanding_principal"]


def test_long_overdue_is_that_of_the_newest_month_end_and_of_a_year_before(
    book: Book, told: dict[str, list[Row]]
) -> None:
    """All of it in this book had been written off by then: the month-ends before are not shown in its place."""
    rows = [row for row in _summed_bands(book) if shown(row["month_end"]) in ("2024-03-31", "2023-03-31")]
    assert {(r["lender"], r["month_end"], r["dpd_band"]) for r in told["long_overdue"]} == {
        (r["lender"], shown(r["month_end"]), r["dpd_band"]) for r in rows
    }
    assert _summed_bands(book)


def _summed_bands(book: Book) -> list[Row]:
    found: dict[tuple[Any, ...], Row] = {}
    for row in book.marts(2)("mart_long_overdue_monthly"):
        key = (row["lender"], row["month_end"], row["dpd_band"])
        one = found.setdefault(key, {"lender": key[0], "month_end": key[1], "dpd_band": key[2]})
        for name in ("loans", "outstanding_principal", "overdue_amount", "recovered_next_12m"):
            one[name] = one.get(name, 0) + (row[name] or 0)
    return list(found.values())


def test_restatements_are_those_on_record(book: Book, told: dict[str, list[Row]]) -> None:
    query = (
        "select mart, lender, period, rows_changed from publication_change where publication_id = 2 and is_restatement"
    )
    recorded = book.warehouse.rows(query, role=Role.READER)
    assert {(r["mart"], r["lender"], r["period"], r["rows_changed"]) for r in told["restatements"]} == {
        (mart, lender, shown(period), changed) for mart, lender, period, changed in recorded
    }
    assert INCOMPLETE in {row["lender"] for row in told["restatements"]}


def test_every_table_is_held_against_the_marts(told: dict[str, list[Row]]) -> None:
    tested = {name.partition(" ")[0] for name in TABLES} | set(AS_THEY_ARE)
    tested |= {"headline", "ageing", "balance_bridge", "delinquency_bridge", "collections_funnel", "early_warning"}
    tested |= {"flow_rates", "long_overdue", "restatements"}
    assert set(told) - tested == {"publication", "lenders", "buckets"}


# ── it is the same whenever it is written ────────────────────────────────────────────────────────────────


def test_a_report_is_the_same_after_later_publications(book: Book) -> None:
    again = book.write(publication_id=1)
    assert again.publication_id == 1
    assert set(again.files) == set(FILES)
    assert {name for name, content in contents(again).items() if content != book.reports[1][name]} == set()


def test_a_later_publication_is_another_report(book: Book) -> None:
    assert {name for name in FILES if book.reports[1][name] == book.reports[2][name]} == set()


def test_of_one_lender_in_chinese(book: Book, tmp_path: Path) -> None:
    written = book.write(lender="jike", language="zh", reports=str(tmp_path))
    assert Path(written.folder) == tmp_path / "2-jike-zh"
    tables = json.loads((tmp_path / "2-jike-zh" / "metrics.json").read_text())["tables"]
    for name, table in tables.items():
        if "lender" in table["columns"]:
            place = table["columns"].index("lender")
            assert {row[place] for row in table["rows"]} <= {"jike"}, name
    assert 'id="in-zh" checked' in (tmp_path / "2-jike-zh" / "report.html").read_text()


def test_a_reader_of_one_lender_writes_what_it_may_see(book: Book, tmp_path: Path) -> None:
    owner = book.warehouse
    owner.rows("create role investor login password 'investor' in role arrears_readers")
    owner.rows("insert into ops.reader_lender values ('investor', 'paipai')")
    try:
        seen = owner.settings.owner().login("investor", "investor").url()
        written = pipeline.report(url=owner.url(Role.PUBLISHER), reader_url=seen, reports=str(tmp_path))
        assert [row["lender"] for row in written.headline] == ["paipai"]
        assert "lakala" not in Path(written.folder, "metrics.json").read_text()
    finally:
        owner.rows("delete from ops.reader_lender")
        owner.rows("drop role investor")


# ── the page ─────────────────────────────────────────────────────────────────────────────────────────────


class Reader(HTMLParser):
    """What a page refers to, and what it says where: texts of cells and figures, and those in each language."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.cells: list[str] = []
        self.languages: list[str] = []
        self._in_cell = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append(tag)
        self.links += [found[name] or "" for name in ("href", "src", "srcset", "action", "data") if name in found]
        self.ids += [found["id"] or ""] if "id" in found else []
        if tag == "span" and "lang" in found:
            self.languages.append(found["lang"] or "")
        if tag == "td":
            self._in_cell = True
            self.cells.append("")

    def handle_endtag(self, tag: str) -> None:
        self._in_cell = self._in_cell and tag != "td"

    def handle_data(self, data: str) -> None:
        if self._in_cell:
            self.cells[-1] += data


@pytest.fixture(scope="module")
def page(book: Book) -> str:
    return book.reports[2]["report.html"].decode()


def test_the_page_needs_nothing_but_itself(page: str) -> None:
    read = Reader(page)
    assert not {"script", "link", "img", "iframe", "object", "use", "image"} & set(read.tags)
    assert [link for link in read.links if not link.startswith("#")] == []
    assert {link[1:] for link in read.links} <= set(read.ids)
    assert len(read.ids) == len(set(read.ids))
    assert not re.search(r"url\(|@import|https?://(?!www\.w3\.org/2000/svg)", page)


def test_the_page_says_all_in_both_languages(page: str) -> None:
    languages = Reader(page).languages
    assert languages == ["en", "zh-CN"] * (len(languages) // 2)


def test_every_number_of_the_page_is_one_of_the_metrics(page: str, told: dict[str, list[Row]]) -> None:
    known = set()
    for rows in told.values():
        for row in rows:
            for column, value in row.items():
                exact = Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else value
                known |= {cells.written(column, value), cells.written(column, exact)}
                known |= {cells.figure(100 * exact, 1)} if isinstance(exact, Decimal) else set()
                known |= {f"{value}", f"{value}"[:7], f"{value}"[:16].replace("T", " ") + " UTC"}
    numbers = {cell for cell in Reader(page).cells if re.fullmatch(r"[−+]?[\d,.]+( %)?|[\d-]{7,10}", cell)}
    assert len(numbers) > 1000
    assert numbers - known == set()


def test_words_are_complete(told: dict[str, list[Row]]) -> None:
    """Every heading and every value that is not the data's own name has a word in both languages."""
    words = Words.read(DEFINITIONS / "words.yaml")
    names = {
        "lender",
        "agency",
        "bucket",
        "mart",
        "name_en",
        "name_zh",
        "currency",
        "code_version",
        "reason",
        "approved_by",
    }
    used = {column for page in read_pages(DEFINITIONS / "pages.yaml") for part in page.parts for column in part.columns}
    assert {column for column in used if column not in words} == set()
    for rows in told.values():
        for row in rows:
            for column, value in row.items():
                if isinstance(value, str) and column not in names and not NUMBER.match(value):
                    assert value in words or value in {"M0", "M1", "M2", "M3", "M4", "M5", "M6", "M6+"}, (column, value)


def test_definitions_are_in_both_languages() -> None:
    for one in read_definitions(DEFINITIONS / "definitions.yaml"):
        for text in (one.term, one.means):
            assert re.search(r"[\u4e00-\u9fff]|[A-Z]{3}", text.zh), text
            assert not re.search(r"[\u4e00-\u9fff]", text.en), text


def test_a_stale_lender_is_marked(book: Book) -> None:
    assert book.reports[1]["report.html"].count(b'class="stale"') > 10
    assert b'class="stale"' not in book.reports[2]["report.html"]


# ── on paper ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.skipif(not PRINTED, reason="no font here has Chinese; on Debian: apt-get install fonts-noto-cjk")
def test_it_is_printed_on_a4(book: Book) -> None:
    printed = book.reports[2]["report.pdf"]
    assert printed.startswith(b"%PDF-")
    pages = re.findall(rb"/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \]", b"".join(_unpacked(printed)))
    assert {(round(float(width)), round(float(height))) for width, height in pages} == {(595, 842)}
    assert len(pages) > 15


def _unpacked(pdf: bytes) -> Iterator[bytes]:
    """The compressed parts of a PDF, where the pages are described."""
    for found in re.finditer(rb"stream\r?\n", pdf):
        with suppress(zlib.error):
            yield zlib.decompressobj().decompress(pdf[found.end() :])


def test_without_a_font_for_chinese_there_is_a_note_and_no_pdf(
    book: Book, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paper, "CHINESE", ("\U0010fffd", "\U0010fffc"))  # which no font has
    written = book.write(reports=str(tmp_path))
    assert set(written.files) == {"report.html", "metrics.json", "arrears.xlsx"}
    assert "fonts-noto-cjk" in written.notes[0]


# ── the workbook ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def workbook(book: Book) -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(book.reports[2]["arrears.xlsx"]))


def test_the_workbook_has_its_sheets(workbook: openpyxl.Workbook) -> None:
    assert workbook.sheetnames == [
        "Summary", "Ageing", "Overdue rates", "Roll rates", "Vintages", "First payments", "Reconciliation",
        "Definitions",
    ]  # fmt: skip
    for sheet in workbook:
        assert sheet.freeze_panes, sheet.title
        assert sheet.tables, sheet.title
    assert len(workbook["Overdue rates"]._charts) == 2
    assert len(workbook["First payments"]._charts) == 1


@pytest.mark.parametrize(
    ("sheet", "table", "columns"),
    [
        ("Overdue rates", "overdue_rates", {"active_loans": 2, "overdue_rate": 5, "overdue_rate_yoy_pp": 8}),
        ("Ageing", "ageing", {"loans": 3, "outstanding_principal": 4, "share": 5}),
        ("First payments", "first_payment_default", {"eligible_loans": 3, "short_loans": 4, "default_rate": 5}),
        ("Reconciliation", "reconciliation", {"loans": 3, "our_amount": 4, "difference": 6}),
    ],
)
def test_the_workbook_has_the_same_figures(
    workbook: openpyxl.Workbook, told: dict[str, list[Row]], sheet: str, table: str, columns: dict[str, int]
) -> None:
    rows = list(workbook[sheet].iter_rows(min_row=4, values_only=True))
    for column, place in columns.items():
        there = sorted(str(round(Decimal(str(row[place])), 6)) for row in rows if row[place] is not None)
        assert there == sorted(str(round(Decimal(row[column]), 6)) for row in told[table] if row[column] is not None)


@pytest.mark.parametrize(
    ("sheet", "query", "down", "across", "y"),
    [
        ("Roll rates", "roll_rates", ("to_month_end", "from_state"), "to_state", "share"),
        ("Vintages", "vintage_triangle", ("vintage_month",), "mob", "ever30_rate"),
    ],
)
def test_a_matrix_is_one_named_table(
    workbook: openpyxl.Workbook,
    told: dict[str, list[Row]],
    sheet: str,
    query: str,
    down: tuple[str, ...],
    across: str,
    y: str,
) -> None:
    """Every cell of it within the table, every heading text: Excel mends what is not, and says the file was broken."""
    rows, keys = told[query], ("lender", *down)
    heads = len(keys) + len({row[across] for row in rows})
    (table,) = workbook[sheet].tables.values()
    head, *cells_ = workbook[sheet][table.ref]
    assert [column.name for column in table.tableColumns] == [cell.value for cell in head]
    assert all(isinstance(cell.value, str) for cell in head)
    assert len({cell.value for cell in head}) == len(head) == heads
    assert len(cells_) == len({tuple(row[key] for key in keys) for row in rows})
    assert workbook[sheet].max_column == heads
    there = sorted(
        round(Decimal(str(cell.value)), 6) for row in cells_ for cell in row[len(keys) :] if cell.value is not None
    )
    assert there == sorted(round(Decimal(row[y]), 6) for row in rows if row[y] is not None)


def test_text_in_a_workbook_is_no_formula(workbook: openpyxl.Workbook) -> None:
    from arrears.report import workbook as writer
    from arrears.report.figures import Figures, Table

    evil = '=HYPERLINK("http://x","y")'
    tables = {
        name: Table(("lender", "bucket", "sort_order", "from_state", "to_state", "share", "vintage_month", "mob"), ())
        for name in (
            "headline",
            "ageing",
            "overdue_rates",
            "roll_rates",
            "vintage_triangle",
            "reconciliation",
            "buckets",
        )
    }
    row = dict.fromkeys(writer.COLUMNS["reconciliation"]) | {"lender": evil, "break_type": "@SUM(1)"}
    tables["reconciliation"] = Table(tuple(row), (tuple(row.values()),))
    tables["lenders"] = Table(("lender", "name_en", "name_zh", *writer.COLUMNS["lenders"][1:]), ())
    tables["first_payment_default"] = Table(tuple(writer.COLUMNS["first_payment_default"]), ())
    tables["publication"] = Table(
        ("publication_id", "business_date", "published_at"), ((1, LAST, dt.datetime(2024, 4, 2, tzinfo=dt.UTC)),)
    )
    written = writer.write(Figures(1, None, tables), Words({}), ())
    sheet = openpyxl.load_workbook(io.BytesIO(written))["Reconciliation"]
    assert [(cell.value, cell.data_type) for cell in sheet[4][:3:2]] == [(evil, "s"), ("@SUM(1)", "s")]


# ── the command ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def arrears(book: Book, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    return CommandLine(capsys, monkeypatch)


def test_the_command_shows_the_headline_and_the_path(book: Book, arrears: CommandLine, tmp_path: Path) -> None:
    answer = arrears("report", "--publication", "1", "--out", str(tmp_path))
    assert answer.code == 0
    assert f"report: {tmp_path}/1/report.html" in answer.out
    assert "all in CNY" in answer.out
    assert (tmp_path / "1" / "report.html").read_bytes() == book.reports[1]["report.html"]
    index = (tmp_path / "index.html").read_text()
    assert 'href="1/report.html"' in index
    assert 'href="2/report.html"' not in index


def test_the_command_as_json(arrears: CommandLine, tmp_path: Path) -> None:
    answer = json.loads(arrears("report", "--lender", "jike", "--json", "--out", str(tmp_path)).out)
    assert answer["files"] == list(FILES)
    assert [row["lender"] for row in answer["headline"]] == ["jike"]


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"publication_id": 99}, "There is no publication 99: `arrears publications` lists those there are."),
        ({"lender": "nobody"}, "Publication 2 knows no lender nobody: `arrears status` lists them."),
        ({"reports": "nowhere://x"}, "ARREARS_REPORTS: nowhere://x: "),
    ],
)
def test_what_does_not_exist_is_said(book: Book, choices: dict[str, Any], message: str) -> None:
    with pytest.raises(Usage, match=re.escape(message)):
        book.write(**choices)


def test_a_folder_that_cannot_be_written_leaves_the_publication(book: Book, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(Infrastructure, match="The publication stands"):
        book.write(reports=str(tmp_path / "file" / "reports"))


def test_a_store_that_does_not_answer_is_said_in_one_message(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    """What its package raises is no OSError."""
    from arrears import report

    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    s3fs.S3FileSystem.clear_instance_cache()
    reader = book.warehouse.url(Role.READER)
    with pytest.raises(Infrastructure, match=r"reports at s3://reports.*The publication stands"):
        book.write(reports="s3://reports")
    with pytest.raises(Infrastructure, match="reports at s3://reports"):
        report.forget(url=reader, reports="s3://reports")
    s3fs.S3FileSystem.clear_instance_cache()


def test_reports_of_publications_let_go_are_removed(book: Book, tmp_path: Path) -> None:
    from arrears import report

    for lender in (None, "jike"):
        book.write(publication_id=1, lender=lender, reports=str(tmp_path))
    book.write(reports=str(tmp_path))
    owner = book.warehouse
    owner.rows("insert into ops.publication_let_go (publication_id, let_go_at) values (1, now())")
    try:
        assert report.forget(url=owner.url(Role.READER), reports=str(tmp_path)) == 2
        assert {path.name for path in tmp_path.iterdir()} == {"2", "index.html"}
        with pytest.raises(Usage, match="no longer kept"):
            book.write(publication_id=1)
    finally:
        owner.rows("delete from ops.publication_let_go")


# ── how it looks ─────────────────────────────────────────────────────────────────────────────────────────

LOOK = Path(__file__).with_name("report_look.js").read_text()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browsing() as opened:
        yield opened


@pytest.mark.parametrize(
    ("publication", "width", "scheme", "language"),
    [(1, 1300, "light", "en"), (2, 1300, "dark", "zh"), (2, 390, "light", "zh"), (2, 390, "dark", "en"),
     (2, 700, "light", "en")],
)  # fmt: skip
def test_a_person_can_read_the_page(
    book: Book, browser: Browser, tmp_path: Path, publication: int, width: int, scheme: str, language: str
) -> None:
    (tmp_path / "report.html").write_bytes(book.reports[publication]["report.html"])
    assert problems_of(browser, tmp_path / "report.html", width, scheme, language) == []


@pytest.mark.parametrize(("width", "scheme"), [(1300, "light"), (390, "dark")])
def test_a_person_can_read_the_list_of_publications(
    book: Book, browser: Browser, tmp_path: Path, width: int, scheme: str
) -> None:
    """Every publication and lender with a report is in it, in both languages at once."""
    for choices in ({"publication_id": 1}, {"lender": "jike"}, {}):
        book.write(reports=str(tmp_path), **choices)
    assert problems_of(browser, tmp_path / "index.html", width, scheme) == []


def problems_of(browser: Browser, file: Path, width: int, scheme: str, language: str = "en") -> list[str]:
    """What is wrong with how a page looks. Leaves a picture beside it, and holds it to asking the network nothing."""
    asked: list[str] = []
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
    )
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri())
    if language == "zh":
        page.get_by_label("中文").check()
    problems = page.evaluate(LOOK)
    page.screenshot(path=file.with_name(f"{file.stem}-{width}-{scheme}-{language}.png"), full_page=True)
    context.close()
    assert asked == [file.as_uri()]
    return list(problems)


def test_a_browser_prints_it_within_a4(book: Book, browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "report.html").write_bytes(book.reports[2]["report.html"])
    page = browser.new_page(viewport={"width": 703, "height": 1000})  # A4 less its margins, at 96 to the inch
    page.emulate_media(media="print", color_scheme="dark")
    page.goto((tmp_path / "report.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= 703
    assert page.locator("nav").is_hidden()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.close()


def test_the_language_is_switched_by_the_keyboard(book: Book, browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "report.html").write_bytes(book.reports[2]["report.html"])
    page = browser.new_page()
    page.goto((tmp_path / "report.html").as_uri())
    heading = page.locator("h1")
    assert heading.inner_text().strip() == "Delinquency report"
    page.keyboard.press("Tab")  # to the link past the contents
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    assert heading.inner_text().strip() == "逾期报告"
    page.close()


def test_the_look_sees_what_is_wrong(browser: Browser) -> None:
    """The check can fail: text over text, too pale, beyond the page; a chart with nothing in it."""
    page = browser.new_page()
    page.set_content(
        "<body style='background:#fff'><p style='color:#ccc'>pale</p><p style='margin-top:-30px'>over it, and wide</p>"
        "<p style='white-space:nowrap'>" + "long " * 400 + "</p><figure></figure>"
        "<svg role='img' aria-label='bare' width='300' height='100'><text x='290' y='50'>cut off here</text></svg>"
    )
    problems = " ".join(page.evaluate(LOOK))
    page.close()
    for sort in (
        "contrast",
        "text over",
        "beyond the page",
        "wide",
        "empty figure",
        "nothing drawn: bare",
        "label cut",
    ):
        assert sort in problems


# ── the site ─────────────────────────────────────────────────────────────────────────────────────────────


def test_the_site_documents_marts_definitions_and_who_reads_them(
    book: Book, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(str(SOURCE_ROOT / "scripts"))
    docs_site = importlib.import_module("docs_site")
    assert docs_site.main() == 0
    site = book.warehouse.settings.home / "site"
    index, definitions, marts = ((site / f"{name}.html").read_text() for name in ("index", "definitions", "marts"))
    assert set(Reader(index).links) == {"definitions.html", "marts.html"}
    assert "逾期天数" in definitions
    for known in ("mart_overdue_rate_monthly", "exposure.arrears.report", json.dumps("逾期率").strip('"')):
        assert known in marts
