"""Samples of JSON Lines, and manifests: the two ways in which JSON comes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from arrears.onboard.sample import MOST_ROWS, Column, ManifestSeen, Sample, unreadable

_DIGEST = re.compile("[0-9a-fA-F]{64}")


class _Number(str):
    """A number, with the digits it is written with."""


_DECODER = json.JSONDecoder(parse_float=_Number, parse_int=_Number)


def looks_like_json_lines(text: str) -> bool:
    """Whether the first line is an object."""
    first = text.lstrip("\ufeff").lstrip().partition("\n")[0]
    try:
        return isinstance(json.loads(first), dict)
    except ValueError:
        return False


def read_manifest(path: Path, text: str) -> ManifestSeen | None:
    """The keys of a manifest; None where the document is none."""
    try:
        document = json.loads(text)
    except ValueError:
        return None
    if not isinstance(document, dict):
        return None
    for key, entries in document.items():
        if isinstance(entries, list) and entries and isinstance(entries[0], dict):
            digest = _key(entries[0], lambda value: isinstance(value, str) and bool(_DIGEST.fullmatch(value)))
            rows = _key(entries[0], lambda value: isinstance(value, int) and not isinstance(value, bool))
            name = _key(entries[0], lambda value: isinstance(value, str) and "." in value)
            date = _key(document, lambda value: bool(re.fullmatch(r"\d{4}-?\d\d-?\d\d", str(value))))
            if digest is not None or (rows is not None and name is not None):
                return ManifestSeen(path, str(key), name, rows, digest, date)
    return None


def _key(entry: dict[str, Any], holds: Any) -> str | None:
    return next((str(key) for key, value in entry.items() if holds(value)), None)


def read_json_lines(path: Path, text: str, *, whole: bool) -> Sample:
    """The sample of a JSON Lines file. Columns stand in the order in which they are first seen."""
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
    if not whole:
        lines.pop()
    written = [(number, line) for number, line in enumerate(lines, start=1) if line.strip()]
    objects = [_object(path, number, line) for number, line in written[:MOST_ROWS]]
    if not objects:
        raise unreadable(path, "there is no line in it")
    sample = Sample(path, "jsonl", [], len(objects), whole and len(written) <= MOST_ROWS, header_row=0)
    sample.columns = _columns(objects, "", sample)
    return sample


def _object(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        value = _DECODER.decode(line.strip())
    except (ValueError, RecursionError):
        raise unreadable(path, f"line {number} is not JSON") from None
    if not isinstance(value, dict):
        raise unreadable(path, f"line {number} is no JSON object: each line holds one, from {{ to }}")
    return value


def _columns(objects: list[dict[str, Any]], prefix: str, sample: Sample) -> list[Column]:
    return [_column(name, [item.get(name) for item in objects], prefix, sample) for name in
            dict.fromkeys(name for item in objects for name in item)]  # fmt: skip


def _column(name: str, values: list[Any], prefix: str, sample: Sample) -> Column:
    full = f"{prefix}{name}"
    inner = [value for value in values if isinstance(value, dict)]
    if inner and not prefix:
        return Column(name, type="object", parts=_columns([value or {} for value in values], f"{name}.", sample))
    if inner or any(isinstance(value, list) for value in values):
        sample.doubts.append(f"'{full}' holds arrays, or objects in an object, which are not read: have it flattened")
    given = {type(value) for value in values if value is not None}
    kind = "boolean" if given == {bool} else None if given <= {_Number} else "string"
    return Column(full, [_text(value) for value in values], kind if given else None)


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False)
