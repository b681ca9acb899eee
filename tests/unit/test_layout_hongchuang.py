"""The workbook a day: sheets that keep their contract, the same bytes, and rows that tell one story."""

from __future__ import annotations

import hashlib
import zipfile
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import openpyxl
import polars as pl
import pytest

from arrears.simulate import formats_workbook, layouts, simulate
from arrears.simulate.cells import grouped, percents
from arrears.simulate.formats_workbook import SheetHead, WorkbookFile, parse_workbook
from arrears.simulate.writers import Landing, constant
from tests.unit import keeping

LENDER = "hongchuang"
START, END = date(2023, 12, 20), date(2024, 1, 31)
Sheets = dict[str, list[list[str]]]


def _days(first: date = START, last: date = END) -> list[date]:
    return [first + timedelta(days=k) for k in range((last - first).days + 1)]


def _path(landing: Path, day: date) -> Path:
    return landing / LENDER / day.isoformat() / f"hongchuang_{day:%Y%m%d}.xlsx"


def _read(path: Path) -> Sheets:
    book = openpyxl.load_workbook(path)
    for sheet in book.worksheets:
        for row in sheet.iter_rows():
            assert all(cell.value is None or cell.data_type == "s" for cell in row), "every cell is text"
    return {s.title: [["" if c is None else c for c in row] for row in s.iter_rows(values_only=True)] for s in book}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp(LENDER)
    simulate(start=START, end=END, loans=400, seed=5, lenders=[LENDER], landing=made / "landing", truth=made / "truth")
    return made


@pytest.fixture(scope="module")
def books(folder: Path) -> dict[date, Sheets]:
    return {day: _read(_path(folder / "landing", day)) for day in _days()}


def _rows(books: dict[date, Sheets], sheet: str, days: list[date] | None = None) -> list[dict[str, str]]:
    found = []
    for day in days or sorted(books):
        _, header, *rows = books[day][sheet]
        found += [dict(zip(header, row, strict=True)) for row in rows]
    return found


def _fen(text: str) -> int:
    amount = Decimal(text.replace(",", "")) * 100
    assert amount % 1 == 0
    return int(amount)


def _day(text: str) -> date:
    return datetime.strptime(text, "%Y年%m月%d日").date()


# ── the files ───────────────────────────────────────────────────────────────────────────────────────────


def test_every_sheet_keeps_its_contract(folder: Path, books: dict[date, Sheets]) -> None:
    resources = keeping.contract(LENDER)["resources"]
    for day, sheets in books.items():
        assert list(sheets) == [resource["dialect"]["sheetName"] for resource in resources]
        for resource in resources:
            title, header, *rows = sheets[resource["dialect"]["sheetName"]]
            assert resource["dialect"]["headerRows"] == [2]
            assert title[0].startswith("红创金服")
            assert not any(title[1:])
            assert keeping.violations(resource, header, rows, day) == [], (day, resource["name"])
            assert keeping.file_of(resource, day) == _path(folder, day).name
    assert len(books) == sum(1 for path in (folder / "landing").rglob("*") if path.is_file())


def test_the_title_is_merged_over_the_columns(folder: Path) -> None:
    for sheet in openpyxl.load_workbook(_path(folder / "landing", END)):
        (merged,) = sheet.merged_cells.ranges
        assert merged.bounds == (1, 1, sheet.max_column, 1)


def test_same_arguments_same_bytes_and_no_time_in_them(folder: Path, tmp_path: Path) -> None:
    last = START + timedelta(days=4)
    simulate(start=START, end=last, loans=400, seed=5, lenders=[LENDER], landing=tmp_path, truth=tmp_path / "truth")
    for day in _days(START, last - timedelta(days=1)):
        one, other = _path(tmp_path, day), _path(folder / "landing", day)
        assert hashlib.sha256(one.read_bytes()).digest() == hashlib.sha256(other.read_bytes()).digest(), day
    with zipfile.ZipFile(_path(folder / "landing", END)) as archive:
        assert archive.testzip() is None
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


# ── the rows ────────────────────────────────────────────────────────────────────────────────────────────


def test_the_first_workbook_carries_the_history_and_the_others_their_day(books: dict[date, Sheets]) -> None:
    first, rest = [START], _days()[1:]
    loans = {row["借款编号"] for row in _rows(books, "借款", first)}
    assert {row["借款编号"] for row in _rows(books, "还款计划", first)} == loans
    customers = {row["客户编号"] for row in _rows(books, "客户", first)}
    assert {row["客户编号"] for row in _rows(books, "借款", first)} == customers
    assert min(_day(row["交易日期"]) for row in _rows(books, "还款流水", first)) < date(2023, 1, 1)
    for day in rest:
        assert all(_day(row["入账日期"]) == day for row in _rows(books, "还款流水", [day]))
        assert all(_day(row["发生日期"]) == day for row in _rows(books, "事件", [day]))
        assert all(row["催收时间"][:10] == day.isoformat() for row in _rows(books, "催收记录", [day]))


def test_plans_come_whole_and_add_up_to_the_amount_lent(books: dict[date, Sheets]) -> None:
    terms = {row["借款编号"]: (int(row["期数"]), _fen(row["借款金额"])) for row in _rows(books, "借款")}
    versions: dict[tuple[str, int], dict[int, int]] = defaultdict(dict)
    for row in _rows(books, "还款计划"):
        versions[row["借款编号"], int(row["版本"])][int(row["期数"])] = _fen(row["应还本金"])
        assert _day(row["生效日期"]) <= END
    for (loan, _), plan in versions.items():
        term, principal = terms[loan]
        assert sorted(plan) == list(range(1, term + 1))
        assert sum(plan.values()) == principal
    replanned = {row["借款编号"] for row in _rows(books, "事件") if row["事件"] in ("展期", "重组")}
    assert replanned <= {loan for loan, version in versions if version > 1}
    assert replanned


def test_identifiers_are_the_lenders_own_and_never_come_twice(books: dict[date, Sheets]) -> None:
    for sheet, column in (("借款", "借款编号"), ("客户", "客户编号"), ("还款流水", "流水号"), ("催收记录", "记录编号")):
        ids = [row[column] for row in _rows(books, sheet)]
        assert len(ids) == len(set(ids)), sheet
    loans = {row["借款编号"] for row in _rows(books, "借款")}
    for sheet in ("还款计划", "还款流水", "事件", "催收记录", "余额"):
        assert {row["借款编号"] for row in _rows(books, sheet)} <= loans


def test_what_the_lender_is_known_for_happens(books: dict[date, Sheets]) -> None:
    notes = [row["说明"] for row in _rows(books, "事件") if row["事件"] == "展期"]
    assert any("患病" in note for note in notes), "extended after illness"
    assert all(note.startswith("展期") and "个月，" in note for note in notes)
    events = Counter(row["事件"] for row in _rows(books, "事件"))
    assert {"展期", "结清", "重组", "暂停", "恢复"} <= set(events)
    kinds = Counter(row["类型"] for row in _rows(books, "还款流水"))
    assert {"还款", "提前结清", "减免", "退回"} <= set(kinds)
    channels = Counter(row["方式"] for row in _rows(books, "催收记录"))
    assert {"电话", "短信"} <= set(channels)
    assert {row["机构"] for row in _rows(books, "催收记录")} == {"", "恒信催收", "诚达法务"}


def test_returns_name_the_payment_they_take_back(books: dict[date, Sheets]) -> None:
    payments = {row["流水号"]: row for row in _rows(books, "还款流水")}
    back = [row for row in payments.values() if row["原流水号"]]
    assert back
    for row in back:
        assert row["类型"] in ("退回", "拒付")
        taken = payments[row["原流水号"]]
        assert (taken["借款编号"], taken["金额"]) == (row["借款编号"], row["金额"])


def test_a_promise_has_an_amount_and_a_day_and_nothing_else_has(books: dict[date, Sheets]) -> None:
    promises = 0
    for row in _rows(books, "催收记录"):
        promised = row["结果"] == "承诺还款"
        promises += promised
        assert bool(row["承诺金额"]) == bool(row["承诺日期"]) == promised
        assert bool(row["对象"]) == (row["是否接通"] == "是")
    assert promises


def test_month_end_positions_are_the_truth(folder: Path, books: dict[date, Sheets]) -> None:
    words = {
        "已结清": "settled",
        "已核销": "written_off",
        "已转让": "transferred",
        "已代偿": "compensated",
        "已回购": "bought_back",
    }
    day = date(2023, 12, 31)
    path = folder / "truth" / LENDER / f"{day}.parquet"
    truth = {row["loan_id"]: row for row in pl.read_parquet(path).iter_rows(named=True)}
    said = {row["借款编号"]: row for row in _rows(books, "余额", [day])}
    assert {loan for loan, row in truth.items() if row["state"] == "active"} <= set(said)
    assert len(said) > 150
    for loan, row in said.items():
        true = truth[loan]
        assert words.get(row["状态"], "active") == true["state"], loan
        assert _fen(row["剩余本金"]) == true["outstanding_principal"] * 100, loan
        if true["state"] == "active":
            assert _fen(row["逾期本金"]) == true["overdue_principal"] * 100, loan
            assert int(row["逾期天数"]) == true["dpd"], loan
            assert (row["状态"] == "逾期") == (true["dpd"] > 0), loan


def test_overdue_loans_are_reported_every_day(books: dict[date, Sheets]) -> None:
    for day in _days()[1:]:
        before = {r["借款编号"]: r for r in _rows(books, "余额", [day - timedelta(days=1)]) if r["状态"] == "逾期"}
        now = {row["借款编号"]: row for row in _rows(books, "余额", [day])}
        assert set(before) <= set(now)


# ── writing workbooks ───────────────────────────────────────────────────────────────────────────────────


def test_amounts_and_rates_as_the_lender_writes_them() -> None:
    def texts(block: np.ndarray) -> list[str]:
        return [bytes(row).replace(b"\0", b"").decode() for row in block]

    amounts = np.array([0, 5, 99_999, 100_000, 500_000, 123_456_789, 100_000_000_000])
    assert texts(grouped(amounts)) == [f"{Decimal(int(a)) / 100:,.2f}" for a in amounts]
    assert texts(percents(np.array([1800, 2390, 50]))) == ["18.0%", "23.9%", "0.5%"]
    with pytest.raises(ValueError, match="steps of 10 basis points"):
        percents(np.array([1805]))


def test_a_sheet_that_would_overflow_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats_workbook, "MOST_ROWS", 10)
    file = WorkbookFile(Landing(str(tmp_path), LENDER), "day", "a.xlsx", {"表": SheetHead("标题", ["列"])})
    file.write("表", [constant("甲", 10, "utf-8")])
    with pytest.raises(ValueError, match=r"sheet 表 would have more than 10 rows.*most_loans"):
        file.write("表", [constant("甲", 1, "utf-8")])


def test_the_lender_stays_small_enough_for_a_sheet() -> None:
    profile = layouts.find(LENDER).PROFILE
    longest = max(sum(p.share * sum(p.terms) / len(p.terms) for p in profile.products), 0)
    assert profile.most_loans is not None
    # Each loan's plan comes at least once in the first workbook; half as much again for new plans.
    assert 1.5 * profile.most_loans * longest < formats_workbook.MOST_ROWS


def test_faults_read_and_write_a_sheet_and_leave_the_others(folder: Path, tmp_path: Path) -> None:
    form = layouts.find(LENDER).FORMAT
    content = _path(folder / "landing", END).read_bytes()
    names = openpyxl.load_workbook(_path(folder / "landing", END)).sheetnames
    table = form.parse(form.roles.loans, content)
    assert table.first_line == 3
    spoilt = [["<&> '\"", " 前后 ", "=HYPERLINK(1)", "换\n行", *row[4:]] for row in table.rows]
    table.header[6], table.rows = form.roles.renamed[1], spoilt
    (tmp_path / "a.xlsx").write_bytes(form.render(form.roles.loans, table))
    again = _read(tmp_path / "a.xlsx")
    assert again[form.roles.loans][1:] == [table.header, *spoilt]
    original = _read(_path(folder / "landing", END))
    assert list(again) == names
    assert all(again[name] == original[name] for name in names if name != form.roles.loans)
    with pytest.raises(KeyError):
        parse_workbook("没有", content)
    assert form.date_text(date(2024, 1, 5)) == "2024年1月5日"
