"""The traps of schedules and states: what moves a due date moves no debt, and what leaves the book was not repaid."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import pytest

from ..reference.book import Instalment
from .stories import Book, Marts, Position, due, event, loan, on, paid, rule

TWO = [due(1, "2024-02-01", 100), due(2, "2024-03-01", 100)]


def moved(since: str, *days: str) -> list[Instalment]:
    """A second version of the schedule: 100 on each day."""
    return [due(number, day, 100, version=2, since=since) for number, day in enumerate(days, start=1)]


# ── 21: the clock ────────────────────────────────────────────────────────────────────────────────────────


def test_trap_21_an_extension_resets_one_clock_and_not_the_other(marts: Marts) -> None:
    """From the day of the extension days count on the new schedule; the contractual ones go on as if nothing had been
    agreed, so that the reset is seen."""
    told = loan(
        200, "2024-01-01", [*TWO, *moved("2024-02-20", "2024-05-01", "2024-06-01")],
        events=[event("2024-02-20", "extended")],
    )  # fmt: skip
    closes = {
        "2024-02-19": (18, 18, False), "2024-02-20": (0, 19, True), "2024-03-31": (0, 59, True),
        "2024-05-01": (0, 90, True), "2024-05-02": (1, 91, True),
    }  # fmt: skip
    assert marts.at(list(closes), told, "dpd", "contractual_dpd", "is_restructured") == closes


def test_trap_21_a_due_date_moved_without_a_word_is_seen_all_the_same(marts: Marts) -> None:
    """A schedule sent again with other days and no event: the contractual clock goes on, and the loan is marked."""
    told = loan(200, "2024-01-01", [*TWO, *moved("2024-02-05", "2024-02-15", "2024-03-15")])
    closes = {
        "2024-02-04": (3, 3, False), "2024-02-05": (0, 4, True), "2024-02-15": (0, 14, True),
        "2024-02-16": (1, 15, True),
    }  # fmt: skip
    assert marts.at(list(closes), told, "dpd", "contractual_dpd", "is_restructured") == closes


def test_trap_21_terms_changed_without_a_word_are_relief_all_the_same(marts: Marts) -> None:
    """Days moved are an extension, amounts moved new terms, told or not; a part prepayment explains its schedule."""
    since = "2024-02-05"
    days = moved(since, "2024-02-15", "2024-03-15")
    smaller = [due(1, "2024-02-15", 50, version=2, since=since), due(2, "2024-03-15", 150, version=2, since=since)]
    less = [due(1, "2024-02-01", 100, version=2, since=since), due(2, "2024-03-01", 60, version=2, since=since)]
    told = marts.of(
        "2024-02-29",
        loan(200, "2024-01-01", [*TWO, *days], loan_id="SILENT"),
        loan(200, "2024-01-01", [*TWO, *days], events=[event("2024-02-03", "extended")], loan_id="TOLD"),
        loan(200, "2024-01-01", [*TWO, *smaller], loan_id="SMALLER"),
        loan(200, "2024-01-01", [*TWO, *less], [paid(since, 40, "prepayment")], loan_id="PREPAID"),
    )
    columns = ("kind", "granted_month", "loans", "outstanding_principal", "cosmetic_cures")
    assert told.rows("mart_forbearance_monthly", *columns) == [
        ("extension", on("2024-02-29"), 2, 400, 1),
        ("instalment_plan", on("2024-02-29"), 1, 200, 1),
    ]


@pytest.mark.parametrize(
    ("pause", "closes"),
    [
        # eleven days of January, when nothing was due
        (("2024-01-10", "2024-01-21"), {"2024-02-01": 0, "2024-02-02": 1, "2024-02-11": 10}),
        # the five days 5 to 9 February
        (
            ("2024-02-05", "2024-02-10"),
            {"2024-02-04": 3, "2024-02-05": 3, "2024-02-09": 3, "2024-02-10": 4, "2024-02-11": 5},
        ),
        # paused by mistake and resumed on the same day
        (("2024-02-05", "2024-02-05"), {"2024-02-04": 3, "2024-02-05": 4, "2024-02-11": 10}),
        # from before the due day on: of its days only 2 to 9 February, eight, were days of delay
        (("2024-01-25", "2024-02-10"), {"2024-02-05": 0, "2024-02-09": 0, "2024-02-10": 1, "2024-02-11": 2}),
    ],
    ids=["before the due day", "while late", "for no day", "over the due day"],
)
def test_trap_21_a_pause_counts_only_inside_the_unpaid_time(
    marts: Marts, pause: tuple[str, str], closes: dict[str, int]
) -> None:
    """The clock stands still on the days of the pause on which it would have run, and on no other."""
    stopped, resumed = pause
    told = loan(200, "2024-01-01", TWO, events=[event(stopped, "paused"), event(resumed, "resumed")])
    assert marts.at(list(closes), told, "dpd") == closes


def test_trap_21_a_pause_of_an_instalment_long_paid_is_nothing_to_the_next(marts: Marts) -> None:
    """Late and paused in February, paid; the instalment of March is late by its own days, with no pause among them."""
    told = loan(
        200, "2024-01-01", TWO, [paid("2024-02-12", 100)],
        [event("2024-02-05", "paused"), event("2024-02-10", "resumed")],
    )  # fmt: skip
    closes = {"2024-02-11": (5, 10), "2024-02-12": (0, 0), "2024-03-11": (10, 10)}
    assert marts.at(list(closes), told, "dpd", "contractual_dpd") == closes


# ── 22: no cure, no repayment ────────────────────────────────────────────────────────────────────────────

ENTERED = ("entered_loans", "entry_overdue_principal", "collected_principal", "cured_loans")


@pytest.mark.parametrize(("kind", "reason"), [("restructured", "restructured"), ("extended", "extended")])
def test_trap_22_a_loan_made_current_by_a_new_schedule_is_not_cured(marts: Marts, kind: str, reason: str) -> None:
    """64 days late, then new due dates: the spell ends by what ended it, nothing was collected, and the 200 that leave
    the 30+ book are neither cured nor paid down."""
    told = loan(
        200, "2024-01-01", [*TWO, *moved("2024-04-05", "2024-06-01", "2024-07-01")], events=[event("2024-04-05", kind)]
    )
    now = marts.of("2024-05-31", told)
    spell = ("entered_on", "exited_on", "exit_reason", "max_dpd")
    assert now.rows("fct_delinquency_spell", *spell) == [(on("2024-02-02"), on("2024-04-05"), reason, 63)]
    recoveries = {
        bucket: now.one("mart_recovery_monthly", *ENTERED, entry_bucket=bucket, window_days=30)
        for bucket in ("M1", "M2", "M3")
    }
    # by 3 March both instalments are due
    assert recoveries == {"M1": (1, 100, 0, 0), "M2": (1, 200, 0, 0), "M3": (1, 200, 0, 0)}
    flows = ("opening_30", "rolled_in", "cured", "paid_down", "other", "closing_30")
    assert now.one("mart_delinquency_bridge_monthly", *flows, month_end="2024-03-31") == (0, 200, 0, 0, 0, 200)
    assert now.one("mart_delinquency_bridge_monthly", *flows, month_end="2024-04-30") == (200, 0, 0, 0, -200, 0)


@pytest.mark.parametrize(
    ("kind", "reason"), [(None, "paid"), ("restructured", "restructured"), ("extended", "extended")]
)
def test_trap_22_a_loan_paid_off_out_of_a_new_one_is_not_cured_where_the_lender_says_so(
    marts: Marts, kind: str | None, reason: str
) -> None:
    """33 days late, then prepaid in full: a cure, unless the lender's event of that day says what the money was."""
    told = loan(
        200,
        "2024-01-01",
        TWO,
        [paid("2024-03-05", 200, "prepayment")],
        events=[event("2024-03-05", kind)] if kind else [],
    )
    now = marts.of("2024-04-30", told)
    assert now.one("fct_delinquency_spell", "exited_on", "exit_reason") == (on("2024-03-05"), reason)
    cured = 1 if reason == "paid" else 0
    assert now.one("mart_recovery_monthly", *ENTERED, entry_bucket="M1", window_days=60) == (1, 100, 200, cured)


def test_trap_22_a_claim_sold_is_not_repaid_and_no_new_vintage(marts: Marts) -> None:
    """The loan leaves as transferred: no cash, no cure, and it stays in the cohort of the month it was disbursed in."""
    told = loan(200, "2024-01-01", TWO, events=[event("2024-03-20", "transferred")])
    now = marts.of("2024-04-30", told)
    assert now.one("fct_delinquency_spell", "exited_on", "exit_reason") == (on("2024-03-20"), "transferred")
    flows = ("scheduled_principal", "prepaid", "transferred", "corrections", "closing")
    assert now.one("mart_balance_bridge_monthly", *flows, month_end="2024-03-31") == (0, 0, 200, 0, 0)
    assert now.one("mart_recovery_monthly", *ENTERED, entry_bucket="M1", window_days=30) == (1, 100, 0, 0)
    cohort = ("vintage_month", "mob", "loans", "ever_loans", "current_loans")
    january = on("2024-01-31")
    assert now.rows("mart_vintage", *cohort, threshold_dpd=30) == [
        (january, 0, 1, 0, 0), (january, 1, 1, 0, 0), (january, 2, 1, 1, 0), (january, 3, 1, 1, 0),
    ]  # fmt: skip


def test_trap_22_a_loan_bought_seasoned_belongs_to_the_month_it_was_disbursed_in(marts: Marts) -> None:
    """First listed in March 2024, disbursed in January 2023: its months on book begin with the fourteenth."""
    told = loan(
        200, "2023-01-15", [due(1, "2024-06-01", 200)], positions=[Position(on("2024-03-10"), Decimal(150))],
    )  # fmt: skip
    now = marts.of("2024-04-30", told, rules=[rule("outstanding", "reported")])
    assert now.rows("mart_vintage", "vintage_month", "mob", "current_loans", threshold_dpd=0) == [
        (on("2023-01-31"), 14, 0), (on("2023-01-31"), 15, 0),
    ]  # fmt: skip
    assert now.rows("fct_loan_month", "month_end", "mob", "outstanding_principal") == [
        (on("2024-03-31"), 14, 150), (on("2024-04-30"), 15, 150),
    ]  # fmt: skip


# ── 23: past the end ─────────────────────────────────────────────────────────────────────────────────────


def test_trap_23_a_loan_past_its_maturity_stays_while_it_owes(marts: Marts) -> None:
    """Due in one piece on 1 February 2022, unpaid: two years (730 days) and two months (29 + 30) later it is in every
    report, with all it owes."""
    told = marts.of("2024-03-31", loan(100, "2021-12-01", [due(1, "2022-02-01", 100)]))
    columns = ("state", "dpd", "bucket", "outstanding_principal", "overdue_amount")
    assert told.one("fct_loan_current", *columns) == ("active", 789, "M6+", 100, 100)
    rates = ("active_loans", "outstanding_principal", "balance_overdue_90")
    assert told.one("mart_overdue_rate_monthly", *rates, month_end="2024-03-31") == (1, 100, 100)
    assert told.one("mart_ageing_quarterly", "loans", quarter_end="2024-03-31", bucket="M6+") == 1
    # every month-end from December 2021 to March 2024
    assert len(told.rows("fct_loan_month", "month_end", state="active")) == 28


def test_trap_23_a_recovery_after_write_off_brings_nothing_back_and_undoes_nothing(marts: Marts) -> None:
    """100 are written off, 40 recovered later: the write-off stays 100, the loan stays out of the book, and the 40 are
    neither collections of an entry cohort nor of what was due."""
    told = loan(
        100, "2023-01-01", [due(1, "2023-02-01", 100)], [paid("2023-10-10", 40, "recovery")],
        [event("2023-08-31", "written_off")],
    )  # fmt: skip
    now = marts.of("2024-03-31", told)
    columns = ("state", "dpd", "outstanding_principal", "overdue_amount")
    assert now.one("fct_loan_current", *columns) == ("written_off", 0, 0, 0)
    assert now.one("fct_payment", "principal", "unallocated") == (0, 40)
    assert now.one("mart_balance_bridge_monthly", "written_off", "closing", month_end="2023-08-31") == (100, 0)
    later = ("scheduled_principal", "prepaid", "written_off", "corrections")
    assert set(now.rows("mart_balance_bridge_monthly", *later)) == {(0, 0, 0, 0), (0, 0, 100, 0)}
    assert set(now.rows("mart_collection_curve", "amount_collected_to_date")) == {0}
    # past 180 from 1 August on: the recovery falls into the 90 days after it
    assert now.one("mart_recovery_monthly", *ENTERED, entry_bucket="M6+", window_days=90) == (1, 100, 0, 0)
    assert now.rows("fct_loan_month", "month_end", state="written_off") == [on("2023-08-31")]


# ── 24: at the edges ─────────────────────────────────────────────────────────────────────────────────────

SIXTY = [due(n + 1, f"{2024 + n // 12}-{n % 12 + 1:02}-28", 100) for n in range(60)]

# principal, instalments; state, days past due, overdue amount and principal left on 31 March 2024
EDGES: dict[str, tuple[int, Sequence[Instalment], tuple[str, int, int, int]]] = {
    "no instalments": (100, [], ("active", 0, 0, 100)),
    "neither principal nor instalments": (0, [], ("settled", 0, 0, 0)),
    "a bullet": (100, [due(1, "2024-03-01", 100)], ("active", 30, 100, 100)),
    # nothing was due in February: nothing can be late since then
    "an instalment of zero": (100, [due(1, "2024-02-01", 0), due(2, "2024-03-10", 100)], ("active", 21, 100, 100)),
    "no principal, and interest due": (0, [due(1, "2024-03-01", 0, 5)], ("active", 30, 5, 0)),
    # 28 January to 31 March are 63 days; three instalments have fallen due
    "sixty months": (6000, SIXTY, ("active", 63, 300, 6000)),
}


@pytest.mark.parametrize("name", EDGES)
def test_trap_24_loans_at_the_edges(marts: Marts, name: str) -> None:
    """Each for itself: no instalments, a single one, one of zero, no principal, sixty months."""
    principal, plan, expected = EDGES[name]
    now = marts.of("2024-03-31", loan(principal, "2023-12-28", plan))
    columns = ("state", "dpd", "overdue_amount", "outstanding_principal")
    assert now.one("fct_loan_current", *columns) == expected
    # nothing to divide by is no rate, and no failure
    rates = now.rows("mart_overdue_rate_monthly", "overdue_rate", month_end="2024-03-31")
    _, dpd, _, left = expected
    if expected[0] == "settled":
        assert rates == []
    elif left == 0:
        assert rates == [None]
    else:
        assert rates == [1 if dpd else 0]


def test_trap_24_an_absurd_instalment_ends_no_build(marts: Marts) -> None:
    """An instalment of a cent and then one of a million: a hundred million payments missed. Days past due are the most
    that whole months in an integer can be, and the loan beside it is counted as ever."""
    told = marts.of(
        "2024-03-02",
        loan("1000000.01", "2024-01-01", [due(1, "2024-02-01", "0.01"), due(2, "2024-03-01", 1_000_000)]),
        loan(200, "2024-01-01", TWO, loan_id="L2"),
        rules=[rule("basis", "missed_payments"), rule("tol_abs", "0")],
    )
    assert told.rows("fct_loan_current", "loan_id", "dpd") == [("L1", 2_147_483_640), ("L2", 60)]


# ── 25: persons ──────────────────────────────────────────────────────────────────────────────────────────


def test_trap_25_one_person_is_one_borrower_under_any_number_of_ids(marts: Marts) -> None:
    """Two loans at one lender, a third at another that knows the person by another id; and the other lender's own
    number 7 is somebody else."""
    plan = [due(1, "2024-06-01", 100)]
    first = loan(100, "2024-01-01", plan, person="WANG", borrower_id="7", loan_id="L1")
    second = loan(100, "2024-02-01", plan, person="WANG", borrower_id="7", loan_id="L2")
    third = loan(100, "2024-03-01", plan, person="WANG", borrower_id="A-19", loan_id="L3")
    other = loan(100, "2024-03-01", plan, person="LI", borrower_id="7", loan_id="L4")
    told = marts.of_books(Book("one", on("2024-03-31"), (first, second)), Book("two", on("2024-03-31"), (third, other)))
    concurrent = told.rows("dim_loan", "loan_id", "concurrent_loans_at_disbursement")
    assert concurrent == [("L1", 0), ("L2", 1), ("L3", 2), ("L4", 0)]
    keys = dict(told.rows("dim_loan", "loan_id", "borrower_key"))
    assert keys["L1"] == keys["L2"] == keys["L3"] != keys["L4"]
    borrowers = told.rows("mart_overdue_rate_monthly", "lender", "active_loans", "active_borrowers",
                          month_end="2024-03-31")  # fmt: skip
    assert borrowers == [("one", 2, 1), ("two", 2, 2)]


def test_trap_25_who_is_late_here_and_borrows_elsewhere_is_seen(marts: Marts) -> None:
    """WANG is late at one lender since 2 February; on the 20th another, which knows WANG by another id, gives a loan.
    The first is warned without learning of whom, and both see a borrower of two loans. LI, number 7 there, has one."""
    plan = [due(1, "2024-02-01", 50), due(2, "2024-05-01", 50)]
    late = loan(100, "2024-01-01", plan, person="WANG", borrower_id="7", loan_id="L1")
    new = loan(100, "2024-02-20", [due(1, "2024-06-01", 100)], person="WANG", borrower_id="A-19", loan_id="ELSEWHERE")
    other = loan(100, "2024-02-20", [due(1, "2024-06-01", 100)], person="LI", borrower_id="7", loan_id="L3")
    told = marts.of_books(Book("one", on("2024-03-31"), (late,)), Book("two", on("2024-03-31"), (new, other)))
    assert told.rows("mart_early_warning", "lender", "loan_id", "signal", "raised_on") == [
        ("one", "L1", "first_missed_payment", on("2024-02-02")), ("one", "L1", "new_loan_elsewhere", on("2024-02-20")),
    ]  # fmt: skip
    detail = told.one("mart_early_warning", "detail", signal="new_loan_elsewhere")
    assert "two" not in detail
    assert "ELSEWHERE" not in detail
    segments = told.rows("mart_borrower_segment_monthly", "lender", "loan_count_band", "borrowers", "overdue_borrowers",
                         month_end="2024-03-31")  # fmt: skip
    assert segments == [("one", "2", 1, 1), ("two", "1", 1, 0), ("two", "2", 1, 0)]


def test_trap_25_persons_nobody_can_identify_are_not_thrown_together(marts: Marts) -> None:
    """Without an identity a borrower is the lender's own: the same number at two lenders is two persons."""
    plan = [due(1, "2024-06-01", 100)]
    books = [
        Book(lender, on("2024-03-31"), (loan(100, "2024-01-01", plan, borrower_id="7"),)) for lender in ("one", "two")
    ]
    assert len(set(marts.of_books(*books).rows("dim_loan", "borrower_key"))) == 2
