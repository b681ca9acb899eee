"""What people and scripts see: results on standard output, progress and errors on standard error."""

from __future__ import annotations

import csv
import datetime as dt
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

NUMBER = re.compile(r"[−+-]?[\d,]+(\.\d+)?|–")
FORMULAS = ("=", "+", "-", "@", "\t", "\r")  # what one begins with
# Where nobody's terminal says how wide it is (a log, a pipe), tables are as wide as they need.
out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 120)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def say(text: str) -> None:
    out.print(escape(text))


def verbatim(text: str) -> None:
    """A text as it is, for a file."""
    out.file.write(text)


def tell(text: str) -> None:
    """What a person should know beside the result; on standard error, so that the result can go into a file."""
    err.print(escape(text))


def as_json(value: Any) -> None:
    """One JSON document on standard output, dates in ISO form."""
    out.file.write(json.dumps(value, ensure_ascii=False, indent=2, default=_plain) + "\n")


def as_csv(rows: Iterable[Mapping[str, object]]) -> int:
    """Rows with a header on standard output, as they come. Returns how many there were."""
    written, writer = 0, csv.writer(out.file, lineterminator="\n")
    for row in rows:
        if not written:
            writer.writerow(row)
        writer.writerow(map(_no_formula, row.values()))
        written += 1
    return written


def _no_formula(value: object) -> object:
    """A text that a spreadsheet does not calculate: what lenders call their loans may be anything."""
    is_formula = isinstance(value, str) and value.startswith(FORMULAS) and not NUMBER.fullmatch(value)
    return f"'{value}" if is_formula else value


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, dt.date | dt.datetime) else str(value)


@contextmanager
def working(text: str) -> Iterator[None]:
    """A spinner while something takes its time; nothing where nobody is watching."""
    with err.status(escape(text)):
        yield


def error(text: str) -> None:
    first, *rest = text.splitlines()
    err.print(f"[bold red]error:[/] {escape(first)}")
    for line in rest:
        err.print(escape(line))


def table(title: str, columns: list[str], rows: list[list[object]]) -> None:
    """A table; None is shown as a dash, numbers stand right."""
    grid = Table(title=title, title_justify="left", header_style="bold")
    numeric = [all(_is_number(row[i]) for row in rows) for i in range(len(columns))]
    for name, right in zip(columns, numeric, strict=True):
        grid.add_column(name, justify="right" if right and rows else "left")
    for row in rows:
        grid.add_row(*(_cell(value) for value in row))
    out.print(grid)


def _is_number(value: object) -> bool:
    """Whether it is written with digits alone: a number, one that is text already, or none."""
    return value is None or isinstance(value, int | float) or bool(NUMBER.fullmatch(str(value)))


def _cell(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, dt.datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return escape(str(value))
