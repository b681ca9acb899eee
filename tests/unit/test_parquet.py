"""Parquet: columns by name, exact values, and files that are none."""

from __future__ import annotations

import datetime as dt
import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from arrears.delivery import parquet
from arrears.delivery.files import DeliveryFile
from arrears.delivery.pii import keyed_hash
from arrears.delivery.stream import open_stream
from tests.unit.streams import IDENTITY, KEY, NAME, PHONE, broken, read, resource, rows, stored

AB = resource("parquet", ["a", "b"])


def _written(columns: dict[str, pa.Array | list[Any]], **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink, **options)
    return sink.getvalue()


def _column(tmp_path: Path, values: pa.Array, field: dict[str, Any] | None = None) -> list[str]:
    described = resource("parquet", [{"name": "a", **(field or {})}, "b"])
    table = {"a": values, "b": ["x"] * len(values)}
    return [row[0] for row in rows(stored(tmp_path, _written(table), described))]


def test_the_rows(tmp_path: Path) -> None:
    content = _written({"a": ["x,y", 'say "it"', "x\ny", "王，小明", None, ""], "b": [1, 2, 3, 4, 5, None]})
    body, stream = read(stored(tmp_path, content, AB))
    assert body.decode() == '"x,y",1\n"say ""it""",2\n"x\ny",3\n"王，小明",4\n,5\n"",\n'
    assert (stream.delimiter, stream.quote, stream.first_line) == (",", '"', 1)


def test_columns_may_come_in_any_order(tmp_path: Path) -> None:
    assert rows(stored(tmp_path, _written({"b": [1], "a": [2]}), AB)) == [["2", "1"]]


def test_rows_in_many_batches_and_row_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "BATCH", 7)
    numbers = list(range(100))
    content = _written({"a": numbers, "b": numbers}, row_group_size=30)
    assert rows(stored(tmp_path, content, AB)) == [[str(number)] * 2 for number in numbers]


def _repeated(encoding: str, value: str, times: int) -> bytes:
    """A file that holds a value once and says it many times."""
    if encoding == "dictionary":
        values = pa.DictionaryArray.from_arrays(pa.array([0] * times, pa.int32()), pa.array([value]))
        return _written({"a": values, "b": ["x"] * times}, store_schema=False)
    return _written({"a": [value] * times, "b": ["x"] * times}, use_dictionary=False, column_encoding={"a": encoding})


@pytest.mark.parametrize("encoding", ["dictionary", "DELTA_BYTE_ARRAY"])
def test_a_long_value_said_many_times_is_written_a_few_rows_at_a_time(
    encoding: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "LARGEST_BATCH", 1 << 20, raising=False)
    content = _repeated(encoding, "x" * 10_000, 3000)
    assert len(content) < 20_000
    blocks = list(open_stream(stored(tmp_path, content, AB), lambda: KEY))
    assert sum(map(len, blocks)) > 3000 * 10_000
    assert max(map(len, blocks)) < 2 << 20


@pytest.mark.parametrize(
    ("encoding", "line"), [("dictionary", None), ("DELTA_BYTE_ARRAY", 1), ("DELTA_LENGTH_BYTE_ARRAY", 1), ("PLAIN", 1)]
)
def test_a_value_that_no_table_has(
    encoding: str, line: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "LONGEST_LINE", 10_000, raising=False)
    assert rows(stored(tmp_path, _repeated(encoding, "x" * 10_000, 20), AB)) == [["x" * 10_000, "x"]] * 20
    (fault,) = broken(stored(tmp_path, _repeated(encoding, "x" * 10_001, 20), AB)).faults
    assert (fault.line, fault.column) == (line, "a")
    assert fault.rule.startswith("a value of more than 10,000 bytes")


# ── values ───────────────────────────────────────────────────────────────────────────────────────────────

D, NUMBER = Decimal, {"type": "number"}


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        (pa.array([D("123.40"), D("-0.05"), None], pa.decimal128(18, 2)), ["123.40", "-0.05", ""]),
        (pa.array([D("12345678901234567890.12345678")], pa.decimal128(38, 8)), ["12345678901234567890.12345678"]),
        (pa.array([D("0.00000001")], pa.decimal128(18, 8)), ["0.00000001"]),
        (pa.array([D("1.5")], pa.decimal256(60, 2)), ["1.50"]),
        (pa.array([0.1, 0.1 + 0.2, 5000.0, None]), ["0.1", "0.30000000000000004", "5000", ""]),
        (pa.array([1e-7, 1e20, 1.5e-9, -1e16]), ["0.0000001", "1" + "0" * 20, "0.0000000015", "-1" + "0" * 16]),
        (pa.array([0.1], pa.float32()), ["0.1"]),
        (pa.array([0.5], pa.float16()), ["0.5"]),
        (pa.array([float("nan"), float("inf")]), ["nan", "inf"]),
        (pa.array([-1, 2**63 - 1, None]), ["-1", "9223372036854775807", ""]),
        (pa.array([2**64 - 1], pa.uint64()), ["18446744073709551615"]),
        (pa.array(["1", None]).dictionary_encode(), ["1", ""]),
        (pa.array([None, None], pa.null()), ["", ""]),
    ],
)
def test_numbers_are_exact(values: pa.Array, texts: list[str], tmp_path: Path) -> None:
    assert _column(tmp_path, values, NUMBER) == texts


@pytest.mark.parametrize("wanted", ["string", "integer"])
@pytest.mark.parametrize(
    ("kind", "last"), [(pa.float64(), 2**53 - 1), (pa.float32(), 2**24 - 1), (pa.float16(), 2**11 - 1)]
)
def test_a_number_of_which_a_float_has_lost_digits(kind: pa.DataType, last: int, wanted: str, tmp_path: Path) -> None:
    """Two loans may be one and the same there; of an amount nothing is lost that its field could hold."""
    described = resource("parquet", [{"name": "a", "type": wanted}, "b"])
    content = _written({"a": pa.array([-last, None, last], pa.int64()).cast(kind), "b": ["x"] * 3})
    assert [row[0] for row in rows(stored(tmp_path, content, described))] == [str(-last), "", str(last)]
    for number in (last + 1, -last - 1):
        content = _written({"a": pa.array([1, None, number], pa.int64()).cast(kind), "b": ["x"] * 3})
        (fault,) = broken(stored(tmp_path, content, described)).faults
        assert (fault.line, fault.column, fault.value, fault.refuses) == (3, "a", None, True)
        assert fault.rule.startswith(f"a number with more digits than a {kind} keeps")


def test_an_identity_number_that_is_a_float(tmp_path: Path) -> None:
    described = resource("parquet", [{"name": "a", "arrears": {"pii": "hash"}}, "b"])
    (fault,) = broken(stored(tmp_path, _written({"a": [float(IDENTITY)], "b": [1]}), described)).faults
    assert (fault.line, fault.column) == (1, "a")
    assert IDENTITY[:10] not in str(fault)


@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())]
)
def test_texts_of_every_kind(kind: pa.DataType, tmp_path: Path) -> None:
    assert _column(tmp_path, pa.array(["x", None, "x"], kind)) == ["x", "", "x"]


def test_booleans(tmp_path: Path) -> None:
    assert _column(tmp_path, pa.array([True, False, None]), {"type": "boolean"}) == ["true", "false", ""]


DAY = dt.date(2024, 1, 5)
CHINESE = "%Y年%m月%d日"
MOMENT = dt.datetime(2024, 1, 31, 0, 30, 0, 123456)
AWARE = MOMENT.replace(tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("field", "values", "text"),
    [
        ({"type": "date"}, pa.array([DAY]), "2024-01-05"),
        ({"type": "date"}, pa.array([DAY], pa.date64()), "2024-01-05"),
        ({"type": "date", "format": CHINESE}, pa.array([DAY]), "2024年01月05日"),
        ({"type": "date", "format": "any", "arrears": {"formats": ["%Y%m%d", CHINESE]}}, pa.array([DAY]), "20240105"),
        ({"type": "date", "format": "any", "arrears": {"formats": ["%Y%m", "%Y%m%d"]}}, pa.array([DAY]), "20240105"),
        ({"type": "date", "format": "%Y%m%d"}, pa.array([dt.datetime(2024, 1, 5)], pa.timestamp("us")), "20240105"),
        ({"type": "date", "format": "%Y/%m/%d"}, pa.array([dt.datetime(2024, 1, 5)], pa.timestamp("ns")), "2024/01/05"),
        (
            {"type": "date", "format": "%Y%m%d"}, pa.array([dt.datetime(2024, 1, 5, 0, 0, 0, 1)], pa.timestamp("us")),
            "2024-01-05T00:00:00.000001",
        ),
        ({"type": "date"}, pa.array([dt.datetime(1965, 1, 5)], pa.timestamp("ms")), "1965-01-05"),
        ({"type": "date"}, pa.array([dt.datetime(2024, 1, 5)], pa.timestamp("ns")), "2024-01-05"),
        ({"type": "date"}, pa.array([dt.datetime(2024, 1, 5)], pa.timestamp("s")), "2024-01-05"),
        ({"type": "date"}, pa.array([dt.datetime(2024, 1, 5, 1)], pa.timestamp("us")), "2024-01-05T01:00:00.000000"),
        ({"type": "datetime"}, pa.array([dt.datetime(2024, 1, 5)], pa.timestamp("s")), "2024-01-05T00:00:00.000"),
        ({"type": "datetime"}, pa.array([MOMENT], pa.timestamp("us")), "2024-01-31T00:30:00.123456"),
        ({"type": "datetime"}, pa.array([MOMENT], pa.timestamp("ns")), "2024-01-31T00:30:00.123456"),
        (
            {"type": "datetime"}, pa.array([AWARE], pa.timestamp("us", tz="Asia/Shanghai")),
            "2024-01-31T08:30:00.123456+08:00",
        ),
        ({"type": "datetime"}, pa.array([AWARE], pa.timestamp("ms", tz="UTC")), "2024-01-31T00:30:00.123+00:00"),
        ({"type": "datetime"}, pa.array([AWARE], pa.timestamp("us", tz="-03:30")), "2024-01-30T21:00:00.123456-03:30"),
        ({"type": "string"}, pa.array([DAY]), "2024-01-05"),
    ],
)  # fmt: skip
def test_dates_and_moments(field: dict[str, Any], values: pa.Array, text: str, tmp_path: Path) -> None:
    assert _column(tmp_path, values, field) == [text]


def test_no_date_among_moments(tmp_path: Path) -> None:
    days = pa.array([dt.datetime(2024, 1, 5), None, dt.datetime(2024, 1, 6, 8)], pa.timestamp("s"))
    field = {"type": "date", "format": "%Y%m%d"}
    assert _column(tmp_path, days, field) == ["20240105", "", "2024-01-06T08:00:00.000"]


def test_a_text_that_cannot_be_stored(tmp_path: Path) -> None:
    (fault,) = broken(stored(tmp_path, _written({"a": ["x", "x\0y"], "b": [1, 2]}), AB)).faults
    assert "a character that no text can hold" in fault.rule
    assert (fault.line, fault.column) == (2, "a")


def test_text_that_is_not_utf8(tmp_path: Path) -> None:
    bad = pa.Array.from_buffers(pa.string(), 1, pa.array([NAME.encode("gb18030")]).buffers())
    (fault,) = broken(stored(tmp_path, _written({"a": bad, "b": [1]}), AB)).faults
    assert (fault.rule, fault.column) == ("text that is not UTF-8; ask for it to be sent again", "a")


# ── schema ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("names", "faults"),
    [
        (["a"], [("b", "the column is missing from the header")]),
        (["a", "b", "c"], [("c", "a column that the contract does not know")]),
        (["a", "B"], [("b", "missing"), ("B", "does not know")]),
        (["a", "b", "b"], [("b", "the column stands twice")]),
        (["x", "y"], [(None, "no column of the contract")]),
    ],
)
def test_wrong_columns(names: list[str], faults: list[tuple[str | None, str]], tmp_path: Path) -> None:
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_arrays([pa.array([1])] * len(names), names=names), sink)
    found = broken(stored(tmp_path, sink.getvalue(), AB)).faults
    assert [fault.column for fault in found] == [column for column, _ in faults]
    for fault, (_, said) in zip(found, faults, strict=True):
        assert said in fault.rule
        assert fault.line is None


@pytest.mark.parametrize(
    ("kind", "values", "wanted"),
    [
        (pa.binary(), [b"x"], "string"),
        (pa.list_(pa.field("element", pa.int64())), [[1]], "string"),
        (pa.struct([("x", pa.int64())]), [{"x": 1}], "string"),
        (pa.duration("s"), [1], "number"),
        (pa.bool_(), [True], "number"),
        (pa.date32(), [DAY], "number"),
        (pa.float64(), [1.0], "date"),
        (pa.date32(), [DAY], "datetime"),
        (pa.float64(), [1.0], "boolean"),
    ],
)
def test_a_type_that_cannot_hold_the_contracts(kind: Any, values: list[Any], wanted: str, tmp_path: Path) -> None:
    described = resource("parquet", [{"name": "a", "type": wanted}, "b"])
    (fault,) = broken(stored(tmp_path, _written({"a": pa.array(values, kind), "b": [1]}), described)).faults
    assert (fault.column, fault.rule) == ("a", f"a column of {kind}, which cannot hold a {wanted}")


def test_a_file_without_rows(tmp_path: Path) -> None:
    assert (
        read(stored(tmp_path, _written({"a": pa.array([], pa.string()), "b": pa.array([], pa.int64())}), AB))[0] == b""
    )


# ── what is no Parquet file ──────────────────────────────────────────────────────────────────────────────

WHOLE = _written({"a": [f"row {number}" for number in range(1000)], "b": list(range(1000))}, use_dictionary=False)


@pytest.mark.parametrize(
    "content", [b"", b"a,b\n1,2\n", WHOLE[:-1], WHOLE[: len(WHOLE) // 2], WHOLE[:4] + b"\xff" * 3000 + WHOLE[3004:]]
)
def test_what_is_no_parquet_file(content: bytes, tmp_path: Path) -> None:
    (fault,) = broken(stored(tmp_path, content, AB)).faults
    assert fault.rule.startswith("not a Parquet file, or a damaged one (")
    assert "\n" not in fault.rule


def test_a_column_with_a_name_that_is_no_text(tmp_path: Path) -> None:
    content = _written({"abcd": [1], "b": [2]}, store_schema=False).replace(b"abcd", b"ab\xff\xff")
    (fault,) = broken(stored(tmp_path, content, AB)).faults
    assert fault.rule.startswith("not a Parquet file, or a damaged one ('utf-8' codec can't decode")


def test_any_file_system() -> None:
    with fsspec.open("memory://landing/rows.parquet", "wb") as sink:
        sink.write(_written({"a": [1], "b": [2]}))
    assert rows(DeliveryFile(AB, "acme/rows.parquet", "memory://landing/rows.parquet")) == [["1", "2"]]


# ── personal data ────────────────────────────────────────────────────────────────────────────────────────


def test_personal_data_is_hashed_and_dropped(tmp_path: Path) -> None:
    described = resource("parquet", [
        "no", {"name": "name", "arrears": {"pii": "drop"}}, {"name": "phone", "arrears": {"pii": "drop"}},
        {"name": "id", "arrears": {"pii": "hash"}},
    ])  # fmt: skip
    content = _written({"no": [1, 2], "name": [NAME, None], "phone": [int(PHONE), None], "id": [IDENTITY, None]})
    body, _ = read(stored(tmp_path, content, described))
    assert body.decode() == f"1,,,{keyed_hash(KEY, IDENTITY)}\n2,,,\n"
