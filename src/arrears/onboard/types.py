"""What type a column is: the strictest that nearly all its values have, as Table Schema and the loader read it."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from arrears.contract.entities import Kind
from arrears.onboard.sample import Column

# What some write where there is nothing. The second lot may also be a value, except among numbers and dates.
MISSING = ("\\N", "NULL", "null", "None", "N/A", "n/a", "NaN", "nan", "#N/A")
MISSING_AMONG_VALUES = ("-", "--", "—", "/", "无", "空")
BOOLEANS = (
    ("true", "false"), ("True", "False"), ("TRUE", "FALSE"), ("是", "否"), ("Y", "N"), ("y", "n"), ("yes", "no"),
    ("Yes", "No"), ("YES", "NO"),
)  # fmt: skip
DATE_FORMATS = (
    "%Y-%m-%d", "%Y%m%d", "%Y/%m/%d", "%Y年%m月%d日", "%Y.%m.%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y",
)  # fmt: skip
BLANKS = " \t\r\u00a0\u3000"
NEARLY_ALL = 0.98
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d{1,6})?)?( ?(Z|[+-]\d\d(:?\d\d)?))?")
_SIGNS = "%¥￥$€£元 "
_INTEGER = re.compile(r"-?(0|[1-9]\d{0,17})")
_NAMED_DATE = re.compile(r"日|date|(^|_)(on|day)$|month|as_?of|due|maturity", re.IGNORECASE)
_NAMED_FLAG = re.compile(r"^是否|^(is|has)_|flag$", re.IGNORECASE)


@dataclass(frozen=True)
class Typed:
    """The type of a column.

    Attributes:
        type, format, formats: as in the contract; several formats where a column mixes them.
        decimal_char, group_char, bare_number: how its numbers are written.
        booleans: its texts for true and false.
        missing: its texts for nothing, beside the empty one.
        values: its values, without blanks and missing ones.
        empty: how many were missing.
        odd: how many values are not of the type.
        doubt: what a person has to look at.
    """

    type: str
    values: Sequence[str]
    empty: int
    format: str | None = None
    formats: tuple[str, ...] = ()
    decimal_char: str = "."
    group_char: str | None = None
    bare_number: bool = True
    booleans: tuple[str, str] | None = None
    missing: tuple[str, ...] = ()
    odd: int = 0
    doubt: str | None = None

    @property
    def is_percent(self) -> bool:
        return self.type == "number" and any(value.endswith("%") for value in self.values)

    def numbers(self) -> list[float]:
        """The values as numbers, good enough to be compared."""
        found = []
        for value in self.values:
            plain = value.strip(_SIGNS).replace(self.group_char or "\0", "").replace(self.decimal_char, ".")
            try:
                found.append(float(plain))
            except ValueError:
                continue
        return found


def typed(column: Column) -> Typed:
    """The type of a column by its values alone; the file's format may know better."""
    texts = [(value or "").strip(BLANKS) for value in column.values]
    tokens = tuple(token for token in MISSING if token in texts)
    values = [text for text in texts if text and text not in tokens]
    if column.type is not None:
        return _known(Typed(column.type, values, len(texts) - len(values), missing=tokens))
    more = tuple(token for token in MISSING_AMONG_VALUES if token in values)
    without = [value for value in values if value not in more]
    found = _typed(column.name, without)
    if found.type == "string":
        return Typed("string", values, len(texts) - len(values), missing=tokens, doubt=found.doubt)
    return replace(found, empty=len(texts) - len(without), missing=(*tokens, *more))


def _known(given: Typed) -> Typed:
    if given.type == "string":  # JSON and Parquet have no texts for dates, or are not used for them
        found = _typed("", list(given.values))
        if found.type in ("date", "datetime") and found.format != "%Y%m%d":
            return replace(found, empty=given.empty, missing=given.missing)
    return replace(given, booleans=("true", "false")) if given.type == "boolean" else given


def _typed(name: str, values: list[str]) -> Typed:
    for attempt in (_boolean, _date, _datetime, _integer, _number):
        found = attempt(name, values) if values else None
        if found is not None:
            return found
    return Typed("string", values, 0, doubt=_unread_moments(values))


def _odd(values: list[str], holds: Callable[[str], object]) -> int | None:
    """How many do not hold; None where those are not few."""
    odd = sum(1 for value in values if not holds(value))
    return odd if odd <= (1 - NEARLY_ALL) * len(values) else None


def _boolean(name: str, values: list[str]) -> Typed | None:
    pairs = (*BOOLEANS, ("1", "0")) if _NAMED_FLAG.search(name) else BOOLEANS
    for pair in pairs:
        if set(values) <= set(pair):
            return Typed("boolean", values, 0, booleans=pair)
    return None


# ── dates ────────────────────────────────────────────────────────────────────────────────────────────────


def date_of(text: str, pattern: str) -> dt.date | None:
    """The date that the loader reads from a text with this pattern; None where it reads none."""
    short = "{2}" if pattern in ("%Y-%m-%d", "%Y%m%d") else "{1,2}"
    shape = re.sub("%[md]", rf"[0-9]{short}", re.escape(pattern).replace("\\-", "-").replace("%Y", "[0-9]{4}"))
    if not re.fullmatch(shape, text):
        return None
    try:
        date = dt.datetime.strptime(text, pattern).date()
    except ValueError:
        return None
    return date if 1950 <= date.year <= 2100 else None


def is_date(text: str, pattern: str) -> bool:
    return date_of(text, pattern) is not None


def _date(name: str, values: list[str]) -> Typed | None:
    if not values or not values[0][:1].isdigit():
        return None
    wanted = Counter({pattern: sum(is_date(value, pattern) for value in values) for pattern in DATE_FORMATS})
    day_first, month_first = wanted["%d/%m/%Y"], wanted["%m/%d/%Y"]
    formats = [pattern for pattern in DATE_FORMATS if wanted[pattern] and not _is_other_order(pattern, wanted)]
    odd = _odd(values, lambda value: any(is_date(value, pattern) for pattern in formats))
    if not formats or odd is None or ("%Y%m%d" in formats and not _are_dates(name, values, formats)):
        return None
    doubt = None
    if day_first and day_first == month_first:
        doubt = "day or month first? every value can be read either way"
    if len(formats) == 1:
        return Typed("date", values, 0, format=formats[0], odd=odd, doubt=doubt)
    return Typed("date", values, 0, format="any", formats=tuple(formats), odd=odd, doubt=doubt)


def _is_other_order(pattern: str, wanted: Counter[str]) -> bool:
    """Of 31/12/2024 and 12/31/2024 the order that fits more values counts, and day first where both do."""
    if pattern == "%d/%m/%Y":
        return wanted["%m/%d/%Y"] > wanted[pattern]
    return pattern == "%m/%d/%Y" and wanted["%d/%m/%Y"] >= wanted[pattern]


def _are_dates(name: str, values: list[str], formats: list[str]) -> bool:
    """Eight digits may be a number too, unless the name says date or there are many and every one is a date."""
    if len(formats) > 1 or _NAMED_DATE.search(name):
        return True
    return len(values) >= 20 and all(is_date(value, "%Y%m%d") for value in values)


def _datetime(name: str, values: list[str]) -> Typed | None:
    odd = _odd(values, _MOMENT.fullmatch)
    return None if odd is None else Typed("datetime", values, 0, odd=odd)


def _unread_moments(values: list[str]) -> str | None:
    """Dates that are written in a way that the loader does not read."""
    if values and all(re.fullmatch(r"\d{4}\D\d{1,2}\D\d{1,2}\D?( ?\d{1,2}:\d\d(:\d\d)?)?", value) for value in values):
        return "dates or moments in a form that is not read: have them sent as 2024-01-31 or 2024-01-31T08:30:00+08:00"
    return None


# ── numbers ──────────────────────────────────────────────────────────────────────────────────────────────


def _integer(name: str, values: list[str]) -> Typed | None:
    odd = _odd(values, _INTEGER.fullmatch)
    return None if odd is None else Typed("integer", values, 0, odd=odd)


def _number(name: str, values: list[str]) -> Typed | None:
    bare = [value.strip(_SIGNS) for value in values]
    is_bare = bare == list(values)
    if is_bare and any(re.fullmatch(r"0\d+", value) for value in values):
        return None  # leading zeros belong to numbers that name something
    found: tuple[int, str, str | None] | None = None
    for point, group in ((".", None), (".", ","), (",", None), (",", "."), (".", " "), (",", " ")):
        odd = _odd(bare, _shape(point, group).fullmatch)
        if odd is not None and (found is None or odd < found[0]):
            found = odd, point, group
    if found is None:
        return None
    odd, point, group = found
    whole = group is None and all(_INTEGER.fullmatch(value) for value in bare)
    return Typed(
        "integer" if whole else "number", values, 0, decimal_char=point, group_char=group, bare_number=is_bare, odd=odd
    )


def _shape(point: str, group: str | None) -> re.Pattern[str]:
    fraction = rf"({re.escape(point)}\d*)?"
    whole = rf"\d{{1,3}}({re.escape(group)}\d{{3}})+|\d*" if group else r"\d+"
    return re.compile(rf"-?({whole}){fraction}")


# ── a type for what the column fills ─────────────────────────────────────────────────────────────────────

_TYPES_OF: dict[Kind, tuple[str, ...]] = {
    Kind.INTEGER: ("integer",),
    Kind.MONEY: ("number", "integer"),
    Kind.RATE: ("number", "integer"),
    Kind.SCORE: ("number", "integer"),
    Kind.DATE: ("date", "datetime"),
    Kind.INSTANT: ("datetime",),
    Kind.FLAG: ("boolean",),
}


def fitted(found: Typed, kind: Kind) -> Typed | None:
    """The type as which a column fills a field of a kind; None where its values are of no such kind."""
    if kind is Kind.TEXT:
        plain = Typed("string", found.values, found.empty, missing=found.missing)
        return plain if found.type in ("integer", "number", "boolean") else found
    if not found.values and found.type not in _TYPES_OF[kind]:  # nothing was seen: the field says what it will be
        return Typed(_TYPES_OF[kind][0], (), found.empty, missing=found.missing)
    if found.type == "string":  # JSON and Parquet may write numbers and dates as texts
        read = _typed("", list(found.values))
        found = replace(read, empty=found.empty, missing=found.missing)
    if kind is Kind.FLAG and set(found.values) <= {"0", "1"}:
        found = replace(found, type="boolean", booleans=("1", "0"))
    if kind is Kind.DATE and found.type == "integer" and all(is_date(value, "%Y%m%d") for value in found.values):
        found = replace(found, type="date", format="%Y%m%d")
    return found if found.type in _TYPES_OF[kind] else None
