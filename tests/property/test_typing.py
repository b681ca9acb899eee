"""Text as it arrives → value or rejection: the loader against a slow and obvious reference in plain Python."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import polars as pl
import psycopg2
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as bounds
from hypothesis import strategies as st
from psycopg2.extensions import cursor as Cursor

from arrears.contract.entities import EntityField, Kind
from arrears.contract.model import TableField, TableSchema
from arrears.contract.rules import _field_problems
from arrears.load.values import Day, cleaned, column, summed
from arrears.settings import Settings

TODAY = dt.date(2024, 2, 29)
DAY = Day(TODAY, "Asia/Shanghai")
REJECTED, KEPT = "rejected", "kept"


@pytest.fixture(scope="module")
def cursor(server: Settings) -> Iterator[Cursor]:
    connection = psycopg2.connect(server.owner().url())
    with connection.cursor() as opened:
        opened.execute("set datestyle = 'ISO, YMD'; set timezone = 'Asia/Shanghai'")
        yield opened
    connection.close()


# ── the loader's answer ──────────────────────────────────────────────────────────────────────────────────


def _field(**properties: Any) -> TableField:
    return TableField.model_validate({"name": "c", **properties})


def _loaded(
    cursor: Cursor, field: TableField, texts: list[str], target: EntityField | None, missing: list[str]
) -> list[Any]:
    """What the loader makes of many texts, and PostgreSQL of what it hands over: the value, or REJECTED.

    Of a column that fills no field there is no value, only whether it is rejected.
    """
    schema = TableSchema(fields=[field], missingValues=missing)
    frame = pl.DataFrame({"raw": texts}).select(text=cleaned(field, schema, pl.col("raw")))
    judged = column(field, pl.col("text"), target, DAY)
    found = frame.select(
        holds=judged.holds(), plainly=judged.plainly_holds(), verdict=judged.verdict(), value=judged.value
    )
    assert (found["holds"] == found["verdict"].is_null()).all()
    assert found.filter("plainly", ~pl.col("holds")).is_empty()
    values = found.select(pl.when("holds").then("value"))["value"].to_list()
    if target is None:
        return [KEPT if good else REJECTED for good in found["holds"]]
    query = "select cast(u.value as {}) from unnest(%s::text[]) with ordinality as u (value, number) order by number"
    cursor.execute(query.format(target.kind.value), [values])
    return [value if good else REJECTED for good, (value,) in zip(found["holds"], cursor.fetchall(), strict=True)]


# ── the reference ────────────────────────────────────────────────────────────────────────────────────────


class Bad(Exception):
    """The text is rejected."""


def _must(holds: object) -> None:
    if not holds:
        raise Bad


def _expected(field: TableField, raw: str, target: EntityField | None, missing: list[str]) -> Any:
    try:
        value = _judge(field, raw, target, missing)
    except Bad:
        return REJECTED
    return KEPT if target is None else value


def _judge(field: TableField, raw: str, target: EntityField | None, missing: list[str]) -> Any:
    text = raw.strip(" \t\r\u00a0\u3000")
    if text in ("", *missing):
        needed = field.constraints.required or (target is not None and target.required and target.default is None)
        _must(not needed)
        return None
    value = _read(field, text)
    _keep_constraints(field, text, value)
    if field.arrears.values is not None:
        _must(text in field.arrears.values)
        return field.arrears.values[text]
    if target is None:
        return value
    if target.kind is Kind.TEXT:
        _must(not target.allowed or text in target.allowed)
        _must(not target.is_word or not _names_a_person(text))
        return text
    return _fit(field, value, target)


def _names_a_person(text: str) -> bool:
    """Whether there is an address in it, or a mobile or identity number that is no part of an id or longer number."""
    for run in re.finditer("[0-9]+[Xx]?", text):
        digits, before, after = run.group(), text[: run.start()][-1:], text[run.end() :][:1]
        alone = not re.match("[0-9A-Za-z.-]", before) and not re.match("[0-9A-Za-z.]", after)
        mobile = len(digits) == 11 and digits.isdigit() and digits[0] == "1" and digits[1] >= "3"
        if alone and (mobile or _is_identity_number(digits)):
            return True
    return any(re.search("[^@]@[^@]+[.][A-Za-z][A-Za-z]", word) for word in text.split())


def _is_identity_number(digits: str) -> bool:
    """Whether a year, a month and a day of birth stand where they do in one."""
    year, month, day = digits[6:10], digits[10:12], digits[12:14]
    born = "1900" <= year <= "2099" and "01" <= month <= "12" and "01" <= day <= "31"
    return len(digits) == 18 and digits[0] != "0" and born


def _read(field: TableField, text: str) -> Any:
    match field.type:
        case "date":
            return _read_date(field.format, text)
        case "integer" | "number":
            return _read_number(field, text)
        case "boolean":
            _must(text in field.true_values or text in field.false_values)
            return text in field.true_values
        case _:
            return text


def _read_date(pattern: str, text: str) -> dt.date:
    if pattern in ("default", "any"):
        pattern = "%Y-%m-%d"
    strict = pattern in ("%Y-%m-%d", "%Y%m%d")  # others may leave leading zeros out
    digits = {"Y": "(?P<Y>[0-9]{4})", "m": "(?P<m>[0-9]{2})", "d": "(?P<d>[0-9]{2})"}
    if not strict:
        digits |= {"m": "(?P<m>[0-9]{1,2})", "d": "(?P<d>[0-9]{1,2})"}
    pieces = re.split("%(.)", pattern)
    found = re.fullmatch("".join(re.escape(p) if i % 2 == 0 else digits[p] for i, p in enumerate(pieces)), text)
    _must(found)
    assert found is not None
    parts = found.groupdict()
    try:
        return dt.date(int(parts["Y"]), int(parts["m"]), int(parts.get("d", "1")))
    except ValueError:
        raise Bad from None


def _read_number(field: TableField, text: str) -> Decimal:
    if not field.bare_number:
        text = text.strip("%¥￥$€£元 ")
    sign, text = ("-", text[1:]) if text.startswith("-") else ("", text)
    whole, _, fraction = text.partition(field.decimal_char if field.type == "number" else "\0")
    if field.group_char is not None and field.group_char in whole:
        first, *rest = whole.split(field.group_char)
        _must(1 <= len(first) <= 3 and all(len(part) == 3 for part in rest))
        whole = first + "".join(rest)
    _must(all(character in "0123456789" for character in whole + fraction))
    _must(whole + fraction)
    number = Decimal(f"{sign}{whole or '0'}.{fraction or '0'}")
    if field.type == "integer":
        _must(-(2**63) <= number < 2**63)
    return number


def _keep_constraints(field: TableField, text: str, value: Any) -> None:
    limits = field.constraints
    if limits.enum is not None and isinstance(value, Decimal):
        _must(value in [Decimal(str(allowed)) for allowed in limits.enum])
    elif limits.enum is not None:
        _must(text in limits.enum)
    _must(limits.pattern is None or re.fullmatch(limits.pattern, text))
    _must(limits.min_length is None or len(text) >= limits.min_length)
    _must(limits.max_length is None or len(text) <= limits.max_length)
    bound = dt.date.fromisoformat if field.type == "date" else Decimal
    _must(limits.minimum is None or value >= bound(str(limits.minimum)))
    _must(limits.maximum is None or value <= bound(str(limits.maximum)))


def _fit(field: TableField, value: Any, target: EntityField) -> Any:
    if isinstance(value, dt.date):
        _must(value >= dt.date(1950, 1, 1))
        _must(not target.not_future or value <= TODAY)
        return value
    if isinstance(value, bool):
        return value
    in_ours = {"fen": "0.01", "percent": "0.01", "permille": "0.001", "thousand": "1000", "wan": "10000", None: "1"}
    exact = value * Decimal(in_ours[field.arrears.unit])
    largest, decimals = {
        Kind.MONEY: (10**15, 2), Kind.RATE: (999, 6), Kind.SCORE: (999_999, 2), Kind.INTEGER: (2**31 - 1, 0),
    }[target.kind]  # fmt: skip
    _must(abs(exact) <= largest)
    _must(exact == exact.quantize(Decimal(1).scaleb(-decimals)))
    return exact


# ── texts ────────────────────────────────────────────────────────────────────────────────────────────────

NASTY = [
    "", " ", "0", "-0", "-0.00", "\\N", "NULL", "null", "-", "--", ".", "-.", ",", "1", "01", "-1", "+1", "1.", ".5",
    "-.5", "5-", "1,234.50", "1.234,50", "1,23,4", "1,234", ",234", "1,,234", "12,34.5", "1 234", "1234.50", "1e5",
    "1E5", "(5.00)", "NaN", "nan", "Infinity", "-Infinity", "inf", "0x1F", "0b1", "0o7", "1_000", "１２３", "1２3",
    "٣", "²", "½", "\ufeff1", "1\xa0", "\xa0\u30001\t", "1\u200b", "1\n", "\n1", "1\r", "5%", "%", "¥ 5", "￥5元",
    "$-5", "5,00 €", "18.0%", "99999999999999999999", "1000000000000000", "1000000000000000.01", "100000000000000001",
    "0.000001", "0.0000001", "2147483647", "2147483648", "9223372036854775807", "9223372036854775808", "1.10",
    "1.100", "0.005", "2024-02-29", "2024-02-30", "2023-02-29", "2024-2-9", "0000-00-00", "0001-01-01", "1900-01-01",
    "1949-12-31", "1950-01-01", "2024-03-01", "9999-12-31", "10000-01-01", "2024-01-31 00:00:00", "2024-01-31T00:00",
    "2024/01/31", "2024.01.31", "31-01-2024", "20240131", "20240230", "2024013", "202401311", "00000000", "99999999",
    "19000101", "45322", "45322.0", "01/2024", "1/2024", "13/2024", "00/2024", "2024/1/5", "2024/1/", "2024//5",
    "2024年1月5日", "2024年01月05日", "2024年1月", "2024年1月32日", "２０２４-０１-０１", "２０２４年１月５日",
    "2024-1a-01", "2024-1 -01", " 024-01-01", "+024-01-01", "now", "today", "tomorrow", "yesterday", "epoch",
    "infinity", "J2451187", "2024-Ja-01", "2024-W1-01", "Jan1-20-24", "24-J-01-02", "'); drop table raw.loan; --",
    '=HYPERLINK("x")', "a|b", "A", "B", "new", "true", "TRUE", "yes", "否", "是", "王，小明",
    "13800138000", "张三13800138000", "LN13800138000", "13800138000.5", "138001380001", "12800138000", "#N/A", "广东省",
    "110101199003072316", "11010119900307231X", "1101011990030723161", "li.na@example.com", "a@b", "@b.cn",
]  # fmt: skip
BLANK = ["", "", "", " ", "\t", "\u00a0", "\u3000", "\ufeff", "\u200b", "\n"]
DIGITS = str.maketrans("0123456789", "０１２３４５６７８９")


@st.composite
def _number_texts(draw: st.DrawFn) -> str:
    number = draw(st.decimals(-(10**17), 10**17, places=draw(st.integers(0, 8))) | st.decimals(-1000, 1000, places=2))
    text = draw(
        st.sampled_from([f"{number:f}", f"{number:,f}", f"{number:f}".rstrip("0"), f"{number:f}%", f"¥{number:,f}"])
    )
    if draw(st.booleans()):
        text = text.translate(str.maketrans(",.", ".,"))
    return text


@st.composite
def _date_texts(draw: st.DrawFn) -> str:
    year = draw(st.integers(2023, 2024) | st.integers(0, 9999))
    month, day = draw(st.integers(0, 13)), draw(st.integers(0, 32))
    form = draw(st.sampled_from([
        "{0:04}-{1:02}-{2:02}", "{0:04}{1:02}{2:02}", "{1:02}/{0:04}", "{0:04}/{1:02}/{2:02}", "{0}/{1}/{2}",
        "{0}年{1}月{2}日", "{0:04}年{1:02}月{2:02}日", "{1}/{0}", "{0}-{1}-{2}",
    ]))  # fmt: skip
    return form.format(year, month, day)


@st.composite
def _texts(draw: st.DrawFn) -> str:
    free = st.text("0123456789-+.,/年月日 eExX_%¥元()NaN|AB\t", max_size=12)
    anything = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)
    text = draw(st.one_of(_number_texts(), _date_texts(), st.sampled_from(NASTY), free, anything))
    if draw(st.integers(0, 9)) == 0:
        text = text.translate(DIGITS)
    return draw(st.sampled_from(BLANK)) + text + draw(st.sampled_from(BLANK))


MANY_TEXTS = st.lists(_texts(), min_size=30, max_size=80)
MISSING = st.sampled_from(
    [[""], ["", "\\N"], ["", "NULL", "-"], ["0", "1900-01-01"], ["", "\\N", "NULL", "-", "0"], []]
)
BOUNDS = st.sampled_from([None, None, 0, 1, 0.01, 250, -5, "36", 10**6])


def _given_bounds(minimum: Any, maximum: Any, **more: Any) -> dict[str, Any]:
    found = {"minimum": minimum, "maximum": maximum, **more}
    return {name: value for name, value in found.items() if value is not None}


@dataclass(frozen=True)
class Case:
    """A column and what it fills."""

    field: TableField
    target: EntityField | None


@st.composite
def _number_cases(draw: st.DrawFn) -> Case:
    kind = draw(st.sampled_from(["integer", "number"]))
    decimal, group = draw(st.sampled_from([(".", None), (".", ","), (",", "."), (",", None), (".", " "), (".", "'")]))
    constraints = _given_bounds(draw(BOUNDS), draw(BOUNDS), required=draw(st.booleans()))
    if draw(st.integers(0, 4)) == 0:
        constraints["enum"] = [1, 0.5, "36"]
    field = _field(
        type=kind, decimalChar=decimal, bareNumber=draw(st.booleans()), constraints=constraints,
        arrears={"field": "x", "unit": draw(st.sampled_from([None, "fen", "thousand", "wan", "percent", "permille"]))},
        **({} if group is None else {"groupChar": group}),
    )  # fmt: skip
    targets = [None, *(EntityField(kind, required=draw(st.booleans())) for kind in
                       (Kind.MONEY, Kind.RATE, Kind.SCORE, Kind.INTEGER, Kind.TEXT))]  # fmt: skip
    return Case(field, draw(st.sampled_from(targets)))


@st.composite
def _date_cases(draw: st.DrawFn) -> Case:
    pattern = draw(
        st.sampled_from(["default", "%Y-%m-%d", "%Y%m%d", "%m/%Y", "%Y/%m/%d", "%Y年%m月%d日", "%d.%m.%Y", "%Y-%m"])
    )
    bound = st.sampled_from([None, None, "2000-01-01", dt.date(2024, 1, 31)])
    constraints = _given_bounds(draw(bound), draw(bound), required=draw(st.booleans()))
    field = _field(type="date", format=pattern, constraints=constraints)
    target = EntityField(Kind.DATE, required=draw(st.booleans()), not_future=draw(st.booleans()))
    return Case(field, draw(st.sampled_from([None, target])))


@st.composite
def _text_cases(draw: st.DrawFn) -> Case:
    constraints = draw(st.sampled_from([
        {}, {"required": True}, {"enum": ["A", "B", "new"]}, {"pattern": "[A-Z]{1,2}"}, {"pattern": "a|[0-9]+"},
        {"pattern": r"[0-9]{4}-[0-9]{2}-\d\d"}, {"minLength": 2}, {"maxLength": 3}, {"minLength": 1, "maxLength": 1},
    ]))  # fmt: skip
    values = draw(st.sampled_from([None, {"A": "first", "B": "second"}, {"1": "one", "0": "none", "是": "yes"}]))
    field = _field(constraints=constraints, arrears={"field": "x", "values": values})
    allowed = draw(st.sampled_from([(), ("first", "second", "A", "one", "none", "yes")]))
    is_word = not allowed and draw(st.booleans())
    target = EntityField(Kind.TEXT, required=draw(st.booleans()), allowed=allowed, is_word=is_word)
    return Case(field, draw(st.sampled_from([None, target])))


@st.composite
def _flag_cases(draw: st.DrawFn) -> Case:
    words = draw(st.sampled_from([{}, {"trueValues": ["是", "1"], "falseValues": ["否", "0"]}]))
    field = _field(type="boolean", constraints={"required": draw(st.booleans())}, **words)
    return Case(field, draw(st.sampled_from([None, EntityField(Kind.FLAG), EntityField(Kind.TEXT)])))


def _agree(cursor: Cursor, case: Case, texts: list[str], missing: list[str]) -> None:
    assert not list(_field_problems((), case.field)), "only what a contract may say is of interest"
    loaded = _loaded(cursor, case.field, texts, case.target, missing)
    for text, found in zip(texts, loaded, strict=True):
        expected = _expected(case.field, text, case.target, missing)
        assert found == expected, (text, found, expected, case)


def _examples(count: int) -> Any:
    return bounds(max_examples=count, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


@_examples(120)
@given(case=_number_cases(), texts=MANY_TEXTS, missing=MISSING)
def test_numbers(cursor: Cursor, case: Case, texts: list[str], missing: list[str]) -> None:
    _agree(cursor, case, [*texts, *NASTY], missing)


@_examples(100)
@given(case=_date_cases(), texts=MANY_TEXTS, missing=MISSING)
def test_dates(cursor: Cursor, case: Case, texts: list[str], missing: list[str]) -> None:
    _agree(cursor, case, [*texts, *NASTY], missing)


@_examples(60)
@given(case=_text_cases() | _flag_cases(), texts=MANY_TEXTS, missing=MISSING)
def test_texts_and_flags(cursor: Cursor, case: Case, texts: list[str], missing: list[str]) -> None:
    _agree(cursor, case, [*texts, *NASTY], missing)


# ── said once in plain words, so that a mistake in both is seen ──────────────────────────────────────────

MONEY = EntityField(Kind.MONEY)
NUMBER: dict[str, Any] = {"type": "number"}


@pytest.mark.parametrize(
    ("properties", "target", "text", "value"),
    [
        (NUMBER, MONEY, "1234.50", Decimal("1234.50")),
        (NUMBER, MONEY, "1,234.50", REJECTED),
        (NUMBER | {"groupChar": ","}, MONEY, "1,234.50", Decimal("1234.50")),
        (NUMBER | {"groupChar": ","}, MONEY, "12,34.50", REJECTED),
        (NUMBER | {"groupChar": ".", "decimalChar": ","}, MONEY, "1.234,50", Decimal("1234.50")),
        (NUMBER | {"groupChar": ".", "decimalChar": ","}, MONEY, "1,234.50", REJECTED),
        ({"type": "integer", "groupChar": ","}, MONEY, "1,0,0", REJECTED),
        (NUMBER, MONEY, "-0.00", Decimal(0)),
        (NUMBER, MONEY, "1e5", REJECTED),
        (NUMBER, MONEY, "(5.00)", REJECTED),
        (NUMBER, MONEY, "NaN", REJECTED),
        (NUMBER, MONEY, "Infinity", REJECTED),
        (NUMBER, MONEY, "0x1F", REJECTED),
        (NUMBER, MONEY, "1_000", REJECTED),
        (NUMBER, MONEY, "１２３", REJECTED),
        (NUMBER, MONEY, "\ufeff1", REJECTED),
        (NUMBER, MONEY, "\u00a01\u3000", Decimal(1)),
        (NUMBER, MONEY, "0.005", REJECTED),
        (NUMBER, MONEY, "0", Decimal(0)),
        (NUMBER, MONEY, "", None),
        (NUMBER, MONEY, "\\N", None),
        (NUMBER, MONEY, "NULL", REJECTED),
        (NUMBER, MONEY, "-", REJECTED),
        (NUMBER | {"arrears": {"unit": "fen"}}, MONEY, "12345678901234567", Decimal("123456789012345.67")),
        (NUMBER | {"arrears": {"unit": "wan"}}, MONEY, "1.50", Decimal(15000)),
        (NUMBER | {"arrears": {"unit": "wan"}}, MONEY, "-0.123456", Decimal("-1234.56")),
        (NUMBER | {"arrears": {"unit": "wan"}}, MONEY, "1.2345678", REJECTED),
        (NUMBER | {"arrears": {"unit": "wan"}}, MONEY, "100000000000", Decimal(10**15)),
        (NUMBER | {"arrears": {"unit": "wan"}}, MONEY, "100000000000.01", REJECTED),
        (NUMBER | {"arrears": {"unit": "wan"}}, EntityField(Kind.INTEGER), "0.5", Decimal(5000)),
        ({"type": "integer", "arrears": {"unit": "thousand"}}, MONEY, "15", Decimal(15000)),
        ({"type": "integer", "arrears": {"unit": "thousand"}}, EntityField(Kind.SCORE), "1000", REJECTED),
        (
            NUMBER | {"bareNumber": False, "arrears": {"unit": "percent"}},
            EntityField(Kind.RATE),
            "18.0%",
            Decimal("0.18"),
        ),
        (NUMBER | {"constraints": {"enum": [1]}}, MONEY, "1.0", Decimal(1)),
        ({"type": "integer"}, EntityField(Kind.INTEGER), "2147483648", REJECTED),
        ({"type": "date"}, EntityField(Kind.DATE), "2024-02-30", REJECTED),
        ({"type": "date"}, EntityField(Kind.DATE), "0000-00-00", REJECTED),
        ({"type": "date"}, EntityField(Kind.DATE), "1900-01-01", REJECTED),
        ({"type": "date"}, EntityField(Kind.DATE), "45322", REJECTED),
        ({"type": "date"}, EntityField(Kind.DATE), "2024-1 -01", REJECTED),
        ({"type": "date"}, EntityField(Kind.DATE), "tomorrow", REJECTED),
        ({"type": "date"}, EntityField(Kind.DATE, not_future=True), "2024-03-01", REJECTED),
        ({"type": "date"}, EntityField(Kind.DATE), "2024-03-01", dt.date(2024, 3, 1)),
        ({"type": "date", "format": "%m/%Y"}, EntityField(Kind.DATE), "02/2024", dt.date(2024, 2, 1)),
        ({"type": "date", "format": "%Y年%m月%d日"}, EntityField(Kind.DATE), "2024年1月5日", dt.date(2024, 1, 5)),
        ({"arrears": {"values": {"是": "true", "否": "false"}}}, EntityField(Kind.FLAG), "否", False),
        ({}, EntityField(Kind.TEXT, is_word=True), "13800138000", REJECTED),
        ({}, EntityField(Kind.TEXT, is_word=True), "110101199003072316", REJECTED),
        ({}, EntityField(Kind.TEXT, is_word=True), "911100001000044477", "911100001000044477"),  # a company's code
        ({}, EntityField(Kind.TEXT, is_word=True), "广东省", "广东省"),
        ({}, EntityField(Kind.TEXT), "13800138000", "13800138000"),
    ],
)
def test_by_hand(cursor: Cursor, properties: dict[str, Any], target: EntityField, text: str, value: object) -> None:
    field = _field(**properties)
    assert _loaded(cursor, field, [text], target, ["", "\\N"]) == [value]


def test_sums_are_in_our_unit_and_absurd_ones_are_refused() -> None:
    """Amounts of which the sum would not even fit polars' numbers end no load."""
    wan, yuan = _field(**NUMBER, arrears={"unit": "wan"}), _field(**NUMBER)
    total = summed([(wan, pl.col("a"))], [(yuan, pl.col("b"))], MONEY)
    absurd = ["9" * 26, "9" * 26, "9" * 27, "9" * 27]  # the larger ones fit no number of polars'
    rows = pl.DataFrame({"a": ["1.5", None, "1", *absurd], "b": ["0.5", None, None, None, "9" * 26, "5", None]})
    found = rows.select(pl.when(total.holds()).then(total.value)).to_series()
    assert [None if one is None else Decimal(one) for one in found] == [Decimal("14999.5"), None, 10000, *[None] * 4]
    assert rows.select(total.verdict().is_null()).to_series().to_list() == [*[True] * 3, *[False] * 4]


ZONED = dt.datetime(2024, 1, 31, 0, 30, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2024-01-31T00:30:00Z", ZONED),
        ("2024-01-31 08:30:00+08:00", ZONED),
        ("2024-01-31 08:30", ZONED),  # without a zone it is the lender's
        ("2024-01-31T08:30:00.000+0800", ZONED),
        ("now", REJECTED),
        ("today", REJECTED),
        ("infinity", REJECTED),
        ("2024-01-31", REJECTED),
        ("2024-02-30 08:30", REJECTED),
        ("2024-01-31 25:30", REJECTED),
        ("31.01.2024 08:30", REJECTED),
        ("2024-03-01 08:30", REJECTED),  # after the business date
        ("2024-02-29 23:59:59+08:00", dt.datetime(2024, 2, 29, 15, 59, 59, tzinfo=dt.UTC)),
        ("2024-02-29 20:00:00Z", REJECTED),  # tomorrow already where the lender is
    ],
)
def test_instants(cursor: Cursor, text: str, value: object) -> None:
    target = EntityField(Kind.INSTANT, required=True, not_future=True)
    assert _loaded(cursor, _field(type="datetime"), [text], target, [""]) == [value]


@pytest.mark.parametrize("pii", ["hash", "drop"])
def test_constraints_of_personal_data_are_not_asked_of_their_hash(cursor: Cursor, pii: str) -> None:
    """The contract describes the number as it is sent; what the database sees is a hash, or nothing."""
    field = _field(constraints={"pattern": "[0-9]{18}", "maxLength": 18, "required": True}, arrears={"pii": pii})
    assert _loaded(cursor, field, ["0a" * 32], EntityField(Kind.TEXT), [""]) == ["0a" * 32]
    assert _loaded(cursor, field, [""], EntityField(Kind.TEXT), [""]) == [REJECTED if pii == "hash" else None]
