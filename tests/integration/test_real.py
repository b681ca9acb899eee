"""The real lender: its own figures, from the filings, in the published marts.

The figures are those of the data's README (SEC Form ABS-EE, as collected by Lautier, Pozdnyakov and Yan, 2024).
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from arrears import pipeline
from arrears.settings import Role, settings

from ..conftest import Warehouse
from .airflow_process import run_dags

LENDER = "ally_auto"
POOLS = ("AART2017-3 new", "AART2017-3 used", "AART2019-3 used")
NEW_YEAR, MIDSUMMER = dt.date(2019, 12, 31), dt.date(2020, 6, 30)
LOANS = (1342, 2171, 2895)
ACTIVE = {
    NEW_YEAR: ((762, "10220765.64"), (1234, "9641999.21"), (2730, "33408467.92")),
    MIDSUMMER: ((681, "7648457.13"), (1078, "7147305.67"), (2491, "28059571.81")),
}
CHARGED_OFF = (33, 77, 85)
CHARGED_OFF_AMOUNT = {"auto_new": Decimal("686779.47"), "auto_used": Decimal("697592.19") + Decimal("828969.49")}
OWN_DPD = ((1262, 71, 9), (2015, 144, 12), (2670, 210, 15))  # 0, 1-30, 31-60 days, each loan's first month


@pytest.fixture
def landing(real_landing: Path, warehouse: Warehouse, tmp_path: Path) -> Path:
    """The warehouse's landing folder with the real deliveries in it."""
    link = tmp_path / "landing" / LENDER
    link.parent.mkdir()
    link.symlink_to(real_landing)
    return link


def month_ends(landing: Path) -> list[dt.date]:
    return sorted(dt.date.fromisoformat(path.name) for path in landing.iterdir())


def by_pool(warehouse: Warehouse, query: str, *parameters: Any) -> dict[str, tuple[Any, ...]]:
    """A query over marts joined to the loan's pool (its funder), read as BI reads it."""
    return {row[0]: row[1:] for row in warehouse.rows(query, *parameters, role=Role.READER)}


def check_active(warehouse: Warehouse, month_end: dt.date) -> None:
    found = by_pool(
        warehouse,
        "select funder, count(*), sum(outstanding_principal) from fct_loan_month join dim_loan using (lender, loan_id) "
        "where month_end = %s and state = 'active' and outstanding_principal > 0 group by funder",
        month_end,
    )
    assert found == {
        pool: (loans, Decimal(balance)) for pool, (loans, balance) in zip(POOLS, ACTIVE[month_end], strict=True)
    }


def check_lenders_own_dpd(warehouse: Warehouse, publication_id: int, pools: tuple[str, ...]) -> None:
    """The lender's days in each loan's first month, and ours beside them."""
    loans = (
        f"set arrears.publication = '{publication_id}'; with current as (select * from marts_as_known.fct_loan_current "
        "join marts_as_known.dim_loan using (lender, loan_id)) "
    )
    found = by_pool(
        warehouse,
        loans + "select funder, count(*) filter (where reported_dpd = 0), "
        "count(*) filter (where reported_dpd between 1 and 30), count(*) filter (where reported_dpd between 31 and 60) "
        "from current where reported_dpd is not null group by funder",
    )
    expected = dict(zip(POOLS, OWN_DPD, strict=True))
    assert {pool: found[pool] for pool in pools} == {pool: expected[pool] for pool in pools}
    agreeing, compared = warehouse.rows(
        loans + "select count(*) filter (where current.dpd between min_dpd and coalesce(max_dpd, current.dpd)), "
        "count(*) from current join dim_dpd_bucket as bucket on bucket.scheme = 'cn30' and not bucket.is_terminal "
        "and reported_dpd between min_dpd and coalesce(max_dpd, reported_dpd) where funder = any(%s)",
        list(pools), role=Role.READER,
    )[0]  # fmt: skip
    assert agreeing / compared >= 0.99, f"{agreeing} of {compared}"


def load(day: dt.date) -> None:
    url = settings().url(Role.LOADER)
    loaded = pipeline.load(LENDER, day, url=url)
    assert (loaded.outcome, loaded.rejected) == ("loaded", 0)
    assert pipeline.gate_delivery(loaded.delivery_id, url=url).outcome == "pass"


def publish(day: dt.date) -> int:
    built = pipeline.build(day, url=settings().url(Role.BUILDER))
    judged = pipeline.gate_candidate(built.build_id, url=settings().url(Role.PUBLISHER))
    assert judged.outcome == "pass", judged.failed
    return pipeline.publish(built.build_id, url=settings().url(Role.PUBLISHER)).publication_id


def test_a_dozen_real_months_through_the_dags(warehouse: Warehouse, landing: Path, tmp_path: Path) -> None:
    """The month-ends from mid-2019 on: a pool that is new in them, two that are not, both dates of the checks."""
    dozen = [day for day in month_ends(landing) if dt.date(2019, 7, 31) <= day <= MIDSUMMER]
    assert len(dozen) == 12
    done = run_dags(
        warehouse, tmp_path, "--lender", LENDER, *(part for day in dozen for part in ("--date", day.isoformat()))
    )
    assert done.returncode == 0, done.stderr
    check_active(warehouse, NEW_YEAR)
    check_active(warehouse, MIDSUMMER)
    assert warehouse.rows("select data_as_of, is_stale from dim_lender", role=Role.READER) == [(MIDSUMMER, False)]
    rows, accepted, rejected = warehouse.rows(
        "select sum(rows_in_file), sum(rows_accepted), sum(rows_rejected) from ops.delivery_file"
    )[0]
    assert rows == accepted + rejected
    assert rejected == 0


@pytest.mark.timeout(1800)  # 74 deliveries, each with its gate
def test_all_checks_of_the_real_data_hold_in_the_published_marts(warehouse: Warehouse, landing: Path) -> None:
    """All 74 month-ends, published when a deal is first seen and at the end."""
    publications: dict[dt.date, int] = {}
    first_seen = {month_ends(landing)[0]: POOLS[:2], dt.date(2019, 8, 31): POOLS[2:]}
    for day in month_ends(landing):
        load(day)
        if day in first_seen or day == month_ends(landing)[-1]:
            publications[day] = publish(day)
    loans = by_pool(warehouse, "select funder, count(*) from dim_loan group by funder")
    assert loans == {pool: (count,) for pool, count in zip(POOLS, LOANS, strict=True)}
    check_active(warehouse, NEW_YEAR)
    check_active(warehouse, MIDSUMMER)
    charged_off = by_pool(
        warehouse,
        "select funder, count(*) from fct_loan_month join dim_loan using (lender, loan_id) "
        "where state = 'written_off' group by funder",
    )
    assert charged_off == {pool: (count,) for pool, count in zip(POOLS, CHARGED_OFF, strict=True)}
    amounts = by_pool(warehouse, "select product, sum(written_off) from mart_balance_bridge_monthly group by product")
    assert {product: amount for product, (amount,) in amounts.items()} == CHARGED_OFF_AMOUNT
    payments = by_pool(warehouse, "select kind, count(*), sum(amount) from fct_payment group by kind")
    assert payments == {
        "repayment": (184335, Decimal("101014326.47")),
        "recovery": (256, Decimal("1210202.46")),
    }
    for day, pools in first_seen.items():
        check_lenders_own_dpd(warehouse, publications[day], pools)
