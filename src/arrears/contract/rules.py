"""What a contract must hold beyond its shape: a lender, files and columns that can be read as they are described."""

from __future__ import annotations

import codecs
import datetime as dt
import re
from collections.abc import Iterator
from zoneinfo import ZoneInfo

from arrears.contract.entities import Kind
from arrears.contract.filling import filling_problems, mode_problems
from arrears.contract.model import Contract, Resource, TableField, Trailer
from arrears.contract.problem import Place, Problem, a, is_literal, unknown

# Conventions of metrics that a contract may override, with the values each may take.
CONVENTIONS: dict[str, re.Pattern[str]] = {
    "first_day": re.compile("[01]"),
    "tol_abs": re.compile(r"\d+(\.\d+)?"),
    "tol_pct": re.compile(r"0|0?\.\d+|1"),
    "grace_days": re.compile(r"\d{1,3}"),
    "outstanding": re.compile("computed|reported"),
    "allocation": re.compile("waterfall|reported"),
    "allocation_order": re.compile("(penalty|fee|interest|principal)(,(penalty|fee|interest|principal)){3}"),
    "components": re.compile("(penalty|fee|interest|principal)(,(penalty|fee|interest|principal)){0,3}"),
    "basis": re.compile("oldest_unpaid|missed_payments"),
    "day_count": re.compile("days|30_360|mba|ots"),
    "non_working_day": re.compile("none|next"),
    "default_dpd": re.compile(r"\d{1,4}"),
    "scheme": re.compile("cn30|tape29"),
    "risk_regime": re.compile("cn_2023_retail|cn_2023_card"),
    "promise_grace_days": re.compile(r"\d{1,3}"),
    "promise_kept_share": re.compile(r"0?\.\d*[1-9]\d*|1"),
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
    yield from mode_problems(contract)


def _lender_problems(contract: Contract) -> Iterator[Problem]:
    rules = contract.arrears
    if f"{contract.lender}_".startswith("event_"):
        yield ("name",), "a lender is not called event or event_…: its loans would lie where raw has events"
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
        for place, pattern in _file_patterns(("resources", number, "arrears"), resource):
            if not _tells_days_apart(f"{rules.delivery.folder}/{pattern}", rules.calendar):
                missing = (
                    "folder and file do not tell one business date from another, so the same file would be loaded "
                    "again and again: add {date:%Y-%m-%d}"
                )
                yield place, missing


def _file_patterns(place: Place, resource: Resource) -> Iterator[tuple[Place, str]]:
    """The patterns of the file itself and of the one that controls it."""
    yield (*place, "file"), resource.arrears.file
    control = resource.arrears.control
    if control is not None and not isinstance(control, Trailer):
        yield (*place, "control", "file"), control.file


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
        yield place, unknown("a convention", name, CONVENTIONS)
    elif not CONVENTIONS[name].fullmatch(value):
        yield place, f"'{value}' is not a value of {name}; it takes {CONVENTIONS[name].pattern}"
    elif len(set(value.split(","))) != len(value.split(",")):
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
    here = (*place, "arrears")
    columns = {column.name: column for column in resource.table.columns()}
    for where, pattern in _file_patterns(here, resource):
        yield from _pattern_problems(where, pattern)
    yield from _format_problems(place, resource)
    yield from _dialect_problems((*place, "dialect"), resource)
    yield from _column_problems(place, resource)
    yield from _special_column_problems(here, resource, columns)
    yield from _change_problems(here, resource, columns)
    yield from filling_problems(place, resource)


def _format_problems(place: Place, resource: Resource) -> Iterator[Problem]:
    """What goes with one format of files and not with another."""
    if not _is_text_encoding(resource.encoding):
        yield (*place, "encoding"), f"'{resource.encoding}' is not a text encoding that Python knows"
    elif resource.format != "csv" and codecs.lookup(resource.encoding).name != "utf-8":
        yield (*place, "encoding"), f"a {resource.format} file has no encoding of its own choice: leave it out"
    if resource.format != "csv" and isinstance(resource.arrears.control, Trailer):
        yield (*place, "arrears", "control"), f"only a csv file ends with a trailer, a {resource.format} file does not"
    for number, field in enumerate(resource.table.fields):
        if field.type == "object" and resource.format != "jsonl":
            yield (*place, "schema", "fields", number, "type"), f"a {resource.format} file holds no objects"


def _special_column_problems(here: Place, resource: Resource, columns: dict[str, TableField]) -> Iterator[Problem]:
    """Columns that say something of the file as a whole."""
    control = resource.arrears.control
    for label, column, types in (
        ("business_date", resource.arrears.business_date, ("date",)),
        ("control", control.sum if isinstance(control, Trailer) else None, ("integer", "number")),
    ):
        if column is not None and column not in columns:
            yield (*here, label), unknown("a column of this file", column, columns)
        elif column is not None and columns[column].type not in types:
            yield (*here, label), f"'{column}' is {a(columns[column].type)}, not {a(' or '.join(types))}"


def _change_problems(here: Place, resource: Resource, columns: dict[str, TableField]) -> Iterator[Problem]:
    change, mode = resource.arrears.change, resource.arrears.mode
    if mode != "changes":
        if change is not None:
            yield (*here, "change"), f"the rows of a file in mode '{mode}' are no changes: leave it out"
        return
    if change is None:
        yield (*here, "mode"), "name the columns of the operation and its time: change: {op: …, at: …}"
        return
    for label, column in (("op", change.op), ("at", change.at)):
        place = (*here, "change", label)
        if column not in columns:
            yield place, unknown("a column of this file", column, columns)
        elif columns[column].arrears.pii is not None:
            yield place, f"'{column}' is hashed or dropped on the way in"
        elif label == "at" and columns[column].type not in ("date", "datetime"):
            yield place, f"'{column}' is {a(columns[column].type)}, not a datetime"


def _is_text_encoding(name: str) -> bool:
    try:
        "a".encode(name)  # refuses codecs that are none of text, such as hex
        codecs.getincrementaldecoder(name)
    except LookupError:
        return False
    return True


def _dialect_problems(place: Place, resource: Resource) -> Iterator[Problem]:
    """The splitter takes single-byte characters, and knows no other way to write a quote than to double it."""
    dialect = resource.dialect
    for name, character in (("delimiter", dialect.delimiter), ("quoteChar", dialect.quote_char)):
        if character and (not character.isascii() or character in "\r\n"):
            yield (*place, name), f"'{character}' is not a single ASCII character within the line"
    if dialect.delimiter == dialect.quote_char:
        yield (*place, "quoteChar"), "delimiter and quote character are the same"
    other = dialect.model_extra or {}
    if (dialect.quote_char and not dialect.double_quote) or other.get("escapeChar"):
        yield place, "quotes that are escaped are not read: only doubled ones (doubleQuote: true, no escapeChar)"
    control = resource.arrears.control
    # To other tools a trailer is a comment, and a contract may tell them so.
    harmless = [None, False, [], [1], "", control.mark if isinstance(control, Trailer) else None]
    for name in ("commentChar", "headerJoin", "commentRows", "skipInitialSpace"):
        if other.get(name) not in harmless:
            yield (*place, name), f"{name} is not read: there is one header line, and every line after it is a row"
    yield from _header_problems(place, resource)


def _header_problems(place: Place, resource: Resource) -> Iterator[Problem]:
    """A workbook may have a title above its header; the table of every other file begins with its first line."""
    dialect = resource.dialect
    rows = dialect.header_rows
    if resource.format == "xlsx":
        if rows is not None and (len(rows) != 1 or rows[0] < 1):
            yield (*place, "headerRows"), "the header is one row: give its number, counted from 1, as [2]"
        if (dialect.model_extra or {}).get("sheetNumber") is not None:
            yield (*place, "sheetNumber"), "sheets are found by their name, which moves with them: give sheetName"
    else:
        if rows not in (None, [1]):
            yield (*place, "headerRows"), f"the header of a {resource.format} file is its first line"
        if dialect.sheet_name is not None:
            yield (*place, "sheetName"), f"a {resource.format} file has no sheets"
    if resource.format != "csv" and not dialect.header:
        yield (*place, "header"), f"a {resource.format} file names its columns: leave the property out"


def _column_problems(place: Place, resource: Resource) -> Iterator[Problem]:
    schema = (*place, "schema")
    names = [field.name for field in resource.table.fields]
    for number, field in enumerate(resource.table.fields):
        here = (*schema, "fields", number)
        if names.index(field.name) != number:
            yield (*here, "name"), f"there are two columns named '{field.name}'"
        yield from _object_problems(here, field) if field.type == "object" else _field_problems(here, field)
        for part in field.columns() if field.type == "object" else ():
            if part.name in names:
                yield (*here, "name"), f"'{part.name}' is a part of this object and a column of its own"
    yield from _key_problems(schema, resource)
    other = resource.table.model_extra or {}
    if other.get("foreignKeys"):
        rule = (
            "not checked here: a loan may arrive after its payments, which then wait for it; rows whose loan is "
            "unknown are held out of the marts and counted. Leave foreignKeys out"
        )
        yield (*schema, "foreignKeys"), rule
    if resource.format == "csv" and other.get("fieldsMatch") not in (None, "exact", ["exact"]):
        yield (*schema, "fieldsMatch"), "a csv file has the contract's columns in the contract's order: 'exact' alone"


def _key_problems(schema: Place, resource: Resource) -> Iterator[Problem]:
    columns = {column.name: column for column in resource.table.columns()}
    key = resource.table.primary_key
    keys: list[tuple[Place, list[str]]] = [((*schema, "primaryKey"), [key] if isinstance(key, str) else key or [])]
    keys += [((*schema, "uniqueKeys", number), names) for number, names in enumerate(resource.table.unique_keys)]
    for place, names in keys:
        for name in names:
            if name not in columns:
                yield place, unknown("a column of this file", name, columns)
            elif columns[name].arrears.pii == "drop":
                yield place, f"'{name}' is dropped on the way in, so that it cannot be compared"


def _object_problems(here: Place, field: TableField) -> Iterator[Problem]:
    """An object is its parts: all that is said of it is said of them."""
    own = field.arrears
    if own.parts is None:
        yield (*here, "arrears"), "name the members of the object that are read: arrears: {parts: [{name: …}, …]}"
        return
    if own.model_fields_set - {"parts"} or field.constraints.model_fields_set or field.missing_values is not None:
        yield here, "an object fills no field and has no constraints of its own: say it of its parts"
    names = [part.name for part in own.parts]
    for number, part in enumerate(own.parts):
        place = (*here, "arrears", "parts", number)
        if names.index(part.name) != number:
            yield (*place, "name"), f"there are two parts named '{part.name}'"
        if part.type == "object":
            yield (*place, "type"), "an object within an object is not read: one level is"
        else:
            yield from _field_problems(place, part)


def _field_problems(here: Place, field: TableField) -> Iterator[Problem]:
    if field.arrears.parts is not None:
        yield (*here, "arrears", "parts"), f"{a(field.type)} has no parts: an object has"
    yield from _date_problems(here, field)
    if field.constraints.pattern is not None:
        yield from _regex_problems((*here, "constraints", "pattern"), field.constraints.pattern)
    yield from _bound_problems((*here, "constraints"), field)
    if field.group_char is not None and field.group_char == field.decimal_char:
        yield (*here, "groupChar"), "the same character cannot group digits and begin decimals"
    if field.type == "datetime" and field.format not in ("default", "any"):
        yield (*here, "format"), "a datetime is read as ISO 8601 alone, 2024-01-31T08:30:00+08:00: leave the format out"
    yield from _pii_problems(here, field)
    if field.arrears.unit is not None and field.type not in ("integer", "number"):
        yield (*here, "arrears", "unit"), f"{a(field.type)} has no unit"
    if (field.constraints.model_extra or {}).get("jsonSchema") is not None:
        yield (*here, "constraints", "jsonSchema"), "not checked here: describe an object by its parts, or leave it out"
    if (field.model_extra or {}).get("categories") is not None:
        yield (*here, "categories"), "not checked here: list the values as constraints: {enum: […]}"


def _date_problems(here: Place, field: TableField) -> Iterator[Problem]:
    place = (*here, "arrears", "formats")
    formats = field.arrears.formats
    if formats is not None and (field.type != "date" or field.format != "any"):
        yield place, "several formats are of a column with type: date and format: any"
    if field.type != "date":
        return
    given = [((*here, "format"), field.format)] if field.format != "any" else []
    for where, pattern in [*given, *((place, pattern) for pattern in formats or [])]:
        if pattern != "default" and not date_format_is_known(pattern):
            rule = "is not a date format we read: %Y%m%d, or %Y, %m and perhaps %d with one character between them"
            yield where, f"'{pattern}' {rule}"
    # a text that two of them can read is two dates
    shapes = [re.sub("%[md]", "%m", "%Y-%m-%d" if pattern == "default" else pattern) for pattern in formats or []]
    if len(shapes) != len(set(shapes)):
        yield place, "two of these formats read the same text, perhaps as two dates"


def _regex_problems(place: Place, pattern: str) -> Iterator[Problem]:
    """Asks the engine that judges the rows: it knows neither look-around nor back-references."""
    import polars as pl

    try:
        pl.Series([""]).str.contains(rf"\A(?:{pattern})\z")
    except pl.exceptions.ComputeError as error:
        why = re.search(r"error: (?!.*error: )([^\n]+)", str(error))
        yield place, f"'{pattern}' is not a regular expression as we read them: {why.group(1) if why else 'unknown'}"


def _bound_problems(place: Place, field: TableField) -> Iterator[Problem]:
    limits = field.constraints
    kind = {"integer": Kind.MONEY, "number": Kind.MONEY, "date": Kind.DATE, "datetime": Kind.INSTANT}.get(field.type)
    for name, bound in (
        ("minimum", limits.minimum), ("maximum", limits.maximum),
        ("exclusiveMinimum", limits.exclusive_minimum), ("exclusiveMaximum", limits.exclusive_maximum),
    ):  # fmt: skip
        if bound is not None and kind is None:
            yield (*place, name), f"{a(field.type)} has no {name}"
        elif bound is not None and kind is not None and not is_literal(str(bound), kind):
            yield (*place, name), f"'{bound}' is not {a(field.type)}"
    if field.type in ("integer", "number"):
        for value in limits.enum or []:
            if not is_literal(str(value), Kind.MONEY):
                yield (*place, "enum"), f"'{value}' is not {a(field.type)}"


def _pii_problems(here: Place, field: TableField) -> Iterator[Problem]:
    place = (*here, "arrears", "pii")
    if field.arrears.pii == "hash" and field.arrears.field is None:
        yield place, "a hash that fills no field is of no use: name the field, or drop the column"
    if field.arrears.pii == "drop" and field.arrears.field is not None:
        yield place, "a column that is dropped fills no field: hash it, or take the field away"
    if field.arrears.pii is not None and field.arrears.values is not None:
        yield place, "a column that is hashed or dropped has no values to map"
    if field.arrears.pii == "drop" and field.constraints.unique:
        yield (*here, "constraints", "unique"), "a column that is dropped on the way in cannot be compared"
