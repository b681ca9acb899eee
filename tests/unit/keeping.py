"""Whether rows of text keep a contract, read as plainly as can be: no code of the product, only the descriptor."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
Field = dict[str, Any]


def contract(lender: str) -> dict[str, Any]:
    """A lender's descriptor."""
    loaded: dict[str, Any] = YAML(typ="safe").load((ROOT / "lenders" / lender / "datapackage.yaml").read_text("utf-8"))
    return loaded


def file_of(resource: dict[str, Any], day: date) -> str:
    """Name of a resource's file."""
    name: str = resource["arrears"]["file"].format(date=day)
    return name


def _day(text: str, formats: Sequence[str]) -> date:
    for form in formats:
        try:
            return datetime.strptime(text, form).date()
        except ValueError:
            continue
    raise ValueError(text)


def _number(field: Field, text: str) -> Decimal:
    if not field.get("bareNumber", True):
        text = text.strip("%")
    if group := field.get("groupChar"):
        if not re.fullmatch(rf"-?[0-9]{{1,3}}({re.escape(group)}[0-9]{{3}})*(\.[0-9]+)?", text):
            raise ValueError(text)
        text = text.replace(group, "")
    if not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", text):
        raise ValueError(text)
    return Decimal(text)


def value(field: Field, text: str) -> Any:
    """What a text says, in the file's own unit. Raises ValueError or InvalidOperation where it says nothing."""
    kind, form = field["type"], field.get("format", "default")
    if kind == "date":
        own = ["%Y-%m-%d"] if form == "default" else [form]
        return _day(text, field["arrears"]["formats"] if form == "any" else own)
    if kind == "datetime":
        found = datetime.fromisoformat(text)
        if found.tzinfo is None:
            raise ValueError(text)
        return found
    if kind == "integer":
        if not re.fullmatch("-?[0-9]+", text):
            raise ValueError(text)
        return int(text)
    if kind == "number":
        return _number(field, text)
    if kind == "boolean":
        return {**dict.fromkeys(field["trueValues"], True), **dict.fromkeys(field["falseValues"], False)}[text]
    assert kind == "string"
    return text


def complaints(field: Field, text: str, missing: Sequence[str]) -> Iterator[str]:
    """What is wrong with a cell."""
    rules = field.get("constraints", {})
    if text in missing:
        if rules.get("required"):
            yield "is required"
        return
    try:
        found = value(field, text)
    except (ValueError, KeyError, InvalidOperation):
        yield f"is no {field['type']}"
        return
    if "enum" in rules and found not in rules["enum"]:
        yield "is not in the list"
    if "minimum" in rules and found < Decimal(str(rules["minimum"])):
        yield "is too small"
    if "maximum" in rules and found > Decimal(str(rules["maximum"])):
        yield "is too large"
    if "pattern" in rules and not re.fullmatch(rules["pattern"], found):
        yield "does not match"
    if text not in field.get("arrears", {}).get("values", {text: text}):
        yield "has no canonical value"


def violations(resource: dict[str, Any], header: Sequence[str], rows: Sequence[Sequence[str]], day: date) -> list[str]:
    """Every way in which a table of text breaks its contract. Rows are counted from 1."""
    schema = resource["schema"]
    fields: list[Field] = schema["fields"]
    found = [] if list(header) == [f["name"] for f in fields] else [f"header {header}"]
    keys: Counter[tuple[str, ...]] = Counter()
    for number, row in enumerate(rows, 1):
        if len(row) != len(fields):
            found.append(f"row {number}: {len(row)} cells")
            continue
        for field, text in zip(fields, row, strict=True):
            at = f"row {number}, {field['name']}: {text!r}"
            found += [f"{at} {what}" for what in complaints(field, text, schema["missingValues"])]
            if field["name"] == resource["arrears"].get("business_date") and value(field, text) != day:
                found.append(f"{at} is another day's")
        keys[tuple(row[list(header).index(name)] for name in schema["primaryKey"])] += 1
    return found + [f"key {key} {count} times" for key, count in keys.items() if count > 1]
