"""The tables of rules that are data: read from the project's seeds, and nothing computed from them."""

from __future__ import annotations

import csv
import datetime as dt
from dataclasses import dataclass
from functools import cache
from pathlib import Path

SEEDS = Path(__file__).resolve().parents[2] / "dbt_project" / "seeds"


def rows(name: str) -> list[dict[str, str]]:
    """The rows of a seed, every value as text."""
    with (SEEDS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@dataclass(frozen=True)
class PaymentKind:
    """What a kind of payment does. sign: 1 settles, -1 takes back."""

    kind: str
    sign: int
    is_cash: bool
    settles_instalments: bool
    bridge_column: str | None
    terminal_state: str | None


@cache
def payment_kinds() -> dict[str, PaymentKind]:
    """Every kind of payment by its name."""
    return {
        row["kind"]: PaymentKind(
            row["kind"],
            int(row["sign"]),
            row["is_cash"] == "true",
            row["settles_instalments"] == "true",
            row["bridge_column"] or None,
            row["terminal_state"] or None,
        )
        for row in rows("payment_kinds")
    }


@cache
def terminal_events() -> dict[str, str]:
    """The state in which each ending kind of event leaves a loan."""
    return {row["kind"]: row["state"] for row in rows("event_kinds") if row["is_terminal"] == "true"}


@cache
def restructuring_events() -> frozenset[str]:
    """Kinds of events after which a loan counts as restructured."""
    return frozenset(row["kind"] for row in rows("event_kinds") if row["is_restructuring"] == "true")


@dataclass(frozen=True)
class Bucket:
    """A bucket of a scheme. max_dpd None: no upper bound."""

    scheme: str
    name: str
    sort_order: int
    min_dpd: int
    max_dpd: int | None


@cache
def buckets(scheme: str) -> tuple[Bucket, ...]:
    """The buckets of days past due of a scheme, without the terminal states, mildest first."""
    found = [
        Bucket(
            scheme,
            row["bucket"],
            int(row["sort_order"]),
            int(row["min_dpd"]),
            int(row["max_dpd"]) if row["max_dpd"] else None,
        )
        for row in rows("dpd_buckets")
        if row["scheme"] == scheme and row["is_terminal"] == "false"
    ]
    return tuple(sorted(found, key=lambda bucket: bucket.sort_order))


@cache
def bucket_of(scheme: str, dpd: int) -> Bucket:
    """The bucket that holds so many days past due."""
    (found,) = [
        bucket
        for bucket in buckets(scheme)
        if bucket.min_dpd <= dpd and (bucket.max_dpd is None or dpd <= bucket.max_dpd)
    ]
    return found


@cache
def thresholds(scheme: str) -> dict[int, int]:
    """By threshold x of a scheme the least days past due that are past it."""
    return {
        int(row["threshold_dpd"]): int(row["min_dpd"]) for row in rows("overdue_thresholds") if row["scheme"] == scheme
    }


@cache
def default_conventions() -> tuple[tuple[str, str, dt.date], ...]:
    """Name, value and first day of every default convention."""
    return tuple(
        (row["convention"], row["value"], dt.date.fromisoformat(row["effective_from"])) for row in rows("conventions")
    )


@cache
def _named_days() -> dict[dt.date, bool]:
    return {dt.date.fromisoformat(row["date"]): row["is_working_day"] == "true" for row in rows("cn_calendar")}


@cache
def _known_years() -> frozenset[int]:
    return frozenset(int(row["year"]) for row in rows("cn_calendar_years"))


def is_working_day(day: dt.date) -> bool | None:
    """Whether a day is a working day in China: Monday to Friday but for days named; None in a year unknown."""
    if day.year not in _known_years():
        return None
    return _named_days().get(day, day.isoweekday() <= 5)
