"""Vectors B, C and D of the definitions, on the models. Vector A, through files, is test_vector_a."""

from __future__ import annotations

from decimal import Decimal

import pytest

from .stories import Marts, due, loan, on, paid, rule

# ── B: months of thirty days ─────────────────────────────────────────────────────────────────────────────

# convention, due day, days past due at the close of each day
COUNTS = {
    "MBA: a month is late at the close of the day before its anniversary": (
        "mba", "2024-04-01",
        {"2024-04-01": 0, "2024-04-29": 0, "2024-04-30": 30, "2024-05-30": 30, "2024-05-31": 60, "2024-06-30": 90},
    ),
    "OTS: at the close of the anniversary itself": (
        "ots", "2024-04-01",
        {"2024-04-29": 0, "2024-04-30": 0, "2024-05-01": 30, "2024-05-31": 30, "2024-06-01": 60, "2024-06-30": 60},
    ),
    # 30 April is 29 days after the 1st, 31 May counts as the 30th: 30 + 29
    "30/360: every month has thirty days": (
        "30_360", "2024-04-01",
        {"2024-04-02": 1, "2024-04-30": 29, "2024-05-01": 30, "2024-05-30": 59, "2024-05-31": 59, "2024-06-01": 60},
    ),
    # the 31st counts as the 30th: to 29 February 29 days, to 1 March 31
    "30/360 over the end of February": (
        "30_360", "2024-01-31", {"2024-01-31": 0, "2024-02-01": 1, "2024-02-29": 29, "2024-03-01": 31, "2024-03-31": 60}
    ),
    "calendar days, beside them": (
        "days", "2024-04-01", {"2024-04-02": 1, "2024-04-30": 29, "2024-05-01": 30, "2024-05-31": 60}
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", COUNTS)
def test_vector_b(marts: Marts, name: str) -> None:
    """Due 1 April, nothing paid. MBA: 30 April = 30 days, 31 May = 60. OTS: 30 April current, 31 May = 30."""
    day_count, due_on, expected = COUNTS[name]
    unpaid = loan(100, "2024-01-15", [due(1, due_on, 100)])
    assert marts.at(list(expected), unpaid, "dpd", rules=[rule("day_count", day_count)]) == expected


def test_vector_b_in_buckets(marts: Marts) -> None:
    """On 31 May two months are missed as MBA counts, one as OTS does: a bucket apart, in either scheme."""
    unpaid = loan(100, "2024-01-15", [due(1, "2024-04-01", 100)])
    found = {
        (count, scheme): marts.at(
            ["2024-04-30", "2024-05-31"], unpaid, "bucket", rules=[rule("day_count", count), rule("scheme", scheme)]
        )
        for count in ("mba", "ots")
        for scheme in ("cn30", "tape29")
    }
    assert found == {
        ("mba", "cn30"): {"2024-04-30": "M1", "2024-05-31": "M2"},
        ("mba", "tape29"): {"2024-04-30": "30-59", "2024-05-31": "60-89"},
        ("ots", "cn30"): {"2024-04-30": "M0", "2024-05-31": "M1"},
        ("ots", "tape29"): {"2024-04-30": "current", "2024-05-31": "30-59"},
    }


# ── C: a published ageing ────────────────────────────────────────────────────────────────────────────────

# bucket: the due days of its loans with their principal, and the share of 2,639,004,889 by division. Days past due at
# 31 December 2021 are 0 (two loans), 1, 60, 61, 120, 121 and 180: at the edges of the buckets.
AGEING = {
    "M0": ({"2021-12-31": 2_000_000_000, "2022-01-31": 440_895_051}, "0.924930"),
    "M1": ({"2021-12-30": 43_935_291}, "0.016648"),
    "M2": ({"2021-11-01": 33_536_939}, "0.012708"),
    "M3": ({"2021-10-31": 29_620_946}, "0.011224"),
    "M4": ({"2021-09-02": 27_904_847}, "0.010574"),
    "M5": ({"2021-09-01": 29_486_766}, "0.011173"),
    "M6": ({"2021-07-04": 33_625_049}, "0.012742"),
    "M6+": ({}, "0"),
}  # fmt: skip
PAST_DUE = ["M1", "M2", "M3", "M4", "M5", "M6", "M6+"]
NON_ACCRUAL = ["M4", "M5", "M6", "M6+"]


def test_vector_c(marts: Marts) -> None:
    """The ageing table of a listed lender's report of 2021, line by line, with its ties."""
    balances = [(day, amount) for loans, _ in AGEING.values() for day, amount in loans.items()]
    book = [
        loan(amount, "2021-01-15", [due(1, day, amount)], loan_id=f"L{number}")
        for number, (day, amount) in enumerate(balances, start=1)
    ]
    assert len(book) == 8
    told = marts.of("2021-12-31", *book)
    measures = ("bucket", "loans", "outstanding_principal", "share_of_outstanding")
    found = {row[0]: row[1:] for row in told.rows("mart_ageing_quarterly", *measures, quarter_end="2021-12-31")}
    assert found == {
        bucket: (len(loans), sum(loans.values()), Decimal(share)) for bucket, (loans, share) in AGEING.items()
    }

    amount = {bucket: row[1] for bucket, row in found.items()}
    assert sum(amount[bucket] for bucket in PAST_DUE) == 198_109_838
    assert amount["M0"] == 2_440_895_051
    assert sum(amount.values()) == 2_639_004_889
    assert sum(amount[bucket] for bucket in NON_ACCRUAL) == 91_016_662

    headline = ("outstanding_principal", "balance_overdue_1", "balance_overdue_90")
    assert told.one("mart_overdue_rate_quarterly", *headline, quarter_end="2021-12-31") == (
        2_639_004_889, 198_109_838, 91_016_662,
    )  # fmt: skip


# ── D: ends of months ────────────────────────────────────────────────────────────────────────────────────

# whole months missed, from an instalment due on 31 January: what adds a month to the last date is a 29th from March on
ENDS = {
    ("ots", "2024-01-31"): {
        "2024-02-28": 0, "2024-02-29": 30, "2024-03-29": 30, "2024-03-30": 30, "2024-03-31": 60, "2024-04-29": 60,
        "2024-04-30": 90,
    },
    ("ots", "2023-01-31"): {"2023-02-27": 0, "2023-02-28": 30, "2023-03-28": 30, "2023-03-30": 30, "2023-03-31": 60},
    ("mba", "2024-01-31"): {"2024-02-27": 0, "2024-02-28": 30, "2024-03-29": 30, "2024-03-30": 60, "2024-04-29": 90},
    ("mba", "2023-01-31"): {"2023-02-26": 0, "2023-02-27": 30, "2023-03-29": 30, "2023-03-30": 60},
}  # fmt: skip


@pytest.mark.parametrize(("day_count", "due_on"), ENDS, ids=[" ".join(case) for case in ENDS])
def test_vector_d_months_end_where_months_end(marts: Marts, day_count: str, due_on: str) -> None:
    """The anniversaries of 31 January are the 29th (28th) of February, the 31st of March and the 30th of April."""
    expected = ENDS[day_count, due_on]
    unpaid = loan(100, "2022-12-31", [due(1, due_on, 100)])
    assert marts.at(list(expected), unpaid, "dpd", rules=[rule("day_count", day_count)]) == expected


@pytest.mark.parametrize("february", ["2024-02-29", "2023-02-28"])
def test_vector_d_a_plan_due_at_month_ends(marts: Marts, february: str) -> None:
    """Due 31 January, the last of February and 31 March: only January's is paid, on its day."""
    year = february[:4]
    days = [f"{year}-01-31", february, f"{year}-03-31"]
    plan = [due(number, day, 100) for number, day in enumerate(days, start=1)]
    told = loan(300, f"{int(year) - 1}-12-31", plan, [paid(days[0], 100)])
    closes = {days[0]: 0, february: 0, f"{year}-03-01": 1, f"{year}-03-30": 30, days[2]: 31, f"{year}-04-01": 32}
    assert marts.at(list(closes), told, "dpd") == closes

    months = marts.of(f"{year}-04-30", told).rows("fct_loan_month", "month_end", "mob", "dpd")
    ends = [f"{int(year) - 1}-12-31", *days, f"{year}-04-30"]
    assert months == [(on(day), mob, dpd) for day, mob, dpd in zip(ends, range(5), (0, 0, 0, 31, 61), strict=True)]
