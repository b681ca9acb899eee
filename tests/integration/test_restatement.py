"""What comes later about the past: each correction restates the rows it should in the next publication, and no other.

Four lenders have the same loan, 100 due on 20 February, 20 March and 20 June. The first instalment is paid in time, the
second late, on the last days of March. What they say of that second payment is what they correct.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import psycopg2
import pytest

from arrears import pipeline
from arrears.publish import PublishResult
from arrears.settings import Role

from ..conftest import Warehouse
from .test_load import Lender, _column
from .test_modes import _resource

SATURDAY, SUNDAY, MONDAY, TUESDAY = DAYS = [dt.date(2024, 3, 30) + dt.timedelta(days=n) for n in range(4)]
MARCH, APRIL = dt.date(2024, 3, 31), dt.date(2024, 4, 30)

LOAN, PLAN = "L1,consumer", ["L1,1,2024-02-20,100", "L1,2,2024-03-20,100", "L1,3,2024-06-20,100"]
IN_TIME = "P1,L1,2024-02-20,100"


def paid(day: dt.date, amount: int) -> str:
    """The second payment, for the instalment due on 20 March."""
    return f"P2,L1,{day},{amount}"


class Book:
    """A lender that sends loans and instalments once, and payments when they come.

    Args:
        mode: append (each payment is sent once) or changes (a payment may be sent again, as it should have been).
    """

    def __init__(self, warehouse: Warehouse, name: str, mode: str = "append") -> None:
        self.lender = Lender(warehouse, warehouse.settings.home, name)
        self.mode = mode
        loans = _resource(
            "loans", "loan", self._mode("upsert"), [_column("no", "loan_id"), _column("product", "product")],
            currency="CNY", principal="300", disbursed_on="2024-01-15",
        )  # fmt: skip
        plan = _resource("plan", "instalment", self._mode("upsert"), [
            _column("no", "loan_id"), _column("n", "instalment_no", "integer"), _column("due", "due_on", "date"),
            _column("owed", "principal_due", "number"),
        ])  # fmt: skip
        payments = _resource("payments", "payment", self._mode("append"), [
            _column("id", "payment_id"), _column("no", "loan_id"), _column("paid", "value_on", "date"),
            _column("amount", "amount", "number"),
        ], kind="repayment")  # fmt: skip
        self.lender.document["resources"] = [loans, plan, payments]

    def _mode(self, otherwise: str) -> str:
        return "changes" if self.mode == "changes" else otherwise

    def deliver(self, day: dt.date, *payments: str, first: bool = False, op: str = "I") -> None:
        """A day's delivery. first: with the loan, its instalments and the payment in time."""
        change = f",{op},{day} 20:00" if self.mode == "changes" else ""
        files = {
            "loans": ("no,product", [LOAN] if first else []),
            "plan": ("no,n,due,owed", PLAN if first else []),
            "payments": ("id,no,paid,amount", [*([IN_TIME] if first else []), *payments]),
        }
        names = ",op,at" if change else ""
        self.lender.send(day, **{
            name: "\n".join([header + names, *(row + change for row in rows)]) + "\n"
            for name, (header, rows) in files.items()
        })  # fmt: skip
        assert self.lender.load_and_accept(day).rejected == 0


@dataclass
class History:
    """The publications in their order, and the warehouse that has them."""

    warehouse: Warehouse
    done: list[PublishResult]

    def changes(self, publication: int) -> dict[tuple[str, str, dt.date], bool]:
        """What a publication changed: by lender, mart and month, whether it restated. As readers see it."""
        found = self.warehouse.rows(
            "select lender, mart, period, is_restatement from marts.publication_change where publication_id = %s "
            "and period is not null and lender is not null", publication, role=Role.READER,
        )  # fmt: skip
        return {(lender, mart, period): restated for lender, mart, period, restated in found}

    def restated(self, publication: int) -> set[tuple[str, str, dt.date]]:
        return {place for place, restated in self.changes(publication).items() if restated}

    def as_known(self, query: str, publication: int) -> list[tuple[Any, ...]]:
        connection = psycopg2.connect(self.warehouse.url(Role.READER))
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute("select set_config('arrears.publication', %s, false)", [str(publication)])
                cursor.execute(query)
                return cursor.fetchall()
        finally:
            connection.close()

    def days_late(self, lender: str, publication: int) -> dict[dt.date, tuple[str, int]]:
        """Bucket and overdue principal of the lender's loan by day, as a publication had them."""
        found = self.as_known(
            "select as_of_date, bucket, overdue_principal from marts_as_known.mart_delinquency_daily "
            f"where lender = '{lender}' and loans > 0 and as_of_date >= '2024-03-29' order by 1",
            publication,
        )
        return {day: (bucket, int(overdue)) for day, bucket, overdue in found}


def _publish(warehouse: Warehouse, day: dt.date) -> PublishResult:
    """Build and publish. What the gate would say is not what is asked here."""
    built = pipeline.build(day, url=warehouse.url(Role.BUILDER))
    warehouse.judge(built.build_id)
    return pipeline.publish(built.build_id, url=warehouse.url(Role.PUBLISHER))


@pytest.fixture(scope="module")
def history(models_alone: None, shared_warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> History:
    corrected, missing, quiet = (Book(shared_warehouse, name) for name in ("corrected", "missing", "quiet"))
    changing = Book(shared_warehouse, "changing", "changes")
    for book in (corrected, quiet, changing):
        book.deliver(SATURDAY, first=True)
        book.deliver(SUNDAY, paid(SATURDAY, 100))
    missing.deliver(SATURDAY, first=True)  # and nothing on Sunday, when the payment came
    for book in (corrected, missing, quiet, changing):
        book.deliver(MONDAY)
    done = [_publish(shared_warehouse, MONDAY)]

    corrected.deliver(SUNDAY, paid(SUNDAY, 100))  # a new version: it was paid a day later
    done.append(_publish(shared_warehouse, MONDAY))

    missing.deliver(SUNDAY, paid(SUNDAY, 100))  # the day that was missing
    done.append(_publish(shared_warehouse, MONDAY))

    changing.deliver(TUESDAY, paid(SATURDAY, 60), op="U")  # it had been 60, not 100
    quiet.deliver(TUESDAY)
    done.append(_publish(shared_warehouse, TUESDAY))
    return History(shared_warehouse, done)


# ── what is restated ─────────────────────────────────────────────────────────────────────────────────────

# Rows of a payment, an instalment or a spell say how it stands now, whatever its date: they change and restate nothing.
OF_THE_PAYMENT = {("fct_payment", MARCH), ("fct_instalment", MARCH), ("fct_delinquency_spell", MARCH)}
# Where the loan went in March is counted by the month it came from: its last month-end is no part of the key.
ROLLED = {("mart_roll_rate_monthly", MARCH)}
# Late on Saturday, and no more at the month's end: what goes by the day, and how late the loan had been in the month.
BY_THE_DAY = {("mart_delinquency_daily", MARCH), ("fct_loan_month", MARCH)}
# Late or not at the month's end, and on the Monday after it, which lies in April.
MONTH_END = {
    *BY_THE_DAY, ("mart_delinquency_daily", APRIL), ("mart_overdue_rate_monthly", MARCH),
    ("mart_overdue_rate_quarterly", MARCH), ("mart_balance_bridge_monthly", MARCH),
    ("mart_ageing_quarterly", MARCH), ("mart_debt_type_monthly", MARCH), ("mart_risk_classification_monthly", MARCH),
    ("mart_borrower_segment_monthly", MARCH),
}  # fmt: skip


@pytest.mark.parametrize(
    ("publication", "lender", "restated"),
    [(2, "corrected", BY_THE_DAY), (3, "missing", MONTH_END), (4, "changing", MONTH_END)],
    ids=["a new version of a past day", "a day that comes late", "a change record for the past"],
)
def test_a_correction_restates_exactly_what_it_should(
    publication: int, lender: str, restated: set[tuple[str, dt.date]], history: History
) -> None:
    changed = history.changes(publication)
    assert history.restated(publication) == {(lender, mart, period) for mart, period in restated}
    moved = OF_THE_PAYMENT | (ROLLED if restated == MONTH_END else set())
    assert {place[1:] for place in changed if place[0] == lender} == restated | moved
    told = {(change.lender, change.mart, change.period) for change in history.done[publication - 1].restatements}
    assert told == history.restated(publication)


def test_the_first_publication_and_a_new_day_restate_nothing(history: History) -> None:
    assert history.restated(1) == set()
    assert [done.outcome for done in history.done] == ["published"] * 4
    # beside the correction, the fourth publication has a lender's next day
    of_others = {place: restated for place, restated in history.changes(4).items() if place[0] != "changing"}
    assert of_others == {("quiet", "mart_delinquency_daily", APRIL): False}
    for publication in (2, 3):
        assert len({lender for lender, *_ in history.changes(publication)}) == 1


def test_each_publication_goes_on_saying_what_it_said(history: History) -> None:
    """The days of the story: late by the 20 March instalment until it is paid."""
    late, on_time = ("M1", 100), ("M0", 0)
    friday = SATURDAY - dt.timedelta(days=1)
    until = {
        SATURDAY: {friday: late, SATURDAY: on_time, SUNDAY: on_time, MONDAY: on_time},
        SUNDAY: {friday: late, SATURDAY: late, SUNDAY: on_time, MONDAY: on_time},
    }
    never = dict.fromkeys((friday, *DAYS[:3]), late)
    in_part = {friday: late, **dict.fromkeys(DAYS, ("M1", 40))}
    told = {
        "corrected": [until[SATURDAY], until[SUNDAY], until[SUNDAY], until[SUNDAY]],
        "missing": [never, never, until[SUNDAY], until[SUNDAY]],
        "changing": [until[SATURDAY], until[SATURDAY], until[SATURDAY], in_part],
        "quiet": [until[SATURDAY], until[SATURDAY], until[SATURDAY], {**until[SATURDAY], TUESDAY: on_time}],
    }
    for lender, publications in told.items():
        for publication, expected in enumerate(publications, start=1):
            assert history.days_late(lender, publication) == expected, (lender, publication)


def test_the_payments_are_known_as_they_were(history: History) -> None:
    query = (
        "select value_on, amount from marts_as_known.fct_payment where lender = 'changing' and payment_id = 'P2' "
        "and publication_id is not null"
    )
    assert history.as_known(query, 3) == [(SATURDAY, 100)]
    assert history.as_known(query, 4) == [(SATURDAY, 60)]
    assert history.as_known(query.replace("changing", "missing"), 2) == []
    assert history.as_known(query.replace("changing", "missing"), 3) == [(SUNDAY, 100)]


def test_every_version_of_a_day_stays_in_raw(history: History) -> None:
    versions = history.warehouse.rows(
        "select d.version, d.status, p.value_on from ops.delivery as d join raw.payment as p using (delivery_id) "
        "where d.lender = 'corrected' and d.business_date = %s order by 1", SUNDAY,
    )  # fmt: skip
    assert versions == [(1, "superseded", SATURDAY), (2, "accepted", SUNDAY)]
