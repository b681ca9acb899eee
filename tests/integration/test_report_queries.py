"""Queries of the report and of dashboards over marts of a few rows, where a simulated book seldom comes to be so."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from typing import Any

import psycopg2
import psycopg2.extras
import pytest
from ruamel.yaml import YAML

from arrears.settings import SOURCE_ROOT

from ..conftest import Warehouse

QUERIES = SOURCE_ROOT / "dashboards" / "report" / "queries"
ASSETS = SOURCE_ROOT / "dashboards" / "superset" / "assets"
CLEARED = {  # marts with one row of May, of a lender whose data go on to 9 July
    "debt_types": (
        "mart_debt_type_monthly",
        "lender, month_end, debt_type, loans, outstanding_principal, overdue_amount",
        "('a', date '2024-05-31', 'default', 4, 40, 40)",
    ),
    "long_overdue": (
        "mart_long_overdue_monthly",
        "lender, month_end, dpd_band, loans, outstanding_principal, overdue_amount, recovered_next_12m, is_complete",
        "('a', date '2024-05-31', '181-360', 4, 40, 40, cast(null as numeric), false)",
    ),
    "classification": (
        "mart_risk_classification_monthly",
        "lender, month_end, regime, category, loans, outstanding_principal",
        "('a', date '2024-05-31', 'ifrs9', 'stage_3', 4, 40)",
    ),
    "segments": (
        "mart_borrower_segment_monthly",
        (
            "lender, month_end, birth_decade, income_band, loan_count_band, borrowers, "
            "overdue_borrowers, outstanding_principal, balance_overdue_30"
        ),
        "('a', date '2024-05-31', '1990s', 'low', '1', 4, 4, 40, 40)",
    ),
}


def answered(warehouse: Warehouse, query: str, *made: str) -> list[dict[str, Any]]:
    """The rows of a query, or of one of the report by its name, over tables made for it."""
    connection = psycopg2.connect(warehouse.owner_url)
    with connection, connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
        for statement in made:
            cursor.execute(f"create temporary table {statement}")
        path = QUERIES / f"{query}.sql"
        cursor.execute(query if " " in query else path.read_text(encoding="utf-8"))
        found = [dict(row) for row in cursor.fetchall()]
    connection.close()
    return found


@pytest.mark.parametrize("name", CLEARED)
def test_what_was_cleared_away_is_not_shown_as_the_newest(warehouse: Warehouse, name: str) -> None:
    """A mart of what is bad, or of a book, has no row of June where there was none; May is not June."""
    mart, columns, row = CLEARED[name]
    lenders = "dim_lender as select 'a' as lender, date %s as data_as_of"
    filled = f"{mart} as select * from (values {row}) as rows ({columns})"
    assert answered(warehouse, name, lenders % "'2024-07-09'", filled) == []
    for day in ("'2024-05-31'", "'2024-06-29'"):
        (shown, *_) = answered(warehouse, name, lenders % day, filled)
        assert f"{shown['month_end']}" == "2024-05-31"


def test_long_overdue_shows_what_came_in_since_on_those_of_a_year_before(warehouse: Warehouse) -> None:
    rows = """
        ('a', date '2024-06-30', '361+', 1, 10, 11, cast(null as numeric), false),
        ('a', date '2024-05-31', '361+', 2, 20, 22, null, false),
        ('a', date '2023-06-30', '181-270', 3, 30, 33, 5, true),
        ('a', date '2023-06-30', '181-270', 4, 40, 44, 6, true),
        ('a', date '2023-05-31', '181-270', 5, 50, 55, 7, true)"""
    mart, columns, _ = CLEARED["long_overdue"]
    made = f"{mart} as select * from (values {rows}) as rows ({columns})"
    lenders = "dim_lender as select 'a' as lender, date '2024-07-09' as data_as_of"
    shown = answered(warehouse, "long_overdue", lenders, made)
    assert [(f"{row['month_end']}", row["loans"], row["recovered_next_12m"]) for row in shown] == [
        ("2024-06-30", 1, None),
        ("2023-06-30", 7, 11),
    ]


@pytest.mark.parametrize(
    ("as_of", "month", "year"),
    [
        ("2023-06-30", "2023-05-31", "2022-06-30"),
        ("2024-02-29", "2024-01-31", "2023-02-28"),
        ("2025-02-28", "2025-01-31", "2024-02-29"),
        ("2024-03-31", "2024-02-29", "2023-03-31"),
        ("2024-03-30", "2024-02-29", "2023-03-30"),
        ("2023-06-29", "2023-05-29", "2022-06-29"),
    ],
)
def test_a_months_last_day_is_held_against_last_days(warehouse: Warehouse, as_of: str, month: str, year: str) -> None:
    """Where balances are reported at month-ends, that of April stands on 30 May: 30 June against it is two months."""
    lenders = f"dim_lender as select 'a' as lender, 'CNY' as currency, date '{as_of}' as data_as_of"
    buckets = "dim_dpd_bucket as select 'M0' as bucket, 0 as min_dpd, false as is_terminal"
    books = ((as_of, 100), (month, 110), (year, 125))
    daily = f"""mart_delinquency_daily as
        select 'a' as lender, cast(day as date) as as_of_date, 'M0' as bucket, 1 as loans,
            coalesce(book, 1) as outstanding_principal
        from generate_series(date '2022-01-01', date '2025-03-31', interval '1 day') as days (day)
        left join (values {", ".join(f"(date '{day}', {book}.0)" for day, book in books)}) as books (of, book)
            on days.day = books.of"""
    (shown,) = answered(warehouse, "headline", lenders, buckets, daily)
    changes = (shown["outstanding_month"], shown["outstanding_year"])
    assert tuple(map(float, changes)) == pytest.approx((100 / 110 - 1, 100 / 125 - 1), abs=1e-6)


def in_order(seed: str, column: str, **where: str) -> list[str]:
    """Values of a seed's column as they follow each other, and where there is one, by its sort order."""
    with (SOURCE_ROOT / "dbt_project" / "seeds" / f"{seed}.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if where.items() <= row.items()]
    return [row[column] for row in sorted(rows, key=lambda row: int(row.get("sort_order", 0)))]


def by_numbers(text: str) -> list[str]:
    """How Superset's heatmaps and pivot tables put names in order: numbers in them by their size."""
    return [part.zfill(9) if part.isdigit() else part for part in re.findall(r"\d+|\D+", text)]


BOOK = [in_order("dpd_buckets", "bucket", scheme=scheme, is_terminal="false") for scheme in ("cn30", "tape29")]
LATE = [names[1:] for names in BOOK]
STATES = [[*names, "settled"] for names in BOOK]
SCORES = [[*in_order("score_bands", "score_band"), "unknown"]]


@pytest.mark.parametrize(
    ("chart", "setting", "column", "all_names", "order"),
    [
        ("dpd_stack", "groupby", "bucket", LATE, str.lower),
        ("recovery_by_bucket", "x_axis", "entry_bucket", LATE, str.lower),
        ("score_bands", "x_axis", "score_band", SCORES, str.lower),
        ("ageing", "groupbyColumns", "bucket", BOOK, by_numbers),
        ("roll_matrix", "groupby", "from_state", BOOK, by_numbers),
        ("roll_matrix", "x_axis", "to_state", STATES, by_numbers),
    ],
)
def test_names_that_have_an_order_stand_in_it(
    warehouse: Warehouse,
    chart: str,
    setting: str,
    column: str,
    all_names: list[list[str]],
    order: Callable[[str], Any],
) -> None:
    """Superset knows none but that of the text: 120 before 30, "below 500" after all that begins with a digit."""
    settings = YAML(typ="safe").load((ASSETS / "charts" / f"{chart}.yaml").read_text(encoding="utf-8"))["params"]
    (one,) = settings[setting] if isinstance(settings[setting], list) else [settings[setting]]
    expression = one if isinstance(one, str) else one["sqlExpression"]
    for names in all_names:
        rows = ", ".join(f"('{name}')" for name in names)
        query = f"select {column} as name, {expression} as shown from (values {rows}) as rows ({column})"
        shown = sorted(answered(warehouse, query), key=lambda row: order(row["shown"]))
        assert [row["name"] for row in shown] == names


def test_the_cards_add_up_each_lenders_own_newest_month_end(warehouse: Warehouse) -> None:
    """One lender is behind by a month, of another the book is gone: the first counts as of May, the second no more."""
    rates = """mart_overdue_rate_monthly as
        select lender, month_end, 1 as active_loans, book as outstanding_principal, overdue as balance_overdue_1,
            overdue as balance_overdue_30, overdue as balance_overdue_90, overdue / book as overdue_rate,
            overdue / book as par30_rate, overdue / book as par90_rate, 0 as overdue_rate_yoy_pp,
            0 as par30_rate_yoy_pp, 1 as publication_id
        from (values ('late', date '2024-05-31', 100.0, 40.0), ('late', '2024-04-30', 90, 30),
            ('fresh', '2024-06-30', 300, 20), ('fresh', '2024-05-31', 200, 10), ('gone', '2023-01-31', 7, 7)
        ) as rows (lender, month_end, book, overdue)"""
    lenders = """dim_lender as select *, false as is_stale
        from (values ('late', 'CNY', date '2024-06-02'), ('fresh', 'CNY', '2024-06-30'), ('gone', 'USD', '2024-07-01')
        ) as rows (lender, currency, data_as_of)"""
    dataset = YAML(typ="safe").load((ASSETS / "datasets" / "arrears" / "headline.yaml").read_text(encoding="utf-8"))
    metrics = ", ".join(f"{one['expression']} as {one['metric_name']}" for one in dataset["metrics"])
    columns = ", ".join(one["column_name"] for one in dataset["columns"])
    rows = f"from ({dataset['sql'].replace('marts.', '')}) as headline"
    (total,) = answered(warehouse, f"select {metrics} {rows}", rates, lenders)
    assert {name: float(value) for name, value in total.items()} == {
        "book_principal": 400, "overdue_rate": 0.15, "par30_rate": 0.15, "par90_rate": 0.15,
    }  # fmt: skip
    shown = answered(warehouse, f"select {columns} {rows} order by lender", rates, lenders)
    assert [(row["lender"], f"{row['month_end']}") for row in shown] == [
        ("fresh", "2024-06-30"),
        ("late", "2024-05-31"),
    ]


def test_the_cards_add_up_no_two_currencies(warehouse: Warehouse) -> None:
    rates = """mart_overdue_rate_monthly as
        select *, date '2024-06-30' as month_end, 1 as active_loans, overdue as balance_overdue_1,
            overdue as balance_overdue_30, overdue as balance_overdue_90, 0.1 as overdue_rate, 0.1 as par30_rate,
            0.1 as par90_rate, 0 as overdue_rate_yoy_pp, 0 as par30_rate_yoy_pp, 1 as publication_id
        from (values ('yuan', 4000000, 400000.0), ('dollar', 1000000, 20000)
        ) as rows (lender, outstanding_principal, overdue)"""
    lenders = """dim_lender as select *, date '2024-06-30' as data_as_of, false as is_stale
        from (values ('yuan', 'CNY'), ('dollar', 'USD')) as rows (lender, currency)"""
    dataset = YAML(typ="safe").load((ASSETS / "datasets" / "arrears" / "headline.yaml").read_text(encoding="utf-8"))
    metrics = ", ".join(f"{one['expression']} as {one['metric_name']}" for one in dataset["metrics"])
    rows = f"from ({dataset['sql'].replace('marts.', '')}) as headline"
    (total,) = answered(warehouse, f"select {metrics} {rows}", rates, lenders)
    assert set(total.values()) == {None}
    by_currency = answered(warehouse, f"select currency, {metrics} {rows} group by 1 order by 1", rates, lenders)
    assert [(row["currency"], row["book_principal"], float(row["overdue_rate"])) for row in by_currency] == [
        ("CNY", 4000000, 0.1),
        ("USD", 1000000, 0.02),
    ]
