"""One column as the contract describes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ruamel.yaml.comments import CommentedMap

from arrears.contract.entities import ENTITIES, Kind
from arrears.onboard import names
from arrears.onboard.commented import OPEN, counted, decide, flow, guess
from arrears.onboard.habits import Habits, money_columns
from arrears.onboard.meaning import ColumnMeaning, TableMeaning
from arrears.onboard.types import Typed

# Open fields whose values are codes or short names, to be translated.
CODED = {"product", "purpose", "channel", "repayment_method", "gender", "income_band", "status"}
MOST_CODES, MOST_OPEN_CODES = 30, 12
ENOUGH_ROWS = 10  # in which never to be empty means something


def field_documents(table: TableMeaning, habits: Habits) -> list[CommentedMap]:
    """The fields of a table, objects with their parts."""
    documents = []
    for column in table.sample.columns:
        if not column.parts:
            documents.append(_document(table, table.find(column.name), column.name, habits))
            continue
        parts = [
            _document(table, table.find(part.name), part.name.removeprefix(f"{column.name}."), habits)
            for part in column.parts
        ]
        documents.append(CommentedMap(name=column.name, type="object", arrears=CommentedMap(parts=parts)))
    return documents


def _document(table: TableMeaning, column: ColumnMeaning, name: str, habits: Habits) -> CommentedMap:
    made = CommentedMap(name=name)
    if column.field is None and column.personal is None:
        derived = [field for field, filled_by in table.position.items() if filled_by == column.name]
        nothing = f"fills no field of {table.entity or 'any entity that we know'}"
        guess(made, "name", f"fills {derived[0]} of the position derived below" if derived else nothing)
    _put_type(made, column, table.sample.rows)
    if _is_required(table, column):
        made["constraints"] = flow({"required": True})
        guess(made, "constraints", f"never empty in {counted(table.sample.rows, 'row')}")
    _put_mapping(made, table, column, habits)
    return made


def _is_required(table: TableMeaning, column: ColumnMeaning) -> bool:
    return column.typed.empty == 0 and column.personal is None and table.sample.rows >= ENOUGH_ROWS


# ── the type ─────────────────────────────────────────────────────────────────────────────────────────────


def _put_type(made: CommentedMap, column: ColumnMeaning, rows: int) -> None:
    found = column.typed
    made["type"] = found.type
    made.update(_properties(found))
    doubt = column.doubt or found.doubt
    if found.odd:
        doubt = f"{found.odd} of {len(found.values)} values are no {found.type} and would reject their rows"
    if doubt:
        decide(made, "type", doubt)
    elif found.values:
        guess(made, "type", f"by {counted(len(found.values), 'value')}")
    elif rows and found.type != "string":
        decide(made, "type", f"no value was seen in {counted(rows, 'row')}: as other columns are written")
    else:
        guess(made, "type", "no value was seen")


def _properties(found: Typed) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    if found.type == "date" and found.format not in (None, "%Y-%m-%d"):
        properties["format"] = found.format
    if found.type in ("number", "integer"):
        if found.decimal_char != ".":
            properties["decimalChar"] = found.decimal_char
        if found.group_char is not None:
            properties["groupChar"] = found.group_char
        if not found.bare_number:
            properties["bareNumber"] = False
    if found.booleans not in (None, ("true", "false")):
        assert found.booleans is not None
        properties["trueValues"] = flow([found.booleans[0]])
        properties["falseValues"] = flow([found.booleans[1]])
    return properties


# ── what it means ────────────────────────────────────────────────────────────────────────────────────────


def _put_mapping(made: CommentedMap, table: TableMeaning, column: ColumnMeaning, habits: Habits) -> None:
    mapping: dict[str, Any] = {}
    if column.field is not None:
        mapping["field"] = column.field
    unit, doubt = _unit(table, column, habits)
    if unit is not None:
        mapping["unit"] = unit
    if column.personal is not None:
        mapping["pii"] = "hash" if column.field is not None else "drop"
    if column.typed.formats:
        mapping["formats"] = flow(list(column.typed.formats))
    values = _values(table, column)
    if values is not None:
        made["arrears"] = CommentedMap(mapping)
        made["arrears"]["values"] = values
        _comment_values(made["arrears"], table, column)
    elif mapping:
        made["arrears"] = flow(mapping)
    if "arrears" in made:
        _comment(made, table, column, doubt, is_block=values is not None)


def _comment(
    made: CommentedMap, table: TableMeaning, column: ColumnMeaning, doubt: str | None, *, is_block: bool
) -> None:
    on, key = (made["arrears"], "field") if is_block else (made, "arrears")
    if column.personal is not None:
        what = f"personal data ({column.personal})"
        if column.field is None and column.personal == "identity number":
            decide(on, key, f"{what} is dropped; hash it in a file of borrowers to know the person at other lenders")
        elif column.field not in (None, "identity_hash"):
            decide(
                on, key, f"values look like {what} and are hashed: is it a number of the lender's own? take pii away"
            )
        else:
            guess(on, key, f"{what}, {'hashed' if column.field else 'dropped'} on the way in")
    elif doubt is not None:
        decide(on, key, doubt)
    elif not is_block and _is_unmapped_list(table, column):
        seen = counted(len(set(column.typed.values)), "value") if column.typed.values else "no value"
        decide(on, key, f"{seen} seen: say which of its values mean what, values: {{…}}")
    else:
        guess(on, key, column.why or ("by its values" if column.typed.formats else "an amount, by its name"))


def _unit(table: TableMeaning, column: ColumnMeaning, habits: Habits) -> tuple[str | None, str | None]:
    """The unit, and what is doubtful about it."""
    entity, said = table.entity, names.unit(column.name)
    if column.typed.type not in ("integer", "number") or entity is None:
        return None, None
    if column.field is not None and ENTITIES[entity].fields[column.field].kind is Kind.RATE:
        return _unit_of_rates(column, said)
    if column not in list(money_columns(table)):
        return None, None
    return (said, None) if said in names.OF_AMOUNTS else _unit_of_amounts(column, habits)


def _unit_of_rates(column: ColumnMeaning, said: str | None) -> tuple[str | None, str | None]:
    """The same of rates. A name may say per cent of what are plainly fractions."""
    percent = column.typed.is_percent or max(column.typed.numbers(), default=0) > 1
    if said not in names.OF_RATES:
        return ("percent" if percent else None), None
    if not percent and any(column.typed.numbers()):
        return None, f"its name says {said}, and no value is above 1: unit: {said}, or fractions as they stand?"
    return said, None


def _unit_of_amounts(column: ColumnMeaning, habits: Habits) -> tuple[str | None, str | None]:
    """The same of amounts whose name says no unit that we know."""
    if unknown := names.unknown_unit(column.name):
        return None, f"({unknown}) in its name: a unit? fen, thousand or wan, or as they stand?"
    if column.typed.type != "integer" or habits.money == "decimal" or names.says_whole_units(column.name):
        return None, None
    if habits.money == "fen":
        return "fen", None
    return None, "whole numbers: hundredths (unit: fen), or as they stand?"


def _is_unmapped_list(table: TableMeaning, column: ColumnMeaning) -> bool:
    """Whether a column without a map fills a closed list with other words than the list's."""
    if table.entity is None or column.field is None:
        return False
    allowed, seen = ENTITIES[table.entity].fields[column.field].allowed, set(column.typed.values)
    return bool(allowed) and not (seen and seen <= set(allowed))


def _values(table: TableMeaning, column: ColumnMeaning) -> CommentedMap | None:
    """What each value means; None where there is nothing to translate."""
    if table.entity is None or column.field is None or column.personal is not None:
        return None
    allowed = ENTITIES[table.entity].fields[column.field].allowed
    seen = sorted(set(column.typed.values))
    ours = {value: _ours(table.entity, column.field, value) for value in seen}
    if not seen or all(value == meant for value, meant in ours.items()):
        return None
    if allowed:
        return _closed(ours, allowed) if len(seen) <= MOST_CODES else None
    is_list = column.field in CODED and len(seen) <= MOST_OPEN_CODES and table.sample.rows >= 2 * len(seen)
    if not is_list or all(value.isascii() and ours[value] is None for value in seen):
        return None
    return CommentedMap({value: meant or value for value, meant in ours.items()})


def _ours(entity: str, field: str, value: str) -> str | None:
    """What a value is called with us; None where nobody but a person knows."""
    allowed = ENTITIES[entity].fields[field].allowed
    return value if value in allowed else names.meaning(entity, field, value)


def _closed(ours: dict[str, str | None], allowed: Sequence[str]) -> CommentedMap:
    values = CommentedMap({value: meant or OPEN for value, meant in ours.items()})
    for value, meant in ours.items():
        if meant is None:
            decide(values, value, f"which of {', '.join(allowed)}?")
    return values


def _comment_values(mapping: CommentedMap, table: TableMeaning, column: ColumnMeaning) -> None:
    assert table.entity is not None
    assert column.field is not None
    seen = f"seen in {counted(table.sample.rows, 'row')}, any other one rejects its row"
    left = [value for value in mapping["values"] if _ours(table.entity, column.field, value) is None]
    if left and not ENTITIES[table.entity].fields[column.field].allowed:
        decide(mapping, "values", f"our names for them, or as they stand ({seen})")
    else:
        guess(mapping, "values", seen)
