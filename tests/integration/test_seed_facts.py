"""The scenario `seed-facts` in the published marts: every figure reported about these platforms, read as BI reads it.

Each lender is simulated with the loans and the days that its facts need; the first delivery carries a whole history.
Then all go through the pipeline together: loaded, built, judged by the candidate's gate, published. What only a
published book of all lenders shows is asked here, too: that no mart is empty, and that every metric has an answer.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from arrears import metrics, pipeline
from arrears.errors import Usage
from arrears.load import registry
from arrears.metrics import Metrics, Question
from arrears.settings import SOURCE_ROOT, Role, settings
from arrears.simulate import simulate
from arrears.simulate.schedule import Every
from arrears.warehouse.connect import connect

from ..conftest import Warehouse, days

DASHBOARDS = SOURCE_ROOT / "dashboards"
LAST, YEAR_BEFORE = dt.date(2024, 3, 31), dt.date(2023, 3, 31)
SEED = 5
# Each lender's loans, first day, and how often it delivers from then to the last day. Those with as many loans lend to
# the same people, so one may borrow from several of them.
SIMULATED: dict[str, tuple[int, dt.date, Every]] = {
    "hongchuang": (300, dt.date(2024, 3, 1), "month"),
    "lakala": (900, dt.date(2024, 3, 1), "month"),
    "paipai": (1200, dt.date(2024, 3, 1), "month"),
    "xiaodangjia": (300, dt.date(2023, 7, 1), "month"),
    "jike": (300, dt.date(2024, 3, 17), "day"),
}

Ask = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def ask(shared_warehouse: Warehouse, metrics_read_once: None) -> Ask:
    """Asks the published marts, as the role of BI."""
    own = settings()
    for lender, (loans, first, every) in SIMULATED.items():
        simulate(
            start=first, end=LAST, loans=loans, seed=SEED, lenders=[lender], every=every, scenario="seed-facts",
            landing=Path(own.landing), truth=Path(own.home) / "truth",
        )  # fmt: skip
        _load(lender, first, shared_warehouse.url(Role.LOADER))
    built = pipeline.build(LAST, url=shared_warehouse.url(Role.BUILDER))
    pipeline.gate_candidate(built.build_id, url=shared_warehouse.url(Role.PUBLISHER))
    pipeline.publish(built.build_id, url=shared_warehouse.url(Role.PUBLISHER), approved_by="a tester")

    def asked(query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        return shared_warehouse.rows(query, *parameters, role=Role.READER)

    return asked


def _load(lender: str, first: dt.date, url: str) -> None:
    """Load every delivery; the last goes through its gate, the others are accepted without."""
    for day in days(first, LAST):
        if not pipeline.delivery_complete(lender, day):
            continue
        loaded = pipeline.load(lender, day, url=url)
        if day == LAST:
            pipeline.gate_delivery(loaded.delivery_id, url=url)
            continue
        with connect(url, "accept") as connection, connection.cursor() as cursor:
            registry.accept(cursor, loaded.delivery_id)


def _excess(rows: list[tuple[bool, int, int]]) -> float:
    """How many times as often something is late where a condition holds as where it does not.

    Args:
        rows: for both, whether it holds, how many there are, and how many of them are late.
    """
    share = {holds: late / everybody for holds, everybody, late in rows}
    return float(share[True] / share[False])


# ── hongchuang ──────────────────────────────────────────────────────────────────────────────────────────


def test_hongchuang_is_overdue_by_3_7_and_a_year_later_by_5_2_percent(ask: Ask) -> None:
    rates: dict[dt.date, Decimal] = dict(
        ask(
            "select quarter_end, round(100 * overdue_rate, 1) from mart_overdue_rate_quarterly "
            "where lender = 'hongchuang' and quarter_end in (%s, %s)",
            YEAR_BEFORE, LAST,
        )
    )  # fmt: skip
    assert rates == {YEAR_BEFORE: Decimal("3.7"), LAST: Decimal("5.2")}


def test_hongchuang_is_overdue_by_1_5_points_more_than_a_year_before(ask: Ask) -> None:
    ((points,),) = ask(
        "select round(overdue_rate_yoy_pp, 1) from mart_overdue_rate_quarterly "
        "where lender = 'hongchuang' and quarter_end = %s",
        LAST,
    )
    assert points == Decimal("1.5")


def test_hongchuang_extends_a_loan_of_5000_after_illness_and_it_is_repaid(ask: Ask) -> None:
    ((loan,),) = ask(
        "select loan_id from dim_loan natural join fct_loan_current where lender = 'hongchuang' and principal = 5000 "
        "and purpose = 'medical' and is_restructured"
    )
    spells = ask(
        "select exited_on, exit_reason from fct_delinquency_spell where lender = 'hongchuang' and loan_id = %s", loan
    )
    assert spells == [(dt.date(2023, 7, 24), "extended")]
    months = ask(
        "select month_end, dpd, contractual_dpd from fct_loan_month where lender = 'hongchuang' and loan_id = %s", loan
    )
    dpd = {month: (current, contractual) for month, current, contractual in months}
    assert dpd[dt.date(2023, 5, 31)] == (0, 0)
    assert dpd[dt.date(2023, 6, 30)][0] > 0
    assert dpd[dt.date(2023, 7, 31)][0] == 0
    assert dpd[dt.date(2023, 7, 31)][1] > 30, "on the first schedule it is late until it is repaid"
    ended = ask("select state from fct_loan_current where lender = 'hongchuang' and loan_id = %s", loan)
    repaid = ask(
        "select sum(principal) from fct_payment where lender = 'hongchuang' and loan_id = %s and kind <> 'waiver'", loan
    )
    assert (ended, repaid) == ([("settled",)], [(Decimal(5000),)])


# ── lakala ──────────────────────────────────────────────────────────────────────────────────────────────


def test_lakala_is_overdue_by_tens_of_thousands(ask: Ask) -> None:
    ((above, most, of_the_long),) = ask(
        "select avg(cast(overdue_amount > 10000 as integer)), max(overdue_amount), "
        "percentile_disc(0.5) within group (order by overdue_amount) filter (where dpd > 180) "
        "from fct_loan_month where lender = 'lakala' and month_end = %s and dpd > 0",
        LAST,
    )
    assert above > Decimal("0.3")
    assert most > 20_000
    assert of_the_long > 10_000


def test_lakala_has_a_book_about_one_year_overdue(ask: Ask) -> None:
    loans = dict[str, Decimal](
        ask(
            "select dpd_band, sum(loans) from mart_long_overdue_monthly where lender = 'lakala' and month_end = %s "
            "group by dpd_band",
            LAST,
        )
    )
    ((overdue,),) = ask(
        "select overdue_loans from mart_overdue_rate_monthly where lender = 'lakala' and month_end = %s", LAST
    )
    # about_one_year lies across two of the others
    long_overdue = sum(number for band, number in loans.items() if band != "about_one_year")
    assert long_overdue > Decimal("0.25") * overdue, loans
    assert loans["about_one_year"] >= Decimal("0.05") * long_overdue, loans


# ── paipai ──────────────────────────────────────────────────────────────────────────────────────────────


def test_paipai_arrears_are_on_small_loans(ask: Ask) -> None:
    small = ask(
        "select principal < 4000, count(*), count(*) filter (where dpd > 0) from fct_loan_month as months "
        "inner join dim_loan as loans using (lender, loan_id) where months.lender = 'paipai' and month_end = %s "
        "and state = 'active' group by principal < 4000",
        LAST,
    )
    assert _excess(small) > 1.15


@pytest.mark.parametrize(
    ("who", "times"),
    [
        ("birth_decade >= '1990s'", 1.25),
        ("income_band in ('low', 'lower_middle', 'middle')", 1.1),
        ("birth_decade >= '1990s' and income_band in ('low', 'lower_middle', 'middle')", 1.4),
    ],
)
def test_paipai_arrears_are_of_the_young_and_of_low_to_middle_incomes(ask: Ask, who: str, times: float) -> None:
    segments = ask(
        f"select {who}, sum(borrowers), sum(overdue_borrowers) from mart_borrower_segment_monthly "
        f"where lender = 'paipai' and month_end = %s and birth_decade <> 'unknown' group by {who}",
        LAST,
    )
    assert _excess(segments) > times


def test_paipai_has_the_three_types_of_debt(ask: Ask) -> None:
    loans = dict[str, Decimal](
        ask(
            "select debt_type, sum(loans) from mart_debt_type_monthly where lender = 'paipai' and month_end = %s "
            "group by debt_type",
            LAST,
        )
    )
    assert set(loans) == {"overdue_unpaid", "partial", "default"}
    assert min(loans.values()) >= 10, loans


# ── xiaodangjia ─────────────────────────────────────────────────────────────────────────────────────────


def test_xiaodangjia_is_more_overdue_every_year(ask: Ask) -> None:
    risen = ask(
        "select quarter_end, overdue_rate_yoy_pp from mart_overdue_rate_quarterly "
        "where lender = 'xiaodangjia' and quarter_end in (%s, %s) order by quarter_end",
        dt.date(2023, 12, 31), LAST,
    )  # fmt: skip
    assert len(risen) == 2
    assert all(points > 1 for _, points in risen), risen


def test_xiaodangjia_collects_by_phone_message_and_visit_and_is_complained_of(ask: Ask) -> None:
    worked = ask(
        "select channel, sum(actions), sum(complaints) from mart_collection_performance_monthly "
        "where lender = 'xiaodangjia' group by channel"
    )
    actions = {channel: number for channel, number, _ in worked}
    assert {"phone", "sms", "visit"} <= set(actions)
    assert min(actions[channel] for channel in ("phone", "sms", "visit")) > 20, actions
    complaints = sum(number for _, _, number in worked)
    assert complaints > 10


# ── jike ────────────────────────────────────────────────────────────────────────────────────────────────


def test_jike_lends_to_those_who_borrow_elsewhere_already(ask: Ask) -> None:
    shares: dict[str, Decimal] = dict(
        ask("select lender, avg(cast(concurrent_loans_at_disbursement > 0 as integer)) from dim_loan group by lender")
    )
    assert shares["jike"] == max(shares.values())
    assert shares["jike"] > Decimal("0.2"), shares


def test_jike_takes_penalties_that_grow_with_the_days_past_due(ask: Ask) -> None:
    """What loans paid in penalties in all, by the longest of their spells that they paid their way out of."""
    averages = [
        penalty
        for _, penalty in ask(
            "select least(longest / 30, 3), avg(penalty) from ("
            "select loan_id, max(max_dpd) as longest from fct_delinquency_spell "
            "where lender = 'jike' and exit_reason = 'paid' group by loan_id) as spells inner join ("
            "select loan_id, sum(penalty) as penalty from fct_payment where lender = 'jike' group by loan_id) as paid "
            "using (loan_id) group by least(longest / 30, 3) order by least(longest / 30, 3)"
        )
    ]
    assert len(averages) == 4
    assert averages == sorted(averages), averages
    assert averages[0] > 0
    assert averages[-1] > 3 * averages[0], averages


def test_jike_borrowers_have_loans_at_other_lenders(ask: Ask) -> None:
    several = dict[str, Decimal](
        ask(
            "select lender, sum(borrowers) filter (where loan_count_band <> '1') / sum(borrowers) "
            "from mart_borrower_segment_monthly where month_end = %s group by lender",
            LAST,
        )
    )
    assert several["jike"] > Decimal("0.2"), several
    assert several["jike"] > 2 * several["lakala"], several


def test_jike_delivers_not_every_day(ask: Ask) -> None:
    ((delivered,),) = ask(
        "select count(*) from mart_data_quality_daily "
        "where lender = 'jike' and business_date > %s and rows_accepted > 0",
        LAST - dt.timedelta(days=15),
    )
    assert 8 < delivered < 15


# ── scores ──────────────────────────────────────────────────────────────────────────────────────────────


def test_gini_and_ks_say_how_well_scores_put_loans_in_order(ask: Ask) -> None:
    """Against loans compared one by one: of a bad and a good loan, the bad one should have the lower score."""
    told = {
        lender: (float(gini), float(ks)) for lender, gini, ks in ask((DASHBOARDS / "score_ranking.sql").read_text())
    }
    bands = ask(
        "select lender, score_band, sum(ever30_mob6_loans), sum(loans - ever30_mob6_loans) from mart_score_calibration "
        "where score_band <> 'unknown' group by lender, score_band"
    )
    for lender, (gini, ks) in told.items():
        of_lender = sorted((_lowest(band), int(bad), int(good)) for name, band, bad, good in bands if name == lender)
        bad, good = (sum(row[side] for row in of_lender) for side in (1, 2))
        won = sum(b * (sum(g for above, _, g in of_lender if above > score) + h / 2) for score, b, h in of_lender)
        assert gini == pytest.approx(2 * won / (bad * good) - 1, abs=1e-4)
        up_to = [[sum(row[side] for row in of_lender[:end]) for side in (1, 2)] for end in range(1, len(of_lender) + 1)]
        assert ks == pytest.approx(max(abs(b / bad - g / good) for b, g in up_to), abs=1e-4)
    assert set(told) == {lender for lender, *_ in bands} < set(SIMULATED), "one lender sends no scores"
    assert max(gini for gini, _ in told.values()) > 0.1


def _lowest(band: str) -> int:
    """The lowest score of a band; of the one below all others, 0."""
    number = re.match(r"\d+", band)
    return int(number.group()) if number else 0


# ── every mart, every metric ────────────────────────────────────────────────────────────────────────────


def test_no_mart_is_empty(ask: Ask) -> None:
    marts = [name for (name,) in ask("select table_name from information_schema.tables where table_schema = 'marts'")]
    assert len(marts) > 35
    assert [mart for mart in marts if not ask(f"select 1 from {mart} limit 1")] == []


def test_every_metric_has_an_answer(ask: Ask) -> None:
    """Asked together with those of the same mart, by lender and by its finest time."""
    known = Metrics(settings(), "marts")
    together: dict[tuple[str, ...], list[str]] = {}
    for metric in known.all:
        together.setdefault(tuple(known.dimensions(metric.name)), []).append(metric.name)
    silent = []
    for dimensions, names in together.items():
        question = Question(tuple(names), by=(dimensions[0], "lender"))
        answer = metrics.ask(question, url=settings().url(Role.READER), settings=settings())
        asked = zip(*(row[2:] for row in answer.rows), strict=True)
        silent += [name for name, values in zip(names, asked, strict=True) if all(value is None for value in values)]
    assert silent == []
    assert sum(metric.kind != "simple" for metric in known.all) > 80


def _figures(*names: str, by: tuple[str, ...], **question: Any) -> dict[tuple[Any, ...], tuple[float, ...]]:
    answer = metrics.ask(
        Question(names, by=by, **question), url=settings().url(Role.READER), settings=settings()
    )  # fmt: skip
    return {row[: len(by)]: tuple(float(value) for value in row[len(by) :] if value is not None) for row in answer.rows}


def test_metrics_are_the_rates_of_the_headline_mart(ask: Ask) -> None:
    columns = ("overdue_rate", "par30_rate", "par60_rate", "par90_rate")
    shown = {
        (month, lender): pytest.approx([float(rate) for rate in rates], abs=1e-6)
        for month, lender, *rates in ask(
            f"select month_end, lender, {', '.join(columns)} from mart_overdue_rate_monthly"
        )
    }
    assert {key: list(rates) for key, rates in _figures(*columns, by=("month", "lender")).items()} == shown


def test_a_rate_over_all_lenders_is_no_average_of_theirs(ask: Ask) -> None:
    ((overdue, book),) = ask(
        "select sum(balance_overdue_1), sum(outstanding_principal) from mart_overdue_rate_monthly where month_end = %s",
        LAST,
    )
    figures = _figures("overdue_rate", by=("month",), first=LAST, last=LAST)
    assert figures == {(LAST,): (pytest.approx(float(overdue / book)),)}


def test_stocks_of_several_months_are_not_added(ask: Ask) -> None:
    ((book,),) = ask("select sum(outstanding_principal) from mart_overdue_rate_monthly where month_end = %s", LAST)
    assert _figures("book_principal", by=()) == {(): (pytest.approx(float(book)),)}


def test_a_stock_is_of_the_newest_month_end_of_each_lender(ask: Ask) -> None:
    """Here all lenders have the same; where one is late, its book is as of its own."""
    sql = metrics.query(Question(("book_principal",)), settings=settings())
    assert re.search(
        r"SELECT\s+lender\s+, MAX\(DATE_TRUNC\('month', month_end\)\) .*?GROUP BY\s+lender\s", sql, re.DOTALL
    ), sql


def test_a_metric_is_asked_of_a_part_of_the_book_and_of_a_publication(ask: Ask) -> None:
    question = {"by": ("quarter", "product"), "where": {"lender": "jike"}}
    figures = _figures("fpd30_rate", **question)
    assert {product for _, product in figures} == {"consumer_loan", "card_balance_transfer", "micro_loan"}
    assert _figures("fpd30_rate", as_known=1, **question) == figures
    with pytest.raises(Usage, match="There is no publication 99"):
        _figures("fpd30_rate", as_known=99, **question)


@pytest.mark.parametrize(("name", "question", "said"), [
    ("overdu_rate", {}, "There is no metric overdu_rate. Is it overdue_rate"),
    ("overdue_rate", {"by": ("bucket",)}, "There is no dimension bucket. There are: currency, lender, month"),
])  # fmt: skip
def test_what_cannot_be_asked_is_said(ask: Ask, name: str, question: dict[str, Any], said: str) -> None:
    with pytest.raises(Usage, match=re.escape(said)):
        metrics.query(Question((name,), **question), settings=settings())


def test_a_value_to_filter_by_is_only_a_value(ask: Ask) -> None:
    assert _figures("overdue_rate", by=("lender",), where={"lender": "jike' or 'a' = 'a"}) == {}
