"""Dates in the names of folders and files: the pattern that finds tomorrow's delivery."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_FORMATS = (("%Y-%m-%d", r"\d{4}-\d\d-\d\d"), ("%Y_%m_%d", r"\d{4}_\d\d_\d\d"), ("%Y.%m.%d", r"\d{4}\.\d\d\.\d\d"),
            ("%Y%m%d", r"\d{8}"))  # fmt: skip
_NESTED = re.compile(r"(\d{4})/(\d\d)/(\d\d)")


@dataclass(frozen=True)
class Place:
    """Where a delivery's files lie.

    Attributes:
        lender: name of the folder above, if it may be a lender's.
        folder: the folder's pattern; None where no date stands in it.
        date: the business date in the path, of folder or file.
    """

    lender: str | None
    folder: str | None
    date: dt.date | None


def dated(name: str) -> tuple[str, dt.date] | None:
    """A name with {date:…} in place of the date in it; None where there is none."""
    for pattern, shape in _FORMATS:
        for found in re.finditer(rf"(?<!\d){shape}(?!\d)", name):
            date = _date(found.group(), pattern)
            if date is not None:
                return f"{name[: found.start()]}{{date:{pattern}}}{name[found.end() :]}", date
    return None


def _date(text: str, pattern: str) -> dt.date | None:
    try:
        date = dt.datetime.strptime(text, pattern).date()
    except ValueError:
        return None
    return date if 1990 <= date.year <= 2100 else None


def place(paths: Sequence[Path]) -> Place:
    """Where the samples lie, judged by the folder of the first."""
    folder = paths[0].resolve().parent
    in_name = dated(paths[0].name)
    nested = "/".join(folder.parts[-3:])
    if _NESTED.fullmatch(nested) and (date := _date(nested, "%Y/%m/%d")):
        return Place(_lender(folder.parents[2]), "{date:%Y/%m/%d}", date)
    in_folder = dated(folder.name)
    if in_folder is not None:
        return Place(_lender(folder.parent), in_folder[0], in_folder[1])
    return Place(_lender(folder), None, in_name[1] if in_name else None)


def _lender(folder: Path) -> str | None:
    name = folder.name.lower().replace("-", "_")
    return name if re.fullmatch("[a-z][a-z0-9_]*", name) else None
