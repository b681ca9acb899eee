"""The traps of time: days that are not the server's, months that are not rows, jumps that no day shows.

Those of deliveries and publications (1, 3, and of 2 and 4 what a lender's files are needed for) are shown where these
are tested; docs/traps.md says where.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal

import pytest

from arrears.settings import SOURCE_ROOT

from ..reference.book import DeliveryRecord
from .stories import Book, Marts, due, loan, on, paid, undone

# ── 2: whose day it is ───────────────────────────────────────────────────────────────────────────────────

CLOCK = re.compile(
    r"\b(now|clock_timestamp|statement_timestamp|transaction_timestamp|timeofday|getdate|sysdate)\s*\("
    r"|\bcurrent_(date|time|timestamp)\b|\blocaltime(stamp)?\b|'(now|today|yesterday|tomorrow)'"
    r"|\brun_started_at\b|\bmodules\.datetime\b",
    re.IGNORECASE,
)
COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/|\{#.*?#\}", re.DOTALL)


@pytest.mark.parametrize(
    "sql", ["select now()", "select Current_Date - due_on", "cast('today' as date)", "{{ run_started_at }}"]
)
def test_trap_02_a_clock_is_told_from_a_column(sql: str) -> None:
    """What the next test looks for is found where it stands."""
    assert CLOCK.search(sql)
    assert not CLOCK.search("select known_on, as_of_date, is_current from fct_loan_current")


def test_trap_02_no_model_asks_what_time_it_is() -> None:
    """A model that reads the clock gives another answer tomorrow, and the server's date instead of the lender's."""
    project = SOURCE_ROOT / "dbt_project"
    sources = [path for folder in ("models", "macros", "tests") for path in (project / folder).rglob("*.sql")]
    assert len(sources) > 50
    reading = {
        path.relative_to(project).as_posix(): found.group(0)
        for path in sources
        if (found := CLOCK.search(COMMENT.sub("", path.read_text(encoding="utf-8"))))
    }
    assert reading == {}


BERLIN, HALF_PAST_TWO = "Europe/Berlin", dt.time(2, 30)


@pytest.mark.parametrize(
    ("business_date", "received_at", "hours_late"),
    [
        # on 27 October 2024 clocks show half past two twice, at 00:30 and 01:30 UTC
        ("2024-10-26", "2024-10-27 01:00", "0"),
        ("2024-10-26", "2024-10-27 01:45", "0.25"),
        # on 31 March 2024 they never do: an hour after half past one it is half past three, at 01:30 UTC
        ("2024-03-30", "2024-03-31 01:30", "0"),
        ("2024-03-30", "2024-03-31 01:45", "0.25"),
        ("2024-06-30", "2024-07-01 00:45", "0.25"),
    ],
)
def test_trap_02_a_deadline_in_the_hour_that_clocks_show_twice_or_never(
    marts: Marts, business_date: str, received_at: str, hours_late: str
) -> None:
    """Late is who is late by either reading of the contract."""
    arrived = dt.datetime.fromisoformat(received_at).replace(tzinfo=dt.UTC)
    record = DeliveryRecord(on(business_date), "accepted", arrived, 1, 1, 0, 0, 0)
    book = Book("lender", on(business_date), timezone=BERLIN, records=(record,), deadline=HALF_PAST_TWO)
    quality = marts.of_books(book).one("mart_data_quality_daily", "hours_late", business_date=business_date)
    assert quality == Decimal(hours_late)


# ── 5: months come from the calendar ─────────────────────────────────────────────────────────────────────


def test_trap_05_a_year_before_is_the_same_month_and_not_twelve_rows_ago(marts: Marts) -> None:
    """The lender had a book from January to March 2023, none until February 2024, and one since. Twelve rows before
    December 2024 stands February 2023; a year before it stands nothing."""
    told = marts.of(
        "2024-12-31",
        loan(100, "2023-01-10", [due(1, "2023-02-10", 100)], [paid("2023-04-05", 100)], loan_id="FIRST"),
        loan(200, "2024-02-05", [due(1, "2024-12-05", 200)], loan_id="SECOND"),
    )
    rates = told.rows("mart_overdue_rate_monthly", "month_end", "overdue_rate", "overdue_rate_yoy_pp")
    year_2023 = [(on("2023-01-31"), 0, None), (on("2023-02-28"), 1, None), (on("2023-03-31"), 1, None)]
    # all late a year before and none now: 100 percentage points less
    compared = [(on("2024-02-29"), 0, -100), (on("2024-03-31"), 0, -100)]
    alone = [(on(f"2024-{end}"), 0, None) for end in
             ("04-30", "05-31", "06-30", "07-31", "08-31", "09-30", "10-31", "11-30")]  # fmt: skip
    assert rates == [*year_2023, *compared, *alone, (on("2024-12-31"), 1, None)]


def test_trap_05_a_loan_rolls_to_the_next_month_and_not_to_its_next_row(marts: Marts) -> None:
    """Paid off in February, back in April when the payment is returned: its row of February is followed by the one of
    April, and no roll leads from the one to the other."""
    only = paid("2024-02-05", 100)
    told = marts.of("2024-05-31", loan(100, "2024-01-05", [due(1, "2024-02-05", 100)],
                                       [only, undone(only, "2024-04-10")]))  # fmt: skip
    assert told.rows("fct_loan_month", "month_end") == [
        on("2024-01-31"), on("2024-02-29"), on("2024-04-30"), on("2024-05-31"),
    ]  # fmt: skip
    rolls = told.rows("mart_roll_rate_monthly", "from_month_end", "to_month_end", "from_state", "to_state", "loans")
    assert rolls == [
        (on("2024-01-31"), on("2024-02-29"), "M0", "settled", 1),
        (on("2024-04-30"), on("2024-05-31"), "M3", "M4", 1),  # 85 and 116 days after 5 February
    ]


# ── 6: jumps ─────────────────────────────────────────────────────────────────────────────────────────────


def test_trap_06_a_loan_that_jumps_over_day_31_was_past_30(marts: Marts) -> None:
    """The payment of 1 February is returned on 12 March: from 0 to 40 days at once, and to 0 the day after, when it is
    paid again. On no day was it 31 days late, nor in M1."""
    first = paid("2024-02-01", 100)
    told = loan(
        300, "2024-01-05", [due(1, "2024-02-01", 100), due(2, "2024-04-01", 100), due(3, "2024-05-01", 100)],
        [first, undone(first, "2024-03-12"), paid("2024-03-13", 100)],
    )  # fmt: skip
    closes = {"2024-03-11": 0, "2024-03-12": 40, "2024-03-13": 0}
    assert marts.at(list(closes), told, "dpd") == closes

    now = marts.of("2024-03-31", told)
    cells = ("mob", "threshold_dpd", "ever_loans", "ever_principal", "ever_balance", "current_loans")
    assert [row for row in now.rows("mart_vintage", *cells) if row[0] == 2] == [
        (2, 0, 1, 300, 300, 0), (2, 30, 1, 300, 300, 0), (2, 60, 0, 0, 0, 0), (2, 90, 0, 0, 0, 0),
    ]  # fmt: skip
    assert now.one("fct_loan_month", "dpd", "max_dpd_to_date", month_end="2024-03-31") == (0, 40)
    entries = now.rows("mart_recovery_monthly", "entry_bucket", "entered_loans", "cured_loans", window_days=15)
    assert [entry for entry in entries if entry[1]] == [("M2", 1, 1)]


# ── 7: ends of months, and tomorrow ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("due_days", "closes"),
    [
        (
            ["2024-01-31", "2024-02-29", "2024-03-31"],
            {"2024-01-31": 0, "2024-02-01": 1, "2024-02-29": 29, "2024-03-01": 30, "2024-03-02": 31, "2024-03-31": 60},
        ),
        (
            ["2023-01-31", "2023-02-28", "2023-03-31"],
            {"2023-02-28": 28, "2023-03-01": 29, "2023-03-02": 30, "2023-03-03": 31, "2023-03-31": 59},
        ),
    ],
    ids=["leap year", "common year"],
)
def test_trap_07_days_count_through_the_end_of_february(
    marts: Marts, due_days: list[str], closes: dict[str, int]
) -> None:
    """Nothing is paid from 31 January on: 29 February is a day like any other, where there is one."""
    plan = [due(number, day, 100) for number, day in enumerate(due_days, start=1)]
    assert marts.at(list(closes), loan(300, "2022-12-31", plan), "dpd") == closes


def test_trap_07_the_year_before_29_february_is_28_february(marts: Marts) -> None:
    """The month-end of February 2024 is compared with that of 2023, which has no 29th."""
    told = marts.of(
        "2024-02-29",
        loan(100, "2023-01-15", [due(1, "2023-02-15", 100)], loan_id="LATE"),
        loan(100, "2023-03-15", [due(1, "2024-12-01", 100)], loan_id="GOOD"),
    )
    # all of the book in 2023, half of it in 2024
    columns = ("overdue_rate", "overdue_rate_yoy_pp")
    assert told.one("mart_overdue_rate_monthly", *columns, month_end="2024-02-29") == (Decimal("0.5"), -50)


def test_trap_07_a_loan_of_31_december_is_a_month_old_on_31_january(marts: Marts) -> None:
    """Months on book are calendar months: the length of the months does not matter."""
    told = marts.of("2024-03-31", loan(100, "2023-12-31", [due(1, "2024-06-30", 100)]))
    assert told.rows("fct_loan_month", "month_end", "mob") == [
        (on("2023-12-31"), 0), (on("2024-01-31"), 1), (on("2024-02-29"), 2), (on("2024-03-31"), 3),
    ]  # fmt: skip


def test_trap_07_a_loan_dated_tomorrow_is_in_no_figure_of_today(marts: Marts) -> None:
    """In the file of 31 May stands a loan disbursed on 1 June: nothing of it is in the book, in a cohort or a flow."""
    told = marts.of(
        "2024-05-31",
        loan(100, "2024-05-01", [due(1, "2024-06-15", 100)], loan_id="TODAY"),
        loan(900, "2024-06-01", [due(1, "2024-05-15", 900)], loan_id="TOMORROW"),
    )
    columns = ("active_loans", "outstanding_principal", "overdue_principal")
    assert told.one("mart_overdue_rate_monthly", *columns, month_end="2024-05-31") == (1, 100, 0)
    assert told.one("mart_balance_bridge_monthly", "disbursed", "closing", month_end="2024-05-31") == (100, 100)
    assert set(told.rows("mart_vintage", "vintage_month", "disbursed_principal")) == {(on("2024-05-31"), 100)}
    last_day = told.rows("mart_delinquency_daily", "loans", as_of_date="2024-05-31")
    assert sum(last_day) == 1
    for fact in ("fct_loan_month", "fct_delinquency_spell"):
        assert told.rows(fact, "lender", loan_id="TOMORROW") == []
    assert told.rows("mart_first_payment_default", "eligible_loans") == []
    assert sum(told.rows("mart_inflow_daily", "instalments_due")) == 0
