"""Vector A of the definitions, from a lender's files to the published mart.

100 are due on the 1st of each month of 2020 from February. Each closing of the vector is a loan of its own, whose
whole life is moved so that the closing falls on one and the same business date: days past due are differences of
dates, so one build shows them all.
"""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path

import pytest

from arrears import pipeline
from arrears.settings import Role, settings

from ..conftest import Warehouse

TODAY = dt.date(2024, 6, 28)
DISBURSED = dt.date(2020, 1, 1)
DUE = [dt.date(2020, month, 1) for month in range(2, 13)]

PAID = (dt.date(2020, 2, 1), "repayment", 100)
RETURNED = (dt.date(2020, 2, 3), "reversal", 100)
FEBRUARY_PAID = (dt.date(2020, 3, 1), "repayment", 100)
HALF = (dt.date(2020, 4, 1), "repayment", 50)
EIGHTY = (dt.date(2020, 4, 10), "repayment", 80)

# closing, what has happened by then, days past due, overdue amount
CLOSINGS = {
    "paid on the due day": (dt.date(2020, 2, 1), [PAID], 0, 0),
    "the payment is returned": (dt.date(2020, 2, 3), [PAID, RETURNED], 2, 100),
    "nothing more by 1 March": (dt.date(2020, 3, 1), [PAID, RETURNED], 29, 100),
    "February is settled on 1 March": (dt.date(2020, 3, 1), [PAID, RETURNED, FEBRUARY_PAID], 0, 0),
    "March is one day late": (dt.date(2020, 3, 2), [PAID, RETURNED, FEBRUARY_PAID], 1, 100),
    "1 April": (dt.date(2020, 4, 1), [PAID, RETURNED, FEBRUARY_PAID], 31, 100),
    "half of March is paid": (dt.date(2020, 4, 1), [PAID, RETURNED, FEBRUARY_PAID, HALF], 31, 50),
    "50 close March, 30 go to April": (dt.date(2020, 4, 10), [PAID, RETURNED, FEBRUARY_PAID, HALF, EIGHTY], 9, 70),
    "16 April": (dt.date(2020, 4, 16), [PAID, RETURNED, FEBRUARY_PAID, HALF, EIGHTY], 15, 70),
}

CONTRACT = """
name: vectors
arrears:
  effective_from: 2020-01-01
  names: {en: Vectors}
  currency: CNY
  timezone: Asia/Shanghai
resources:
  - name: loans
    path: loans.csv
    schema:
      fields:
        - {name: loan, arrears: {field: loan_id}}
        - {name: amount, type: integer, arrears: {field: principal}}
        - {name: paid_out, type: date, arrears: {field: disbursed_on}}
    arrears: {file: loans.csv, entity: loan, mode: snapshot, constants: {product: instalment, currency: CNY}}
  - name: plan
    path: plan.csv
    schema:
      fields:
        - {name: loan, arrears: {field: loan_id}}
        - {name: number, type: integer, arrears: {field: instalment_no}}
        - {name: due, type: date, arrears: {field: due_on}}
        - {name: amount, type: integer, arrears: {field: principal_due}}
    arrears: {file: plan.csv, entity: instalment, mode: upsert}
  - name: payments
    path: payments.csv
    schema:
      fields:
        - {name: id, arrears: {field: payment_id}}
        - {name: loan, arrears: {field: loan_id}}
        - {name: day, type: date, arrears: {field: value_on}}
        - {name: kind, arrears: {field: kind}}
        - {name: amount, type: integer, arrears: {field: amount}}
        - {name: reverses, arrears: {field: reverses_payment_id}}
    arrears: {file: payments.csv, entity: payment, mode: append}
"""


def write(path: Path, header: list[str], rows: list[tuple[object, ...]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as sink:
        csv.writer(sink).writerows([header, *rows])


@pytest.fixture(scope="module")
def published(shared_warehouse: Warehouse) -> Warehouse:
    home = shared_warehouse.settings.home
    (home / "lenders" / "vectors").mkdir(parents=True)
    (home / "lenders" / "vectors" / "datapackage.yaml").write_text(CONTRACT)
    loans: list[tuple[object, ...]] = []
    plan: list[tuple[object, ...]] = []
    payments: list[tuple[object, ...]] = []
    for name, (closing, events, _, _) in CLOSINGS.items():
        move = TODAY - closing
        loans.append((name, 1100, DISBURSED + move))
        plan += [(name, number, due + move, 100) for number, due in enumerate(DUE, start=1)]
        for number, (day, kind, amount) in enumerate(events, start=1):
            reverses = f"{name} 1" if kind == "reversal" else None
            payments.append((f"{name} {number}", name, day + move, kind, amount, reverses))
    folder = home / "landing" / "vectors" / TODAY.isoformat()
    write(folder / "loans.csv", ["loan", "amount", "paid_out"], loans)
    write(folder / "plan.csv", ["loan", "number", "due", "amount"], plan)
    write(folder / "payments.csv", ["id", "loan", "day", "kind", "amount", "reverses"], payments)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ARREARS_LENDERS", str(home / "lenders"))
        settings.cache_clear()
        own = settings()
        loaded = pipeline.load("vectors", TODAY, url=own.url(Role.LOADER))
        assert loaded.rejected == 0
        pipeline.gate_delivery(loaded.delivery_id, url=own.url(Role.LOADER))
        built = pipeline.build(TODAY, url=own.url(Role.BUILDER))
        pipeline.gate_candidate(built.build_id, url=own.url(Role.PUBLISHER))
        pipeline.publish(built.build_id, url=own.url(Role.PUBLISHER))
    settings.cache_clear()
    return shared_warehouse


@pytest.mark.parametrize("name", CLOSINGS)
def test_days_past_due_at_close(published: Warehouse, name: str) -> None:
    _, _, dpd, overdue = CLOSINGS[name]
    found = published.rows(
        "select dpd, overdue_amount from fct_loan_current where loan_id = %s", name, role=Role.READER
    )
    assert found == [(dpd, overdue)]


def test_the_daily_mart_counts_the_same_loans(published: Warehouse) -> None:
    buckets = published.rows(
        "select bucket, loans from mart_delinquency_daily where as_of_date = %s and loans > 0 order by bucket",
        TODAY, role=Role.READER,
    )  # fmt: skip
    assert buckets == [("M0", 2), ("M1", 5), ("M2", 2)]
