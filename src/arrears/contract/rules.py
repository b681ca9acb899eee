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
    yield from _pattern_problems(("arrears", "delivery", "folder"), rules.delivery.folder, must_vary=False)
    for name, value in rules.conventions.items():
        yield from _convention_problems(("arrears", "conventions", name), name, str(value))
    for number, own in enumerate(rules.product_conventions):
        yield from _convention_problems(("arrears", "product_conventions", number), own.convention, own.value)
    names = [resource.name for resource in contract.resources]
    for number, name in enumerate(names):
        if names.index(name) != number:
            yield ("resources", number, "name"), f"there are two resources named '{name}'"
    files = [rules.delivery.folder + "/" + resource.arrears.file for resource in contract.resources]
    if not any("{date:" in file for file in files):
        missing = "neither folder nor file carries the business date: add {date:%Y-%m-%d}"
        yield ("arrears", "delivery", "folder"), missing


def _convention_problems(place: Place, name: str, value: str) -> Iterator[Problem]:
    if name not in CONVENTIONS:
        yield place, _unknown("a convention", name, CONVENTIONS)
    elif not CONVENTIONS[name].fullmatch(value):
        yield place, f"'{value}' is not a value of {name}; it takes {CONVENTIONS[name].pattern}"
    elif name == "allocation_order" and len(set(value.split(","))) != 4:
        yield place, f"'{value}' names a component twice"


def _pattern_problems(place: Place, pattern: str, *, must_vary: bool) -> Iterator[Problem]:
    try:
        first, second = (pattern.format(date=day) for day in (dt.date(2024, 1, 31), dt.date(2024, 2, 29)))
    except (KeyError, ValueError, IndexError) as error:
        yield place, f"'{pattern}' cannot be filled in ({error}); only {{date:…}} stands in it, e.g. {{date:%Y%m%d}}"
        return
    if must_vary and first == second:
        yield place, f"'{pattern}' does not carry the business date"
    if ".." in first.split("/") or first.startswith("/"):
        yield place, f"'{pattern}' leaves the lender's landing folder"


def _resource_problems(place: Place, resource: Resource) -> Iterator[Problem]:
    rules = resource.arrears
    here = (*place, "arrears")
    columns = {field.name: field for field in resource.table.fields}
    yield from _pattern_problems((*here, "file"), rules.file, must_vary=False)
    try:
        codecs.lookup(resource.encoding)
    except LookupError:
        yield (*place, "encoding"), f"'{resource.encoding}' is not an encoding that Python knows"
    yield from _column_problems(place, resource)
    control_sum = rules.control.sum if rules.control else None
    for label, column in (("business_date", rules.business_date), ("control", control_sum)):
        if column is not None and column not in columns:
            yield (*here, label), _unknown("a column of this file", column, columns)
    if rules.entity not in ENTITIES:
        yield (*here, "entity"), _unknown("an entity", rules.entity, ENTITIES)
    else:
        yield from _mapping_problems(place, resource, ENTITIES[rules.entity])
    for number, derivation in enumerate(rules.derives):
        yield from _derivation_problems((*here, "derives", number), derivation, columns)


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
        try:
            re.compile(field.constraints.pattern)
        except re.error as error:
            yield (*here, "constraints", "pattern"), f"not a regular expression: {error}"
    if field.arrears.unit is not None and field.type not in ("integer", "number"):
        yield (*here, "arrears", "unit"), f"a {field.type} has no unit"
    if field.arrears.pii == "hash" and field.arrears.field is None:
        useless = "a hash that fills no field is of no use: name the field, or drop the column"
        yield (*here, "arrears", "pii"), useless


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
        elif entity.fields[name].allowed and value not in entity.fields[name].allowed:
            yield here, _unknown(f"a value of {name}", value, entity.fields[name].allowed)
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
    if rule.allowed and field.arrears.values is not None:
        for value in field.arrears.values.values():
            if value not in rule.allowed:
                yield place, _unknown(f"a value of {target}", value, rule.allowed)


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
        allowed = entity.fields[target].allowed
        if sum(given) != 1:
            yield here, "give exactly one of column, value, business_date"
        for value in [source.value] if source.value is not None else (source.values or {}).values():
            if allowed and value not in allowed:
                yield here, _unknown(f"a value of {target}", value, allowed)


def _mode_problems(contract: Contract) -> Iterator[Problem]:
    modes: dict[str, str] = {}
    for number, resource in enumerate(contract.resources):
        rules = resource.arrears
        pairs = [(rules.entity, rules.mode), *((d.entity, d.mode) for d in rules.derives)]
        for entity, mode in pairs:
            if modes.setdefault(entity, mode) != mode:
                clash = f"{entity} is '{modes[entity]}' in another file and '{mode}' here"
                yield ("resources", number, "arrears"), clash
