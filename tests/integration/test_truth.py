"""The simulator's truth against the marts: five lenders, their files through the whole pipeline, row by row.

The simulator keeps books of its own and writes down every month-end what every loan stands at. The marts know only
the files. Where the two disagree on a day or a cent, one of them reads the definitions wrongly.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from arrears import pipeline
from arrears.load import registry
from arrears.settings import Role, settings
from arrears.simulate import lenders, simulate
from arrears.warehouse.connect import connect

from ..conftest import Warehouse, days

FIRST, LAST = dt.date(2023, 1, 31), dt.date(2024, 3, 31)
LOANS, SEED = 150, 6

KEY = ("lender", "loan_id", "as_of")
EXACT = ("state", "dpd", "contractual_dpd", "outstanding_principal", "is_restructured")
WITHIN_TOLERANCE = ("overdue_principal", "overdue_amount")
COMPARED = EXACT + WITHIN_TOLERANCE

MONTHS = f"""
    select month.lender, month.loan_id, month.month_end, {", ".join(f"month.{name}" for name in COMPARED)},
        (
            select count(*) from candidate.fct_instalment as instalment
            where instalment.lender = month.lender and instalment.loan_id = month.loan_id
                and instalment.due_on < month.month_end
        )
    from candidate.fct_loan_month as month
    where month.month_end >= %s
"""


@dataclass(frozen=True)
class Told:
    """What both say, a row a loan and month-end."""

    truth: pl.DataFrame
    marts: pl.DataFrame
    """With `instalments`: how many of the loan's were due before the month-end."""
    final_state: dict[tuple[str, str], str]
    """By lender and loan, of fct_loan_current."""
    charged_back: pl.DataFrame
    """Lender, loan and value date of every chargeback."""


@pytest.fixture(scope="module")
def told(shared_warehouse: Warehouse) -> Told:
    own = settings()
    landing, truth = Path(own.landing), Path(own.home) / "truth"
    simulate(start=FIRST, end=LAST, loans=LOANS, seed=SEED, landing=landing, truth=truth, every="month", workers=1)
    for lender in lenders():
        _load(lender, shared_warehouse.url(Role.LOADER))
    pipeline.build(LAST, url=shared_warehouse.url(Role.BUILDER))
    current = shared_warehouse.rows("select lender, loan_id, state from candidate.fct_loan_current")
    charged_back = shared_warehouse.rows(
        "select distinct lender, loan_id, value_on from candidate.fct_payment where kind = 'chargeback'"
    )
    return Told(
        truth=_truth(truth),
        marts=_frame(shared_warehouse.rows(MONTHS, FIRST)),
        final_state={(lender, loan): state for lender, loan, state in current},
        charged_back=pl.DataFrame(charged_back, ["lender", "loan_id", "value_on"], orient="row"),
    )


def _load(lender: str, url: str) -> None:
    """Load every delivery of a lender, found as its contract says where deliveries lie.

    The gate has tests of its own: what it would say of so many deliveries takes longer than all else here.
    """
    delivered = [day for day in days(FIRST, LAST) if pipeline.delivery_complete(lender, day)]
    assert delivered[0] == FIRST
    for day in delivered:
        loaded = pipeline.load(lender, day, url=url)
        with connect(url, "accept") as connection, connection.cursor() as cursor:
            registry.accept(cursor, loaded.delivery_id)


def _truth(folder: Path) -> pl.DataFrame:
    """The simulator's month-ends from the first delivery on."""
    files = [path for lender in lenders() for path in sorted((folder / lender).glob("*.parquet"))]
    months = [pl.read_parquet(path).with_columns(lender=pl.lit(path.parent.name)) for path in files]
    return pl.concat(months).filter(pl.col("as_of") >= FIRST).select(*KEY, *COMPARED)


def _frame(rows: list[tuple[object, ...]]) -> pl.DataFrame:
    amounts = {name: pl.Decimal(18, 2) for name in COMPARED if name.endswith(("principal", "amount"))}
    counts = dict.fromkeys(("dpd", "contractual_dpd", "instalments"), pl.Int32)
    return pl.DataFrame(rows, [*KEY, *COMPARED, "instalments"], orient="row", schema_overrides={**amounts, **counts})


def disagreements(truth: pl.DataFrame, marts: pl.DataFrame) -> list[str]:
    """What truth and marts say differently of active loans, one line each; a loan that either does not have at all.

    Both count an instalment that is short by 0.01 as paid, but the simulator leaves the 0.01 in the overdue amounts.
    """
    active = truth.filter(pl.col("state") == "active")
    found = [f"{row}: active, and not in the marts" for row in _keys(active.join(marts, on=KEY, how="anti"))]
    in_marts = marts.filter(pl.col("state").is_in(["active", "unknown"]))
    found += [f"{row}: not active, and in the marts" for row in _keys(in_marts.join(active, on=KEY, how="anti"))]
    both = active.join(marts, on=KEY, suffix="_of_marts")
    for name in EXACT:
        found += _told(both.filter(pl.col(name).ne_missing(pl.col(f"{name}_of_marts"))), name)
    for name in WITHIN_TOLERANCE:
        more = pl.col(name) - pl.col(f"{name}_of_marts")
        fits = (more >= 0) & (more * 100 <= pl.col("instalments"))
        found += _told(both.filter(~fits.fill_null(False)), name)
    return found


def _keys(frame: pl.DataFrame) -> list[str]:
    return [" ".join(str(value) for value in row) for row in frame.select(KEY).sort(KEY).rows()]


def _told(differing: pl.DataFrame, name: str) -> list[str]:
    rows = differing.sort(KEY).iter_rows(named=True)
    return [
        f"{row['lender']} {row['loan_id']} {row['as_of']}: {name} {row[name]}, in the marts {row[f'{name}_of_marts']}"
        for row in rows
    ]


def test_the_marts_say_what_the_simulator_knows(told: Told) -> None:
    found = disagreements(told.truth, told.marts)
    assert not found, f"{len(found)} disagreements. The first:\n" + "\n".join(found[:20])


def test_loans_that_left_are_in_the_state_they_left_in(told: Told) -> None:
    last = told.truth.filter(pl.col("as_of") == LAST)
    expected = {(row["lender"], row["loan_id"]): row["state"] for row in last.iter_rows(named=True)}
    differing = {
        key: (state, told.final_state.get(key)) for key, state in expected.items() if told.final_state.get(key) != state
    }
    assert not differing
    assert {*expected.values()} == {"active", "settled", "written_off", "transferred", "compensated", "bought_back"}


def test_the_tolerance_is_hardly_used(told: Told) -> None:
    active = told.truth.filter(pl.col("state") == "active").join(told.marts, on=KEY, suffix="_of_marts")
    for name in WITHIN_TOLERANCE:
        off = active.filter(pl.col(name) != pl.col(f"{name}_of_marts"))
        assert len(off) < len(active) / 100


def test_the_loans_are_worth_asking_about(told: Told) -> None:
    """Arrears, relief and chargebacks occur: agreement on loans to which nothing happens would prove little."""
    active = told.truth.filter(pl.col("state") == "active")
    assert set(active["lender"]) == set(lenders())
    assert len(active) > 5_000
    late, restructured = active.filter(pl.col("dpd") > 0), active.filter("is_restructured")
    assert len(late) > 500
    assert len(restructured) > 50
    assert len(active.filter(pl.col("contractual_dpd") > pl.col("dpd"))) > 50
    since = late.with_columns(value_on=pl.col("as_of") - pl.duration(days=pl.col("dpd")))
    from_a_chargeback = since.join(told.charged_back, on=["lender", "loan_id", "value_on"], how="semi")
    assert len(from_a_chargeback) > 0


@pytest.mark.parametrize("name", COMPARED)
def test_one_number_broken_is_found(told: Told, name: str) -> None:
    late = told.truth.with_row_index().filter((pl.col("state") == "active") & (pl.col("dpd") > 0))
    row = int(late["index"][len(late) // 2])
    value = told.truth[name][row]
    wrong = {"state": "settled", "is_restructured": not value}.get(name)
    if wrong is None:
        wrong = value - Decimal("0.01") if isinstance(value, Decimal) else value + 1
    values = told.truth[name].to_list()
    values[row] = wrong
    broken = told.truth.with_columns(pl.Series(name, values, dtype=told.truth.schema[name]))
    assert len(disagreements(broken, told.marts)) == len(disagreements(told.truth, told.marts)) + 1
