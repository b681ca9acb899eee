"""What a report's tables should say, reckoned in plain Python from the rows of the marts.

A table of sums is checked row by row: its keys pick rows of a mart, its figures are sums over them or one sum over
another, and every row of the mart in its window is in one of its rows.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

Row = dict[str, Any]
Marts = Callable[[str], list[Row]]
DAY = dt.timedelta(days=1)


def months_before(day: dt.date, months: int) -> dt.date:
    """The same day of an earlier month, or its last."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    for number in range(day.day, 0, -1):
        try:
            return dt.date(year, month + 1, number)
        except ValueError:
            continue
    raise AssertionError


def ratio(above: Any, below: Any, places: int = 6) -> Decimal | None:
    if not below or above is None:
        return None
    return round(Decimal(above) / Decimal(below), places)


@dataclass(frozen=True)
class Sums:
    """A table of sums over a mart.

    Attributes:
        keys: its column, and the mart's column or what is reckoned from a row of it.
        figures: its column, and the mart's columns or reckoning that it sums.
        ratios: its column, and the two of `figures` (or of `extra`) that it divides.
        within: whether a row of the mart belongs to it, given the newest day of its lender.
        newest: the column of the mart whose newest value of each lender alone counts.
        back_from: the column of the mart whose newest value `within` is given in place of its lender's newest day.
    """

    mart: str
    keys: Mapping[str, Any]
    figures: Mapping[str, Any]
    ratios: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)
    within: Callable[[Row, dt.date], bool] = lambda row, as_of: True
    newest: str | None = None
    back_from: str | None = None

    def rows(self, marts: Marts) -> dict[tuple[Any, ...], Row]:
        """By its keys, what the table should say."""
        rows = marts(self.mart)
        as_of = {row["lender"]: row["data_as_of"] for row in marts("dim_lender")}
        if self.back_from:
            as_of = newest_of(rows, self.back_from)
        rows = [row for row in rows if self.within(row, as_of[row["lender"]])]
        if self.newest:
            last = newest_of(rows, self.newest)
            rows = [row for row in rows if row[self.newest] == last[row["lender"]]]
        found: dict[tuple[Any, ...], list[Row]] = {}
        for row in rows:
            found.setdefault(tuple(_of(row, key) for key in self.keys.values()), []).append(row)
        return {key: self._figures(of) for key, of in found.items()}

    def _figures(self, rows: Iterable[Row]) -> Row:
        rows = list(rows)
        sums = {name: _sum(_of(row, what) for row in rows) for name, what in {**self.figures, **self.extra}.items()}
        told = {name: sums[name] for name in self.figures}
        return told | {name: ratio(sums[above], sums[below]) for name, (above, below) in self.ratios.items()}


def newest_of(rows: Iterable[Row], column: str) -> dict[str, Any]:
    """The newest value of each lender."""
    found: dict[str, Any] = {}
    for row in rows:
        found[row["lender"]] = max(row[column], found.get(row["lender"], row[column]))
    return found


def _of(row: Row, what: Any) -> Any:
    return what(row) if callable(what) else row[what]


def _sum(values: Iterable[Any]) -> Any:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def same(*names: str) -> dict[str, str]:
    return {name: name for name in names}


def since(column: str, months: int) -> Callable[[Row, dt.date], bool]:
    return lambda row, as_of: row[column] > months_before(as_of, months)


def whole_months(column: str, months: int) -> Callable[[Row, dt.date], bool]:
    """Of so many months, the last of which is over on the newest day."""

    def within(row: Row, as_of: dt.date) -> bool:
        last = (as_of + DAY).replace(day=1)  # the day after the last month-end
        return months_before(last, months) <= row[column] < last

    return within


def _quarter_end(day: dt.date) -> dt.date:
    return months_before(dt.date(day.year + day.month // 12, day.month % 12 + 1, 1), -((3 - day.month % 3) % 3)) - (
        dt.timedelta(days=1)
    )


def _month_end(day: dt.date) -> dt.date:
    return dt.date(day.year + day.month // 12, day.month % 12 + 1, 1) - dt.timedelta(days=1)


def _known_only(figure: str) -> Callable[[Row], Any]:
    return lambda row: row["loans"] if row[figure] is not None else None


TABLES: dict[str, Sums] = {
    "buckets_over_time": Sums(
        "mart_delinquency_daily",
        same("lender", "as_of_date", "bucket"),
        same("loans", "outstanding_principal"),
        within=lambda row, as_of: (
            row["bucket"] not in ("M0", "current")
            and (as_of - row["as_of_date"]).days % 7 == 0
            and row["as_of_date"] > months_before(as_of, 24)
        ),
    ),
    "roll_rates": Sums(
        "mart_roll_rate_monthly",
        same("lender", "from_month_end", "to_month_end", "from_state", "to_state"),
        same("loans", "opening_principal"),
        newest="from_month_end",
    ),
    "vintage_curves": Sums(
        "mart_vintage",
        {**same("lender"), "vintage_quarter": lambda row: _quarter_end(row["vintage_month"]), "mob": "mob"},
        same("disbursed_principal", "ever_principal"),
        {"ever30_rate": ("ever_principal", "disbursed_principal")},
        within=lambda row, as_of: (
            row["threshold_dpd"] == 30 and _quarter_end(row["vintage_month"]) > months_before(_quarter_end(as_of), 24)
        ),
        back_from="vintage_month",
    ),
    "vintage_triangle": Sums(
        "mart_vintage",
        same("lender", "vintage_month", "mob"),
        same("loans", "disbursed_principal", "ever_principal"),
        {"ever30_rate": ("ever_principal", "disbursed_principal")},
        within=lambda row, as_of: (
            row["threshold_dpd"] == 30 and row["mob"] <= 12 and whole_months("vintage_month", 18)(row, as_of)
        ),
        back_from="vintage_month",
    ),
    "first_payment_default": Sums(
        "mart_first_payment_default",
        same("lender", "due_month", "window_days"),
        same("eligible_loans", "short_loans"),
        {"default_rate": ("short_loans", "eligible_loans")},
        within=lambda row, as_of: row["instalment_no"] == 1 and since("due_month", 24)(row, as_of),
        back_from="due_month",
    ),
    "early_payment_defaults": Sums(
        "mart_first_payment_default",
        same("lender", "instalment_no"),
        same("eligible_loans", "short_loans", "exclusive_short_loans"),
        {
            "default_rate": ("short_loans", "eligible_loans"),
            "exclusive_default_rate": ("exclusive_short_loans", "eligible_loans"),
        },
        within=lambda row, as_of: row["window_days"] == 7 and since("due_month", 12)(row, as_of),
        back_from="due_month",
    ),
    "inflow": Sums(
        "mart_inflow_daily",
        {
            **same("lender"),
            "month_end": lambda row: _month_end(row["due_on"]),
            "is_first_instalment": "is_first_instalment",
        },
        same("instalments_due", "principal_due", "short_principal"),
        {"inflow_rate": ("short_principal", "principal_due")},
        within=whole_months("due_on", 24),
    ),
    "recovery": Sums(
        "mart_recovery_monthly",
        same("lender", "entry_month", "window_days"),
        same("entered_loans", "entry_overdue_principal", "collected_principal"),
        {"recovery_rate": ("collected_principal", "entry_overdue_principal")},
        within=lambda row, as_of: row["entry_bucket"] in ("M1", "1-29") and since("entry_month", 24)(row, as_of),
    ),
    "collection_curve": Sums(
        "mart_collection_curve",
        same("lender", "due_month", "months_since_due"),
        same("amount_due", "amount_collected_to_date"),
        {"collected_share": ("amount_collected_to_date", "amount_due")},
        within=since("due_month", 12),
    ),
    "debt_types": Sums(
        "mart_debt_type_monthly",
        same("lender", "month_end", "debt_type"),
        same("loans", "outstanding_principal", "overdue_amount"),
        within=whole_months("month_end", 1),
    ),
    "collections": Sums(
        "mart_collection_performance_monthly",
        same("lender", "agency", "channel"),
        same("actions", "promises_due", "collected_principal_7d", "complaints"),
        {
            "contact_rate": ("connected", "actions"),
            "right_party_rate": ("right_party", "actions"),
            "promises_kept_rate": ("promises_kept", "promises_due"),
        },
        extra=same("connected", "right_party", "promises_kept"),
        within=whole_months("month_end", 3),
    ),
    "compliance": Sums(
        "mart_contact_compliance_daily",
        same("lender", "agency", "rule"),
        {"checked_actions": "actions", "breaches": "breaches"},
        {"breach_rate": ("breaches", "checked_actions")},
        within=lambda row, as_of: (as_of - row["contact_on"]).days < 90,
    ),
    "relief": Sums(
        "mart_forbearance_monthly",
        same("lender", "kind"),
        same("loans", "outstanding_principal", "amount_waived", "redefaulted_loans", "cosmetic_cures"),
        {f"performing_{months}m_rate": (f"performing_{months}m", f"loans_{months}m") for months in (3, 6, 12)},
        extra={
            **{f"performing_{months}m": f"performing_{months}m" for months in (3, 6, 12)},
            **{f"loans_{months}m": _known_only(f"performing_{months}m") for months in (3, 6, 12)},
        },
        within=since("granted_month", 24),
    ),
    "classification": Sums(
        "mart_risk_classification_monthly",
        same("lender", "month_end", "regime", "category"),
        same("loans", "outstanding_principal"),
        within=whole_months("month_end", 1),
    ),
    **{
        f"segments {way}": Sums(
            "mart_borrower_segment_monthly",
            {**same("lender", "month_end"), "segment": way},
            same("borrowers", "overdue_borrowers", "outstanding_principal", "balance_overdue_30"),
            {
                "overdue_share": ("overdue_borrowers", "borrowers"),
                "par30_rate": ("balance_overdue_30", "outstanding_principal"),
            },
            within=whole_months("month_end", 1),
        )
        for way in ("birth_decade", "income_band", "loan_count_band")
    },
}

# Tables whose rows are a mart's own: its columns that are shown, and the newest value of which column counts.
AS_THEY_ARE: dict[str, tuple[str, tuple[str, ...], str | None]] = {
    "overdue_rates": (
        "mart_overdue_rate_monthly",
        ("active_loans", "outstanding_principal", "balance_overdue_1", "overdue_rate", "par30_rate", "par90_rate",
         "overdue_rate_yoy_pp", "lender", "month_end"),
        None,
    ),
    "reconciliation": (
        "mart_reconciliation_daily",
        ("lender", "as_of_date", "break_type", "loans", "our_amount", "reported_amount", "oldest_break_on"),
        "as_of_date",
    ),
    "data_quality": (
        "mart_data_quality_daily",
        ("lender", "business_date", "delivery_status", "files", "rows_in_files", "rows_accepted", "rows_rejected",
         "orphan_rows", "hours_late", "expectations_evaluated", "expectations_failed"),
        None,
    ),
}  # fmt: skip

# The share of a row among those of the same lender and of these columns.
SHARES: dict[str, tuple[tuple[str, ...], str]] = {
    "roll_rates": (("from_state",), "opening_principal"),
    "debt_types": ((), "overdue_amount"),
    "classification": (("regime",), "outstanding_principal"),
}
