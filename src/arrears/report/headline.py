"""The headline of a report in a terminal's few columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from arrears.report import cells

COLUMNS = (
    "lender",
    "as of",
    "loans",
    "outstanding",
    "overdue %",
    "30+ %",
    "90+ %",
    "month pp",
    "year pp",
)


def rows(headline: Iterable[Mapping[str, Any]]) -> list[list[object]]:
    """A row for each lender; changes are those of the overdue rate."""
    return [
        [
            row["lender"] or f"all in {row['currency']}",
            f"{row['as_of']}",
            int(row["loans"]),
            cells.figure(row["outstanding_principal"], 0, ","),
            *(_percent(row[rate]) for rate in ("overdue_rate", "par30_rate", "par90_rate")),
            cells.written("_pp", row["overdue_rate_month_pp"]),
            cells.written("_pp", row["overdue_rate_year_pp"]),
        ]
        for row in headline
    ]


def _percent(share: Any) -> str:
    return cells.NONE if share is None else cells.figure(100 * share, 2)
