"""A contract held against values that a file's own library has read, in plain Python: no code of the package's."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, Decimal),
    "boolean": (bool,),
    "date": (date,),
    "datetime": (datetime,),
}

Row = dict[str, Any]


def contract_of(lender: str) -> dict[str, Any]:
    """A lender's descriptor."""
    loaded: dict[str, Any] = YAML(typ="safe").load((ROOT / "lenders" / lender / "datapackage.yaml").read_text("utf-8"))
    return loaded


def columns_of(resource: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Fields by name; the parts of an object as `object.part`."""
    found = {}
    for field in resource["schema"]["fields"]:
        if field["type"] != "object":
            found[field["name"]] = field
        else:
            found |= {f"{field['name']}.{part['name']}": part for part in field["arrears"]["parts"]}
    return found


def violations(resource: dict[str, Any], rows: list[Row], day: date) -> Iterator[str]:
    """Every way in which rows break their contract."""
    columns = columns_of(resource)
    for number, row in enumerate(rows, 1):
        if list(row) != list(columns):
            yield f"row {number} has columns {list(row)}"
            continue
        for name, field in columns.items():
            yield from (f"row {number}, {name}: {row[name]!r} {what}" for what in _complaints(field, row[name]))
        if row.get(resource["arrears"].get("business_date"), day) != day:
            yield f"row {number} is another day's"
    keys = Counter(tuple(row[name] for name in resource["schema"]["primaryKey"]) for row in rows)
    yield from (f"key {key} {count} times" for key, count in keys.items() if count > 1)


def _complaints(field: dict[str, Any], value: Any) -> Iterator[str]:
    rules = field.get("constraints", {})
    if value is None:
        if rules.get("required"):
            yield "is required"
        return
    if type(value) not in TYPES[field["type"]]:
        yield f"is no {field['type']}"
        return
    if "enum" in rules and value not in rules["enum"]:
        yield "is not in the list"
    if "minimum" in rules and value < Decimal(str(rules["minimum"])):
        yield "is too small"
    if "maximum" in rules and value > Decimal(str(rules["maximum"])):
        yield "is too large"
    if "pattern" in rules and not re.fullmatch(rules["pattern"], value):
        yield "does not match"
    if field["type"] == "datetime" and value.utcoffset() is None:
        yield "has no offset from UTC"
    values = field.get("arrears", {}).get("values")
    if values and value not in values:
        yield "has no canonical value"
