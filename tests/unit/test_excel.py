"""Excel workbooks: cells as Excel shows them, and everything that is no table of rows."""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from arrears.delivery import excel
from arrears.delivery.files import DeliveryFile
from arrears.delivery.pii import keyed_hash
from arrears.delivery.stream import open_stream
from tests.unit.streams import IDENTITY, KEY, NAME, broken, read, resource, rows, stored

CHINESE = "%Y年%m月%d日"
AB = resource("xlsx", ["a", "b"])
DATED = resource("xlsx", ["a", {"name": "on", "type": "date", "format": CHINESE}])


def _saved(book: Workbook) -> bytes:
    sink = io.BytesIO()
    book.save(sink)
    return sink.getvalue()


def _sheet(*table: list[Any], formats: dict[str, str] | None = None) -> bytes:
    book = Workbook()
    for row in table:
        book.active.append(row)
    for place, number_format in (formats or {}).items():
        book.active[place].number_format = number_format
    return _saved(book)


def _workbook(change: Callable[[Worksheet], None]) -> bytes:
    book = Workbook()
    change(book.active)
    return _saved(book)


def _rewritten(content: bytes, member: str, change: Callable[[str], str]) -> bytes:
    """The workbook with one of its parts changed: what openpyxl does not write, other programs do."""
    sink = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            part = old.read(name)
            new.writestr(name, change(part.decode()) if name == member else part)
    return sink.getvalue()


SHEET = "xl/worksheets/sheet1.xml"


def test_texts_are_as_they_stand_there(tmp_path: Path) -> None:
    texts = ["5,000.00", " 18.0% ", "１２３", "王，小明", "x\ny", "x,y", '"', "=1+1", "0007", "\u00a0", "NULL"]
    table = [[f"'{text}" if text.startswith("=") else text, "x"] for text in texts]
    found = rows(stored(tmp_path, _sheet(["a", "b"], *table), AB))
    assert [row[0] for row in found] == [f"'{text}" if text.startswith("=") else text for text in texts]


@pytest.mark.parametrize(
    ("value", "number_format", "shown"),
    [
        (5000, "General", "5000"),
        (5000.1, "#,##0.00", "5000.1"),
        (0.1 + 0.2, "General", "0.3"),
        (1234567.89, "0.00", "1234567.89"),
        (1e-7, "0.00E+00", "0.0000001"),
        (1e14, "General", "100000000000000"),
        (999999999999999, "0", "999999999999999"),
        (-0.05, "General", "-0.05"),
        (0.18, "0.0%", "18%"),
        (0.1234, "0.00%", "12.34%"),
        (0.07, "0%", "7%"),
        (1, "0%", "100%"),
        (0, "0%", "0%"),
        (18, '0.0"%"', "18"),
        (18, r"0.0\%", "18"),
        (45292, "General", "45292"),
        (True, "General", "true"),
        (False, "General", "false"),
    ],
)
def test_numbers_are_as_excel_shows_them(value: Any, number_format: str, shown: str, tmp_path: Path) -> None:
    content = _sheet(["a", "b"], [value, "x"], formats={"A2": number_format})
    assert rows(stored(tmp_path, content, AB)) == [[shown, "x"]]


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        ({"type": "date", "format": CHINESE}, dt.date(2024, 1, 5), "2024年01月05日"),
        ({"type": "date", "format": "%Y/%m/%d"}, dt.datetime(2024, 1, 5), "2024/01/05"),
        ({"type": "date"}, dt.date(2024, 1, 5), "2024-01-05"),
        (
            {"type": "date", "format": "any", "arrears": {"formats": ["%Y%m%d", CHINESE]}},
            dt.date(2024, 1, 5),
            "20240105",
        ),
        ({"type": "date", "format": CHINESE}, dt.datetime(2024, 1, 5, 8, 30), "2024-01-05T08:30:00"),
        ({"type": "datetime"}, dt.datetime(2024, 1, 5, 8, 30, 1), "2024-01-05T08:30:01"),
        ({"type": "datetime"}, dt.date(2024, 1, 5), "2024-01-05T00:00:00"),
        ({"type": "string"}, dt.date(2024, 1, 5), "2024-01-05"),
        ({"type": "date", "format": CHINESE}, "2024年1月5日", "2024年1月5日"),
        ({"type": "date", "format": CHINESE}, 45296, "45296"),
        ({"type": "string"}, dt.time(8, 30), "08:30:00"),
    ],
)
def test_dates(field: dict[str, Any], value: Any, shown: str, tmp_path: Path) -> None:
    """A plain number stays one: which day it means depends on who wrote it."""
    described = resource("xlsx", ["a", {"name": "on", **field}])
    assert rows(stored(tmp_path, _sheet(["a", "on"], ["x", value]), described)) == [["x", shown]]


@pytest.mark.filterwarnings("ignore:Cell B2 is marked")
def test_a_date_that_no_calendar_has_is_an_error_in_its_cell(tmp_path: Path) -> None:
    content = _sheet(["a", "on"], ["x", 99_999_999], formats={"B2": "yyyy-mm-dd"})
    assert rows(stored(tmp_path, content, DATED)) == [["x", "#VALUE!"]]


def test_errors_are_their_text_and_nobodys_identity(tmp_path: Path) -> None:
    described = resource(
        "xlsx", ["a", {"name": "b", "arrears": {"pii": "hash"}}, {"name": "c", "arrears": {"pii": "drop"}}]
    )
    content = _sheet(["a", "b", "c"], ["#N/A", "#DIV/0!", "#REF!"])
    assert rows(stored(tmp_path, content, described)) == [["#N/A", "#DIV/0!", ""]]


def test_an_error_that_nobody_knows(tmp_path: Path) -> None:
    content = _rewritten(_sheet(["a", "b"], [1, "#N/A"]), SHEET, lambda xml: xml.replace("#N/A", "#FUTURE!"))
    assert rows(stored(tmp_path, content, AB)) == [["1", "#VALUE!"]]


def test_errors_are_their_text(tmp_path: Path) -> None:
    content = _sheet(["a", "b"], ["#N/A", "#DIV/0!"])
    assert b't="e"' in zipfile.ZipFile(io.BytesIO(content)).read(SHEET)
    assert rows(stored(tmp_path, content, AB)) == [["#N/A", "#DIV/0!"]]


# ── where the table is ───────────────────────────────────────────────────────────────────────────────────


def test_a_title_above_the_header(tmp_path: Path) -> None:
    described = resource("xlsx", ["a", "b"], dialect={"headerRows": [3], "sheetName": "放款"})
    book = Workbook()
    book.active.append(["nothing here"])
    sheet = book.create_sheet("放款")
    sheet.merge_cells("A1:B1")
    sheet["A1"] = "红创金服 2024年1月"
    sheet["A3"], sheet["B3"], sheet["A4"] = "a", " b ", 1
    body, stream = read(stored(tmp_path, _saved(book), described))
    assert (body, stream.first_line) == (b"1,\n", 4)


def test_empty_rows_and_columns_around_the_table_are_left_out(tmp_path: Path) -> None:
    def build(sheet: Worksheet) -> None:
        for row in (["a", "b", None, None], [1, 2], [None, None], [3, 4], [None, None], ["", None]):
            sheet.append(row)
        sheet["F30"].number_format = "0.00"

    assert rows(stored(tmp_path, _workbook(build), AB)) == [["1", "2"], ["", ""], ["3", "4"]]


@pytest.mark.parametrize("claimed", ["A1", "A1:XFD1048576", "A1:A2"])
def test_the_size_that_a_sheet_claims_is_not_believed(claimed: str, tmp_path: Path) -> None:
    content = _rewritten(
        _sheet(["a", "b"], [1, 2], [3, 4]), SHEET,
        lambda xml: re.sub(r'<dimension ref="[^"]*"', f'<dimension ref="{claimed}"', xml),
    )  # fmt: skip
    assert rows(stored(tmp_path, content, AB)) == [["1", "2"], ["3", "4"]]


def test_a_header_without_rows(tmp_path: Path) -> None:
    assert read(stored(tmp_path, _sheet(["a", "b"]), AB))[0] == b""


@pytest.mark.parametrize(
    ("header", "faults"),
    [
        (["a", "c"], [("b", "missing from the header"), ("c", "does not know")]),
        (["b", "a"], [("b", "another order")]),
        (["a", "b", "a"], [("a", "twice in the header")]),
        (["x"], [(None, "no column of the contract")]),
        (["a", None, "b"], [(None, "the header is empty in cell B1: are cells merged?")]),
        ([], [(None, "not even a header")]),
    ],
)
def test_a_wrong_header(header: list[Any], faults: list[tuple[str | None, str]], tmp_path: Path) -> None:
    found = broken(stored(tmp_path, _sheet(header, [1, 2]) if header else _sheet(), AB)).faults
    assert [fault.column for fault in found] == [column for column, _ in faults]
    for fault, (_, said) in zip(found, faults, strict=True):
        assert said in fault.rule


def test_a_merged_header(tmp_path: Path) -> None:
    def build(sheet: Worksheet) -> None:
        sheet.append(["a", None, "b"])
        sheet.merge_cells("A1:B1")

    assert "are cells merged?" in str(broken(stored(tmp_path, _workbook(build), AB)))


def test_a_value_beside_the_table(tmp_path: Path) -> None:
    (fault,) = broken(stored(tmp_path, _sheet(["a", "b"], [1, 2], [3, 4, None, NAME]), AB)).faults
    assert (fault.line, fault.rule) == (3, "a value in cell D3, where the header has no column")


def test_a_sheet_that_is_not_there(tmp_path: Path) -> None:
    described = resource("xlsx", ["a", "b"], dialect={"sheetName": "还款"})
    (fault,) = broken(stored(tmp_path, _sheet(["a", "b"]), described)).faults
    assert fault.rule == "the workbook has no sheet '还款'; its sheets are Sheet"


# ── formulas ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_formula_shows_what_was_calculated_last(tmp_path: Path) -> None:
    content = _sheet(["a", "b"], ["=1+1", 5], [None, "=A2"])
    calculated = _rewritten(content, SHEET, lambda xml: re.sub(r"</f><v ?/?>(</v>)?", "</f><v>2</v>", xml))
    assert rows(stored(tmp_path, calculated, AB)) == [["2", "5"], ["", "2"]]


def test_a_formula_that_was_never_calculated(tmp_path: Path) -> None:
    (fault,) = broken(stored(tmp_path, _sheet(["a", "b"], [1, 2], [3, "=A2"]), AB)).faults
    assert fault.line == 3
    assert fault.rule.startswith("the formula in cell B3 was never calculated")


@pytest.mark.parametrize("result", ["<v></v>", "<v/>"])
def test_a_formula_that_shows_an_empty_text_is_an_empty_cell(result: str, tmp_path: Path) -> None:
    """Excel keeps the result of =IF(A2>0,"x","") as a text of no characters."""
    content = _rewritten(
        _sheet(["a", "b"], [1, "=A2"], [3, 4]), SHEET,
        lambda xml: re.sub(r'<c r="B2"[^>]*><f>A2</f><v ?/?>(</v>)?', f'<c r="B2" t="str"><f>A2</f>{result}', xml),
    )  # fmt: skip
    assert b't="str"' in zipfile.ZipFile(io.BytesIO(content)).read(SHEET)
    assert rows(stored(tmp_path, content, AB)) == [["1", ""], ["3", "4"]]


def test_a_formula_beside_the_table_that_shows_nothing(tmp_path: Path) -> None:
    assert rows(stored(tmp_path, _sheet(["a", "b"], [1, 2, "=A2"], [3, 4, None, "=B3"]), AB)) == [
        ["1", "2"],
        ["3", "4"],
    ]


# ── what is no workbook ──────────────────────────────────────────────────────────────────────────────────


def _zip_of_something_else() -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("rows.csv", "a,b\n1,2\n")
    return sink.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not an Excel workbook"),
        (b"a,b\n1,2\n", "not an Excel workbook"),
        (_zip_of_something_else(), "not an Excel workbook"),
        (_sheet(["a", "b"], [1, 2])[:-500], "not an Excel workbook"),
        (_rewritten(_sheet(["a", "b"], [1, 2]), SHEET, lambda xml: xml[:-40]), "not an Excel workbook"),
        (bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 512, "an old .xls workbook, or one locked with a password"),
    ],
)
def test_what_is_no_workbook(content: bytes, said: str, tmp_path: Path) -> None:
    (fault,) = broken(stored(tmp_path, content, AB)).faults
    assert said in fault.rule


def _sharing(*table: list[Any]) -> bytes:
    """A workbook whose cells share their texts, as Excel writes it."""
    sink = io.BytesIO()
    with xlsxwriter.Workbook(sink) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate(table):
            sheet.write_row(number, 0, row)
    return sink.getvalue()


@pytest.mark.parametrize("limit", ["LARGEST_UNPACKED", "LARGEST_BESIDE_SHEETS"])
def test_a_workbook_that_unpacks_to_too_much(limit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = stored(tmp_path, _sharing(["a", "b"], ["x" * 30_000, 2]), AB)
    assert rows(file) == [["x" * 30_000, "2"]]
    monkeypatch.setattr(excel, limit, 20_000)
    assert "unpacks to more" in str(broken(file))


@pytest.mark.parametrize("place", ["xl/texts.xml", "xl/worksheets/texts.xml"])
def test_shared_texts_are_bounded_under_any_name(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their type says what they are."""
    content = _sharing(["a", "b"], ["x" * 30_000, 2])
    sink = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            part = old.read(name).replace(b"/xl/sharedStrings.xml", b"/" + place.encode())
            new.writestr(place if name == "xl/sharedStrings.xml" else name, part)
    file = stored(tmp_path, sink.getvalue(), AB)
    assert rows(file) == [["x" * 30_000, "2"]]
    monkeypatch.setattr(excel, "LARGEST_BESIDE_SHEETS", 20_000, raising=False)
    assert "unpacks to more" in str(broken(file))


@pytest.mark.parametrize(
    ("part", "ending"),
    [
        ("[Content_Types].xml", "</Types>"),
        ("xl/workbook.xml", "</workbook>"),
        ("xl/_rels/workbook.xml.rels", "</Relationships>"),
        ("xl/styles.xml", "</styleSheet>"),
        ("docProps/core.xml", "</cp:coreProperties>"),
    ],
)
def test_what_is_made_objects_of_is_bounded(part: str, ending: str, tmp_path: Path) -> None:
    """A few kilobytes of styles unpack to gigabytes of objects."""
    padded = _rewritten(_sheet(["a", "b"], [1, 2]), part, lambda xml: xml.replace(ending, " " * (8 << 20) + ending))
    assert len(padded) < 50_000
    (fault,) = broken(stored(tmp_path, padded, AB)).faults
    assert fault.rule == "the workbook unpacks to more than a workbook of rows can hold; ask what it is"


def test_a_long_text_in_many_cells_is_written_a_few_rows_at_a_time(tmp_path: Path) -> None:
    text = "x" * 30_000
    content = _sharing(["a", "b"], *([text, text] for _ in range(200)))
    blocks = list(open_stream(stored(tmp_path, content, AB), lambda: KEY))
    assert sum(map(len, blocks)) > 200 * 2 * len(text)
    assert max(map(len, blocks)) < 2 << 20


def test_a_row_that_is_longer_than_any(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(excel, "LONGEST_LINE", 50_000, raising=False)
    content = _sharing(["a", "b"], ["x" * 30_000, "y"], ["x" * 30_000, "y" * 30_000])
    (fault,) = broken(stored(tmp_path, content, AB)).faults
    assert (fault.line, fault.rule) == (3, "a row of more than 50,000 characters: is this a table?")


@pytest.mark.parametrize("number", [int(IDENTITY), 1e15, -1e15])
def test_a_number_of_which_excel_has_lost_digits(number: float, tmp_path: Path) -> None:
    """Two people whose identity numbers are numbers in Excel may be one and the same there."""
    (fault,) = broken(stored(tmp_path, _sheet(["a", "b"], [1, 2], [3, number]), AB)).faults
    assert (fault.line, fault.column, fault.value) == (3, "b", None)
    assert "more than 15 digits in cell B3" in fault.rule
    assert IDENTITY[:10] not in str(fault)


def test_a_row_that_no_sheet_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = _rewritten(
        _sheet(["a", "b"], [1, 2]), SHEET,
        lambda xml: re.sub(r'r="([AB]?)2"', r'r="\g<1>999999999"', xml),
    )  # fmt: skip
    monkeypatch.setattr(excel, "MOST_ROWS", 1000)
    assert "more than the 1,000 rows that a sheet can have" in str(broken(stored(tmp_path, content, AB)))


# ── personal data ────────────────────────────────────────────────────────────────────────────────────────


def test_personal_data_is_hashed_and_dropped(tmp_path: Path) -> None:
    described = resource(
        "xlsx", ["no", {"name": "name", "arrears": {"pii": "drop"}}, {"name": "id", "arrears": {"pii": "hash"}}]
    )
    content = _sheet(["no", "name", "id"], [1, NAME, IDENTITY], [2, NAME, None])
    assert rows(stored(tmp_path, content, described)) == [["1", "", keyed_hash(KEY, IDENTITY)], ["2", "", ""]]


def test_any_file_system() -> None:
    import fsspec

    with fsspec.open("memory://landing/rows.xlsx", "wb") as sink:
        sink.write(_sheet(["a", "b"], [1, 2]))
    assert rows(DeliveryFile(AB, "acme/rows.xlsx", "memory://landing/rows.xlsx")) == [["1", "2"]]
