"""How a lender writes dates and amounts in all its files: what one column leaves open, others often tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from arrears.contract.entities import ENTITIES, Kind
from arrears.onboard import names
from arrears.onboard.meaning import POSITION, ColumnMeaning, TableMeaning
from arrears.onboard.types import Typed

Money = Literal["fen", "whole", "decimal"]


@dataclass(frozen=True)
class Habits:
    """A lender's habits.

    Attributes:
        date: the type of most columns of dates, without values.
        money: `fen` where every amount is a whole number and they cannot all be yuan, `whole` where they can,
            `decimal` where some have decimals or none was seen.
        group_char: what groups the digits of amounts, where any are grouped.
        is_chinese: whether there is any Chinese in names of columns or in values.
    """

    date: Typed
    money: Money
    group_char: str | None
    is_chinese: bool


def habits(tables: Sequence[TableMeaning]) -> Habits:
    """The habits shown by all samples together."""
    dates = Counter(
        (column.typed.format, column.typed.formats)
        for table in tables for column in table.columns if column.typed.type == "date" and column.typed.values
    )  # fmt: skip
    (pattern, formats), _ = dates.most_common(1)[0] if dates else ((None, ()), 0)
    amounts = [column for table in tables for column in money_columns(table) if column.typed.values]
    told = [column for column in amounts if names.unit(column.name) not in names.COARSE]
    return Habits(
        date=Typed("date", (), 0, format=pattern, formats=formats),
        money=_money(told),
        group_char=next((column.typed.group_char for column in amounts if column.typed.group_char), None),
        is_chinese=any(_is_chinese(column) for table in tables for column in table.columns),
    )


def money_columns(table: TableMeaning) -> Iterator[ColumnMeaning]:
    """The columns that fill amounts, of the file's entity or of the position derived from it."""
    entity = table.entity
    if entity is None:
        return
    yield from (column for name, column in table.filled().items() if ENTITIES[entity].fields[name].kind is Kind.MONEY)
    for name, column in table.position.items():
        if ENTITIES[POSITION].fields[name].kind is Kind.MONEY:
            yield table.find(column)


def _money(columns: list[ColumnMeaning]) -> Money:
    if not columns or any(column.typed.type != "integer" for column in columns):
        return "decimal"
    amounts = [int(number) for column in columns for number in column.typed.numbers() if number]
    uneven = sum(1 for amount in amounts if amount % 100)
    return "fen" if uneven >= 0.2 * len(amounts) and uneven >= 3 else "whole"


def _is_chinese(column: ColumnMeaning) -> bool:
    return any("\u4e00" <= letter <= "\u9fff" for text in (column.name, *column.typed.values[:100]) for letter in text)


def fill_gaps(tables: Sequence[TableMeaning], shown: Habits) -> None:
    """Read columns that show too little by themselves as the lender's other ones are."""
    for table in tables:
        for column in money_columns(table):
            _as_other_amounts(column, shown)
        fields = ENTITIES[table.entity].fields if table.entity is not None else {}
        for column in table.columns:
            kind = fields[column.field].kind if column.field is not None else None
            is_date = kind is Kind.DATE or (kind is None and names.is_among(column.name, names.BUSINESS_DATES))
            if is_date and not column.typed.values and column.column.type in (None, "string") and not column.personal:
                column.typed = replace(shown.date, empty=column.typed.empty)


def _as_other_amounts(column: ColumnMeaning, shown: Habits) -> None:
    if column.column.type not in (None, "string"):
        return  # the file's format knows
    said = names.unit(column.name)
    if not column.typed.values and shown.money != "decimal" and said not in names.COARSE:
        column.typed = replace(column.typed, type="integer")
    elif column.typed.type == "integer" and (said in names.COARSE or (shown.money == "decimal" and said != "fen")):
        column.typed = replace(column.typed, type="number")
    if (
        column.typed.type == "number"
        and column.typed.group_char is None
        and column.typed.decimal_char != shown.group_char
    ):
        column.typed = replace(column.typed, group_char=shown.group_char)
