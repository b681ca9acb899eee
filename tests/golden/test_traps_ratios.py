"""The traps of ratios: one population for both sides, over loans that can answer, summed before divided."""

from __future__ import annotations

from decimal import Decimal

from .stories import Book, Marts, due, event, loan, missing, on, paid

# ── 15: one population ───────────────────────────────────────────────────────────────────────────────────

RATE = ("active_loans", "outstanding_principal", "balance_overdue_30", "par30_rate")


def test_trap_15_what_leaves_the_book_leaves_both_sides_of_the_rate(marts: Marts) -> None:
    """Five loans of 100, four of them 59 days late. One of those is written off, one bought back, one sold: what is
    left is 100 of 200, not 400 of 500, 100 of 500 or 400 of 200."""
    late = [due(1, "2024-02-01", 100)]
    told = marts.of(
        "2024-03-31",
        loan(100, "2024-01-01", [due(1, "2024-06-01", 100)], loan_id="GOOD"),
        loan(100, "2024-01-01", late, loan_id="LATE"),
        loan(100, "2024-01-01", late, [], [event("2024-03-20", "written_off")], loan_id="GONE"),
        loan(100, "2024-01-01", late, [paid("2024-03-20", 100, "buyback")], loan_id="BOUGHT_BACK"),
        loan(100, "2024-01-01", late, [], [event("2024-03-20", "transferred")], loan_id="SOLD"),
    )
    assert told.one("mart_overdue_rate_monthly", *RATE, month_end="2024-03-31") == (2, 200, 100, Decimal("0.5"))
    # in February all five were there, 28 days late: none past 30
    assert told.one("mart_overdue_rate_monthly", *RATE, month_end="2024-02-29") == (5, 500, 0, 0)
    last_day = told.rows("mart_delinquency_daily", "bucket", "loans", as_of_date="2024-03-31")
    assert [(bucket, loans) for bucket, loans in last_day if loans] == [("M0", 1), ("M2", 1)]


def test_trap_15_a_loan_that_is_no_longer_listed_stays_on_both_sides(marts: Marts) -> None:
    """Dropping a bad loan from the file improves no rate: it is in the numerator and in the denominator."""
    told = marts.of(
        "2024-03-31",
        loan(300, "2024-01-01", [due(1, "2024-06-01", 300)], loan_id="GOOD"),
        loan(100, "2024-01-01", [due(1, "2024-02-01", 100)], absences=[missing("2024-03-15")], loan_id="MISSING"),
    )
    assert told.one("mart_overdue_rate_monthly", *RATE, month_end="2024-03-31") == (2, 400, 100, Decimal("0.25"))


# ── 16: first-payment default ────────────────────────────────────────────────────────────────────────────

FIRST = ("due_month", "window_days", "eligible_loans", "short_loans", "eligible_principal", "short_principal")


def test_trap_16_only_loans_whose_window_has_passed_can_default_on_their_first_payment(marts: Marts) -> None:
    """At the end of March a loan due on 20 March can answer for 1, 3 and 7 days, not for 15 or 30; one due in April for
    none. A share over all four loans would call the young ones good. The loan that paid on 10 February stays in the
    share of 7 days, though it is current now."""
    told = marts.of(
        "2024-03-31",
        loan(100, "2024-01-05", [due(1, "2024-02-01", 100)], loan_id="NEVER"),
        loan(200, "2024-01-05", [due(1, "2024-02-01", 200)], [paid("2024-02-10", 200)], loan_id="CURED"),
        loan(400, "2024-02-20", [due(1, "2024-03-20", 400)], [paid("2024-03-20", 400)], loan_id="YOUNG"),
        loan(800, "2024-03-25", [due(1, "2024-04-25", 800)], loan_id="YOUNGEST"),
    )
    found = told.rows("mart_first_payment_default", *FIRST, instalment_no=1)
    february, march = on("2024-02-29"), on("2024-03-31")
    assert [row for row in found if row[2] > 0] == [
        (february, 1, 2, 2, 300, 300), (february, 3, 2, 2, 300, 300), (february, 7, 2, 2, 300, 300),
        (february, 15, 2, 1, 300, 100), (february, 30, 2, 1, 300, 100),
        (march, 1, 1, 0, 400, 0), (march, 3, 1, 0, 400, 0), (march, 7, 1, 0, 400, 0),
    ]  # fmt: skip


def test_trap_16_the_exclusive_form_leaves_out_who_had_missed_before(marts: Marts) -> None:
    """Both loans miss their second instalment; one of them had missed the first, and a cure later does not hide it."""
    plan = [due(1, "2024-01-10", 100), due(2, "2024-02-10", 100)]
    told = marts.of(
        "2024-03-31",
        loan(200, "2023-12-10", plan, [paid("2024-01-10", 100)], loan_id="FIRST_TIME"),
        loan(200, "2023-12-10", plan, [paid("2024-01-15", 100)], loan_id="AGAIN"),
    )
    measures = ("eligible_loans", "short_loans", "exclusive_short_loans")
    found = {
        number: told.one("mart_first_payment_default", *measures, instalment_no=number, window_days=3)
        for number in (1, 2)
    }
    assert found == {1: (2, 1, 1), 2: (2, 2, 1)}


# ── 17: sums before ratios ───────────────────────────────────────────────────────────────────────────────


def test_trap_17_a_rate_is_of_sums_and_no_mean_of_rates(marts: Marts) -> None:
    """900 of one product in time and 100 of another late are 10 %: the mean of the two products' rates is 50 %. The
    quarter is what stood at its end: the mean of its months' rates is a third of that."""
    told = marts.of(
        "2024-03-31",
        loan(900, "2024-01-01", [due(1, "2024-06-01", 900)], product="car", loan_id="L1"),
        loan(100, "2024-01-01", [due(1, "2024-03-10", 100)], product="cash", loan_id="L2"),
    )
    assert told.rows("mart_overdue_rate_monthly", "month_end", "overdue_rate") == [
        (on("2024-01-31"), 0), (on("2024-02-29"), 0), (on("2024-03-31"), Decimal("0.1")),
    ]  # fmt: skip
    assert told.rows("mart_overdue_rate_quarterly", "quarter_end", "overdue_rate") == [
        (on("2024-03-31"), Decimal("0.1")),
    ]  # fmt: skip


def test_trap_17_a_borrower_of_two_products_is_one_borrower(marts: Marts) -> None:
    """Three loans of two persons: one has two products, and is as bad as the worse of the two."""
    told = marts.of(
        "2024-03-31",
        loan(100, "2024-01-01", [due(1, "2024-06-01", 100)], product="car", person="WANG", loan_id="L1"),
        loan(100, "2024-01-01", [due(1, "2024-03-10", 100)], product="cash", person="WANG", loan_id="L2"),
        loan(100, "2024-01-01", [due(1, "2024-06-01", 100)], product="cash", person="LI", loan_id="L3"),
    )
    columns = ("active_loans", "active_borrowers", "overdue_loans", "overdue_borrowers")
    assert told.one("mart_overdue_rate_monthly", *columns, month_end="2024-03-31") == (3, 2, 1, 1)


def test_trap_17_a_borrower_of_two_lenders_is_found_by_the_key_and_not_by_adding(marts: Marts) -> None:
    """Each lender counts the person once, which adds up to two. Over lenders borrowers are counted by their key."""
    plan = [due(1, "2024-06-01", 100)]
    told = marts.of_books(
        Book("one", on("2024-03-31"), (loan(100, "2024-01-01", plan, person="WANG", borrower_id="7"),)),
        Book("two", on("2024-03-31"), (loan(100, "2024-01-01", plan, person="WANG", borrower_id="A-19"),)),
    )
    counts = told.rows("mart_overdue_rate_monthly", "lender", "active_borrowers", month_end="2024-03-31")
    assert counts == [("one", 1), ("two", 1)]
    assert len(set(told.rows("dim_loan", "borrower_key"))) == 1


# ── 18: roll rates ───────────────────────────────────────────────────────────────────────────────────────


def test_trap_18_a_roll_rate_follows_the_loans_of_its_own_cohort(marts: Marts) -> None:
    """Of 100 and 300 in M1 at the end of February 100 roll on: a quarter by principal, half by loans. All that is past
    30 at the end of March over February's M1 would be 300 of 400, or two of two loans."""
    told = marts.of(
        "2024-03-31",
        loan(100, "2024-01-01", [due(1, "2024-02-10", 100)], loan_id="ROLLS"),
        loan(300, "2024-01-01", [due(1, "2024-02-10", 50), due(2, "2024-06-10", 250)], [paid("2024-03-05", 50)],
             loan_id="CURES"),
        loan(200, "2023-12-01", [due(1, "2024-01-10", 200)], loan_id="WAS_IN_M2"),
    )  # fmt: skip
    columns = ("from_state", "to_state", "loans", "opening_principal", "closing_principal")
    assert told.rows("mart_roll_rate_monthly", *columns, from_month_end="2024-02-29") == [
        ("M1", "M0", 1, 300, 250), ("M1", "M2", 1, 100, 100), ("M2", "M3", 1, 200, 200),
    ]  # fmt: skip


# ── 19: vintages ─────────────────────────────────────────────────────────────────────────────────────────

COHORT = [
    # past 30 from 3 March until it pays on 10 March
    loan(100, "2024-01-02", [due(1, "2024-02-01", 100)], [paid("2024-03-10", 100)], loan_id="CURED"),
    loan(300, "2024-01-31", [due(1, "2024-06-01", 300)], loan_id="YOUNGEST"),
]


def test_trap_19_a_vintage_cell_exists_from_its_month_end_on(marts: Marts) -> None:
    """On 29 April the cohort of January has three months behind it and no fourth: the fourth is there a day later."""
    cells = {
        as_of: marts.of(as_of, *COHORT).rows("mart_vintage", "mob", threshold_dpd=30)
        for as_of in ("2024-04-29", "2024-04-30")
    }
    assert cells == {"2024-04-29": [0, 1, 2], "2024-04-30": [0, 1, 2, 3]}


def test_trap_19_ever_does_not_fall_when_a_loan_is_cured(marts: Marts) -> None:
    """100 of 400 disbursed were past 30 on some day of March: so they are in every later month, current or not."""
    told = marts.of("2024-05-31", *COHORT)
    columns = ("mob", "loans", "disbursed_principal", "ever_loans", "ever_principal", "current_loans")
    assert told.rows("mart_vintage", *columns, threshold_dpd=30) == [
        (0, 2, 400, 0, 0, 0), (1, 2, 400, 0, 0, 0), (2, 2, 400, 1, 100, 0), (3, 2, 400, 1, 100, 0),
        (4, 2, 400, 1, 100, 0),
    ]  # fmt: skip
    # in February it was late by 28 days, at the month's end too
    assert told.rows("mart_vintage", "mob", "ever_loans", "current_loans", threshold_dpd=0)[:3] == [
        (0, 0, 0), (1, 1, 1), (2, 1, 0),
    ]  # fmt: skip


# ── 20: where loans go ───────────────────────────────────────────────────────────────────────────────────


def test_trap_20_every_loan_of_a_cohort_rolls_somewhere(marts: Marts) -> None:
    """Seven loans in M1 at the end of February. Six leave their state, each in its own way, and none leaves the matrix:
    the rows add up to the cohort. The one that the file no longer lists is unknown, not settled."""
    late = [due(1, "2024-02-10", 100)]
    told = marts.of(
        "2024-03-31",
        loan(100, "2024-01-01", late, loan_id="STAYS_LATE"),
        loan(100, "2024-01-01", late, [paid("2024-03-05", 100)], loan_id="PAYS"),
        loan(100, "2024-01-01", late, [], [event("2024-03-05", "written_off")], loan_id="WRITTEN_OFF"),
        loan(100, "2024-01-01", late, [], [event("2024-03-05", "transferred")], loan_id="SOLD"),
        loan(100, "2024-01-01", late, [paid("2024-03-05", 100, "compensation")], loan_id="COMPENSATED"),
        loan(100, "2024-01-01", late, [paid("2024-03-05", 100, "buyback")], loan_id="BOUGHT_BACK"),
        loan(100, "2024-01-01", late, absences=[missing("2024-03-05")], loan_id="MISSING"),
    )
    rolls = told.rows("mart_roll_rate_monthly", "to_state", "loans", "opening_principal", from_month_end="2024-02-29")
    everywhere = ("M2", "bought_back", "compensated", "settled", "transferred", "unknown", "written_off")
    assert rolls == [(state, 1, 100) for state in everywhere]
    assert set(told.rows("mart_roll_rate_monthly", "from_state", from_month_end="2024-02-29")) == {"M1"}


def test_trap_20_a_loan_missing_from_the_file_is_unknown_until_it_is_listed_again(marts: Marts) -> None:
    """Missing from 5 to 20 March: its clock and what it owes go on, and it is in no way settled."""
    told = loan(100, "2024-01-01", [due(1, "2024-03-01", 100)], absences=[missing("2024-03-05", until="2024-03-20")])
    closes = {
        "2024-03-04": ("active", 3, 100), "2024-03-05": ("unknown", 4, 100), "2024-03-19": ("unknown", 18, 100),
        "2024-03-20": ("active", 19, 100),
    }  # fmt: skip
    assert marts.at(list(closes), told, "state", "dpd", "outstanding_principal") == closes
    assert marts.of("2024-03-31", told).rows("fct_delinquency_spell", "entered_on", "exited_on", "exit_reason") == [
        (on("2024-03-02"), None, "open"),
    ]  # fmt: skip
