"""How a figure is written. What kind of figure it is, its type and its column's name say."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Literal

Kind = Literal["share", "points", "money", "count", "name", "number", "date", "month", "time", "truth", "text"]
MINUS, NONE = "−", "–"
MONEY = ("principal", "balance", "amount", "difference", "waived", "outstanding", "collected", "recovered")
NAMES = (
    "publication_id",
    "restores",
    "instalment_no",
    "window_days",
    "mob",
    "months_since_due",
)  # numbers that count nothing
TYPES: tuple[tuple[type, Kind], ...] = ((bool, "truth"), (dt.datetime, "time"), (str, "text"), (type(None), "text"))


def kind(column: str, value: Any) -> Kind:
    """What kind of figure stands in a column."""
    for type_, found in TYPES:
        if isinstance(value, type_):
            return found
    if isinstance(value, dt.date):
        return "month" if column.endswith(("_month", "_quarter")) else "date"
    if isinstance(value, int):
        return "name" if column in NAMES else "count"
    return _kind_of_decimal(column)


def _kind_of_decimal(column: str) -> Kind:
    if column.endswith("_pp"):
        return "points"
    if is_share(column):
        return "share"
    return "money" if any(word in column for word in MONEY) else "number"


def is_share(column: str) -> bool:
    """Whether figures of a column are shares, shown in percent."""
    return column.startswith("share") or column.endswith(("_rate", "_share"))


def written(column: str, value: Any) -> str:
    """A figure as people read it: 12.34 %, +0.56, 1,234.50."""
    return NONE if value is None else WRITTEN[kind(column, value)](value)


def change(share: Decimal | None) -> str:
    """A relative change: +1.2 %."""
    return NONE if share is None else f"{figure(100 * share, 1, '+')} %"


def plain(value: Any) -> Any:
    """A figure for a JSON file: numbers as numbers, to the cent, dates in ISO form."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat()
    return value.isoformat() if isinstance(value, dt.date) else value


def figure(value: Any, places: int, form: str = "") -> str:
    """A number to so many places, half up as PostgreSQL and Excel round; Python's formats round half to even.

    Args:
        form: `+`: more than nothing has a sign, too; `,`: thousands are set apart.
    """
    rounded = Decimal(value).quantize(Decimal(10) ** -places, ROUND_HALF_UP)
    text = f"{rounded:{form}.{places}f}"
    if not rounded:
        text = text.lstrip("+-")  # what is rounded to nothing has no sign
    return text.replace("-", MINUS)


WRITTEN: dict[Kind, Callable[[Any], str]] = {
    "share": lambda value: f"{figure(100 * value, 2)} %",
    "points": lambda value: figure(value, 2, "+"),
    "money": lambda value: figure(value, 2, ","),
    "number": lambda value: figure(value, 2, ","),
    "count": lambda value: figure(value, 0, ","),
    "name": str,
    "date": lambda value: f"{value:%Y-%m-%d}",
    "month": lambda value: f"{value:%Y-%m}",
    "time": lambda value: f"{value.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC",
    "truth": str,
    "text": str,
}
