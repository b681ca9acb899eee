"""The tables of rules that are data: read from the project's seeds, and nothing computed from them."""

from __future__ import annotations

import csv
import datetime as dt
import math
from dataclasses import dataclass
from decimal import Decimal
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


@dataclass(frozen=True)
class Band:
    """A band of whole numbers, both bounds included. most None: no upper bound; least None: no lower one."""

    name: str
    least: int | None
    most: int | None

    def holds(self, number: int) -> bool:
        """Whether a number is in the band."""
        return (self.least is None or self.least <= number) and (self.most is None or number <= self.most)


def _band(row: dict[str, str], name: str, least: str, most: str) -> Band:
    return Band(row[name], int(row[least]) if row[least] else None, int(row[most]) if row[most] else None)


@cache
def long_overdue_bands() -> tuple[Band, ...]:
    """The bands of days long past due, which overlap."""
    return tuple(_band(row, "dpd_band", "min_dpd", "max_dpd") for row in rows("long_overdue_bands"))


@cache
def loan_count_band(loans: int) -> str:
    """The band of a number of loans."""
    bands = [_band(row, "loan_count_band", "min_loans", "max_loans") for row in rows("loan_count_bands")]
    (found,) = [band.name for band in bands if band.holds(loans)]
    return found


@cache
def score_band(score: Decimal | None) -> str:
    """The band of a credit score, whose cents do not count; `unknown` without one."""
    if score is None:
        return "unknown"
    bands = [_band(row, "score_band", "min_score", "max_score") for row in rows("score_bands")]
    (found,) = [band.name for band in bands if band.holds(math.floor(score))]
    return found


@cache
def ifrs9_stage(dpd: int) -> int:
    """The stage of so many days past due."""
    stages = [_band(row, "stage", "min_dpd", "max_dpd") for row in rows("ifrs9_stages")]
    (found,) = [stage.name for stage in stages if stage.holds(dpd)]
    return int(found)


@dataclass(frozen=True)
class RiskRules:
    """One version of a regime's rules: its categories, the best first."""

    effective_from: dt.date
    categories: tuple[Band, ...]

    def category(self, dpd: int) -> str:
        """The category of so many days past due."""
        (found,) = [category.name for category in self.categories if category.holds(dpd)]
        return found

    def worse(self, one: str, other: str) -> str:
        """The worse of two categories."""
        names = [category.name for category in self.categories]
        return max(one, other, key=names.index)


@cache
def risk_rules(regime: str, day: dt.date) -> RiskRules | None:
    """The rules of a regime in force on a day; None before the first."""
    versions = {dt.date.fromisoformat(row["effective_from"]) for row in _regime(regime)}
    begun = [effective_from for effective_from in versions if effective_from <= day]
    if not begun:
        return None
    newest = [row for row in _regime(regime) if row["effective_from"] == max(begun).isoformat()]
    newest.sort(key=lambda row: int(row["sort_order"]))
    return RiskRules(max(begun), tuple(_band(row, "category", "min_dpd", "max_dpd") for row in newest))


def _regime(regime: str) -> list[dict[str, str]]:
    return [row for row in rows("risk_categories") if row["regime"] == regime]


@dataclass(frozen=True)
class ContactRule:
    """One version of a rule of contact. channels: to which it applies, empty for all."""

    rule: str
    sort_order: int
    effective_from: dt.date
    channels: frozenset[str]
    quiet_from: dt.time | None
    quiet_until: dt.time | None
    most_connected_calls_a_day: int | None


@cache
def contact_rules() -> tuple[ContactRule, ...]:
    """All versions of all rules of contact."""
    return tuple(
        ContactRule(
            row["rule"],
            int(row["sort_order"]),
            dt.date.fromisoformat(row["effective_from"]),
            frozenset(channel.strip() for channel in row["channels"].split(",") if channel.strip()),
            dt.time.fromisoformat(row["quiet_from"]) if row["quiet_from"] else None,
            dt.time.fromisoformat(row["quiet_until"]) if row["quiet_until"] else None,
            int(row["most_connected_calls_a_day"]) if row["most_connected_calls_a_day"] else None,
        )
        for row in rows("contact_rules")
    )


@cache
def signals() -> tuple[str, ...]:
    """The signals of early warning, in their order."""
    return tuple(row["signal"] for row in sorted(rows("signals"), key=lambda row: int(row["sort_order"])))


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
