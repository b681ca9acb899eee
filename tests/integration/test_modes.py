"""How deliveries add up, by the mode of an entity: three days of files → raw → staging, whatever order they arrive in.

Each mode is a lender three times over: its days in order; the second day delivered last; the second day delivered
wrong at first and mended when the third had long been loaded. What is accepted in the end is the same, so what staging
shows has to be the same. One build shows all lenders.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ..conftest import Warehouse
from .test_dbt import dbt
from .test_load import Lender, _column

DAYS = [dt.date(2024, 3, day) for day in (5, 6, 7)]
FIRST, SECOND, THIRD = DAYS
WAYS = ("in_order", "late", "restated")

LOANS, PLAN, PAYMENTS = "no,product", "no,n,due", "id,no,paid,amount"

# What is delivered on each of the three days, by mode and file.
STORIES: dict[str, list[dict[str, list[str]]]] = {
    "snapshot": [
        {"loans": ["L1,a", "L2,a"], "plan": ["L1,1,2024-04-05", "L1,2,2024-05-05", "L2,1,2024-04-05"],
         "payments": ["P1,L1,2024-03-05,10", "P2,L1,2024-03-05,20", "P9,L2,2024-03-05,90"]},
        {"loans": ["L1,b", "L3,a"], "plan": ["L1,1,2024-04-06", "L1,2,2024-05-05"],
         "payments": ["P1,L1,2024-03-05,10.50", "P2,L1,2024-03-05,20"]},
        {"loans": ["L1,b", "L3,a", "L4,a"], "plan": ["L1,1,2024-04-07"],
         "payments": ["P1,L1,2024-03-05,11", "P3,L1,2024-03-07,30"]},
    ],
    "upsert": [
        {"loans": ["L1,a", "L2,a"], "plan": ["L1,1,2024-04-05", "L1,2,2024-05-05"],
         "payments": ["P1,L1,2024-03-05,10"]},
        {"loans": ["L1,b", "L3,a"], "plan": ["L1,1,2024-04-06"],
         "payments": ["P1,L1,2024-03-05,10.50", "P2,LX,2024-03-06,20"]},
        {"loans": ["L4,a"], "plan": ["L1,1,2024-04-07"], "payments": ["P1,L1,2024-03-05,11", "P3,L1,2024-03-07,30"]},
    ],
    "append": [
        {"loans": ["L1,a", "L2,a"], "plan": ["L1,1,2024-04-05"], "payments": ["P1,L1,2024-03-05,10"]},
        {"loans": ["L3,a"], "plan": ["L1,2,2024-05-05"], "payments": ["P1,L1,2024-03-05,10", "P2,L1,2024-03-06,20"]},
        {"loans": ["L4,a"], "plan": [], "payments": ["P2,L1,2024-03-07,25", "P3,L1,2024-03-07,30"]},
    ],
    "changes": [
        {"loans": ["L1,a,I,2024-03-05 10:00", "L2,a,I,2024-03-05 10:00"],
         "plan": ["L1,1,2024-04-05,I,2024-03-05 10:00", "L1,2,2024-05-05,I,2024-03-05 10:00"],
         "payments": ["P1,L1,2024-03-05,10,I,2024-03-05 10:00", "P9,L2,2024-03-05,90,I,2024-03-05 10:00"]},
        {"loans": ["L3,a,I,2024-03-06 10:00", "L1,b,U,2024-03-06 11:00", "L2,,D,2024-03-06 10:00"],
         "plan": ["L1,1,2024-04-06,U,2024-03-06 10:00", "L1,2,,D,2024-03-06 10:00"],
         "payments": ["P2,,,,D,2024-03-06 11:00", "P2,L1,2024-03-06,20,I,2024-03-06 10:00"]},
        # rows out of order, and two changes of the past that later ones have overtaken
        {"loans": ["L1,c,U,2024-03-05 23:00", "L4,b,U,2024-03-07 12:00", "L4,a,I,2024-03-07 10:00"],
         "plan": ["L1,1,2024-04-30,U,2024-03-05 12:00", "L1,3,2024-06-05,I,2024-03-07 10:00"],
         "payments": ["P1,L1,2024-03-05,11,U,2024-03-05 11:00", "P3,L1,2024-03-07,30,I,2024-03-07 10:00"]},
    ],
}  # fmt: skip

# Running totals by instalment: what is due, what is left of it, and the day of the last payment.
TOTALS = [
    {"loans": ["L1,a"], "plan": ["L1,1,2024-04-05,100,50,2024-03-05", "L1,2,2024-05-05,100,70,2024-03-05",
                                 "L1,3,2024-06-05,100,100,"]},
    {"loans": [], "plan": ["L1,1,2024-04-05,100,50,2024-03-05", "L1,2,2024-05-05,100,100,"]},
    {"loans": [], "plan": ["L1,1,2024-04-05,100,0,2024-03-07", "L1,2,2024-05-05,100,100,"]},
]  # fmt: skip


def _resource(name: str, entity: str, mode: str, fields: list[dict[str, Any]], **constants: str) -> dict[str, Any]:
    rules: dict[str, Any] = {"file": f"{name}.csv", "entity": entity, "mode": mode, "constants": constants}
    if mode == "changes":
        fields = [*fields, _column("op"), _column("at", kind="datetime")]
        rules["change"] = {"op": "op", "at": "at"}
    return {"name": name, "path": f"{name}.csv", "schema": {"fields": fields}, "arrears": rules}


def _loans(mode: str) -> dict[str, Any]:
    fields = [_column("no", "loan_id"), _column("product", "product")]
    return _resource("loans", "loan", mode, fields, currency="CNY", principal="100", disbursed_on="2024-01-15")


def _plan(mode: str) -> dict[str, Any]:
    fields = [_column("no", "loan_id"), _column("n", "instalment_no", "integer"), _column("due", "due_on", "date")]
    return _resource("plan", "instalment", mode, fields)


def _payments(mode: str) -> dict[str, Any]:
    fields = [_column("id", "payment_id"), _column("no", "loan_id"), _column("paid", "value_on", "date"),
              _column("amount", "amount", "number")]  # fmt: skip
    return _resource("payments", "payment", mode, fields, kind="repayment")


def _plan_with_totals() -> dict[str, Any]:
    plan = _plan("upsert")
    plan["schema"]["fields"] += [_column("owed", "principal_due", "number"), _column("left", kind="number"),
                                 _column("paid", kind="date")]  # fmt: skip
    plan["arrears"]["derives"] = [{"entity": "payment", "cumulative": True, "fields": {
        "payment_id": {"join": ["no", "n"], "separator": "/"}, "loan_id": "no", "instalment_no": "n",
        "value_on": {"column": "paid", "business_date": True}, "kind": {"value": "repayment"},
        "amount": {"plus": ["owed"], "minus": ["left"]}}}]  # fmt: skip
    return plan


class Story:
    """A lender that delivers its three days in one of the ways."""

    def __init__(
        self, warehouse: Warehouse, name: str, resources: list[dict[str, Any]], headers: dict[str, str]
    ) -> None:
        self.lender = Lender(warehouse, warehouse.settings.home, name)
        self.lender.document["resources"] = resources
        self.lender.document["arrears"]["limits"] = {"fall_in_rows": 1}
        self.headers = headers

    def deliver(self, day: dt.date, files: dict[str, list[str]]) -> None:
        texts = {name: "\n".join([header, *files[name]]) + "\n" for name, header in self.headers.items()}
        self.lender.send(day, **texts)
        assert self.lender.load_and_accept(day).rejected == 0

    def tell(self, way: str, story: list[dict[str, list[str]]]) -> None:
        told = dict(zip(DAYS, story, strict=True))
        if way == "restated":
            told_first = told | {SECOND: told[FIRST]}
            for day in DAYS:
                self.deliver(day, told_first[day])
            self.deliver(SECOND, told[SECOND])
        else:
            for day in DAYS if way == "in_order" else (FIRST, THIRD, SECOND):
                self.deliver(day, told[day])


@pytest.fixture(scope="module")
def told(shared_warehouse: Warehouse) -> Warehouse:
    """Every story told in every way."""
    for way in WAYS:
        for mode, story in STORIES.items():
            change = ",op,at" if mode == "changes" else ""
            headers = {"loans": LOANS + change, "plan": PLAN + change, "payments": PAYMENTS + change}
            resources = [_loans(mode), _plan(mode), _payments(mode)]
            Story(shared_warehouse, f"{mode}_{way}", resources, headers).tell(way, story)
        headers = {"loans": LOANS, "plan": f"{PLAN},owed,left,paid"}
        totals = Story(shared_warehouse, f"totals_{way}", [_loans("upsert"), _plan_with_totals()], headers)
        totals.tell(way, TOTALS)
    return shared_warehouse


QUERIES = {
    "loans": "select loan_id, product, business_date from staging.stg_loan where lender = %s order by 1",
    "plan": "select loan_id, instalment_no, due_on from staging.stg_instalment where lender = %s order by 1, 2",
    "payments": "select payment_id, value_on, kind, amount from staging.stg_payment where lender = %s order by 1",
    "conflicts": "select payment_id, amount, business_date from staging.stg_payment_conflict where lender = %s",
    "orphans": "select entity, reason, loan_id, orphan_rows from intermediate.int_orphan where lender = %s "
    "order by 1, 3",
    "paid": "select payment_id, effect, paid_after from intermediate.int_payment where lender = %s "
    "order by value_on, posted_on, payment_id",
}


class Built:
    """Staging as of a business date, read once: the next build replaces it."""

    def __init__(self, warehouse: Warehouse, target: Path, day: dt.date) -> None:
        done = dbt(
            warehouse, target, "build", "--resource-type", "model", "--resource-type", "seed",
            "--select", "+int_payment", "+int_orphan", "stg_payment_conflict", "stg_loan_absence",
            "--vars", f'{{"business_date": "{day}"}}',
        )  # fmt: skip
        assert done.returncode == 0, done.stdout
        lenders = [row[0] for row in warehouse.rows("select lender from ops.lender")]
        self.found = {
            (lender, name): warehouse.rows(query, lender) for lender in lenders for name, query in QUERIES.items()
        }

    def of(self, lender: str, what: str) -> list[tuple[Any, ...]]:
        return self.found[lender, what]


@pytest.fixture(scope="module")
def built(told: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> dict[dt.date, Built]:
    """The second day first: a build as of an earlier day knows nothing of the later ones."""
    target = tmp_path_factory.mktemp("dbt")
    return {day: Built(told, target, day) for day in (SECOND, THIRD)}


def _day(month: int, day: int) -> dt.date:
    return dt.date(2024, month, day)


@pytest.mark.parametrize("way", WAYS)
class TestAThirdDay:
    """What stands after three days."""

    def test_snapshots(self, way: str, built: dict[dt.date, Built]) -> None:
        """The newest one speaks, and a row of it dates from the first that said the same. A row that it leaves out is
        withdrawn, but a loan that vanishes keeps what it had."""
        lender, now = f"snapshot_{way}", built[THIRD]
        assert now.of(lender, "loans") == [
            ("L1", "b", SECOND), ("L2", "a", FIRST), ("L3", "a", SECOND), ("L4", "a", THIRD),
        ]  # fmt: skip
        assert now.of(lender, "plan") == [("L1", 1, _day(4, 7)), ("L2", 1, _day(4, 5))]
        assert now.of(lender, "payments") == [
            ("P1", FIRST, "repayment", 11), ("P3", THIRD, "repayment", 30), ("P9", FIRST, "repayment", 90),
        ]  # fmt: skip

    def test_upserts(self, way: str, built: dict[dt.date, Built]) -> None:
        """The row of the newest day counts, also when an older day arrives last."""
        lender, now = f"upsert_{way}", built[THIRD]
        assert now.of(lender, "loans") == [
            ("L1", "b", SECOND), ("L2", "a", FIRST), ("L3", "a", SECOND), ("L4", "a", THIRD),
        ]  # fmt: skip
        assert now.of(lender, "plan") == [("L1", 1, _day(4, 7)), ("L1", 2, _day(5, 5))]
        assert now.of(lender, "payments") == [
            ("P1", FIRST, "repayment", 11), ("P2", SECOND, "repayment", 20), ("P3", THIRD, "repayment", 30),
        ]  # fmt: skip
        assert now.of(lender, "orphans") == [("payment", "unknown_loan", "LX", 1)]

    def test_rows_appended(self, way: str, built: dict[dt.date, Built]) -> None:
        """The same payment again counts once; another one under its number waits for the lender's word."""
        lender, now = f"append_{way}", built[THIRD]
        assert [row[0] for row in now.of(lender, "loans")] == ["L1", "L2", "L3", "L4"]
        assert now.of(lender, "plan") == [("L1", 1, _day(4, 5)), ("L1", 2, _day(5, 5))]
        assert now.of(lender, "payments") == [
            ("P1", FIRST, "repayment", 10), ("P2", SECOND, "repayment", 20), ("P3", THIRD, "repayment", 30),
        ]  # fmt: skip
        assert now.of(lender, "conflicts") == [("P2", 25, THIRD)]

    def test_changes(self, way: str, built: dict[dt.date, Built]) -> None:
        """The latest change counts, whenever it arrives. What is deleted is gone, and what belonged to it waits."""
        lender, now = f"changes_{way}", built[THIRD]
        assert now.of(lender, "loans") == [("L1", "b", SECOND), ("L3", "a", SECOND), ("L4", "b", THIRD)]
        assert now.of(lender, "plan") == [("L1", 1, _day(4, 6)), ("L1", 3, _day(6, 5))]
        assert now.of(lender, "payments") == [
            ("P1", FIRST, "repayment", 11), ("P3", THIRD, "repayment", 30), ("P9", FIRST, "repayment", 90),
        ]  # fmt: skip
        assert now.of(lender, "orphans") == [("payment", "unknown_loan", "L2", 1)]
        assert [row[0] for row in now.of(lender, "paid")] == ["P1", "P3"]

    def test_running_totals(self, way: str, built: dict[dt.date, Built]) -> None:
        """Payments are what the totals rose by; one that is taken back counts on the day it is."""
        lender, now = f"totals_{way}", built[THIRD]
        assert now.of(lender, "payments") == [
            ("L1/1", FIRST, "repayment", 50), ("L1/1@2024-03-07", THIRD, "repayment", 50),
            ("L1/2", FIRST, "repayment", 30), ("L1/2@2024-03-06", SECOND, "reversal", 30),
        ]  # fmt: skip
        assert now.of(lender, "paid") == [
            ("L1/1", 50, 50), ("L1/2", 30, 80), ("L1/2@2024-03-06", -30, 50), ("L1/1@2024-03-07", 50, 100),
        ]  # fmt: skip

    def test_a_day_before(self, way: str, built: dict[dt.date, Built]) -> None:
        """As of the second day nothing of the third is known, whatever has been loaded since."""
        then = built[SECOND]
        assert then.of(f"snapshot_{way}", "payments")[0] == ("P1", FIRST, "repayment", Decimal("10.50"))
        assert then.of(f"upsert_{way}", "payments")[0] == ("P1", FIRST, "repayment", Decimal("10.50"))
        assert then.of(f"append_{way}", "conflicts") == []
        assert then.of(f"changes_{way}", "loans") == [("L1", "b", SECOND), ("L3", "a", SECOND)]
        assert then.of(f"changes_{way}", "payments")[0] == ("P1", FIRST, "repayment", 10)
        assert [row[0] for row in then.of(f"totals_{way}", "payments")] == ["L1/1", "L1/2", "L1/2@2024-03-06"]


def test_how_an_entity_is_delivered_is_on_record(told: Warehouse) -> None:
    assert told.rows(
        "select lender, mode, is_cumulative from ops.lender_entity where entity = 'payment' and lender like %s "
        "order by 1", "%in_order",
    ) == [
        ("append_in_order", "append", False), ("changes_in_order", "changes", False),
        ("snapshot_in_order", "snapshot", False), ("totals_in_order", "append", True),
        ("upsert_in_order", "upsert", False),
    ]  # fmt: skip
