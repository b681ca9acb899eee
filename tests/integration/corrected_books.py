"""Two lenders with the same loans to the same persons, of which one corrects long after what it said until March.

Of two more nothing is ever said again: one whose first instalment is free, and one of a product whose balance its
lender reports, and never does. Days pass for them all the same.

What it says then of its past is what seldom changes in a book: a loan is another person's, a person is of another age,
a score was another, an action was another agency's or about another loan, relief, money and a balance were left out. So
every sum of those months is to be said again, and of the other lender what a person's other loans make of it.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from ..conftest import Warehouse
from .test_load import Lender, _column
from .test_modes import _resource

JANUARY, MARCH, JUNE, DECEMBER = (
    dt.date(2023, 1, 31),
    dt.date(2023, 3, 31),
    dt.date(2023, 6, 30),
    dt.date(2023, 12, 31),
)
CORRECTED_ON = dt.date(2023, 9, 30)
CORRECTING, OTHER = "north", "south"
HEADERS = {
    "loans": "no,person,product,score,amount,lent",
    "people": "person,born,income,id",
    "plan": "no,n,due,owed",
    "payments": "id,no,paid,amount",
    "events": "no,on,kind",
    "actions": "id,no,at,channel,agency,connected,party,amount,by,complaint",
    "positions": "no,on,left",
}
Files = dict[str, list[str]]

DUE = {
    "OLD": ("2021-07-20", "2021-08-20", "2021-09-20"),
    "GOOD": ("2022-12-20", "2023-02-20", "2023-08-20"),
    "LATE": ("2022-12-20", "2023-03-20", "2023-07-20"),
    "MOVED": ("2023-02-10", "2023-05-10", "2023-11-10"),
    "EASED": ("2022-12-05", "2023-04-05", "2023-12-05"),
    "FORGOTTEN": ("2022-12-05", "2023-04-05", "2023-12-05"),
}
FREE, UNREPORTED = "FREE", "UNREPORTED"
SAID: dict[dt.date, Files] = {
    JANUARY: {
        "loans": [
            "OLD,p1,a,600,300,2021-06-15", "GOOD,p2,a,650,300,2022-07-05", "LATE,p3,a,600,300,2022-08-10",
            "MOVED,p4,a,700,300,2022-09-01", "EASED,p5,a,560,300,2022-09-20", "FORGOTTEN,p6,a,560,300,2022-09-20",
            f"{FREE},p8,a,700,300,2023-01-15", f"{UNREPORTED},p9,b,700,300,2023-01-15",
        ],
        "people": [f"p{number},198{number},low,ID{number}" for number in range(1, 10)],
        "plan": [
            *(f"{no},{n},{due},100" for no, dues in DUE.items() for n, due in enumerate(dues, start=1)),
            f"{FREE},1,2023-02-15,0", f"{FREE},2,2024-12-15,300", f"{UNREPORTED},1,2023-02-15,300",
        ],
        "payments": ["g1,GOOD,2022-12-20,100"],
        "events": ["EASED,2023-01-10,extended"],
        "actions": [
            "a1,LATE,2023-01-10T10:00:00+08:00,phone,x,true,debtor,100,2023-01-20,false",
            "a2,GOOD,2023-01-11T23:00:00+08:00,phone,,false,,,,false",
            "a3,OLD,2023-01-12T10:00:00+08:00,visit,x,true,contact,,,true",
        ],
        "positions": [f"{no},{JANUARY},{300 if no != 'GOOD' else 200}" for no in DUE],
    },
    MARCH: {
        "payments": ["g2,GOOD,2023-02-20,100"],
        "actions": ["a4,LATE,2023-03-25T10:00:00+08:00,phone,x,true,debtor,50,2023-05-20,false"],
        "positions": [f"{no},{MARCH},{300 if no != 'GOOD' else 100}" for no in DUE],
    },
    JUNE: {"positions": [f"{no},{JUNE},300" for no in DUE]},
    DECEMBER: {"positions": [f"{no},{DECEMBER},300" for no in DUE]},
}  # fmt: skip
CORRECTIONS: Files = {
    "loans": ["MOVED,p7,a,700,300,2022-09-01", "LATE,p3,a,660,300,2022-08-10"],
    "people": ["p2,1995,high,ID2"],
    "payments": ["o1,OLD,2023-02-10,50", "m1,MOVED,2023-02-10,100"],
    "events": ["FORGOTTEN,2023-01-15,extended"],
    "actions": [
        "a1,LATE,2023-01-10T10:00:00+08:00,phone,y,true,debtor,100,2023-01-20,false",
        "a2,LATE,2023-01-11T23:00:00+08:00,phone,,false,,,,false",
    ],
    "positions": [f"GOOD,{JANUARY},150"],
}  # fmt: skip


def lenders(warehouse: Warehouse) -> list[Lender]:
    """Both, with their contract."""
    both = [Lender(warehouse, warehouse.settings.home, name) for name in (CORRECTING, OTHER)]
    for lender in both:
        lender.document["resources"] = _resources()
        lender.document["arrears"] |= {
            "effective_from": "2023-01-01",
            "product_conventions": [{"product": "b", "convention": "outstanding", "value": "reported"}],
        }
    return both


def deliver(lender: Lender, day: dt.date) -> None:
    """Send and load what the lender says on the day, if it says anything."""
    if day in SAID:
        _send(lender, day, SAID[day])


def correct(both: list[Lender]) -> None:
    """The corrections of one of the two, as its delivery of a day in between."""
    _send(next(lender for lender in both if lender.name == CORRECTING), CORRECTED_ON, CORRECTIONS)


def _send(lender: Lender, day: dt.date, files: Files) -> None:
    lender.send(day, **{name: "\n".join([header, *files.get(name, []), ""]) for name, header in HEADERS.items()})
    assert lender.load_and_accept(day).rejected == 0


def _resources() -> list[dict[str, Any]]:
    return [
        _resource("loans", "loan", "upsert", [
            _column("no", "loan_id"), _column("person", "borrower_id"), _column("product", "product"),
            _column("score", "credit_score", "integer"), _column("amount", "principal", "number"),
            _column("lent", "disbursed_on", "date"),
        ], currency="CNY"),
        _resource("people", "borrower", "upsert", [
            _column("person", "borrower_id"), _column("born", "birth_year", "integer"),
            _column("income", "income_band"), _column("id", "identity_hash", arrears={"pii": "hash"}),
        ]),
        _resource("plan", "instalment", "upsert", [
            _column("no", "loan_id"), _column("n", "instalment_no", "integer"), _column("due", "due_on", "date"),
            _column("owed", "principal_due", "number"),
        ]),
        _resource("payments", "payment", "append", [
            _column("id", "payment_id"), _column("no", "loan_id"), _column("paid", "value_on", "date"),
            _column("amount", "amount", "number"),
        ], kind="repayment"),
        _resource("events", "loan_event", "upsert", [
            _column("no", "loan_id"), _column("on", "event_on", "date"), _column("kind", "kind"),
        ]),
        _resource("actions", "collection_action", "append", [
            _column("id", "action_id"), _column("no", "loan_id"), _column("at", "acted_at", "datetime"),
            _column("channel", "channel"), _column("agency", "agency"),
            _column("connected", "connected", "boolean"), _column("party", "party"),
            _column("amount", "promised_amount", "number"), _column("by", "promised_on", "date"),
            _column("complaint", "complaint", "boolean"),
        ]),
        _resource("positions", "reported_position", "append", [
            _column("no", "loan_id"), _column("on", "as_of", "date"),
            _column("left", "outstanding_principal", "number"),
        ]),
    ]  # fmt: skip
