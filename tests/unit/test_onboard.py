"""Drafts of contracts: what samples tell, what stays open, and that nothing personal is shown."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import parquet
from ruamel.yaml import YAML

from arrears.contract import Contract, read_contract
from arrears.contract.model import Resource, TableField
from arrears.delivery import excel
from arrears.delivery import parquet as parquet_stream
from arrears.errors import Refused, Usage
from arrears.onboard import Draft, onboard
from arrears.onboard.personal import is_identity_number, personal_kind
from arrears.onboard.place import dated
from arrears.onboard.sample import MOST_BYTES, MOST_ROWS, Column
from arrears.onboard.types import Typed, typed
from arrears.settings import SOURCE_ROOT
from arrears.simulate import simulate

DAY = dt.date(2024, 3, 4)


def document(draft: Draft) -> dict[str, Any]:
    loaded: dict[str, Any] = YAML(typ="safe").load(draft.text)
    return loaded


def resources(draft: Draft) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = document(draft)["resources"]
    return found


def fields(resource: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The fields of a drafted resource by name, parts of objects as `object.part`."""
    found = {}
    for field in resource["schema"]["fields"]:
        parts = field.get("arrears", {}).get("parts")
        found |= {f"{field['name']}.{part['name']}": part for part in parts} if parts else {field["name"]: field}
    return found


def settled(draft: Draft) -> str:
    """The draft with every open place filled with the first answer that it offers."""
    lines = []
    for line in draft.text.splitlines():
        offered = re.search(r"which of (\w+)|as (\S+)$|(EUR)", line)
        answer = next((text for text in offered.groups() if text), "") if offered else "CNY"
        lines.append(line.replace('"???"', answer))
    return "\n".join(lines) + "\n"


def read_settled(draft: Draft, folder: Path) -> Contract:
    """The settled draft as the contract that it is then."""
    path = draft.write(folder)
    path.write_text(settled(draft), encoding="utf-8")
    return read_contract(path)


def write(path: Path, *lines: str, encoding: str = "utf-8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(("\n".join(lines) + "\n").encode(encoding))
    return path


# ── the layouts of the built-in lenders, drafted and held against their contracts ────────────────────────

# A loan of Paipai is a listing, and its borrowers are known by no number: that is a person's to find out.
LENDERS = ("hongchuang", "jike", "lakala", "xiaodangjia", "paipai")


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("simulated")
    simulate(start=DAY, end=DAY, loans=120, seed=3, landing=folder / "landing", truth=folder / "truth", workers=1)
    return folder / "landing"


@pytest.fixture(scope="module")
def drafts(landing: Path) -> dict[str, Draft]:
    return {lender: onboard(samples(landing, lender)) for lender in LENDERS}


def samples(landing: Path, lender: str) -> list[Path]:
    return sorted(path for path in (landing / lender).rglob("*") if path.is_file())


def pairs(lender: str, draft: Draft) -> Iterator[tuple[Resource, dict[str, Any]]]:
    """Each resource of the lender's contract with the drafted one for the same file and sheet."""
    contract = read_contract(SOURCE_ROOT / "lenders" / lender / "datapackage.yaml")
    for resource in contract.resources:
        place = resource.arrears.file, resource.dialect.sheet_name
        yield resource, next(drafted for drafted in resources(draft) if place == _place(drafted))


def _place(drafted: dict[str, Any]) -> tuple[str, str | None]:
    return drafted["arrears"]["file"], drafted.get("dialect", {}).get("sheetName")


@pytest.mark.parametrize("lender", LENDERS)
def test_files_are_found_as_they_are_written(lender: str, drafts: dict[str, Draft]) -> None:
    draft = drafts[lender]
    assert (document(draft)["name"], document(draft)["arrears"]["effective_from"]) == (lender, DAY)
    contract = read_contract(SOURCE_ROOT / "lenders" / lender / "datapackage.yaml")
    assert document(draft)["arrears"]["delivery"]["folder"] == contract.arrears.delivery.folder
    for resource, drafted in pairs(lender, draft):
        assert drafted["format"] == resource.format
        assert drafted.get("encoding", "utf-8") == resource.encoding
        dialect = drafted.get("dialect", {})
        assert dialect.get("delimiter", ",") == resource.dialect.delimiter
        assert dialect.get("headerRows") == resource.dialect.header_rows
        assert list(fields(drafted)) == [column.name for column in resource.table.columns()]
        control = drafted["arrears"].get("control")
        assert (control or {}).get("kind") == (resource.arrears.control and resource.arrears.control.kind)


@pytest.mark.parametrize("lender", LENDERS)
def test_most_columns_fill_the_field_that_they_should_and_none_a_wrong_one(
    lender: str, drafts: dict[str, Draft]
) -> None:
    hit, wrong = 0, []
    expected: list[tuple[str, str]] = []
    for resource, drafted in pairs(lender, drafts[lender]):
        guessed = {name: field.get("arrears", {}).get("field") for name, field in fields(drafted).items()}
        if drafted["arrears"]["entity"] != resource.arrears.entity:
            wrong.append((resource.name, drafted["arrears"]["entity"]))
            continue
        for column in resource.table.columns():
            if column.arrears.field is not None:
                expected.append((resource.name, column.name))
                hit += guessed[column.name] == column.arrears.field
                if guessed[column.name] not in (None, column.arrears.field):
                    wrong.append((resource.name, column.name))
    assert wrong == []
    assert hit >= 0.9 * len(expected), f"{hit} of {len(expected)}"


@pytest.mark.parametrize("lender", LENDERS)
def test_values_are_read_as_the_contract_reads_them(lender: str, drafts: dict[str, Draft]) -> None:
    for resource, drafted in pairs(lender, drafts[lender]):
        for column in resource.table.columns():
            found = fields(drafted)[column.name]
            if column.arrears.field is None or found.get("arrears", {}).get("field") is None:
                continue
            assert found["type"] == column.type, (resource.name, column.name)
            if found["type"] == "date":
                assert set(_formats(found)) <= set(_formats(column)), (resource.name, column.name)
            assert found["arrears"].get("unit") == column.arrears.unit, (resource.name, column.name)
            assert found.get("groupChar") == column.group_char, (resource.name, column.name)


def _formats(field: dict[str, Any] | TableField) -> list[str]:
    if isinstance(field, TableField):
        given = field.arrears.formats or [field.format]
    else:
        given = field.get("arrears", {}).get("formats") or [field.get("format", "default")]
    return ["%Y-%m-%d" if pattern == "default" else pattern for pattern in given]


@pytest.mark.parametrize("lender", LENDERS)
def test_nothing_personal_is_left_open_or_shown(lender: str, drafts: dict[str, Draft], landing: Path) -> None:
    draft = drafts[lender]
    for resource, drafted in pairs(lender, draft):
        for column in resource.table.columns():
            if column.arrears.pii is not None:
                assert fields(drafted)[column.name]["arrears"]["pii"] in ("hash", "drop"), column.name
    told = draft.text + json.dumps(draft.to_dict(), ensure_ascii=False)
    secrets = _personal_texts(samples(landing, lender))
    assert len(secrets) > 100
    assert [secret for secret in secrets if secret in told] == []


def _personal_texts(paths: Sequence[Path]) -> set[str]:
    """Everything in the files that is an identity number or a telephone number."""
    text = ""
    for path in paths:
        if path.suffix == ".parquet":
            text += "\n".join(map(str, pl.read_parquet(path).rows()))
        elif path.suffix == ".xlsx":
            book = openpyxl.load_workbook(path, read_only=True)
            text += "\n".join(str(row) for sheet in book.worksheets for row in sheet.iter_rows(values_only=True))
        else:
            content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
            text += content.decode("gb18030" if path.suffix == ".txt" else "utf-8")
    return set(re.findall(r"(?<!\d)(?:\d{17}[\dX]|1[3-9]\d{9})(?!\d)", text))


@pytest.mark.parametrize("lender", [name for name in LENDERS if name != "paipai"])
def test_a_settled_draft_is_a_contract(lender: str, drafts: dict[str, Draft], tmp_path: Path) -> None:
    contract = read_settled(drafts[lender], tmp_path)
    kept = read_contract(SOURCE_ROOT / "lenders" / lender / "datapackage.yaml")
    modes = contract.entity_modes()
    assert {entity: mode for entity, mode in kept.entity_modes().items() if entity in modes} == modes


@pytest.mark.parametrize("lender", ["jike", "xiaodangjia"])
def test_a_draft_with_open_places_is_refused_at_each_of_them(
    lender: str, drafts: dict[str, Draft], tmp_path: Path
) -> None:
    draft = drafts[lender]
    path = draft.write(tmp_path)
    lines = {place.line for place in draft.open_places if "???" in draft.text.splitlines()[place.line - 1]}
    assert lines
    with pytest.raises(Refused) as refused:
        read_contract(path)
    assert "kind is still open: put one of " in str(refused.value)


def test_what_is_open_is_listed_with_its_line(drafts: dict[str, Draft]) -> None:
    draft = drafts["xiaodangjia"]
    lines = draft.text.splitlines()
    for place in draft.open_places:
        assert place.question in lines[place.line - 1]
    assert len(draft.open_places) == draft.text.count("# decide: ")
    asked = {place.written for place in draft.open_places}
    assert any(written.startswith("payments › kind › ") for written in asked)


# ── types ────────────────────────────────────────────────────────────────────────────────────────────────


def read(name: str, *values: str | None) -> Typed:
    return typed(Column(name, list(values)))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["1", "-20", "300"], {"type": "integer"}),
        (["007", "123"], {"type": "string"}),
        (["1.50", "-0.00", "12"], {"type": "number", "decimal_char": ".", "group_char": None}),
        (["1,234.50", "12"], {"type": "number", "decimal_char": ".", "group_char": ","}),
        (["1.234,50", "12,5"], {"type": "number", "decimal_char": ",", "group_char": "."}),
        (["12,5", "3,25"], {"type": "number", "decimal_char": ",", "group_char": None}),
        (["18.0%", "7.25%"], {"type": "number", "bare_number": False, "is_percent": True}),
        (["¥12.50", "¥3"], {"type": "number", "bare_number": False}),
        (["1e5", "(5.00)"], {"type": "string"}),
        (["2024-01-31", "2024-02-29"], {"type": "date", "format": "%Y-%m-%d"}),
        (["20240131", "20240229"], {"type": "integer"}),
        (["2024年1月5日", "2024年12月31日"], {"type": "date", "format": "%Y年%m月%d日"}),
        (["2016-09-30", "2016/9/30"], {"type": "date", "format": "any", "formats": ("%Y-%m-%d", "%Y/%m/%d")}),
        (["31.01.2024", "01.02.2024"], {"type": "date", "format": "%d.%m.%Y"}),
        (["12/31/2024", "01/02/2024"], {"type": "date", "format": "%m/%d/%Y"}),
        (["2024-01-31T08:30:00+08:00", "2024-01-31 08:30:00"], {"type": "datetime"}),
        (["是", "否", "是"], {"type": "boolean", "booleans": ("是", "否")}),
        (["Y", "Y"], {"type": "boolean", "booleans": ("Y", "N")}),
        ([r"\N", "5", "NULL"], {"type": "integer", "missing": (r"\N", "NULL"), "empty": 2}),
        (["-", "5.00", ""], {"type": "number", "missing": ("-",), "empty": 2}),
        (["-", "text", ""], {"type": "string", "missing": (), "empty": 1}),
        ([None, "", "\u3000"], {"type": "string", "empty": 3}),
    ],
)  # fmt: skip
def test_types_of_texts(values: list[str | None], expected: dict[str, object]) -> None:
    found = read("x", *values)
    assert {name: getattr(found, name) for name in expected} == expected


def test_eight_digits_are_a_date_where_the_name_says_so_or_there_are_many() -> None:
    assert read("放款日期", "20240131").format == "%Y%m%d"
    assert read("x", *(f"202401{day:02}" for day in range(1, 31))).format == "%Y%m%d"
    assert read("放款日期", "20240131", "20249931").type == "integer"


def test_a_few_odd_values_do_not_hide_the_type() -> None:
    found = read("x", *["12.50"] * 99, "n. a.")
    assert (found.type, found.odd) == ("number", 1)


def test_dates_that_can_be_read_either_way_are_asked_for() -> None:
    assert "day or month first" in (read("x", "01/02/2024", "03/04/2024").doubt or "")
    assert read("x", "01/02/2024", "31/03/2024").doubt is None


def test_moments_in_a_form_that_is_not_read_are_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path / "actions.csv", "loan_id,acted_at", "A,2024/1/31 8:30")
    assert "in a form that is not read" in str(onboard([path]).open_places)


# ── personal data ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "name",
    [
        "姓名",
        "借款人姓名",
        "身份证号码",
        "证件号",
        "手机号",
        "联系电话",
        "phone",
        "Mobile_No",
        "id_card",
        "customer_name",
        "person.name",
        "家庭住址",
        "银行卡号",
        "Email",
        "account_no",
    ],
)
def test_columns_are_personal_by_their_name(name: str) -> None:
    assert personal_kind(name, []) is not None


@pytest.mark.parametrize(
    "name",
    [
        "产品名称",
        "product_name",
        "手机认证",
        "借据号",
        "loan_id",
        "agency",
        "金额",
        "channel_name",
        "identity_hash",
        "是否手机认证",
    ],
)
def test_columns_that_are_not(name: str) -> None:
    assert personal_kind(name, []) is None


def test_columns_are_personal_by_their_values() -> None:
    assert is_identity_number("11010519491231002X")
    assert not is_identity_number("110105194912310021")
    assert personal_kind("x", ["11010519491231002X", "n"]) == "identity number"
    assert personal_kind("x", ["110105194912310021"]) is None
    assert personal_kind("x", ["call 13800138000"] + ["n"] * 9) == "telephone number"
    assert personal_kind("x", ["LK13800138000"]) is None
    assert personal_kind("x", ["a@example.org"]) == "e-mail address"
    assert personal_kind("x", [f"王{first}{second}" for first in "小大明" for second in "红军花伟"]) == "name"
    assert personal_kind("x", ["北京", "江苏", "云南"] * 10) is None


def test_values_of_personal_columns_are_never_shown(tmp_path: Path) -> None:
    rows = [f"C{n},b{n % 3},1380013800{n % 10},张小{name}" for n, name in enumerate("一二三四五六七八九十" * 3)]
    path = write(tmp_path / "customers.csv", "customer_no,gender,remark,alias", *rows)
    draft = onboard([path], "somebody")
    found = fields(resources(draft)[0])
    assert (found["remark"]["arrears"], found["alias"]["arrears"]) == ({"pii": "drop"}, {"pii": "drop"})
    assert "13800" not in draft.text
    assert "张小" not in draft.text


def test_a_first_row_of_values_is_no_header(tmp_path: Path) -> None:
    path = write(
        tmp_path / "loans.csv", "L1,张三,11010519491231002X,2024-01-31", "L2,李四,11010519491231002X,2024-02-01"
    )
    draft = onboard([path], "somebody")
    assert list(fields(resources(draft)[0])) == ["column_1", "column_2", "column_3", "column_4"]
    assert resources(draft)[0]["dialect"]["header"] is False
    assert "the first line holds values" in str(draft.open_places)
    assert "11010519491231002X" not in draft.text


# ── files ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [("utf-8", "utf-8"), ("utf-8-sig", "utf-8"), ("gb18030", "gb18030"), ("utf-16", "utf-16")],
)
def test_encodings(encoding: str, expected: str, tmp_path: Path) -> None:
    rows = [f"L{n},消费分期，购物,{n}" for n in range(20)]
    path = write(tmp_path / "loans.csv", "借据号,产品,借款金额", *rows, encoding=encoding)
    (resource,) = resources(onboard([path]))
    assert resource["encoding"] == expected
    assert list(fields(resource)) == ["借据号", "产品", "借款金额"]


def test_an_encoding_that_is_only_likely_is_asked_for(tmp_path: Path) -> None:
    words = ["Käuferin", "Größe", "Straße", "Müller", "für", "Übung", "öffnen", "später"]
    path = write(tmp_path / "loans.csv", "loan_no,product", *(f"L{n},{word}" for n, word in enumerate(words * 5)),
                 encoding="windows-1252")  # fmt: skip
    draft = onboard([path])
    assert "".encode(resources(draft)[0]["encoding"]) == b""
    assert any("encoding" in place.written for place in draft.open_places)


@pytest.mark.parametrize("delimiter", [",", "\t", "|", ";", "^"])
def test_delimiters(delimiter: str, tmp_path: Path) -> None:
    lines = [
        delimiter.join(row) for row in (["loan_no", "amount", "note"], ["L1", "1 000", "a; b, c"], ["L2", "2", "d"])
    ]
    path = write(tmp_path / "loans.txt", *(line.replace("a; b, c", '"a; b, c"') for line in lines))
    (resource,) = resources(onboard([path]))
    assert resource["dialect"]["delimiter"] == delimiter
    assert list(fields(resource)) == ["loan_no", "amount", "note"]


def test_quotes_that_quote_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "loans.txt", "loan_no|product|amount", 'L1|24" screen|5', 'L2|"old|6', 'L3|x"|7')
    (resource,) = resources(onboard([path]))
    assert resource["dialect"]["quoteChar"] is None


def test_a_title_above_the_header_of_a_csv_file_is_refused_until_it_is_gone(tmp_path: Path) -> None:
    path = write(
        tmp_path / "2024-01-31" / "loans.csv", "Loans of January", "loan_no,amount,start_date", "L1,5,2024-01-31"
    )
    draft = onboard([path], "somebody")
    assert "have the lines above left out" in str(draft.open_places)
    with pytest.raises(Refused, match="the header of a csv file is its first line"):
        read_settled(draft, tmp_path)


def test_a_trailer_and_the_column_it_sums(tmp_path: Path) -> None:
    path = write(tmp_path / "pay.txt", "payment_id|loan_no|amount|n", "P1|L1|1.50|1", "P2|L1|2.25|2", "EOF|2|3.75")
    (resource,) = resources(onboard([path]))
    assert resource["arrears"]["control"] == {"kind": "trailer", "mark": "EOF", "sum": "amount"}


def test_a_trailer_whose_sum_no_column_has_is_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path / "pay.txt", "payment_id|loan_no|amount", "P1|L1|1.50", "EOF|1|9.99")
    draft = onboard([path])
    assert resources(draft)[0]["arrears"]["control"]["sum"] == "???"
    assert any("of which column" in place.question for place in draft.open_places)


def test_a_last_row_of_a_name_and_a_number_is_no_trailer(tmp_path: Path) -> None:
    for rows in (
        ["姓名|手机号", "李四|13900139000", "张三|13800138000"],
        ["name|phone", "Li|13900139000", "Zhang|13800138000"],
    ):
        draft = onboard([write(tmp_path / "customers.txt", *rows)], "somebody")
        assert "control" not in resources(draft)[0]["arrears"]
        assert (draft.tables[0]["rows"], "张三" in draft.text, "Zhang" in draft.text) == (2, False, False)


def test_samples_are_read_to_a_bound(tmp_path: Path) -> None:
    rows = (f"P{n}|L1|1.50|{'x' * 400}" for n in range(30_000))
    path = write(tmp_path / "pay.txt", "payment_id|loan_no|amount|note", *rows, "EOF|30000|45000.00")
    assert path.stat().st_size > 2 * MOST_BYTES
    draft = onboard([path])
    assert 1000 < draft.tables[0]["rows"] <= MOST_ROWS
    # The last line is looked at all the same; what it sums cannot be known.
    assert resources(draft)[0]["arrears"]["control"] == {"kind": "trailer", "mark": "EOF", "sum": "???"}


def test_json_lines_with_objects(tmp_path: Path) -> None:
    lines = [
        json.dumps({"id": f"P{n}", "loan": {"id": "L1"}, "paid": {"on": "2024-01-31", "amount": n / 4}, "ok": True})
        for n in range(1, 13)
    ]
    path = tmp_path / "payments.jsonl.gz"
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    (resource,) = resources(onboard([path]))
    assert [field["type"] for field in resource["schema"]["fields"]] == ["string", "object", "object", "boolean"]
    found = fields(resource)
    assert found["paid.on"]["type"] == "date"
    assert found["paid.amount"] == {
        "name": "amount", "type": "number", "constraints": {"required": True}, "arrears": {"field": "amount"},
    }  # fmt: skip


def test_a_manifest_with_keys_of_its_own(tmp_path: Path) -> None:
    payments = write(tmp_path / "20240131" / "payments.csv", "payment_id,loan_no,amount", "P1,L1,5")
    listed = {"day": "20240131", "parts": [{"path": "payments.csv", "count": 1, "checksum": "0" * 64}]}
    manifest = write(tmp_path / "20240131" / "index_20240131.json", json.dumps(listed))
    draft = onboard([manifest, payments])
    assert resources(draft)[0]["arrears"]["control"] == {
        "kind": "manifest", "file": "index_{date:%Y%m%d}.json", "list": "parts", "name": "path", "rows": "count",
        "sha256": "checksum", "business_date": "day",
    }  # fmt: skip


def test_parquet_with_changes(tmp_path: Path) -> None:
    path = tmp_path / "loans_20240131.parquet"
    pl.DataFrame({
        "操作": ["新增", "删除"], "更新时间": [dt.datetime(2024, 1, 31, 8), dt.datetime(2024, 1, 31, 9)],
        "借据号": ["L1", "L2"], "产品": ["a", "b"], "借款金额": [Decimal("5.00"), None],
        "放款日": [dt.date(2024, 1, 1), None],
    }).write_parquet(path)  # fmt: skip
    draft = onboard([path], "somebody")
    (resource,) = resources(draft)
    assert resource["arrears"]["mode"] == "changes"
    assert resource["arrears"]["change"] == {"op": "操作", "at": "更新时间", "values": {"删除": "D", "新增": "I"}}
    assert [field["type"] for field in resource["schema"]["fields"]] == [
        "string", "datetime", "string", "string", "number", "date"
    ]  # fmt: skip
    assert read_settled(draft, tmp_path).resources[0].arrears.mode == "changes"


def test_what_unpacks_to_more_than_memory_holds_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the first command that a stranger's files are given to."""
    book = openpyxl.Workbook()
    book.worksheets[0].append(["loan no", "x" * 30_000])
    book.save(tmp_path / "loans.xlsx")
    monkeypatch.setattr(excel, "LARGEST_UNPACKED", 20_000)
    with pytest.raises(Refused, match="the workbook unpacks to more than a workbook of rows can hold"):
        onboard([tmp_path / "loans.xlsx"])
    said = pa.DictionaryArray.from_arrays(pa.array([0] * 100, pa.int32()), pa.array(["x" * 10_001]))
    parquet.write_table(pa.table({"loan_no": said}), tmp_path / "loans.parquet", store_schema=False)
    monkeypatch.setattr(parquet_stream, "LONGEST_LINE", 10_000)
    with pytest.raises(Refused, match="column loan_no has a value that is none of a table"):
        onboard([tmp_path / "loans.parquet"])


def test_a_workbook_whose_cells_are_numbers_and_dates(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.title = "借款"
    book.active.append(["某某 借款 2024-01-31"])
    book.active.append(["借据号", "产品", "借款金额", "年利率", "放款日期"])
    for number in range(12):
        book.active.append([f"L{number}", "x", 1000.5 + number, 0.18, dt.datetime(2024, 1, 31)])
        book.active.cell(row=number + 3, column=4).number_format = "0.00%"
    book.create_sheet("empty")
    path = tmp_path / "book_20240131.xlsx"
    book.save(path)
    (resource,) = resources(onboard([path], "somebody"))
    assert resource["dialect"] == {"header": True, "headerRows": [2], "sheetName": "借款"}
    found = fields(resource)
    assert (found["年利率"]["bareNumber"], found["年利率"]["arrears"]["unit"]) == (False, "percent")
    assert (found["借款金额"]["type"], found["放款日期"]["type"]) == ("number", "date")


def test_json_may_write_amounts_and_dates_as_texts(tmp_path: Path) -> None:
    lines = [
        json.dumps({"payment_id": f"{n}", "loan_id": "1", "paid_on": "20240131", "amount": "5.50"}) for n in range(9)
    ]
    (resource,) = resources(onboard([write(tmp_path / "payments.jsonl", *lines)]))
    found = {name: (field["type"], field.get("format")) for name, field in fields(resource).items()}
    assert found == {
        "payment_id": ("string", None), "loan_id": ("string", None), "paid_on": ("date", "%Y%m%d"),
        "amount": ("number", None),
    }  # fmt: skip


# ── what columns mean ────────────────────────────────────────────────────────────────────────────────────


def test_a_column_is_known_by_the_numbers_in_it_whatever_its_name(tmp_path: Path) -> None:
    loans = write(tmp_path / "loans.csv", "loan_no,product,amount,start_date",
                  *(f"L{n},x,5,2024-01-31" for n in range(5)))  # fmt: skip
    plan = write(tmp_path / "plan.csv", "ref,no,due,principal", *(f"L{n},1,2024-02-29,5.50" for n in range(4)))
    drafted = resources(onboard([loans, plan], "somebody"))[1]
    assert fields(drafted)["ref"]["arrears"] == {"field": "loan_id"}


def test_whole_amounts_are_fen_where_they_cannot_be_yuan(tmp_path: Path) -> None:
    header = "借据号,期数,应还日,应还本金,应还利息"
    fen = write(tmp_path / "fen" / "plan.csv", header, *(f"L1,{n},2024-01-31,10012,{513 + n}" for n in range(9)))
    whole = write(tmp_path / "yuan" / "plan.csv", header, *(f"L1,{n},2024-01-31,100,0" for n in range(9)))
    named = write(
        tmp_path / "named" / "plan.csv", header.replace("应还本金", "应还本金（分）"), "L1,1,2024-01-31,100,0"
    )
    assert fields(resources(onboard([fen]))[0])["应还本金"]["arrears"]["unit"] == "fen"
    assert fields(resources(onboard([named]))[0])["应还本金（分）"]["arrears"]["unit"] == "fen"
    draft = onboard([whole])
    assert "unit" not in fields(resources(draft)[0])["应还本金"]["arrears"]
    assert any("unit: fen" in place.question for place in draft.open_places)


def test_a_unit_in_the_name_is_that_of_the_amounts(tmp_path: Path) -> None:
    """Dropped with its bracket, 1.50 of 借款金额（万元） would be a loan of 1.50 yuan."""
    header = "借据号,产品,借款金额（万元）,年利率(‰),剩余本金[单位：千元],逾期本金（元）,放款日期"
    rows = (f"L{n},x,{n + 1},8,{n}.5,0.00,2024-01-31" for n in range(5))
    plan = write(tmp_path / "plan.csv", "借据号,期数,应还日,应还本金", *(f"L1,{n},2024-01-31,100" for n in range(9)))
    draft = onboard([write(tmp_path / "loans.csv", header, *rows), plan], "somebody")
    loans, instalments = ({field["name"]: field for field in fields(one).values()} for one in resources(draft))
    assert loans["借款金额（万元）"]["arrears"] == {"field": "principal", "unit": "wan"}
    assert loans["借款金额（万元）"]["type"] == "number"
    assert loans["年利率(‰)"]["arrears"] == {"field": "annual_rate", "unit": "permille"}
    assert loans["剩余本金[单位：千元]"]["arrears"]["unit"] == "thousand"
    assert "unit" not in loans["逾期本金（元）"].get("arrears", {})
    assert "unit" not in instalments["应还本金"]["arrears"]


def test_a_unit_of_rates_that_the_values_deny_is_asked_for(tmp_path: Path) -> None:
    """0.18 under 年利率(%) would be 0.0018, and every gate would let it through."""
    header = "借据号,产品,借款金额（元）,年利率(%),放款日期"
    shares, percents = (
        onboard([write(tmp_path / name / "loans.csv", header, *(f"L{n},x,5.50,{rate},2024-01-31" for n in range(5)))])
        for name, rate in (("shares", "0.18"), ("percents", "18"))
    )
    assert any("its name says percent" in place.question for place in shares.open_places)
    assert not any("its name says" in place.question for place in percents.open_places)
    assert fields(resources(percents)[0])["年利率(%)"]["arrears"]["unit"] == "percent"


def test_a_unit_that_we_do_not_know_is_asked_for(tmp_path: Path) -> None:
    rows = [f"L{n},x,1.5,2024-01-31" for n in range(5)]
    draft = onboard([write(tmp_path / "loans.csv", "借据号,产品,借款金额（百万元）,放款日期", *rows)], "somebody")
    assert any(place.question.startswith("(百万元) in its name: a unit?") for place in draft.open_places)
    known = onboard([write(tmp_path / "known.csv", "借据号,产品,借款金额（元）,放款日期", *rows)], "somebody")
    assert not any("in its name" in place.question for place in known.open_places)


def test_whole_units_in_the_name_are_no_hundredths(tmp_path: Path) -> None:
    """Other amounts of the lender are, and these could be."""
    header = "借据号,期数,应还日,应还本金（元）,应还利息"
    path = write(tmp_path / "plan.csv", header, *(f"L1,{n},2024-01-31,100,{513 + n}" for n in range(9)))
    draft = onboard([path])
    found = fields(resources(draft)[0])
    assert found["应还本金（元）"]["arrears"] == {"field": "principal_due"}
    assert not any("hundredths" in place.question for place in draft.open_places)


def test_a_closed_list_with_too_many_words_is_asked_for(tmp_path: Path) -> None:
    rows = [f"P{n},L1,5,code{n},2024-01-31" for n in range(40)]
    draft = onboard([write(tmp_path / "payments.csv", "流水号,借据号,金额,类型,交易日期", *rows)], "somebody")
    assert any("40 values seen" in place.question for place in draft.open_places)


def test_values_of_closed_lists_are_translated_or_left_open(tmp_path: Path) -> None:
    rows = [f"P{n},L1,5,{kind},2024-01-31" for n, kind in enumerate(["还款", "冲正", "其他", "还款"])]
    path = write(tmp_path / "payments.csv", "流水号,借据号,金额,类型,交易日期", *rows)
    draft = onboard([path], "somebody")
    values = fields(resources(draft)[0])["类型"]["arrears"]["values"]
    assert values == {"还款": "repayment", "冲正": "reversal", "其他": "???"}


def test_a_file_that_nobody_knows_is_left_open(tmp_path: Path) -> None:
    path = write(tmp_path / "weather.csv", "town,rain", "Oulu,5", "Turku,7")
    draft = onboard([path], "somebody")
    assert (resources(draft)[0]["arrears"]["entity"], draft.tables[0]["entity"]) == ("???", None)
    with pytest.raises(Refused, match=r"'\?\?\?' is not an entity"):
        read_settled_but_for_the_entity(draft, tmp_path)


def read_settled_but_for_the_entity(draft: Draft, folder: Path) -> None:
    path = draft.write(folder)
    text = draft.text.replace('mode: "???"', "mode: upsert").replace('currency: "???"', "currency: EUR")
    text = text.replace('timezone: "???"', "timezone: UTC").replace(
        'effective_from: "???"', "effective_from: 2024-01-01"
    )
    path.write_text(text, encoding="utf-8")
    read_contract(path)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("LOAN_20240131.txt", "LOAN_{date:%Y%m%d}.txt"), ("2024-01-31", "{date:%Y-%m-%d}"),
        ("loans.2024_01_31.csv", "loans.{date:%Y_%m_%d}.csv"), ("L123456789.csv", None), ("20249931.csv", None),
    ],
)  # fmt: skip
def test_dates_in_names(name: str, expected: str | None) -> None:
    found = dated(name)
    assert (found[0] if found else None) == expected


# ── what nothing can be drafted from ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", b"", "it is empty"),
        ("a.csv", b"\n\n", "there is no line of text"),
        ("a.jsonl.gz", gzip.compress(b'{"id": 1}\n' * 9, mtime=0)[:-9], "broken or truncated"),
        ("a.jsonl", b'{"id": 1}\n{"id": \n', "line 2 is not JSON"),
        ("a.json", b'{\n"id": 1}\n', "not one object a line"),
        ("a.json", b"[1]", "a JSON array"),
        ("a.xlsx", b"PK\x03\x04 and no more", "not an Excel workbook"),
        ("a.xls", bytes.fromhex("d0cf11e0a1b11ae1") + bytes(99), "an old .xls workbook"),
        ("a.parquet", b"PAR1 and no more", "not a Parquet file"),
        ("a.bin", bytes(range(256)), "neither text nor"),
        ("_SUCCESS", b"", "no other file was named"),
    ],
)  # fmt: skip
def test_unreadable_files_are_said_to_be_so(name: str, content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(Refused, match=said) as refused:
        onboard([tmp_path / name])
    assert str(refused.value).startswith(f"Cannot draft anything from {tmp_path / name}: ")
    assert "\n" not in str(refused.value)


def test_a_file_that_is_not_there_and_a_lender_without_a_name(tmp_path: Path) -> None:
    with pytest.raises(Usage, match="There is no file"):
        onboard([tmp_path / "loans.csv"])
    path = write(tmp_path / "Données du jour" / "loans.csv", "loan_no,amount", "L1,5")
    draft = onboard([path])
    assert draft.lender == "???"
    with pytest.raises(Usage, match="add --lender NAME"):
        draft.write(tmp_path)


@pytest.mark.parametrize("lender", ["My Lender", "../x", "9x", ""])
def test_a_name_that_no_lender_can_have(lender: str, tmp_path: Path) -> None:
    with pytest.raises(Usage, match="No lender can be named"):
        onboard([write(tmp_path / "loans.csv", "loan_no,amount", "L1,5")], lender)


def test_a_draft_overwrites_no_contract(tmp_path: Path) -> None:
    draft = onboard([write(tmp_path / "loans.csv", "loan_no,amount", "L1,5")], "somebody")
    draft.write(tmp_path)
    with pytest.raises(Usage, match="There is a contract already"):
        draft.write(tmp_path)
