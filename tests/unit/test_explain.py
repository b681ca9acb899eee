"""Explanations, the parts that need no warehouse: the sentence, and what is taken from dbt's manifest."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from arrears.explain.compiled import taken_from
from arrears.explain.reason import reason_for

APRIL_16 = dt.date(2024, 4, 16)
LOAN = {"terminal_on": dt.date(2024, 4, 1), "settled_claimed_on": dt.date(2024, 4, 2)}
STATE: dict[str, Any] = {
    "state": "active", "state_since": dt.date(2024, 4, 2), "dpd": 0, "contractual_dpd": 0, "basis": "oldest_unpaid",
    "day_count": "days", "outstanding_is": "computed", "overdue_amount": Decimal("0.00"), "paused_from": None,
    "missing_from": None, "paid_off_on": None,
    "clock_from": dt.date(2024, 3, 4),
}  # fmt: skip
NEVER = dt.date(9999, 12, 31)


def instalment(number: int, due_on: dt.date, short: str = "0.00", **more: Any) -> dict[str, Any]:
    return {
        "instalment_no": number, "due_on": due_on, "clock_due_on": due_on, "owed": Decimal("100.00"),
        "overdue_from": due_on + dt.timedelta(days=1), "short": Decimal(short), "is_short": Decimal(short) > 0,
        "is_overdue": False, "is_oldest_unpaid": False,
    } | more  # fmt: skip


MARCH, APRIL, MAY = (instalment(number, dt.date(2024, 2 + number, 4)) for number in (1, 2, 3))
SHORT = {"short": Decimal("70.00"), "is_short": True}
LATE = SHORT | {"is_overdue": True, "is_oldest_unpaid": True}


@pytest.mark.parametrize(
    ("state", "instalments", "told"),
    [
        ({}, [], "Not past due on 16 April 2024: the loan has no instalments."),
        ({}, [MAY], "Not past due on 16 April 2024: the first instalment is due 4 May 2024."),
        ({}, [MARCH, APRIL, MAY], "Not past due on 16 April 2024: every instalment due by then is settled."),
        (
            {}, [MARCH, APRIL | SHORT | {"due_on": APRIL_16, "overdue_from": dt.date(2024, 4, 17)}],
            ("Not past due on 16 April 2024: instalment 2, due 16 April 2024, is short by 70.00, and is overdue only "
            "from 17 April 2024 on."),
        ),
        (
            {"paused_from": dt.date(2024, 4, 1)}, [APRIL | SHORT | {"overdue_from": NEVER}],
            ("Not past due on 16 April 2024: instalment 2, due 4 April 2024, is short by 70.00, and is overdue only "
            "once its pause ends. The clock has stood still since 1 April 2024."),
        ),
        (
            {"dpd": 1, "contractual_dpd": 1, "clock_from": dt.date(2024, 4, 15)},
            [MARCH, APRIL | LATE | {"clock_due_on": dt.date(2024, 4, 15)}],
            ("1 day past due on 16 April 2024: instalment 2, due 4 April 2024, is short by 70.00 of 100.00, counted "
            "from 15 April 2024."),
        ),
        (
            {"dpd": 43, "contractual_dpd": 60, "overdue_amount": Decimal("140.00")},
            [MARCH | LATE, APRIL | SHORT | {"is_overdue": True}],
            ("43 days past due on 16 April 2024: instalment 1, due 4 March 2024, is short by 70.00 of 100.00; with 1 "
            "younger one, 140.00 is overdue. By the original schedule it is 60 days past due."),
        ),
        (
            {"dpd": 33, "contractual_dpd": 43, "clock_from": dt.date(2024, 3, 14)},
            [MARCH | LATE],
            (
                "33 days past due on 16 April 2024: instalment 1, due 4 March 2024, is short by 70.00 of 100.00, "
                "counted from 14 March 2024 because days of pause do not count. By the original schedule it is 43 days "
                "past due."
            ),
        ),
        (
            {"dpd": 30, "contractual_dpd": 30, "day_count": "mba"}, [MARCH | LATE],
            "30 days past due (mba) on 16 April 2024: instalment 1, due 4 March 2024, is short by 70.00 of 100.00.",
        ),
        (
            {"dpd": 30, "contractual_dpd": 30, "basis": "missed_payments", "overdue_amount": Decimal("140.00")},
            [MARCH | LATE, APRIL | LATE],
            ("30 days past due on 16 April 2024: 140.00 is overdue, and every whole instalment of 100.00 missed counts "
            "as 30 days."),
        ),
        (
            {"state": "unknown", "missing_from": dt.date(2024, 4, 10)}, [MARCH],
            ("Not past due on 16 April 2024: every instalment due by then is settled. The lender's snapshots have not "
            "listed it since 10 April 2024, so its state is unknown."),
        ),
        ({"state": "settled"}, [MARCH], ("Settled since 2 April 2024: nothing is short on any instalment and no "
         "principal is left.")),
        (
            {"state": "settled", "outstanding_is": "reported"},
            [],
            "Settled since 2 April 2024: the lender's own balance is nil, and it calls the loan settled.",
        ),
        (
            {"state": "settled", "paid_off_on": dt.date(2024, 4, 2)}, [MARCH],
            "Settled since 2 April 2024: paid off on 2 April 2024 with all principal and what had fallen due.",
        ),
        ({"state": "written_off"}, [], "Written off on 1 April 2024: it has left the book, and no clock runs."),
    ],
)  # fmt: skip
def test_the_reason_is_one_plain_sentence(state: dict[str, Any], instalments: list[dict[str, Any]], told: str) -> None:
    oldest = next((row for row in instalments if row["is_oldest_unpaid"]), None)
    assert reason_for(APRIL_16, LOAN, STATE | state, instalments, oldest) == told


def node(kind: str, schema: str, name: str, code: str, *reads: str) -> dict[str, Any]:
    return {
        "resource_type": kind, "schema": schema, "name": name, "alias": name, "compiled_code": code,
        "depends_on": {"nodes": list(reads)},
    }  # fmt: skip


def test_models_run_on_temporary_tables_and_seeds_stay_in_place() -> None:
    manifest = {
        "sources": {
            "s.payment": {"schema": "raw", "name": "payment"}, "s.delivery": {"schema": "ops", "name": "delivery"},
            "s.lender": {"schema": "ops", "name": "lender"},
        },
        "nodes": {
            "a": node("analysis", "intermediate", "explain_payment", 'select * from "db"."intermediate"."int_p"', "m2"),
            "m2": node(
                "model", "intermediate", "int_p",
                'select * from "db"."staging"."stg_p" join "db"."intermediate"."kinds"', "m1", "seed",
            ),
            "m1": node(
                "model", "staging", "stg_p",
                'select * from "db"."raw"."payment" join "db"."ops"."delivery" join "db"."ops"."lender"',
                "s.payment", "s.delivery", "s.lender",
            ),
            "seed": node("seed", "intermediate", "kinds", ""),
            "other": node("model", "candidate", "mart", 'select * from "db"."intermediate"."int_p"', "m2"),
        },
    }  # fmt: skip
    made = taken_from(manifest)
    assert made.raw == ("payment",)
    assert made.models == (
        ("staging.stg_p",
         'select * from pg_temp."raw.payment" join pg_temp."ops.delivery" join "db"."ops"."lender"'),
        ("intermediate.int_p", 'select * from pg_temp."staging.stg_p" join "db"."intermediate"."kinds"'),
    )  # fmt: skip
    assert made.questions == {"payment": 'select * from pg_temp."intermediate.int_p"'}
