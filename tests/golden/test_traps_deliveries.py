"""The traps that only deliveries show, from a lender's files to the published marts.

Two lenders send the same three days. One is loaded day by day; of the other the last day is loaded before the second,
the first comes twice, and the second is loaded by two processes at once. The lenders are in Shanghai, the server in
UTC.
"""

from __future__ import annotations

import csv
import datetime as dt
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from arrears import pipeline
from arrears.load import LoadResult
from arrears.settings import Role, settings

from ..conftest import Warehouse

WEDNESDAY, THURSDAY, FRIDAY = DAYS = [dt.date(2024, 6, day) for day in (26, 27, 28)]

CONTRACT = """
name: {name}
arrears:
  effective_from: 2024-01-01
  names: {{en: {name}}}
  currency: CNY
  timezone: Asia/Shanghai
resources:
  - name: loans
    path: loans.csv
    schema:
      fields:
        - {{name: loan, arrears: {{field: loan_id}}}}
        - {{name: amount, type: integer, arrears: {{field: principal}}}}
    arrears:
      file: loans.csv
      entity: loan
      mode: upsert
      constants: {{product: instalment, currency: CNY, disbursed_on: "2024-05-20"}}
  - name: plan
    path: plan.csv
    schema:
      fields:
        - {{name: loan, arrears: {{field: loan_id}}}}
        - {{name: number, type: integer, arrears: {{field: instalment_no}}}}
        - {{name: due, type: date, arrears: {{field: due_on}}}}
        - {{name: amount, type: integer, arrears: {{field: principal_due}}}}
    arrears: {{file: plan.csv, entity: instalment, mode: upsert}}
  - name: payments
    path: payments.csv
    schema:
      fields:
        - {{name: id, arrears: {{field: payment_id}}}}
        - {{name: loan, arrears: {{field: loan_id}}}}
        - {{name: at, type: datetime, arrears: {{field: value_on}}}}
        - {{name: kind, arrears: {{field: kind}}}}
        - {{name: amount, type: integer, arrears: {{field: amount}}}}
        - {{name: reverses, arrears: {{field: reverses_payment_id}}}}
    arrears: {{file: payments.csv, entity: payment, mode: append}}
"""

# loan: the due days of its instalments of 100 each, and the day on which it is sent
LOANS: dict[str, tuple[list[dt.date], dt.date]] = {
    "LAST SECOND": ([THURSDAY], WEDNESDAY),
    "FIRST SECOND": ([THURSDAY], WEDNESDAY),
    "SENT TWICE": ([WEDNESDAY, FRIDAY], WEDNESDAY),
    "ID REUSED": ([WEDNESDAY], WEDNESDAY),
    "NEW ID": ([WEDNESDAY], WEDNESDAY),
    "LATER THAN ITS PAYMENT": ([WEDNESDAY], THURSDAY),
    "RETURNED FIRST": ([WEDNESDAY], WEDNESDAY),
    "ONE ID, TWO DAYS": ([WEDNESDAY], WEDNESDAY),
}

Cells = tuple[str, str, str, str, str | None]


def _noon(day: dt.date) -> str:
    return f"{day}T12:00:00+08:00"


def _paid(payment: str, loan: str, at: str) -> Cells:
    return payment, loan, at, "repayment", None


def _returned(payment: str, loan: str, at: str) -> Cells:
    return f"{payment} R", loan, at, "reversal", payment


# what each day's file of payments says: 100 each
PAYMENTS: dict[dt.date, list[Cells]] = {
    WEDNESDAY: [
        _paid("P1", "SENT TWICE", _noon(WEDNESDAY)),
        _paid("P2", "ID REUSED", _noon(WEDNESDAY)),
        _paid("P3", "NEW ID", _noon(WEDNESDAY)),
        _paid("P4", "LATER THAN ITS PAYMENT", _noon(WEDNESDAY)),
    ],
    THURSDAY: [
        _paid("P1", "SENT TWICE", _noon(WEDNESDAY)),
        _returned("P2", "ID REUSED", _noon(THURSDAY)),
        _returned("P3", "NEW ID", _noon(THURSDAY)),
        _returned("P5", "RETURNED FIRST", _noon(THURSDAY)),
        _paid("P6", "LAST SECOND", "2024-06-27T15:59:59Z"),
        _paid("P9", "ONE ID, TWO DAYS", _noon(WEDNESDAY)),
    ],
    FRIDAY: [
        _paid("P2", "ID REUSED", _noon(FRIDAY)),
        _paid("P8", "NEW ID", _noon(FRIDAY)),
        _paid("P5", "RETURNED FIRST", _noon(WEDNESDAY)),
        _paid("P7", "FIRST SECOND", "2024-06-27T16:00:00Z"),
        _paid("P9", "ONE ID, TWO DAYS", _noon(THURSDAY)),
    ],
}


def _write(path: Path, header: str, rows: list[tuple[object, ...]]) -> None:
    with path.open("w", newline="") as sink:
        csv.writer(sink).writerows([header.split(), *rows])


def _send(home: Path, lender: str) -> None:
    """Put the lender's contract and the files of its three days in their places."""
    (home / "lenders" / lender).mkdir(parents=True)
    (home / "lenders" / lender / "datapackage.yaml").write_text(CONTRACT.format(name=lender))
    for day in DAYS:
        folder = home / "landing" / lender / day.isoformat()
        folder.mkdir(parents=True)
        new = {loan: due for loan, (due, sent) in LOANS.items() if sent == day}
        _write(folder / "loans.csv", "loan amount", [(loan, 100 * len(due)) for loan, due in new.items()])
        _write(
            folder / "plan.csv", "loan number due amount",
            [(loan, n, day, 100) for loan, due in new.items() for n, day in enumerate(due, start=1)],
        )  # fmt: skip
        _write(
            folder / "payments.csv", "id loan at kind amount reverses",
            [(payment, loan, at, kind, 100, reverses) for payment, loan, at, kind, reverses in PAYMENTS[day]],
        )  # fmt: skip


def _load(lender: str, day: dt.date, url: str) -> LoadResult:
    loaded = pipeline.load(lender, day, url=url)
    assert loaded.rejected == 0
    pipeline.gate_delivery(loaded.delivery_id, url=url)
    return loaded


def _load_twice_at_once(lender: str, day: dt.date, url: str) -> None:
    start = threading.Barrier(2)

    def run(_: int) -> LoadResult:
        start.wait()
        return _load(lender, day, url)

    with ThreadPoolExecutor(2) as pool:
        assert len({result.delivery_id for result in pool.map(run, range(2))}) == 1


@pytest.fixture(scope="module")
def published(shared_warehouse: Warehouse) -> Warehouse:
    shared_warehouse.rows(
        "do $$ begin execute format('alter database %I set timezone to ''UTC''', current_database()); end $$"
    )
    home = shared_warehouse.settings.home
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ARREARS_LENDERS", str(home / "lenders"))
        settings.cache_clear()
        own = settings()
        for lender in ("in_order", "shuffled"):
            _send(home, lender)
        for day in DAYS:
            _load("in_order", day, own.url(Role.LOADER))
        for day in (WEDNESDAY, FRIDAY, WEDNESDAY):
            _load("shuffled", day, own.url(Role.LOADER))
        _load_twice_at_once("shuffled", THURSDAY, own.url(Role.LOADER))
        built = pipeline.build(FRIDAY, url=own.url(Role.BUILDER))
        pipeline.gate_candidate(built.build_id, url=own.url(Role.PUBLISHER))
        pipeline.publish(built.build_id, url=own.url(Role.PUBLISHER), approved_by="a test")
    settings.cache_clear()
    return shared_warehouse


def of_loan(warehouse: Warehouse, loan: str, columns: str) -> tuple[Any, ...]:
    (found,) = warehouse.rows(
        f"select {columns} from fct_loan_current where lender = 'in_order' and loan_id = %s", loan, role=Role.READER
    )
    return found


def of_payments(warehouse: Warehouse, loan: str) -> list[tuple[Any, ...]]:
    return warehouse.rows(
        "select payment_id, value_on, amount, is_reversed from fct_payment where lender = 'in_order' and loan_id = %s "
        "order by payment_id", loan, role=Role.READER,
    )  # fmt: skip


# ── time ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("loan", "paid_on", "status", "days_late"),
    [("LAST SECOND", THURSDAY, "paid", 0), ("FIRST SECOND", FRIDAY, "paid_late", 1)],
)
def test_trap_02_a_day_ends_at_the_lender_s_midnight(
    published: Warehouse, loan: str, paid_on: dt.date, status: str, days_late: int
) -> None:
    """Thursday ends in Shanghai at 16:00 of the server's clock: what is paid then is paid on Friday, a day late."""
    assert published.value("show timezone", role=Role.BUILDER) == "UTC"
    assert [row[1] for row in of_payments(published, loan)] == [paid_on]
    instalment = published.rows(
        "select settled_on, status, days_late from fct_instalment where lender = 'in_order' and loan_id = %s",
        loan, role=Role.READER,
    )  # fmt: skip
    assert instalment == [(paid_on, status, days_late)]


def test_trap_02_the_eve_of_the_server_s_day_is_in_the_inflow(published: Warehouse) -> None:
    """Of the two instalments due on Thursday one was short at its close."""
    found = published.rows(
        "select instalments_due, short_instalments from mart_inflow_daily where lender = 'in_order' and due_on = %s",
        THURSDAY, role=Role.READER,
    )  # fmt: skip
    assert found == [(2, 1)]


def test_trap_04_days_in_any_order_and_twice_give_the_same_marts(published: Warehouse) -> None:
    """The third day before the second, the first twice, the second by two loads at once: row for row the same marts."""
    versions = "select business_date, version, status from ops.delivery where lender = %s order by 1, 2"
    assert published.rows(versions, "shuffled") == [(day, 1, "accepted") for day in DAYS]
    marts = published.rows(
        "select table_name from information_schema.columns where table_schema = 'marts' and column_name = 'lender' "
        "and table_name ~ '^(fct|mart)_|^dim_loan$' order by 1"
    )
    # whose they are, and when they arrived, differs by nature
    left_out = "array['lender', 'borrower_key', 'delivered_at', 'hours_late']"
    rows = {}
    for lender in ("in_order", "shuffled"):
        for (mart,) in marts:
            rows[lender, mart] = published.rows(
                f"select to_jsonb(t) - {left_out} from marts.{mart} as t where lender = %s order by 1", lender
            )
    # what Thursday said first stands, though Friday was loaded before it
    assert of_payments(published, "ONE ID, TWO DAYS") == [("P9", WEDNESDAY, 100, False)]
    assert rows["in_order", "mart_delinquency_daily"]
    for (mart,) in marts:
        assert rows["shuffled", mart] == rows["in_order", mart], mart


# ── payments ─────────────────────────────────────────────────────────────────────────────────────────────


def test_trap_12_a_payment_sent_again_in_a_later_file_counts_once(published: Warehouse) -> None:
    """100 of 200, sent on Wednesday and once more on Thursday: 100 are left, and not nothing."""
    assert of_payments(published, "SENT TWICE") == [("P1", WEDNESDAY, 100, False)]
    assert of_loan(published, "SENT TWICE", "state, outstanding_principal, dpd") == ("active", 100, 0)


def test_trap_12_an_id_used_again_after_a_reversal_does_not_pay_the_loan(published: Warehouse) -> None:
    """The payment was returned; another with its id is held out until the lender says which of them is meant. Under an
    id of its own the second payment counts."""
    returned = [("P2", WEDNESDAY, 100, True), ("P2 R", THURSDAY, -100, False)]
    assert of_payments(published, "ID REUSED") == returned
    assert of_loan(published, "ID REUSED", "state, dpd, overdue_amount") == ("active", 2, 100)
    held = published.rows(
        "select business_date, orphan_rows from mart_data_quality_daily where lender = 'in_order' and orphan_rows > 0",
        role=Role.READER,
    )
    assert held == [(FRIDAY, 2)]  # the other is the second payment of ONE ID, TWO DAYS
    assert of_loan(published, "NEW ID", "state, dpd, overdue_amount") == ("settled", 0, 0)


def test_trap_14_a_payment_sent_before_its_loan_waits_for_it(published: Warehouse) -> None:
    """Paid in time according to Wednesday's file; the loan itself comes on Thursday."""
    assert of_payments(published, "LATER THAN ITS PAYMENT") == [("P4", WEDNESDAY, 100, False)]
    instalment = published.rows(
        "select settled_on, status from fct_instalment where lender = 'in_order' and loan_id = %s",
        "LATER THAN ITS PAYMENT", role=Role.READER,
    )  # fmt: skip
    assert instalment == [(WEDNESDAY, "paid")]


def test_trap_14_a_return_sent_before_its_payment_undoes_it_all_the_same(published: Warehouse) -> None:
    """The return of Thursday is sent on Thursday, the payment of Wednesday on Friday: two days late, 100 overdue."""
    assert of_payments(published, "RETURNED FIRST") == [("P5", WEDNESDAY, 100, True), ("P5 R", THURSDAY, -100, False)]
    assert of_loan(published, "RETURNED FIRST", "state, dpd, overdue_amount") == ("active", 2, 100)
