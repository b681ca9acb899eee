"""What a contract must hold beyond its shape: columns that exist, fields that fit, nothing needed left out."""

from __future__ import annotations

import codecs
import datetime as dt
import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from zoneinfo import ZoneInfo

from arrears.contract.entities import ENTITIES, Entity, Kind
from arrears.contract.model import Contract, Derivation, Derived, Resource, TableField

Place = tuple[str | int, ...]
Problem = tuple[Place, str]

# Conventions of metrics that a contract may override, with the values each may take.
CONVENTIONS: dict[str, re.Pattern[str]] = {
    "first_day": re.compile("[01]"),
    "tol_abs": re.compile(r"\d+(\.\d+)?"),
    "tol_pct": re.compile(r"0|0?\.\d+|1"),
    "grace_days": re.compile(r"\d{1,3}"),
    "outstanding": re.compile("computed|reported"),
    "allocation_order": re.compile("(penalty|fee|interest|principal)(,(penalty|fee|interest|principal)){3}"),
    "scheme": re.compile("cn30|tape29"),
}

_TYPES_FOR: dict[Kind, tuple[str, ...]] = {
    Kind.TEXT: ("string", "integer", "number", "boolean", "date"),
    Kind.INTEGER: ("integer",),
    Kind.MONEY: ("number", "integer"),
    Kind.RATE: ("number", "integer"),
    Kind.SCORE: ("number", "integer"),
    Kind.DATE: ("date", "datetime"),
    Kind.INSTANT: ("datetime",),
    Kind.FLAG: ("boolean",),
}
# What Python's regular expressions have and PostgreSQL's, which judge the rows, have not.
_FOREIGN_PATTERN = re.compile(r"\(\?(?!:|=|!|<=|<!)|[*+?}]\+|\\[pPNkgzQ]")
_NUMBER = re.compile(r"-?[0-9]+([.][0-9]+)?(e[-+]?[0-9]{1,2})?")
_LITERALS = {
    Kind.FLAG: re.compile("true|false"),
    Kind.INTEGER: re.compile("-?[0-9]{1,9}"),
    Kind.DATE: re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}"),
    Kind.INSTANT: re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}.*"),
}
_DATE_FORMAT = re.compile(r"%[Ymd](?:[^%]%[Ymd]){1,2}[^%]?")


def date_format_is_known(pattern: str) -> bool:
    """Whether the loader reads this strptime pattern: %Y%m%d, or parts with single characters between them."""
    directives = re.findall("%([a-zA-Z])", pattern)
    once = len(directives) == len(set(directives)) and {"Y", "m"} <= set(directives)
    return pattern == "%Y%m%d" or (once and _DATE_FORMAT.fullmatch(pattern) is not None)


def problems(contract: Contract) -> Iterator[Problem]:
    """Everything wrong with a contract that has the right shape, with the place of each."""
    yield from _lender_problems(contract)
    for number, resource in enumerate(contract.resources):
        yield from _resource_problems(("resources", number), resource)
    yield from _mode_problems(contract)


def _unknown(what: str, value: str, known: Iterable[str]) -> str:
    known = list(known)
    close = get_close_matches(value, known, n=1)
    hint = f"did you mean '{close[0]}'?" if close else f"known: {', '.join(known)}"
    return f"'{value}' is not {what}; {hint}"


def _lender_problems(contract: Contract) -> Iterator[Problem]:
    rules = contract.arrears
    try:
        ZoneInfo(rules.timezone)
    except (KeyError, ValueError, OSError):
        yield ("arrears", "timezone"), f"'{rules.timezone}' is not a time zone of the IANA database"
    yield from _pattern_problems(("arrears", "delivery", "folder"), rules.delivery.folder)
    for name, value in rules.conventions.items():
        yield from _convention_problems(("arrears", "conventions", name), name, str(value))
    for number, own in enumerate(rules.product_conventions):
        yield from _convention_problems(("arrears", "product_conventions", number), own.convention, own.value)
    names = [resource.name for resource in contract.resources]
    for number, name in enumerate(names):
        if names.index(name) != number:
            yield ("resources", number, "name"), f"there are two resources named '{name}'"
    for number, resource in enumerate(contract.resources):
        if not _tells_days_apart(f"{rules.delivery.folder}/{resource.arrears.file}", rules.calendar):
            missing = (
                "folder and file do not tell one business date from another, so the same file would be loaded "
                "again and again: add {date:%Y-%m-%d}"
            )
            yield ("resources", number, "arrears", "file"), missing


def _tells_days_apart(pattern: str, calendar: str) -> bool:
    """Whether a path is another one in another year, another month and, where days are delivered, on another day."""
    others = [dt.date(2023, 3, 31), dt.date(2024, 5, 31)]
    if calendar == "daily":
        others.append(dt.date(2024, 3, 30))
    try:
        one = pattern.format(date=dt.date(2024, 3, 31))
        return all(pattern.format(date=other) != one for other in others)
    except (KeyError, ValueError, IndexError, AttributeError):
        return True  # said already: it cannot be filled in


def _convention_problems(place: Place, name: str, value: str) -> Iterator[Problem]:
    if name not in CONVENTIONS:
        yield place, _unknown("a convention", name, CONVENTIONS)
    elif not CONVENTIONS[name].fullmatch(value):
        yield place, f"'{value}' is not a value of {name}; it takes {CONVENTIONS[name].pattern}"
    elif name == "allocation_order" and len(set(value.split(","))) != 4:
        yield place, f"'{value}' names a component twice"


def _pattern_problems(place: Place, pattern: str) -> Iterator[Problem]:
    try:
        filled = pattern.format(date=dt.date(2024, 1, 31))
    except (KeyError, ValueError, IndexError, AttributeError) as error:
        yield place, f"'{pattern}' cannot be filled in ({error}); only {{date:…}} stands in it, e.g. {{date:%Y%m%d}}"
        return
    if ".." in re.split(r"[/\\]", filled) or filled.startswith(("/", "\\")):
        yield place, f"'{pattern}' leaves the lender's landing folder"


def _resource_problems(place: Place, resource: Resource) -> Iterator[Problem]:
    rules = resource.arrears
    here = (*place, "arrears")
    columns = {field.name: field for field in resource.table.fields}
    yield from _pattern_problems((*here, "file"), rules.file)
    if not _is_text_encoding(resource.encoding):
        yield (*place, "encoding"), f"'{resource.encoding}' is not a text encoding that Python knows"
    yield from _dialect_problems((*place, "dialect"), resource)
    yield from _column_problems(place, resource)
    control_sum = rules.control.sum if rules.control else None
    for label, column, types in (
        ("business_date", rules.business_date, ("date",)),
        ("control", control_sum, ("integer", "number")),
    ):
        if column is not None and column not in columns:
            yield (*here, label), _unknown("a column of this file", column, columns)
        elif column is not None and columns[column].type not in types:
            yield (*here, label), f"'{column}' is a {columns[column].type}, not a {' or '.join(types)}"
    if rules.entity not in ENTITIES:
        yield (*here, "entity"), _unknown("an entity", rules.entity, ENTITIES)
    else:
        yield from _mapping_problems(place, resource, ENTITIES[rules.entity])
    for number, derivation in enumerate(rules.derives):
        yield from _derivation_problems((*here, "derives", number), derivation, columns)


def _is_text_encoding(name: str) -> bool:
    try:
        "a".encode(name)  # refuses codecs that are none of text, such as hex
        codecs.getincrementaldecoder(name)
    except LookupError:
        return False
    return True


def _dialect_problems(place: Place, resource: Resource) -> Iterator[Problem]:
    """COPY takes single-byte characters, and knows no other way to write a quote than to double it."""
    dialect = resource.dialect
    for name, character in (("delimiter", dialect.delimiter), ("quoteChar", dialect.quote_char)):
        if character and (not character.isascii() or character in "\r\n"):
            yield (*place, name), f"'{character}' is not a single ASCII character within the line"
    if dialect.delimiter == dialect.quote_char:
        yield (*place, "quoteChar"), "delimiter and quote character are the same"
    other = dialect.model_extra or {}
    if (dialect.quote_char and not dialect.double_quote) or other.get("escapeChar"):
        yield place, "quotes that are escaped are not read: only doubled ones (doubleQuote: true, no escapeChar)"
    for name in ("commentChar", "headerJoin", "headerRows", "commentRows", "skipInitialSpace"):
        if other.get(name) not in (None, False, [], [1], ""):
            yield (*place, name), f"{name} is not read: the header is line 1, and every line after it is a row"


def _column_problems(place: Place, resource: Resource) -> Iterator[Problem]:
    names = [field.name for field in resource.table.fields]
    for number, field in enumerate(resource.table.fields):
        here = (*place, "schema", "fields", number)
        if names.index(field.name) != number:
            yield (*here, "name"), f"there are two columns named '{field.name}'"
        yield from _field_problems(here, field)
    key = resource.table.primary_key
    for column in [key] if isinstance(key, str) else key or []:
        if column not in names:
            yield (*place, "schema", "primaryKey"), _unknown("a column of this file", column, names)


def _field_problems(here: Place, field: TableField) -> Iterator[Problem]:
    if field.type == "date" and field.format not in ("default", "any") and not date_format_is_known(field.format):
        yield (
            (*here, "format"),
            (
                f"'{field.format}' is not a date format we read: %Y%m%d, or %Y, %m and perhaps %d with one "
                "character between them"
            ),
        )
    if field.constraints.pattern is not None:
        yield from _regex_problems((*here, "constraints", "pattern"), field.constraints.pattern)
    yield from _bound_problems((*here, "constraints"), field)
    if field.group_char is not None and field.group_char == field.decimal_char:
        yield (*here, "groupChar"), "the same character cannot group digits and begin decimals"
    if field.type == "datetime" and field.format not in ("default", "any"):
        yield (*here, "format"), "a datetime is read as ISO 8601 alone, 2024-01-31T08:30:00+08:00: leave the format out"
    yield from _pii_problems((*here, "arrears", "pii"), field)
    if field.arrears.unit is not None and field.type not in ("integer", "number"):
        yield (*here, "arrears", "unit"), f"a {field.type} has no unit"


def _regex_problems(place: Place, pattern: str) -> Iterator[Problem]:
    try:
        re.compile(pattern)
    except re.error as error:
        yield place, f"not a regular expression: {error}"
        return
    foreign = _FOREIGN_PATTERN.search(re.sub(r"\\[^pPNkgzQ]", "", pattern))
    if foreign:
        yield place, f"'{foreign.group()}' is not understood by PostgreSQL, which judges the rows: write it otherwise"


def _bound_problems(place: Place, field: TableField) -> Iterator[Problem]:
    limits = field.constraints
    kind = {"integer": Kind.MONEY, "number": Kind.MONEY, "date": Kind.DATE, "datetime": Kind.INSTANT}.get(field.type)
    for name, bound in (("minimum", limits.minimum), ("maximum", limits.maximum)):
        if bound is not None and kind is None:
            yield (*place, name), f"a {field.type} has no {name}"
        elif bound is not None and kind is not None and not _is_literal(str(bound), kind):
            yield (*place, name), f"'{bound}' is not a {field.type}"
    if field.type in ("integer", "number"):
        for value in limits.enum or []:
            if not _is_literal(str(value), Kind.MONEY):
                yield (*place, "enum"), f"'{value}' is not a {field.type}"


def _is_literal(text: str, kind: Kind) -> bool:
    """Whether a value written in the contract can be read as a kind of field."""
    if kind is Kind.TEXT:
        return True
    if not _LITERALS.get(kind, _NUMBER).fullmatch(text):
        return False
    try:
        return kind not in (Kind.DATE, Kind.INSTANT) or dt.datetime.fromisoformat(text) is not None
    except ValueError:
        return False


def _pii_problems(place: Place, field: TableField) -> Iterator[Problem]:
    if field.arrears.pii == "hash" and field.arrears.field is None:
        yield place, "a hash that fills no field is of no use: name the field, or drop the column"
    if field.arrears.pii == "drop" and field.arrears.field is not None:
        yield place, "a column that is dropped fills no field: hash it, or take the field away"
    if field.arrears.pii is not None and field.arrears.values is not None:
        yield place, "a column that is hashed or dropped has no values to map"


def _mapping_problems(place: Place, resource: Resource, entity: Entity) -> Iterator[Problem]:
    filled: dict[str, str] = {}
    for number, field in enumerate(resource.table.fields):
        target = field.arrears.field
        here = (*place, "schema", "fields", number, "arrears", "field")
        if target is None:
            continue
        if target not in entity.fields:
            yield here, _unknown(f"a field of {resource.arrears.entity}", target, entity.fields)
        elif target in filled:
            yield here, f"'{target}' is already filled by column '{filled[target]}'"
        else:
            yield from _type_problems(here, field, target, entity)
        filled.setdefault(target, field.name)
    for name, value in resource.arrears.constants.items():
        here = (*place, "arrears", "constants", name)
        if name not in entity.fields:
            yield here, _unknown(f"a field of {resource.arrears.entity}", name, entity.fields)
        elif name in filled:
            yield here, f"'{name}' is already filled by column '{filled[name]}'"
        else:
            yield from _literal_problems(here, name, value, entity)
        filled.setdefault(name, "a constant")
    yield from _missing_problems((*place, "arrears", "entity"), resource.arrears.entity, entity, filled)


def _missing_problems(place: Place, name: str, entity: Entity, filled: Iterable[str]) -> Iterator[Problem]:
    needed = {field for field, rule in entity.fields.items() if rule.required and rule.default is None}
    missing = sorted(needed - set(filled))
    if missing:
        yield place, f"nothing fills {', '.join(missing)}, which every {name} must have"


def _type_problems(place: Place, field: TableField, target: str, entity: Entity) -> Iterator[Problem]:
    rule = entity.fields[target]
    if field.arrears.values is None and field.type not in _TYPES_FOR[rule.kind]:
        takes = " or ".join(_TYPES_FOR[rule.kind])
        yield place, f"a {field.type} cannot fill {target}, which is {rule.kind.value}; it takes {takes}"
    if field.arrears.pii is not None and rule.kind is not Kind.TEXT:
        yield place, f"a hash cannot fill {target}, which is {rule.kind.value}"
    for value in (field.arrears.values or {}).values():
        yield from _literal_problems(place, target, value, entity)


def _literal_problems(place: Place, target: str, value: str, entity: Entity) -> Iterator[Problem]:
    """A value that the contract itself gives to a field."""
    rule = entity.fields[target]
    if rule.allowed and value not in rule.allowed:
        yield place, _unknown(f"a value of {target}", value, rule.allowed)
    elif not _is_literal(value, rule.kind):
        yield place, f"'{value}' cannot fill {target}, which is {rule.kind.value}"


def _derivation_problems(place: Place, derivation: Derivation, columns: dict[str, TableField]) -> Iterator[Problem]:
    if derivation.entity not in ENTITIES:
        yield (*place, "entity"), _unknown("an entity", derivation.entity, ENTITIES)
        return
    entity = ENTITIES[derivation.entity]
    for column in derivation.where:
        if column not in columns:
            yield (*place, "where", column), _unknown("a column of this file", column, columns)
    for target, source in derivation.fields.items():
        here = (*place, "fields", target)
        if target not in entity.fields:
            yield here, _unknown(f"a field of {derivation.entity}", target, entity.fields)
        else:
            yield from _source_problems(here, target, source, entity, columns)
    yield from _missing_problems((*place, "entity"), derivation.entity, entity, derivation.fields)


def _source_problems(
    here: Place, target: str, source: str | Derived, entity: Entity, columns: dict[str, TableField]
) -> Iterator[Problem]:
    column = source if isinstance(source, str) else source.column
    if column is not None and column not in columns:
        yield here, _unknown("a column of this file", column, columns)
    elif isinstance(source, str):
        yield from _type_problems(here, columns[source], target, entity)
    else:
        given = [source.column is not None, source.value is not None, source.business_date is not None]
        if sum(given) != 1:
            yield here, "give exactly one of column, value, business_date"
            return
        if source.business_date and entity.fields[target].kind is not Kind.DATE:
            yield here, f"a business date cannot fill {target}, which is {entity.fields[target].kind.value}"
        if source.column is not None and source.values is None:
            yield from _type_problems(here, columns[source.column], target, entity)
        for value in [source.value] if source.value is not None else (source.values or {}).values():
            yield from _literal_problems(here, target, value, entity)


def _mode_problems(contract: Contract) -> Iterator[Problem]:
    modes: dict[str, str] = {}
    for number, resource in enumerate(contract.resources):
        rules = resource.arrears
        pairs = [(rules.entity, rules.mode), *((d.entity, d.mode) for d in rules.derives)]
        for entity, mode in pairs:
            if modes.setdefault(entity, mode) != mode:
                clash = f"{entity} is '{modes[entity]}' in another file and '{mode}' here"
                yield ("resources", number, "arrears"), clash
