"""Metrics asked of marts of a few rows, in which what a metric counts is gone on the newest day."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from arrears import metrics
from arrears.errors import Usage
from arrears.metrics import Question
from arrears.settings import Role, settings

from ..conftest import Warehouse
from .test_dbt import PROJECT, environment

DAY = dt.timedelta(days=1)
MARCH, APRIL, MAY, JUNE = (dt.date(2024, month + 1, 1) - DAY for month in (3, 4, 5, 6))
MARTS = {
    "dim_date (date, is_month_end)": """
        select cast(day as date), extract(day from day + interval '1 day') = 1
        from generate_series(date '2023-01-01', date '2024-12-31', '1 day') as days (day)""",
    # of gone nothing is left since March, and its data reach on
    "dim_lender (lender, currency, data_as_of)": """
        values ('a', 'CNY', date '2024-05-31'), ('b', 'CNY', '2024-05-31'), ('gone', 'CNY', '2024-05-31'),
            ('to come', 'EUR', null)""",
    "mart_reconciliation_daily (lender, as_of_date, break_type, loans)": """
        values ('a', date '2024-05-02', 'none', 996), ('a', '2024-05-02', 'schedule', 4),
            ('a', '2024-05-30', 'none', 1000), ('b', '2024-05-30', 'none', 90), ('b', '2024-05-30', 'timing', 10)""",
    "mart_score_calibration (lender, vintage_quarter, disbursed_principal, ever30_mob6_principal)": """
        values ('a', date '2024-03-31', 100, 50), ('a', '2024-06-30', 100, 20)""",
    "fct_loan_month (lender, product, month_end, bucket, outstanding_principal)": """
        values ('a', 'cash', date '2024-04-30', 'M0', 60.0), ('a', 'cash', '2024-04-30', 'M6', 40),
            ('a', 'cash', '2024-05-31', 'M0', 50), ('a', 'card', '2024-05-31', 'M1', 30),
            ('b', 'cash', '2024-04-30', 'M0', 9), ('b', '卡''s {{ 1 }}', '2024-05-31', 'M6', 7)""",
    "mart_risk_classification_monthly (lender, product, month_end, regime, category, outstanding_principal)": """
        values ('a', 'cash', date '2024-04-30', 'retail', 'loss', 30.0),
            ('a', 'cash', '2024-04-30', 'ifrs9', 'stage_3', 30),
            ('a', 'cash', '2024-04-30', 'retail', 'normal', 70), ('a', 'cash', '2024-04-30', 'ifrs9', 'stage_1', 70),
            ('a', 'cash', '2024-05-31', 'retail', 'normal', 80), ('a', 'cash', '2024-05-31', 'ifrs9', 'stage_1', 80),
            ('b', 'cash', '2024-05-31', 'retail', 'normal', 15), ('b', 'cash', '2024-05-31', 'ifrs9', 'stage_2', 20),
            ('b', 'cash', '2024-05-31', 'retail', 'loss', 5), ('gone', 'cash', '2024-02-29', 'retail', 'loss', 8)""",
    "mart_overdue_rate_monthly (lender, month_end, active_loans, outstanding_principal, balance_overdue_1)": """
        values ('a', date '2024-02-29', 3, 90.0, 30.0), ('a', '2024-03-31', 2, 80, 20), ('a', '2024-05-31', 1, 40, 10),
            ('gone', '2024-02-29', 2, 10.0, 10.0)""",
    "mart_long_overdue_monthly (lender, month_end, dpd_band, overdue_amount, recovered_next_12m, is_complete)": """
        values ('a', date '2024-05-31', '271-360', 70.0, 1.0, false),
            ('a', '2024-05-31', 'about_one_year', 70, 1, false),
            ('gone', '2023-02-28', '181-270', 4000, 100, true),
            ('gone', '2024-02-29', '181-270', 5000, 0, false)""",
}


@pytest.fixture(scope="module")
def published(shared_warehouse: Warehouse, metrics_read_once: None) -> Warehouse:
    """Tables in the place of the marts, and dbt's manifest as a build leaves it."""
    target = shared_warehouse.settings.home / "dbt"
    subprocess.run(
        [sys.executable, "-m", "dbt.cli.main", "--no-use-colors", "--log-path", str(target), "parse", "--project-dir",
         str(PROJECT), "--profiles-dir", str(PROJECT), "--target-path", str(target)],
        env=environment(shared_warehouse, target), capture_output=True, check=True,
    )  # fmt: skip
    for mart, rows in MARTS.items():
        name, _, columns = mart.partition(" ")
        shared_warehouse.rows(f"create table marts.{name} as select * from ({rows}) as rows {columns}")
        shared_warehouse.rows(f"grant select on marts.{name} to {Role.READER.login}")
    return shared_warehouse


def asked(*names: str, by: tuple[str, ...] = (), **question: Any) -> dict[Any, Any]:
    """Figures by what they are asked by."""
    answer = metrics.ask(Question(names, by=by, **question), url=settings().url(Role.READER), settings=settings())
    rows = ((row[: len(by)], [None if one is None else float(one) for one in row[len(by) :]]) for row in answer.rows)
    return {key[0] if len(key) == 1 else key: figures[0] if len(figures) == 1 else figures for key, figures in rows}


def test_breaks_that_are_gone_are_no_breaks(published: Warehouse) -> None:
    """Those of the last day that had any, four weeks ago, were set against the loans of today."""
    assert asked("break_rate", by=("lender",)) == {"a": 0, "b": 0.1}
    assert asked("break_rate") == {(): 10 / 1100}
    assert asked("break_rate", by=("day",), where={"lender": "a"}) == {
        dt.date(2024, 5, 2): 0.004, dt.date(2024, 5, 30): 0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "a", "b"),
    [("non_performing_rate", 0, 0.25), ("special_mention_rate", 0, 0), ("stage_2_rate", 0, 1), ("stage_3_rate", 0, 0)],
)
def test_a_class_that_is_empty_now_has_no_share(published: Warehouse, name: str, a: float, b: float) -> None:
    assert asked(name, by=("lender",)) == {"a": a, "b": b}


# ── of a book of which nothing is left ───────────────────────────────────────────────────────────────────


def test_a_stock_of_which_nothing_is_left_is_not_shown_as_it_last_was(published: Warehouse) -> None:
    """The newest month-end is that of the lender's data: two loans written off in March are overdue no more in May."""
    may, march, february = dt.date(2024, 5, 31), dt.date(2024, 3, 31), dt.date(2024, 2, 29)
    assert asked("long_overdue_amount", by=("lender",)) == {"a": 70}
    assert asked("long_overdue_amount", where={"lender": "gone"}) == {}
    assert asked("long_overdue_amount", by=("quarter",)) == {dt.date(2024, 6, 30): 70}
    assert asked("long_overdue_amount", by=("month",), where={"lender": "gone"}) == {
        dt.date(2023, 2, 28): 4000, february: 5000,
    }  # fmt: skip
    assert asked("long_overdue_amount", last=dt.date(2024, 2, 29)) == {(): 5000}
    assert asked("book_principal", "overdue_rate") == {(): [40, 0.25]}
    assert asked("book_loans", by=("lender",)) == {"a": 1}
    assert asked("book_principal", by=("quarter",)) == {march: 80, dt.date(2024, 6, 30): 40}
    assert asked("book_principal", by=("month",)) == {february: 100, march: 80, may: 40}
    assert asked("non_performing_principal", by=("product",)) == {"cash": 5}


def test_a_recovery_is_of_the_newest_year_that_is_over(published: Warehouse) -> None:
    assert asked("long_overdue_recovery_rate", by=("lender",)) == {"gone": 0.025}


def test_loans_about_a_year_overdue_are_not_counted_twice(published: Warehouse) -> None:
    assert asked("long_overdue_amount", "recovered_next_12m", by=("dpd_band",)) == {"271-360": [70, 1]}


# ── of several currencies ────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def dollars(published: Warehouse) -> Iterator[None]:
    """One lender more, whose money is another."""
    published.rows("insert into marts.dim_lender values ('us', 'USD', '2024-05-31')")
    published.rows("insert into marts.mart_overdue_rate_monthly values ('us', '2024-05-31', 4, 1000, 20)")
    yield
    published.rows("delete from marts.dim_lender where lender = 'us'")
    published.rows("delete from marts.mart_overdue_rate_monthly where lender = 'us'")


@pytest.mark.parametrize("name", ["book_principal", "overdue_rate", "lagged_m1_rate", "non_performing_rate"])
def test_money_of_several_currencies_is_not_added_up(dollars: None, name: str) -> None:
    """Neither is a rate of it, which would be that of the currency with the larger numbers."""
    with pytest.raises(Usage, match=rf"{name}: the lenders have several currencies.*--by currency"):
        asked(name, by=("month",))


def test_of_one_currency_money_adds_up(dollars: None) -> None:
    assert asked("book_principal", "overdue_rate", by=("currency",)) == {"CNY": [40, 0.25], "USD": [1000, 0.02]}
    assert asked("book_principal", where={"currency": "USD"}) == {(): 1000}
    assert asked("book_principal", by=("lender",)) == {"a": 40, "us": 1000}
    assert asked("overdue_rate", by=("quarter",), where={"lender": "a"})[dt.date(2024, 6, 30)] == 0.25


def test_loans_are_counted_over_currencies(dollars: None) -> None:
    assert asked("book_loans") == {(): 5}


# ── of a part of the book ────────────────────────────────────────────────────────────────────────────────


def test_a_part_that_is_gone_is_not_shown_as_it_was(published: Warehouse) -> None:
    """The newest month-end is the lender's, not the last that had such a loan."""
    stock = "loan_month_principal"
    assert asked(stock, where={"bucket": "M6"}) == {(): 7}
    assert asked(stock, by=("lender",), where={"bucket": "M6"}) == {"b": 7}
    assert asked(stock, where={"bucket": "M6", "lender": "a"}) == {}
    assert asked(stock, by=("month",), where={"bucket": "M6"}) == {APRIL: 40, MAY: 7}
    assert asked(stock, where={"bucket": "M6"}, last=APRIL) == {(): 40}


def test_a_stock_of_a_period_is_that_of_its_last_month(published: Warehouse) -> None:
    assert asked("loan_month_principal", where={"month": "2024-04-30"}) == {(): 109}
    assert asked("loan_month_principal", by=("month_end",), where={"lender": "a"}) == {APRIL: 100, MAY: 80}


def test_rates_of_a_part_are_of_it_on_both_sides(published: Warehouse) -> None:
    assert asked("non_performing_rate", where={"lender": "b"}) == {(): 0.25}
    assert asked("break_rate", "reconciled_loans", where={"break_type": "timing"}) == {(): [1, 10]}
    # M1 in May over the book of April, of the same product alone or of all
    assert asked("lagged_m1_rate", by=("month",), where={"lender": "a"})[MAY] == 0.3
    assert MAY not in asked("lagged_m1_rate", by=("month",), where={"product": "card"})


def test_any_text_is_a_value(published: Warehouse) -> None:
    assert asked("loan_month_principal", where={"product": "卡's {{ 1 }}"}) == {(): 7}
    assert asked("loan_month_principal", where={"product": "x' or 'a' = 'a"}) == {}


# ── looking back ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["lagged_m1_rate", "flow_m0_to_m1_rate", "overdue_rate_yoy_pp"])
@pytest.mark.parametrize("grain", ["quarter", "year"])
def test_what_looks_back_is_asked_by_month(published: Warehouse, name: str, grain: str) -> None:
    """Of a quarter of which two months are over, M1 of the second would be held against the book of the second."""
    said = f"{name} looks back from month to month: ask it by month."
    with pytest.raises(Usage, match=said):
        asked(name, by=(grain, "lender"))
    with pytest.raises(Usage, match=said):
        asked(name, by=("lender",))
    with pytest.raises(Usage, match=said):
        asked("loan_month_principal" if "m1" in name else "overdue_rate", name, where={grain: "2024-06-30"})


def test_what_does_not_look_back_is_asked_by_any_period(published: Warehouse) -> None:
    assert asked("loan_month_principal", by=("quarter",)) == {JUNE: 87}
    assert asked("loan_month_principal", where={"quarter": f"{JUNE}"}) == {(): 87}
    assert asked("non_performing_rate", by=("year", "lender"))[dt.date(2024, 12, 31), "b"] == 0.25


# ── between two days ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("first", "last", "months"),
    [
        (APRIL, None, {APRIL, MAY}),
        (APRIL + DAY, None, {MAY}),
        (dt.date(2024, 4, 2), None, {APRIL, MAY}),
        (None, MAY - DAY, {APRIL}),
        (None, MAY, {APRIL, MAY}),
        (APRIL, APRIL, {APRIL}),
        (dt.date(2024, 4, 1), dt.date(2024, 4, 29), set()),
    ],
)
def test_a_month_is_between_two_days_if_its_last_day_is(
    published: Warehouse, first: dt.date | None, last: dt.date | None, months: set[dt.date]
) -> None:
    assert set(asked("loan_month_principal", by=("month",), first=first, last=last)) == months


def test_a_quarter_too_and_a_day_is_itself(published: Warehouse) -> None:
    score = "ever30_mob6_rate"
    assert asked(score, by=("quarter",), first=MARCH, last=JUNE - DAY) == {MARCH: 0.5}
    assert asked(score, by=("vintage_quarter",), first=MARCH + DAY, last=JUNE) == {JUNE: 0.2}
    assert set(asked("break_rate", by=("day",), first=dt.date(2024, 5, 2), last=dt.date(2024, 5, 29))) == {
        dt.date(2024, 5, 2)
    }


def test_metrics_are_known_where_nothing_was_built(published: Warehouse, tmp_path: Path) -> None:
    question = Question(("break_rate",), by=("lender",))
    reader = settings().url(Role.READER)
    elsewhere = settings().model_copy(update={"home": tmp_path})
    answered = metrics.ask(question, url=reader, settings=elsewhere)
    assert answered == metrics.ask(question, url=reader, settings=settings())
    assert answered.rows


def test_what_is_not_published_yet_is_told(published: Warehouse) -> None:
    with pytest.raises(Usage, match=r"published yet .*mart_first_payment_default.*arrears run --date"):
        asked("fpd30_rate")
