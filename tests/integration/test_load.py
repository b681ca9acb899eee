"""Loading a delivery: rows typed into raw or rejected with a reason, in one transaction, once."""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import psycopg2
import pyarrow as pa
import pytest
from pyarrow import parquet
from pydantic import SecretStr

from arrears.contract import read_contract
from arrears.contract.entities import ENTITIES
from arrears.delivery import Delivery
from arrears.errors import Infrastructure, Refused, Usage
from arrears.gate import gate_delivery
from arrears.load import Findings, LoadResult, check, load, loader, registry
from arrears.settings import Role
from arrears.warehouse.connect import connect

Warehouse = Any  # what the fixture `warehouse` gives
DAY = dt.date(2024, 3, 5)
NEXT = DAY + dt.timedelta(days=1)
IDENTITY, PHONE, NAME = "110101199003078515", "13800138000", "张三丰"

LOANS = "no,product,amount,lent,score\n"
PAYMENTS = "id,no,paid,amount,note\n"
PEOPLE = "no,name,identity,phone,born\n"


def _column(name: str, fills: str | None = None, kind: str = "string", **more: Any) -> dict[str, Any]:
    meaning = more.pop("arrears", {}) | ({"field": fills} if fills else {})
    return {"name": name, "type": kind, **more, "arrears": meaning}


def _contract(lender: str) -> dict[str, Any]:
    """A small lender: loans with their states, payments, and people as an optional file."""
    return {
        "name": lender,
        "arrears": {
            "effective_from": "2024-01-01", "names": {"en": lender.title()}, "currency": "CNY",
            "timezone": "Asia/Shanghai", "limits": {"rejected_share": 0.5},
        },
        "resources": [
            {
                "name": "loans", "path": "loans.csv",
                "schema": {"primaryKey": ["no"], "fields": [
                    _column("no", "loan_id"), _column("product", "product"),
                    _column("amount", "principal", "number", constraints={"minimum": 0.01}),
                    _column("lent", "disbursed_on", "date"), _column("score", "credit_score", "integer"),
                ]},
                "arrears": {"file": "loans.csv", "entity": "loan", "mode": "snapshot",
                            "constants": {"currency": "CNY"}},
            },
            {
                "name": "payments", "path": "payments.csv",
                "schema": {"fields": [
                    _column("id", "payment_id"), _column("no", "loan_id"), _column("paid", "value_on", "date"),
                    _column("amount", "amount", "number"), _column("note", "channel"),
                ]},
                "arrears": {"file": "payments.csv", "entity": "payment", "mode": "append", "required": False,
                            "constants": {"kind": "repayment"}},
            },
            {
                "name": "people", "path": "people.csv",
                "schema": {"missingValues": ["", "-"], "fields": [
                    _column("no", "borrower_id"), _column("name", arrears={"pii": "drop"}),
                    _column("identity", "identity_hash", arrears={"pii": "hash"}, constraints={"required": True}),
                    _column("phone", arrears={"pii": "drop"}), _column("born", "birth_year", "integer"),
                ]},
                "arrears": {"file": "people.csv", "entity": "borrower", "mode": "upsert", "required": False},
            },
        ],
    }  # fmt: skip


class Lender:
    """A lender with its contract and its landing folder, loaded into a test's warehouse."""

    def __init__(self, warehouse: Warehouse, root: Path, name: str = "acme") -> None:
        self.warehouse, self.root, self.name = warehouse, root, name
        self.url = warehouse.url(Role.LOADER)
        self.landing = root / "landing"
        self.document = _contract(name)
        self.contract_dates: list[dt.date] = []

    def resource(self, name: str) -> dict[str, Any]:
        return next(resource for resource in self.document["resources"] if resource["name"] == name)

    def column(self, resource: str, name: str) -> dict[str, Any]:
        return next(field for field in self.resource(resource)["schema"]["fields"] if field["name"] == name)

    def send(self, day: dt.date = DAY, **files: str | bytes) -> None:
        """Put a day's files in place of those there."""
        folder = self.landing / self.name / day.isoformat()
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.iterdir():
            old.unlink()
        for name, content in files.items():
            data = content if isinstance(content, bytes) else content.encode()
            (folder / (name.replace("_gz", ".csv.gz") if name.endswith("_gz") else f"{name}.csv")).write_bytes(data)

    def delivery(self, day: dt.date = DAY) -> Delivery:
        path = self.root / "lenders" / self.name / "datapackage.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self.document, ensure_ascii=False), "utf-8")
        contract = read_contract(path).model_copy(update={"effective_dates": tuple(self.contract_dates)})
        return Delivery(contract, day, str(self.landing))

    def load(self, day: dt.date = DAY) -> LoadResult:
        return load(self.delivery(day), url=self.url, pii_key=lambda: b"key")

    def check(self, day: dt.date = DAY) -> Findings:
        return check(self.delivery(day), url=self.url, pii_key=lambda: b"key")

    def accept(self, delivery_id: int) -> None:
        with connect(self.url, "test") as connection, connection.cursor() as cursor:
            registry.accept(cursor, delivery_id)

    def refuse(self, delivery_id: int) -> None:
        with connect(self.url, "test") as connection, connection.cursor() as cursor:
            registry.refuse(cursor, delivery_id, ["it did not pass the gate"])

    def load_and_accept(self, day: dt.date = DAY) -> LoadResult:
        result = self.load(day)
        self.accept(result.delivery_id)
        return result

    def refused(self, day: dt.date = DAY) -> list[str]:
        """Load what has to be refused; the reasons, all of which are on record and found by the check too."""
        checked = [str(fault) for fault in self.check(day).refusing]
        with pytest.raises(Refused) as refused:
            self.load(day)
        status, reasons = self.warehouse.rows(
            "select status, reasons from ops.delivery where lender = %s order by delivery_id desc limit 1", self.name
        )[0]
        assert status == "refused"
        assert reasons[: len(refused.value.reasons)] == refused.value.reasons
        if "is missing from" not in "".join(checked):
            assert checked == refused.value.reasons
        return refused.value.reasons

    def versions(self, day: dt.date = DAY) -> list[tuple[int, str]]:
        return self.warehouse.rows(
            "select version, status from ops.delivery where lender = %s and business_date = %s order by version",
            self.name, day,
        )  # fmt: skip

    def in_force(self) -> list[tuple[Any, ...]]:
        """What the models read of it: name, currency and contract, how it sends loans, and its conventions."""
        return [
            *self.warehouse.rows("select name_en, currency, contract_effective_from from ops.lender"),
            *self.warehouse.rows("select mode from ops.lender_entity where entity = 'loan'"),
            *self.warehouse.rows("select value, effective_from from ops.lender_convention order by effective_from"),
        ]

    def rejected(self) -> list[tuple[int, str, str | None, str]]:
        return self.warehouse.rows(
            "select line_no, column_name, value_masked, rule from ops.rejected_row "
            "order by delivery_id, line_no, column_name"
        )

    def raw(self, entity: str, *columns: str) -> list[tuple[Any, ...]]:
        return self.warehouse.rows(
            f"select {', '.join(columns)} from raw.{entity} order by delivery_id, file_id, line_no"
        )


@pytest.fixture
def lender(warehouse: Warehouse, tmp_path: Path) -> Iterator[Lender]:
    yield Lender(warehouse, tmp_path)
    left = warehouse.rows(
        "select relname from pg_class where relname like 'stage%' and relnamespace = 'raw'::regnamespace"
    )
    assert left == [], "a stage table was left behind"
    wrong = warehouse.rows(
        "select f.path from ops.delivery_file as f where rows_in_file <> rows_accepted + rows_rejected "
        "or rows_rejected <> "
        "(select count(distinct line_no) from ops.rejected_row as r where r.file_id = f.file_id)"
    )
    assert wrong == []


def _loans(count: int, first: int = 1) -> str:
    return LOANS + "".join(f"L{n},auto,{n}.50,2024-01-15,600\n" for n in range(first, first + count))


# ── rows ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_rows_are_typed_and_know_where_they_came_from(lender: Lender) -> None:
    lender.send(loans=LOANS + "L1,auto,1000.50,2024-01-15,640\nL2, boat ,7,2023-12-31,\n", payments=PAYMENTS)
    result = lender.load()
    assert (result.outcome, result.rows, result.rejected) == ("loaded", 2, 0)
    found = lender.raw(
        "loan", "lender", "business_date", "delivery_id", "line_no", "loan_id", "product", "principal", "disbursed_on",
        "credit_score", "currency", "term_months",
    )  # fmt: skip
    jan, dec = dt.date(2024, 1, 15), dt.date(2023, 12, 31)
    assert found == [
        ("acme", DAY, result.delivery_id, 2, "L1", "auto", Decimal("1000.50"), jan, Decimal(640), "CNY", None),
        ("acme", DAY, result.delivery_id, 3, "L2", "boat", Decimal(7), dec, None, "CNY", None),
    ]
    files = lender.warehouse.rows(
        "select f.path, f.rows_in_file, f.rows_accepted, f.bytes, exists (select from raw.loan as l where l.file_id = "
        "f.file_id) from ops.delivery_file as f order by f.file_id"
    )
    assert files == [
        ("acme/2024-03-05/loans.csv", 2, 2, 84, True), ("acme/2024-03-05/payments.csv", 0, 0, 23, False),
    ]  # fmt: skip
    assert lender.warehouse.rows("select rows_in_files, rows_accepted, rows_rejected from ops.delivery") == [(2, 2, 0)]


def test_bad_rows_are_rejected_with_every_reason_and_the_rest_loads(lender: Lender) -> None:
    lender.send(
        loans=LOANS + "L1,auto,5,2024-01-15,640\nL2,auto,6OO,2024-02-30,1\nL3,,5,2024-01-15,1\nL4,auto,0,2024-01-15,\n"
        "L5,auto,5,2024-01-15,9\nL6,auto,5,2024-03-06,9\n"
    )
    lender.document["arrears"]["limits"]["rejected_share"] = 0.8
    result = lender.load()
    assert (result.rows, result.rejected) == (6, 4)
    assert [row[0] for row in lender.raw("loan", "loan_id")] == ["L1", "L5"]
    assert lender.rejected() == [
        (3, "amount", "6OO", "not a number with decimals after '.'"),
        (3, "lent", "2024-02-30", "not a date written as %Y-%m-%d"),
        (4, "product", "", "empty where a value is required"),
        (5, "amount", "0", "less than 0.01"),
        (7, "lent", "2024-03-06", "after the business date 2024-03-05"),
    ]


def test_a_long_bad_value_is_shortened(lender: Lender) -> None:
    lender.send(loans=_loans(1) + f"L2,auto,{'9' * 500},2024-01-15,1\n")
    lender.load()
    assert [len(row[2] or "") for row in lender.rejected()] == [60]


def test_hostile_text_is_stored_as_it_is(lender: Lender) -> None:
    texts = [
        "'); drop table raw.loan; --", '=HYPERLINK("http://x","y")', "a''b", "100%s %(x)s {0}", "$1 \\N \\. \\",
        "line one\nline two", "王，小明", "\U00020000𠮷", "a\u200bb", "NULL", "x\ty",
    ]  # fmt: skip
    rows = "".join('P{},L1,2024-03-05,1,"{}"\n'.format(n, text.replace('"', '""')) for n, text in enumerate(texts))
    lender.send(loans=_loans(1), payments=PAYMENTS + rows)
    assert lender.load().rejected == 0
    assert [row[0] for row in lender.raw("payment", "channel")] == texts


def test_column_names_and_constants_are_quoted_too(lender: Lender) -> None:
    wild = "o'clock\"; drop"
    lender.column("loans", "score")["name"] = wild
    lender.resource("loans")["arrears"]["constants"]["purpose"] = "it's; drop table"
    lender.send(loans='no,product,amount,lent,"o\'clock""; drop"\nL1,auto,5,2024-01-15,x\nL2,auto,5,2024-01-15,5\n')
    lender.load()
    assert lender.rejected() == [(2, wild, "x", "not a whole number")]
    assert lender.raw("loan", "purpose") == [("it's; drop table",)]


def test_missing_values_differ_from_zero_and_from_each_other(lender: Lender) -> None:
    lender.resource("loans")["schema"]["missingValues"] = ["", "\\N"]
    lender.send(loans=LOANS + "".join(f"L{n},auto,1,2024-01-15,{text}\n" for n, text in
                                      enumerate(["", "\\N", "0", "NULL", "-", "-0"])))  # fmt: skip
    lender.load()
    assert [row[1] for row in lender.raw("loan", "loan_id", "credit_score")] == [None, None, 0, 0]
    assert [row[2] for row in lender.rejected()] == ["NULL", "-"]


def test_mapped_values_reach_fields_of_any_type(lender: Lender) -> None:
    lender.document["resources"] = [{
        "name": "calls", "path": "calls.csv",
        "schema": {"fields": [
            _column("id", "action_id"), _column("no", "loan_id"), _column("at", "acted_at", "datetime"),
            _column("got", "connected", arrears={"values": {"是": "true", "否": "false"}}),
        ]},
        "arrears": {"file": "calls.csv", "entity": "collection_action", "mode": "append",
                    "constants": {"channel": "phone"}},
    }]  # fmt: skip
    lender.send(calls="id,no,at,got\n1,L1,2024-03-05 08:00,是\n2,L1,2024-03-05T00:00:00Z,\n3,L1,now,否\n")
    lender.load()
    eight = dt.datetime(2024, 3, 5, tzinfo=dt.UTC)
    assert lender.raw("collection_action", "acted_at", "connected") == [(eight, True), (eight, None)]
    assert [row[:3] for row in lender.rejected()] == [(4, "at", "now")]


def test_a_compressed_file_in_another_dialect(lender: Lender) -> None:
    loans = lender.resource("loans")
    loans |= {"encoding": "gb18030", "dialect": {"delimiter": "|", "quoteChar": "'"}}
    loans["arrears"]["file"] = "loans.csv.gz"
    text = LOANS.replace(",", "|") + "L1|'消|费'|5|2024-01-15|1\r\nL2|5\" 𠮷|5|2024-01-15|1"
    lender.send(loans_gz=gzip.compress(text.encode("gb18030")))
    lender.load()
    assert lender.raw("loan", "product") == [("消|费",), ('5" 𠮷',)]


# ── derived entities ─────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def deriving(lender: Lender) -> Lender:
    loans = lender.resource("loans")
    loans["schema"]["fields"] += [_column("state"), _column("left", kind="number")]
    loans["arrears"]["derives"] = [
        {"entity": "reported_position", "fields": {
            "loan_id": "no", "as_of": {"business_date": True}, "outstanding_principal": "left",
            "status": {"column": "state", "values": {"open": "current", "lost": "written_off"}}}},
        {"entity": "loan_event", "where": {"state": ["lost"]}, "fields": {
            "loan_id": "no", "event_on": {"business_date": True}, "kind": {"value": "written_off"}, "amount": "left"}},
    ]  # fmt: skip
    return lender


def test_derived_entities(deriving: Lender) -> None:
    deriving.send(
        loans="no,product,amount,lent,score,state,left\nL1,a,5,2024-01-15,1,open,4.5\nL2,a,5,2024-01-15,1, lost ,3\n"
        "L3,a,5,2024-01-15,1,gone,3\nL4,a,x,2024-01-15,1,lost,3\nL5,a,5,2024-01-15,1,,\n"
    )
    deriving.load()
    assert deriving.raw("reported_position", "loan_id", "as_of", "outstanding_principal", "status", "line_no") == [
        ("L1", DAY, Decimal("4.5"), "current", 2), ("L2", DAY, Decimal(3), "written_off", 3),
        ("L5", DAY, None, None, 6),
    ]  # fmt: skip
    assert deriving.raw("loan_event", "loan_id", "event_on", "kind", "amount", "line_no") == [
        ("L2", DAY, "written_off", Decimal(3), 3)
    ]
    assert [row[0] for row in deriving.raw("loan", "loan_id")] == ["L1", "L2", "L5"]
    assert deriving.rejected() == [
        (4, "state", "gone", "a value that the contract does not map"),
        (5, "amount", "x", "not a number with decimals after '.'"),
    ]


def test_a_rule_of_a_derived_entity_holds_only_where_the_row_carries_it(deriving: Lender) -> None:
    derived = deriving.resource("loans")["arrears"]["derives"]
    derived[1]["fields"]["event_on"] = "ended"
    deriving.resource("loans")["schema"]["fields"].append(_column("ended", kind="date"))
    deriving.send(
        loans="no,product,amount,lent,score,state,left,ended\nL1,a,5,2024-01-15,1,open,4,\nL2,a,5,2024-01-15,1,lost,3,\n"
        "L3,a,5,2024-01-15,1,lost,3,2024-03-06\nL4,a,5,2024-01-15,1,lost,3,2024-03-05\n"
    )
    deriving.load()
    assert [row[:2] for row in deriving.rejected()] == [(3, "ended"), (4, "ended")]
    assert deriving.raw("loan_event", "loan_id") == [("L4",)]
    assert [row[0] for row in deriving.raw("loan", "loan_id")] == ["L1", "L4"]


def test_values_put_together_from_several_columns(lender: Lender) -> None:
    """Texts joined, numbers added in canonical units. What cannot be read or held rejects the row, with its columns."""
    plan = [_column("no"), _column("n", kind="integer"), _column("due", kind="number"),
            _column("relief", kind="integer", arrears={"unit": "fen"}), _column("left", kind="number"),
            _column("paid", kind="date")]  # fmt: skip
    lender.document["resources"] = [{
        "name": "plan", "path": "plan.csv", "schema": {"fields": plan},
        "arrears": {"file": "plan.csv", "entity": "borrower", "mode": "upsert",
                    "constants": {"borrower_id": "nobody"}, "derives": [{"entity": "payment", "fields": {
                        "payment_id": {"join": ["no", "n"], "separator": "/"}, "loan_id": "no", "instalment_no": "n",
                        "value_on": {"column": "paid", "business_date": True}, "kind": {"value": "repayment"},
                        "amount": {"plus": ["due"], "minus": ["left", "relief"]},
                        "penalty": {"plus": ["relief"]}}}]},
    }]  # fmt: skip
    lender.document["arrears"]["limits"]["rejected_share"] = 0.9
    lender.send(
        plan="no,n,due,relief,left,paid\nL1,1,100.50,50,20,2024-03-01\nL1,2,100,,,\nL1,3,,,,\nL1,4,x,1,1,\n"
        "L1,,5,,,\nL1,6,5.001,,,\nL1,7,1000000000000000,,-1,\n"
    )
    assert lender.load().rejected == 5
    assert lender.raw("payment", "payment_id", "value_on", "amount", "penalty") == [
        ("L1/1", dt.date(2024, 3, 1), Decimal("80.00"), Decimal("0.50")),
        ("L1/2", DAY, Decimal(100), None),
    ]
    assert lender.rejected() == [
        (4, "due + left + relief", "", "empty where a value is required"),
        (5, "due", "x", "not a number with decimals after '.'"),
        (6, "no + n", "L1", "empty where a value is required"),
        (7, "due + left + relief", "5.001", "more than 2 decimals"),
        (8, "due + left + relief", "1000000000000000 + -1", "larger than 1000000000000000"),
    ]


def test_a_whole_number_put_together_from_several_columns(lender: Lender) -> None:
    loans = lender.resource("loans")
    loans["schema"]["fields"] += [_column("done", kind="number"), _column("open", kind="integer")]
    del lender.column("loans", "score")["arrears"]["field"]
    loans["arrears"]["derives"] = [{"entity": "reported_position", "fields": {
        "loan_id": "no", "as_of": {"business_date": True},
        "dpd": {"plus": ["done", "open"], "minus": ["score"]}}}]  # fmt: skip
    lender.document["arrears"]["limits"]["rejected_share"] = 0.9
    rows = ["7.0,5,0", "0.5,-8,0.5", "0,0,0", ",,", "1.5,5,0", "2147483647,1,0"]
    lender.column("loans", "score")["type"] = "number"
    lender.send(
        loans="no,product,amount,lent,score,done,open\n"
        + "".join(
            "L{0},auto,5,2024-01-15,{3},{1},{2}\n".format(number, *row.split(",")) for number, row in enumerate(rows)
        )
    )
    assert lender.check().rejected == 2
    assert lender.load().rejected == 2
    found = lender.raw("reported_position", "loan_id", "dpd")
    assert found == [("L0", 12), ("L1", -8), ("L2", 0), ("L3", None)]
    assert lender.rejected() == [
        (6, "done + open + score", "1.5 + 5 + 0", "more than 0 decimals"),
        (7, "done + open + score", "2147483647 + 1 + 0", "larger than 2147483647"),
    ]


def test_personal_data_in_a_joined_value_is_not_shown(lender: Lender) -> None:
    people = lender.resource("people")
    people["arrears"]["derives"] = [
        {"entity": "loan_event", "fields": {
            "loan_id": {"join": ["identity", "no"]}, "event_on": {"business_date": True}, "kind": {"value": "settled"}}}
    ]  # fmt: skip
    del lender.column("people", "identity")["constraints"]
    lender.document["arrears"]["limits"]["rejected_share"] = 1
    lender.send(loans=_loans(1), people=PEOPLE + f",{NAME},{IDENTITY},{PHONE},1990\n")
    lender.load()
    assert [row[1:3] for row in lender.rejected()] == [("identity + no", "***"), ("no", "")]


def test_dates_written_in_several_ways(lender: Lender) -> None:
    lender.column("loans", "lent").update(
        format="any", arrears={"field": "disbursed_on", "formats": ["%Y-%m-%d", "%Y/%m/%d", "%Y年%m月%d日", "%Y%m%d"]}
    )
    texts = ["2024-01-05", "2024/1/5", "2024年1月5日", "20240105", "2024-13-05", "2024/02/30", "05.01.2024", "45322"]
    lender.send(loans=LOANS + "".join(f"L{n},a,5,{text},1\n" for n, text in enumerate(texts)))
    lender.load()
    assert lender.raw("loan", "disbursed_on") == [(dt.date(2024, 1, 5),)] * 4
    said = "not a date written as %Y-%m-%d or %Y/%m/%d or %Y年%m月%d日 or %Y%m%d"
    assert [row[2:] for row in lender.rejected()] == [(text, said) for text in texts[4:]]


def test_a_text_too_long_to_be_looked_up(lender: Lender) -> None:
    """One such row would fail the build of all lenders: no index takes it. A joined text is held to the same."""
    lender.resource("loans")["arrears"]["derives"] = [
        {"entity": "loan_event", "fields": {
            "loan_id": {"join": ["no", "product"]}, "event_on": {"business_date": True},
            "kind": {"value": "settled"}, "detail": {"join": ["no", "no", "no"]}}}
    ]  # fmt: skip
    lender.document["arrears"]["limits"]["rejected_share"] = 0.9
    longest = "贷" * 166 + "11"
    lender.send(
        loans=LOANS
        + "".join(
            f"{no},{product},5,2024-01-15,1\n"
            for no, product in [("L1", "a" * 501), (longest, ""), ("L3", "a" * 498), ("L4", "a" * 497)]
        )
    )
    lender.load()
    long, empty = "longer than 500 bytes", "empty where a value is required"
    assert [(line, column, said) for line, column, _, said in lender.rejected()] == [
        (2, "no + product", long), (2, "product", long), (3, "no + product", empty), (3, "product", empty),
        (4, "no + product", long),
    ]  # fmt: skip
    assert lender.raw("loan_event", "detail") == [("L4-L4-L4",)]


def test_a_persons_number_in_a_column_that_has_none_is_not_kept(lender: Lender) -> None:
    """A row whose columns are shifted by one: nobody declared the column personal that the number is in now."""
    lender.document["arrears"]["limits"]["rejected_share"] = 0.9
    rows = ["L1,13800138000,5,2024-01-15,1", "L2,a,5,13800138000,1", "L3,li.na@example.com,5,2024-01-15,1"]
    lender.send(loans=LOANS + "\n".join([*rows, "L4,a,5,2024-01-15,1", ""]))
    lender.load()
    personal = "a person's number or address: are columns shifted?"
    assert [(line, column, shown) for line, column, shown, _ in lender.rejected()] == [
        (2, "product", "***"), (3, "lent", "***"), (4, "product", "***"),
    ]  # fmt: skip
    assert lender.rejected()[0][3] == personal
    assert lender.raw("loan", "loan_id, product") == [("L4", "a")]


def test_exclusive_bounds(lender: Lender) -> None:
    lender.column("loans", "amount")["constraints"] = {"exclusiveMinimum": 0, "exclusiveMaximum": 10}
    amounts = ["0", "0.01", "9", "10"]
    lender.send(loans=LOANS + "".join(f"L{n},a,{text},2024-01-15,1\n" for n, text in enumerate(amounts)))
    lender.load()
    assert [row[2:] for row in lender.rejected()] == [("0", "not greater than 0"), ("10", "not less than 10")]


def test_what_the_contract_calls_unique(lender: Lender) -> None:
    """Beside the primary key. What is empty is nobody's duplicate."""
    lender.column("loans", "score")["constraints"] = {"unique": True}
    lender.resource("loans")["schema"]["uniqueKeys"] = [["product", "lent"]]
    lender.send(loans=LOANS + "L1,a,1,2024-01-15,5\nL2,b,1,2024-01-15,\nL3,c,1,2024-01-15,\n")
    assert lender.load().rejected == 0
    lender.send(loans=LOANS + "L1,a,1,2024-01-15,5\nL2,b,1,2024-01-15,05\nL1,c,1,2024-01-15,\nL4,b,1,2024-01-15,\n")
    said = "the same key on lines {} (1 keys stand more than once)"
    assert lender.refused() == [
        f"acme/2024-03-05/loans.csv:4: column no: {said.format('2, 4')}",
        f"acme/2024-03-05/loans.csv:3: column score: {said.format('2, 3')}",
        f"acme/2024-03-05/loans.csv:5: column product + lent: {said.format('3, 5')}",
    ]


def test_a_key_declared_for_changes_is_held_to(changing: Lender) -> None:
    changing.resource("loans")["schema"]["primaryKey"] = ["no", "at"]
    rows = "L1,auto,5,2024-01-15,1,new,2024-03-05 08:00:00\nL1,auto,9,2024-01-15,1,upd,2024-03-05 {}:00:00\n"
    changing.send(loans=CHANGES + rows.format("09"))
    assert changing.load().rows == 2
    changing.send(loans=CHANGES + rows.format("08"))
    assert "column no + at: the same key on lines 2, 3" in changing.refused()[0]


def test_objects_are_columns_of_their_parts(lender: Lender) -> None:
    terms = [
        _column("amount", "principal", "number", constraints={"exclusiveMinimum": 0}),
        _column("from", "disbursed_on", "date"), _column("product", "product"),
    ]  # fmt: skip
    holder = [_column("name", arrears={"pii": "drop"}), _column("identity", "borrower_id", arrears={"pii": "hash"})]
    position = {"loan_id": "id", "as_of": {"business_date": True}, "outstanding_principal": "terms.amount"}
    lender.document["resources"] = [{
        "name": "loans", "path": "loans.jsonl", "format": "jsonl",
        "schema": {"primaryKey": ["id"], "fields": [
            _column("id", "loan_id"), _column("terms", kind="object", arrears={"parts": terms}),
            _column("holder", kind="object", arrears={"parts": holder}),
        ]},
        "arrears": {"file": "loans.jsonl", "entity": "loan", "mode": "upsert", "constants": {"currency": "CNY"},
                    "derives": [{"entity": "reported_position", "fields": position}]},
    }]  # fmt: skip
    lender.document["arrears"]["limits"]["rejected_share"] = 0.5
    lines = [
        {"id": "L1", "terms": {"amount": 5.5, "from": "2024-01-15", "product": "auto"},
         "holder": {"name": NAME, "identity": IDENTITY}},
        {"id": "L2", "terms": {"amount": 0, "from": "2024-01-15", "product": "auto"},
         "holder": {"name": NAME, "identity": None}},
    ]  # fmt: skip
    folder = lender.landing / "acme" / DAY.isoformat()
    folder.mkdir(parents=True)
    folder.joinpath("loans.jsonl").write_text(
        "\n".join(json.dumps(line, ensure_ascii=False) for line in lines), "utf-8"
    )
    lender.load()
    loans = lender.raw("loan", "line_no", "loan_id", "principal", "length(borrower_id)")
    assert loans == [(1, "L1", Decimal("5.50"), 64)]
    assert lender.raw("reported_position", "outstanding_principal") == [(Decimal("5.50"),)]
    assert lender.rejected() == [(2, "terms.amount", "0", "not greater than 0")]
    assert NAME not in _everything(lender.warehouse)


def test_a_row_of_a_workbook_is_named_by_its_number_in_the_sheet(lender: Lender) -> None:
    loans = lender.resource("loans")
    loans |= {"format": "xlsx", "path": "loans.xlsx", "dialect": {"headerRows": [2], "sheetName": "借款"}}
    loans["arrears"]["file"] = "loans.xlsx"
    book = openpyxl.Workbook()
    sheet = book.create_sheet("借款")
    for row in (["Loans of the day"], LOANS.strip().split(","), ["L1", "auto", 5, "2024-01-15", 1],
                ["L2", "auto", "x", "2024-01-15", 1], ["L3", "auto", 7, "2024-01-15", None]):  # fmt: skip
        sheet.append(row)
    folder = lender.landing / "acme" / DAY.isoformat()
    folder.mkdir(parents=True)
    book.save(folder / "loans.xlsx")
    lender.load()
    assert lender.raw("loan", "line_no", "loan_id", "principal") == [(3, "L1", Decimal(5)), (5, "L3", Decimal(7))]
    assert lender.rejected() == [(4, "amount", "x", "not a number with decimals after '.'")]


def _workbook(lender: Lender, name: str, rows: list[list[Any]]) -> None:
    """Send a file as a workbook."""
    file = lender.resource(name)
    file |= {"format": "xlsx", "path": f"{name}.xlsx"}
    file["arrears"]["file"] = f"{name}.xlsx"
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    folder = lender.landing / "acme" / DAY.isoformat()
    folder.mkdir(parents=True, exist_ok=True)
    book.save(folder / f"{name}.xlsx")


def test_an_error_of_excel_is_no_value(lender: Lender) -> None:
    """As one it would be the number of two loans, and two persons would have the same hash."""
    lender.send(loans=_loans(1))
    lender.document["arrears"]["limits"]["rejected_share"] = 0.9
    lender.resource("loans")["arrears"]["required"] = False
    lender.column("people", "born")["type"] = "string"
    del lender.column("people", "born")["arrears"]["field"]
    lender.column("people", "born")["missingValues"] = ["#NULL!"]
    _workbook(lender, "people", [
        PEOPLE.strip().split(","), ["P1", NAME, "#N/A", PHONE, 1990], ["P2", NAME, "#N/A", PHONE, 1990],
        ["P3", "#REF!", IDENTITY, "#N/A", "#NULL!"],
        ["#NAME?", NAME, "7", PHONE, None], ["#NAME?", NAME, "8", PHONE, None],
        ["P6", NAME, "9", PHONE, "#DIV/0!"],
    ])  # fmt: skip
    assert lender.load().rejected == 5
    rule = "an error of Excel, which is no value"
    assert lender.rejected() == [
        (2, "identity", "***", rule), (3, "identity", "***", rule),
        (5, "no", "#NAME?", rule), (6, "no", "#NAME?", rule), (7, "born", "#DIV/0!", rule),
    ]  # fmt: skip
    assert lender.raw("borrower", "borrower_id") == [("P3",)]


def test_an_error_of_excel_that_the_contract_knows(lender: Lender) -> None:
    lender.column("loans", "product")["arrears"]["values"] = {"#N/A": "unknown", "a": "auto"}
    row = ["auto", 5, "2024-01-15", 1]
    _workbook(lender, "loans", [LOANS.strip().split(","), ["L1", "#N/A", *row[1:]], ["L2", "a", *row[1:]]])
    assert lender.load().rejected == 0
    assert lender.raw("loan", "product") == [("unknown",), ("auto",)]


def test_changes_in_a_parquet_file(changing: Lender) -> None:
    loans = changing.resource("loans")
    loans |= {"format": "parquet", "path": "loans.parquet"}
    loans["arrears"]["file"] = "loans.parquet"
    loans["arrears"]["change"] = {"op": "op", "at": "at"}
    at = [dt.datetime(2024, 3, 5, hour, tzinfo=dt.UTC) for hour in (2, 1, 3)]
    table = pa.table({
        "no": ["L1", "L1", "L2"], "product": ["b", "a", None],
        "amount": pa.array([Decimal("9.00"), Decimal("5.00"), None], pa.decimal128(18, 2)),
        "lent": [dt.date(2024, 1, 15), dt.date(2024, 1, 15), None], "score": pa.array([None, 1, None], pa.int32()),
        "op": ["U", "I", "D"], "at": pa.array(at, pa.timestamp("us", "UTC")),
    })  # fmt: skip
    folder = changing.landing / "acme" / DAY.isoformat()
    folder.mkdir(parents=True)
    parquet.write_table(table, folder / "loans.parquet")
    assert changing.load().rejected == 0
    assert changing.raw("loan", "line_no", "loan_id", "principal", "change_op", "changed_at") == [
        (1, "L1", Decimal(9), "U", at[0]), (2, "L1", Decimal(5), "I", at[1]), (3, "L2", None, "D", at[2]),
    ]  # fmt: skip


def test_changes_that_know_only_their_day(changing: Lender) -> None:
    changing.column("loans", "at")["type"] = "date"
    changing.send(loans=CHANGES + "L1,auto,5,2024-01-15,1,new,2024-03-05\nL2,auto,5,2024-01-15,1,new,2024-03-08\n")
    changing.load()
    assert changing.raw("loan", "changed_at") == [(dt.datetime(2024, 3, 4, 16, tzinfo=dt.UTC),)], "midnight in Shanghai"
    assert [row[:2] for row in changing.rejected()] == [(3, "at")]


@pytest.mark.parametrize(("entry", "said"), [
    ({}, []), ({"rows": 4}, ["the manifest says 4 rows, the file has 3"]),
    ({"sha256": "0" * 64}, ["the manifest's SHA-256 is not that of this file; ask for both to be sent again"]),
])  # fmt: skip
def test_a_manifest_is_held_against_the_files(entry: dict[str, Any], said: list[str], lender: Lender) -> None:
    lender.resource("loans")["arrears"]["control"] = {"kind": "manifest", "file": "manifest.json"}
    lender.send(loans=_loans(3))
    folder = lender.landing / "acme" / DAY.isoformat()
    digest = hashlib.sha256(_loans(3).encode()).hexdigest()
    listed = {"name": "loans.csv", "rows": 3, "sha256": digest} | entry
    folder.joinpath("manifest.json").write_text(json.dumps({"business_date": str(DAY), "files": [listed]}))
    if said:
        assert lender.refused() == [f"acme/2024-03-05/loans.csv: {rule}" for rule in said]
    else:
        assert lender.load().rows == 3


# ── versions ─────────────────────────────────────────────────────────────────────────────────────────────


def test_the_same_bytes_again_change_nothing(lender: Lender) -> None:
    lender.send(loans=_loans(3))
    first = lender.load()
    waiting = lender.load()
    assert (waiting.outcome, waiting.delivery_id) == ("loaded", first.delivery_id), "it still waits for its gate"
    lender.accept(first.delivery_id)
    again = lender.load()
    assert (again.outcome, again.delivery_id, again.rows) == ("unchanged", first.delivery_id, 3)
    assert lender.versions() == [(1, "accepted")]
    assert len(lender.raw("loan", "loan_id")) == 3
    assert lender.warehouse.rows("select delivery_id from ops.delivery_seen") == [(first.delivery_id,)]


def test_other_bytes_are_a_new_version_and_both_stay(lender: Lender) -> None:
    lender.send(loans=_loans(3))
    lender.load_and_accept()
    lender.send(loans=_loans(4))
    second = lender.load()
    assert lender.versions() == [(1, "accepted"), (2, "loaded")], "nothing is superseded before the gate"
    lender.accept(second.delivery_id)
    assert lender.versions() == [(1, "superseded"), (2, "accepted")]
    assert len(lender.raw("loan", "loan_id")) == 7


def test_going_back_to_the_first_bytes_is_version_three(lender: Lender) -> None:
    for count in (3, 4, 3):
        lender.send(loans=_loans(count))
        lender.load_and_accept()
    assert lender.versions() == [(1, "superseded"), (2, "superseded"), (3, "accepted")]
    assert lender.load().outcome == "unchanged"


def test_a_version_judged_after_a_newer_one_does_not_take_its_place(lender: Lender) -> None:
    lender.send(loans=_loans(3))
    slow = lender.load()
    lender.send(loans=_loans(4))
    lender.load_and_accept()
    lender.accept(slow.delivery_id)
    assert lender.versions() == [(1, "superseded"), (2, "accepted")]


def test_an_older_version_stands_until_the_newer_is_judged(lender: Lender) -> None:
    lender.send(loans=_loans(3))
    slow = lender.load()
    lender.send(loans=_loans(4))
    newer = lender.load()
    lender.accept(slow.delivery_id)
    assert lender.versions() == [(1, "accepted"), (2, "loaded")]
    lender.accept(newer.delivery_id)
    assert lender.versions() == [(1, "superseded"), (2, "accepted")]


def test_a_changed_contract_loads_the_same_bytes_again(lender: Lender) -> None:
    lender.send(loans=_loans(1))
    lender.load_and_accept()
    lender.resource("loans")["arrears"]["constants"]["purpose"] = "car"
    assert lender.load_and_accept().outcome == "loaded"
    assert lender.versions() == [(1, "superseded"), (2, "accepted")]
    assert lender.raw("loan", "purpose") == [(None,), ("car",)]


def test_days_in_any_order(lender: Lender) -> None:
    for day in (NEXT, DAY):
        lender.send(day, loans=_loans(3))
        assert lender.load_and_accept(day).outcome == "loaded"
    assert lender.versions(DAY) == lender.versions(NEXT) == [(1, "accepted")]


def test_loading_an_old_day_under_an_old_contract_leaves_newer_rules_alone(lender: Lender) -> None:
    rules = lender.document["arrears"]
    rules["conventions"] = {"grace_days": 1}
    old = json.loads(json.dumps(lender.document))
    rules |= {"effective_from": "2024-03-06", "conventions": {"grace_days": 7}, "names": {"en": "New Acme"}}
    lender.contract_dates = [dt.date(2024, 1, 1), NEXT]
    lender.resource("loans")["arrears"]["mode"] = "upsert"
    lender.send(NEXT, loans=_loans(3))
    lender.load_and_accept(NEXT)
    lender.document = old
    lender.send(DAY, loans=_loans(3))
    lender.load_and_accept(DAY)
    query = "select value, effective_from from ops.lender_convention order by effective_from"
    assert lender.warehouse.rows(query) == [("1", dt.date(2024, 1, 1)), ("7", NEXT)]
    assert lender.warehouse.rows("select name_en from ops.lender") == [("New Acme",)]
    assert lender.warehouse.rows("select mode from ops.lender_entity where entity = 'loan'") == [("upsert",)]


def test_a_contract_that_is_dated_back_speaks_for_itself(lender: Lender) -> None:
    """A date that no contract has any more holds nothing up: not in the registry, and not of a refused delivery."""
    rules = lender.document["arrears"]
    rules |= {"effective_from": "2024-03-01", "conventions": {"grace_days": 1}}
    lender.send(loans=_loans(3))
    lender.load_and_accept()
    lender.send(loans=_loans(3).replace("L1,auto", "L2,auto"))
    assert "the same key" in str(lender.refused())
    rules |= {"effective_from": "2024-02-01", "currency": "EUR", "timezone": "Europe/Helsinki"}
    rules["conventions"] = {"grace_days": 7}
    rules["product_conventions"] = [
        {"product": "auto", "convention": "scheme", "value": "tape29", "effective_from": "2024-03-02"}
    ]
    lender.resource("loans")["arrears"]["mode"] = "upsert"
    lender.send(loans=_loans(3))
    lender.load_and_accept()
    assert lender.warehouse.rows("select currency, timezone, contract_effective_from from ops.lender") == [
        ("EUR", "Europe/Helsinki", dt.date(2024, 2, 1))
    ]
    assert lender.warehouse.rows("select mode from ops.lender_entity where entity = 'loan'") == [("upsert",)]
    query = "select product, value, effective_from from ops.lender_convention order by effective_from"
    assert lender.warehouse.rows(query) == [
        (None, "7", dt.date(2024, 2, 1)), ("auto", "tape29", dt.date(2024, 3, 2))
    ]  # fmt: skip


def test_a_contract_s_conventions_end_where_the_next_contract_begins(lender: Lender) -> None:
    lender.contract_dates = [dt.date(2024, 1, 1), dt.date(2024, 6, 1)]
    grace = {"product": "auto", "convention": "grace_days"}
    lender.document["arrears"]["product_conventions"] = [
        {**grace, "value": "3", "effective_from": "2024-05-31"}, {**grace, "value": "5", "effective_from": "2024-06-01"}
    ]  # fmt: skip
    lender.send(loans=_loans(1))
    lender.load_and_accept()
    assert lender.warehouse.rows("select value from ops.lender_convention") == [("3",)]


def test_a_contract_that_takes_a_convention_back(lender: Lender) -> None:
    rules = lender.document["arrears"]
    rules |= {"conventions": {"grace_days": 1}, "product_conventions": [
        {"product": "auto", "convention": "scheme", "value": "tape29", "effective_from": "2024-02-01"}]}  # fmt: skip
    lender.send(loans=_loans(1))
    lender.load_and_accept()
    assert len(lender.warehouse.rows("select 1 from ops.lender_convention")) == 2
    rules |= {"conventions": {}, "product_conventions": []}
    lender.load_and_accept()
    assert lender.warehouse.rows("select 1 from ops.lender_convention") == []


def test_what_the_first_contract_dates_before_itself_is_taken_back_with_it(lender: Lender) -> None:
    grace = {"product": "auto", "convention": "grace_days", "effective_from": "2022-01-01"}
    for days in ("3", "5"):
        lender.document["arrears"]["product_conventions"] = [{**grace, "value": days}]
        lender.send(loans=_loans(1))
        lender.load_and_accept()
        assert lender.warehouse.rows("select value, effective_from from ops.lender_convention") == [
            (days, dt.date(2022, 1, 1))
        ]


def test_a_contract_holds_once_a_delivery_under_it_is_accepted(lender: Lender, warehouse: Warehouse) -> None:
    """One that the gate refuses leaves modes, conventions, currency and zone as they were."""
    queries = (
        "select currency, timezone, contract_effective_from from ops.lender", "select value from ops.lender_convention",
        "select mode from ops.lender_entity where entity = 'loan'",
    )  # fmt: skip

    def in_force() -> list[Any]:
        return [warehouse.rows(query) for query in queries]

    def gate() -> None:
        gate_delivery(lender.load(NEXT).delivery_id, url=lender.url, settings=warehouse.settings)

    rules = lender.document["arrears"]
    rules["conventions"] = {"grace_days": 1}
    lender.send(loans=_loans(3))
    lender.load()
    assert in_force() == [[], [], []]
    gate_delivery(lender.load().delivery_id, url=lender.url, settings=warehouse.settings)
    before = in_force()
    assert before == [[("CNY", "Asia/Shanghai", dt.date(2024, 1, 1))], [("1",)], [("snapshot",)]]
    rules |= {"conventions": {"grace_days": 7}, "currency": "EUR", "timezone": "Europe/Helsinki"}
    lender.resource("loans")["arrears"]["mode"] = "upsert"
    lender.send(NEXT, loans=_loans(3))
    with pytest.raises(Refused) as refused:
        gate()
    assert "a loan is in the lender's currency" in str(refused.value.reasons)
    assert in_force() == before
    lender.resource("loans")["arrears"]["constants"]["currency"] = "EUR"
    gate()
    assert in_force() == [[("EUR", "Europe/Helsinki", dt.date(2024, 1, 1))], [("7",)], [("upsert",)]]


def test_a_gate_that_ends_late_does_not_bring_a_corrected_contract_back(lender: Lender) -> None:
    """Of the text that it was corrected to, a delivery was loaded and accepted meanwhile."""
    rules = lender.document["arrears"]
    rules["conventions"] = {"grace_days": 1}
    lender.send(loans=_loans(3))
    slow = lender.load()
    rules |= {"conventions": {"grace_days": 7}, "currency": "EUR", "names": {"en": "New Acme"}}
    lender.resource("loans")["arrears"]["mode"] = "upsert"
    lender.send(NEXT, loans=_loans(3))
    lender.load_and_accept(NEXT)
    before = lender.in_force()
    assert before == [("New Acme", "EUR", dt.date(2024, 1, 1)), ("upsert",), ("7", dt.date(2024, 1, 1))]
    lender.accept(slow.delivery_id)
    assert (lender.versions(DAY), lender.in_force()) == ([(1, "accepted")], before)


@pytest.mark.parametrize("corrected", ["2024-02-01", "2024-03-04"])
def test_a_gate_that_ends_late_does_not_bring_a_date_back_that_no_contract_has_any_more(
    lender: Lender, corrected: str
) -> None:
    rules = lender.document["arrears"]
    rules |= {"effective_from": "2024-03-01", "conventions": {"grace_days": 1}}
    lender.send(loans=_loans(3))
    slow = lender.load()
    rules |= {"effective_from": corrected, "conventions": {"grace_days": 7}}
    lender.send(NEXT, loans=_loans(3))
    lender.load_and_accept(NEXT)
    before = lender.in_force()
    assert before[-1] == ("7", dt.date.fromisoformat(corrected))
    lender.accept(slow.delivery_id)
    assert lender.in_force() == before


@pytest.mark.parametrize("known", [True, False], ids=["there from the beginning", "added meanwhile"])
def test_a_gate_that_ends_late_speaks_for_the_days_before_the_next_contract(lender: Lender, known: bool) -> None:
    """Of days that are caught up on side by side the newer one's gate may end first."""
    dates = [dt.date(2024, 1, 1), NEXT]
    lender.contract_dates = dates if known else dates[:1]
    rules = lender.document["arrears"]
    rules["conventions"] = {"grace_days": 1}
    lender.send(loans=_loans(3))
    slow = lender.load()
    lender.contract_dates = dates
    rules |= {"effective_from": NEXT.isoformat(), "conventions": {"grace_days": 7}, "names": {"en": "New Acme"}}
    lender.resource("loans")["arrears"]["mode"] = "upsert"
    lender.send(NEXT, loans=_loans(3))
    lender.load_and_accept(NEXT)
    lender.accept(slow.delivery_id)
    assert lender.in_force() == [
        ("New Acme", "CNY", NEXT), ("upsert",), ("1", dt.date(2024, 1, 1)), ("7", NEXT)
    ]  # fmt: skip


def test_a_gate_that_ends_late_leaves_alone_what_an_older_contract_says(lender: Lender) -> None:
    """It was the first when its delivery was loaded; one for the days before was added meanwhile."""
    rules, older = lender.document["arrears"], dt.date(2023, 1, 1)
    rules["conventions"] = {"grace_days": 7}
    lender.send(loans=_loans(3))
    slow = lender.load()
    lender.contract_dates = [older, dt.date(2024, 1, 1)]
    rules |= {"effective_from": older.isoformat(), "conventions": {"grace_days": 1}}
    before = dt.date(2023, 12, 31)
    lender.send(before, loans=LOANS)
    lender.load_and_accept(before)
    lender.accept(slow.delivery_id)
    assert lender.in_force()[2:] == [("1", older), ("7", dt.date(2024, 1, 1))]


# ── refusals ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_refusal_leaves_all_as_it_was_and_names_every_fault_of_every_file(lender: Lender) -> None:
    lender.send(loans=_loans(3))
    lender.load_and_accept()
    before = lender.raw("loan", "*")
    lender.send(
        loans=LOANS.replace("score", "points") + "L1,a,5,2024-01-15,1\n",
        payments=PAYMENTS + "P1,L1,2024-03-05,1,x\nP1,L2,2024-03-05,1,y\n",
        people=(PEOPLE + "B1,x,1,2,1990\n").encode() + b"B2,\xff,1,2,1990\n",
    )
    reasons = lender.refused()
    folder = "acme/2024-03-05"
    assert reasons == [
        f"{folder}/loans.csv:1: column score: the column is missing from the header",
        f"{folder}/loans.csv:1: column points: a column that the contract does not know",
        f"{folder}/payments.csv:3: column id: the same key on lines 2, 3 (1 keys stand more than once)",
        (
            f"{folder}/people.csv:3: bytes that are not utf-8 (invalid start byte); "
            "is the file written in another encoding?"
        ),
    ]
    assert lender.versions() == [(1, "accepted"), (2, "refused")]
    assert lender.raw("loan", "*") == before
    assert lender.raw("payment", "*") == []
    assert lender.warehouse.rows("select count(*) from ops.delivery_file")[0][0] == 1


def test_a_refused_delivery_sent_right_is_the_next_version(lender: Lender) -> None:
    lender.send(loans=_loans(2) + "L1,auto,5,2024-01-15,1\n")
    lender.refused()
    lender.send(loans=_loans(2))
    assert lender.load_and_accept().outcome == "loaded"
    assert lender.versions() == [(1, "refused"), (2, "accepted")]


def test_too_many_rejected_rows(lender: Lender) -> None:
    lender.document["arrears"]["limits"]["rejected_share"] = 0.1
    rows = _loans(9) + "L10,auto,x,2024-01-15,1\n"
    lender.send(loans=rows)
    assert lender.load().rejected == 1, "a tenth is allowed"
    lender.send(loans=rows + "L11,auto,x,2024-01-15,1\n")
    (reason,) = lender.refused()
    assert "2 of 11 rows are bad, more than the contract's 10.0%" in reason


def test_what_refuses_is_on_record_however_many_rows_are_bad(lender: Lender) -> None:
    lender.send(loans=_loans(1) + "".join(f"X{n},auto,x,2024-01-15,1\n" for n in range(300)))
    (reason,) = lender.refused()
    assert "300 of 301 rows are bad" in reason
    (kept,) = lender.warehouse.rows("select reasons from ops.delivery")
    assert len(kept[0]) == 201
    assert kept[0][0] == reason
    assert kept[0][-1] == "… and 101 more"


@pytest.mark.parametrize("rows", ["L1,a,5,2024-01-15,1\nL2,a,5,2024-01-15,1\nL1,b,5,2024-01-15,1\n",
                                  "L1,a,5,2024-01-15,1\nL2,a,5,2024-01-15,1\n L1 ,b,5,2024-01-15,1\n"])  # fmt: skip
def test_duplicate_keys(rows: str, lender: Lender) -> None:
    lender.send(loans=LOANS + rows)
    assert lender.refused() == [
        "acme/2024-03-05/loans.csv:4: column no: the same key on lines 2, 4 (1 keys stand more than once)"
    ]


def test_keys_are_compared_as_values(lender: Lender) -> None:
    lender.document["resources"] = [{
        "name": "plan", "path": "plan.csv",
        "schema": {"fields": [_column("no", "loan_id"), _column("n", "instalment_no", "integer"),
                              _column("due", "due_on", "date")]},
        "arrears": {"file": "plan.csv", "entity": "instalment", "mode": "append"},
    }]  # fmt: skip
    lender.send(plan="no,n,due\nL1,1,2024-04-01\nL1,01,2024-05-01\nL1,2,2024-05-01\n")
    (reason,) = lender.refused()
    assert "column no + n: the same key on lines 2, 3" in reason


def test_rows_without_a_key_are_rejected_and_no_duplicates(lender: Lender) -> None:
    lender.send(loans=_loans(3) + ",auto,5,2024-01-15,1\n,auto,5,2024-01-15,1\n")
    assert lender.load().rejected == 2


@pytest.fixture
def changing(lender: Lender) -> Lender:
    """The lender sends changes of its loans: what is done to each row, and when."""
    loans = lender.resource("loans")
    loans["schema"]["fields"] += [_column("op"), _column("at", kind="datetime")]
    del loans["schema"]["primaryKey"]
    values = {"new": "I", "upd": "U", "del": "D"}
    loans["arrears"] |= {"mode": "changes", "change": {"op": "op", "at": "at", "values": values}}
    lender.document["arrears"]["limits"]["rejected_share"] = 0.9
    return lender


CHANGES = LOANS.replace("\n", ",op,at\n")


def test_changes_keep_what_was_done_and_when(changing: Lender) -> None:
    changing.send(
        loans=CHANGES + "L1,auto,5,2024-01-15,1,new,2024-03-05T08:00:00+08:00\n"
        "L1,auto,9,2024-01-15,1,upd,2024-03-05 09:30:00\nL2,,,,,del,2024-03-06 01:00:00\n"
    )
    assert changing.load().rejected == 0, "a key may come twice among changes"
    eight = dt.datetime(2024, 3, 5, tzinfo=dt.UTC)
    assert changing.raw("loan", "loan_id", "product", "principal", "currency", "change_op", "changed_at") == [
        ("L1", "auto", Decimal(5), "CNY", "I", eight),
        ("L1", "auto", Decimal(9), "CNY", "U", eight + dt.timedelta(minutes=90)),
        ("L2", None, None, "CNY", "D", eight + dt.timedelta(hours=17)),
    ]


def test_a_change_says_what_when_and_to_what(changing: Lender) -> None:
    """A row that deletes needs no more than its key; every other row needs what it always needs."""
    at = "2024-03-05 08:00:00"
    changing.send(
        loans=CHANGES + f"L1,,,,,DEL,{at}\nL2,a,5,2024-01-15,1,,{at}\nL3,a,5,2024-01-15,1,new,\n,,,,,del,{at}\n"
        f"L5,,5,2024-01-15,1,upd,{at}\nL6,,x,,,del,{at}\nL7,a,5,2024-01-15,1,new,2024-03-07 00:00:00\n"
        f"L8,,,,,del,{at}\n"
    )
    assert changing.load().rejected == 7
    assert [(line, column, rule) for line, column, _, rule in changing.rejected()] == [
        (2, "amount", "empty where a value is required"),
        (2, "lent", "empty where a value is required"),
        (2, "op", "a value that the contract does not map"),
        (2, "product", "empty where a value is required"),
        (3, "op", "empty where a value is required"),
        (4, "at", "empty where a value is required"),
        (5, "no", "empty where a value is required"),
        (6, "product", "empty where a value is required"),
        (7, "amount", "not a number with decimals after '.'"),
        (8, "at", "after 2024-03-06, the day after the business date"),
    ]
    assert changing.raw("loan", "loan_id", "change_op") == [("L8", "D")]


def test_what_is_derived_from_changes(changing: Lender) -> None:
    """An entity that is changed along is deleted along; what is appended says nothing of a row that deletes."""
    changing.document["resources"] = [changing.resource("loans")]
    changing.resource("loans")["arrears"]["derives"] = [
        {"entity": "borrower", "mode": "changes", "fields": {"borrower_id": "no", "province": "product"}},
        {"entity": "reported_position", "fields": {
            "loan_id": "no", "as_of": {"business_date": True}, "outstanding_principal": "amount"}},
    ]  # fmt: skip
    at = "2024-03-05 08:00:00"
    changing.send(loans=CHANGES + f"L1,auto,5,2024-01-15,1,new,{at}\nL2,,,,,del,{at}\n")
    changing.load()
    assert changing.raw("borrower", "borrower_id", "change_op") == [("L1", "I"), ("L2", "D")]
    assert changing.raw("reported_position", "loan_id", "change_op") == [("L1", None)]


@pytest.mark.parametrize("missing", ["loan_id", "product", "currency", "principal", "disbursed_on"])
def test_only_a_row_that_deletes_may_leave_out_what_a_loan_must_have(missing: str, changing: Lender) -> None:
    changing.send(loans=CHANGES)
    changing.load()
    whole = {"loan_id": "'L'", "product": "'p'", "currency": "'CNY'", "principal": "1", "disbursed_on": "'2024-01-01'"}
    values = ", ".join("null" if name == missing else value for name, value in whole.items())
    for op in ("null", "'I'", "'U'"):
        with pytest.raises((psycopg2.errors.NotNullViolation, psycopg2.errors.CheckViolation)):
            changing.warehouse.rows(
                f"insert into raw.loan (lender, business_date, delivery_id, file_id, line_no, change_op, "
                f"{', '.join(whole)}) values ('acme', '2024-03-05', 1, 1, 1, {op}, {values})"
            )


def test_the_business_date_inside(lender: Lender) -> None:
    loans = lender.resource("loans")
    loans["schema"]["fields"].append(_column("day", kind="date", format="%Y%m%d"))
    loans["arrears"]["business_date"] = "day"
    head = LOANS.replace("\n", ",day\n")
    lender.send(loans=head + "L1,a,5,2024-01-15,1,20240305\nL2,a,5,2024-01-15,1,20249999\n")
    assert lender.load().rejected == 1, "a date that is none rejects its row"
    lender.send(
        loans=head + "L1,a,5,2024-01-15,1,20240305\nL2,a,5,2024-01-15,1,20240304\nL3,a,5,2024-01-15,1,20240303\n"
    )
    assert lender.refused() == [
        "acme/2024-03-05/loans.csv:3: column day value '20240304': 2 rows are not of the business date 2024-03-05"
    ]


@pytest.fixture
def trailed(lender: Lender) -> Lender:
    lender.resource("loans")["arrears"]["control"] = {"kind": "trailer", "mark": "END", "sum": "amount"}
    return lender


@pytest.mark.parametrize("trailer", ["END,3,7.50", "END,003,7.5", "END, 3 , 7.50 "])
def test_a_trailer_that_agrees(trailer: str, trailed: Lender) -> None:
    trailed.send(loans=_loans(3) + trailer)
    assert trailed.load().rows == 3


@pytest.mark.parametrize(("trailer", "said"), [
    ("END,4,7.50", ["the trailer says 4 rows, the file has 3"]),
    ("END,3,7.51", ["column amount: the trailer says that amount sums to 7.51, the rows sum to 7.50"]),
    ("END,2,7", ["says 2 rows", "sums to 7,"]),
    ("END,²,7.50", ["says ² rows"]), ("END,,7.50", ["says  rows"]), ("END,-3,7.50", ["says -3 rows"]),
    ("END,3,", ["sums to ,"]), ("END,3,NaN", ["sums to NaN"]), ("END,3,sNaN", ["sums to sNaN"]),
    ("END,3,7.5e0", ["sums to 7.5e0"]), ("END,3,'", ["sums to '"]), ("END,3\0,7.50", [r"says 3\x00 rows"]),
    pytest.param(f"END,{'9' * 5000},7.50", [f"says {'9' * 60} rows"], id="rows of 5,000 digits"),
    pytest.param(f"END,3,{'9' * 5000}", ["sums to 999"], id="sum of 5,000 digits"),
])  # fmt: skip
def test_a_trailer_that_does_not(trailer: str, said: list[str], trailed: Lender) -> None:
    trailed.send(loans=_loans(3) + trailer)
    reasons = trailed.refused()
    assert len(reasons) == len(said)
    for reason, part in zip(reasons, said, strict=True):
        assert part in reason


def test_a_control_sum_is_written_as_its_column_is(trailed: Lender) -> None:
    trailed.resource("loans")["dialect"] = {"delimiter": ";"}
    trailed.column("loans", "amount").update(decimalChar=",", groupChar=".")
    head = LOANS.replace(",", ";")
    rows = "L1;a;1.000,50;2024-01-15;1\nL2;a;2000;2024-01-15;1\n"
    trailed.send(loans=head + rows + "END;2;3.000,50\n")
    assert trailed.load().rows == 2
    trailed.send(loans=head + rows + "END;2;3000.50\n")
    assert "sums to 3000.50, the rows sum to 3000.50" in trailed.refused()[0]


def test_a_control_sum_is_in_the_units_of_the_file_and_over_rejected_rows_too(trailed: Lender) -> None:
    trailed.column("loans", "amount")["arrears"]["unit"] = "fen"
    rows = LOANS + "L1,a,100,2024-01-15,1\nL2,a,200,2024-13-15,1\nL3,a,0,2024-01-15,1\n"
    trailed.document["arrears"]["limits"]["rejected_share"] = 0.9
    trailed.send(loans=rows + "END,3,300\n")
    assert trailed.load().rejected == 2
    assert trailed.raw("loan", "principal") == [(Decimal(1),)]
    trailed.send(loans=rows + "END,3,301\n")
    assert "sums to 301, the rows sum to 300" in trailed.refused()[0]


def test_a_value_that_cannot_be_read_leaves_the_sum_unjudged(trailed: Lender) -> None:
    trailed.send(loans=_loans(3) + "L9,auto,x,2024-01-15,1\nEND,4,99\n")
    assert trailed.load().rejected == 1


@pytest.mark.parametrize(("count", "said"), [(4, "4 rows where the delivery before had 10: is the file whole?"),
                                             (51, "51 rows where the delivery before had 10: is it the right file?"),
                                             (0, "0 rows where the delivery before had 10")])  # fmt: skip
def test_a_snapshot_neither_shrinks_nor_grows_by_much(count: int, said: str, lender: Lender) -> None:
    lender.send(loans=_loans(10), payments=PAYMENTS)
    lender.load_and_accept()
    lender.send(NEXT, loans=_loans(count), payments=PAYMENTS)
    (reason,) = lender.refused(NEXT)
    assert said in reason


def test_a_snapshot_within_its_limits_and_payments_without_any(lender: Lender) -> None:
    payments = "".join(f"P{n},L1,2024-03-05,1,x\n" for n in range(50))
    lender.send(loans=_loans(10), payments=PAYMENTS + payments)
    lender.load_and_accept()
    lender.send(NEXT, loans=_loans(5), payments=PAYMENTS)
    refused = lender.load(NEXT)
    lender.refuse(refused.delivery_id)
    later = NEXT + dt.timedelta(days=1)
    lender.send(later, loans=_loans(50), payments=PAYMENTS)
    assert lender.load(later).rows == 50, "a delivery that was refused is no measure"


def test_a_snapshot_is_held_against_the_day_before_while_that_waits_for_its_gate(lender: Lender) -> None:
    """Days that are caught up on are loaded side by side, also the very first. Of two versions the newer counts."""
    lender.send(loans=_loans(4))
    lender.load_and_accept()
    lender.send(loans=_loans(10))
    before = lender.load()
    lender.send(NEXT, loans=_loans(4))
    (reason,) = lender.refused(NEXT)
    assert "4 rows where the delivery before had 10: is the file whole?" in reason
    lender.refuse(before.delivery_id)
    assert lender.load(NEXT).outcome == "loaded", "the same bytes again: what they were held against is gone"


def test_a_header_without_rows(lender: Lender) -> None:
    lender.send(loans=LOANS)
    assert (lender.load().rows, lender.raw("loan", "*")) == (0, [])


def test_a_required_file_that_is_missing(lender: Lender) -> None:
    lender.send(payments=PAYMENTS)
    assert not lender.delivery().is_complete()
    (reason,) = lender.refused()
    assert reason == f"acme/2024-03-05/loans.csv: the file is missing from {lender.landing}"


def test_an_optional_file_that_is_missing(lender: Lender) -> None:
    lender.send(loans=_loans(1))
    assert lender.delivery().is_complete()
    assert lender.load().rows == 1


@pytest.mark.parametrize(("row", "line", "said"), [
    ("L2,auto,5,2024-01-15\n", 3, "4 columns where the header has 5"),
    ("L2,auto,5,2024-01-15,1,2\n", 3, "6 columns where the header has 5"),
    ("\nL2,auto,5,2024-01-15,1\n", 3, "an empty line between others"),
    ('L2,"x\ny",5,2024-01-15,1\nL3,5\n', 5, "2 columns where the header has 5"),
    ("L2,au\0to,5,2024-01-15,1\n", 3, "a NUL character, which no text can hold; ask for it to be sent without"),
])  # fmt: skip
def test_a_line_of_another_shape(row: str, line: int, said: str, lender: Lender) -> None:
    lender.send(loans=_loans(1) + row)
    assert lender.refused() == [f"acme/2024-03-05/loans.csv:{line}: {said}"]


def test_a_quote_that_never_closes(lender: Lender) -> None:
    lender.send(loans=_loans(1) + 'L2,"auto,5,2024-01-15,1\n' + _loans(3, 3).partition("\n")[2])
    (reason,) = lender.refused()
    assert ":3: a quote is opened and never closed" in reason


def test_a_truncated_gzip(lender: Lender) -> None:
    lender.resource("loans")["arrears"]["file"] = "loans.csv.gz"
    lender.send(loans_gz=gzip.compress(_loans(20_000).encode())[:-2000])
    (reason,) = lender.refused()
    assert "loans.csv.gz: the compressed file is broken or truncated" in reason


def _in_json_lines(lender: Lender, name: str) -> None:
    lender.resource("loans")["format"] = "jsonl"
    lender.send(loans=json.dumps({"no": 1, name: 2}))


def _in_a_header(lender: Lender, name: str) -> None:
    lender.send(loans=LOANS.replace("score", name.encode("utf-8", "replace").decode()))


def _in_a_manifest(lender: Lender, name: str) -> None:
    lender.resource("loans")["arrears"]["control"] = {"kind": "manifest", "file": "manifest.json"}
    lender.send(loans=_loans(1))
    listed = {"business_date": str(DAY), "files": [{"name": name}]}
    (lender.landing / "acme" / DAY.isoformat() / "manifest.json").write_text(json.dumps(listed))


@pytest.mark.parametrize("place", [_in_json_lines, _in_a_header, _in_a_manifest])
def test_a_name_that_no_database_can_store_is_on_record_all_the_same(
    place: Callable[[Lender, str], None], lender: Lender
) -> None:
    place(lender, "a\0b\tc\ud842" + "x" * 10_000)
    said = "\n".join(lender.refused())
    assert r"a\x00b\tc" in said
    assert "x" * 5_000 not in said
    written = json.dumps(lender.check().to_dict(), ensure_ascii=False).encode()
    assert rb"a\\x00b" in written


@pytest.mark.parametrize("judge", [load, check])
@pytest.mark.parametrize("written", [LOANS[:9].encode(), (LOANS + "L1,汽车").encode()[:-1]], ids=["header", "row"])
def test_a_file_that_is_still_being_written_is_not_refused(
    written: bytes, judge: Callable[..., Any], lender: Lender
) -> None:
    """What is there of it is broken, wherever it ends; the retry loads it whole."""
    lender.send(loans=_loans(1))
    delivery = lender.delivery()
    assert delivery.content_hash
    lender.send(loans=written)
    with pytest.raises(Infrastructure, match=r"loans\.csv changed while it was read.*run again"):
        judge(delivery, url=lender.url, pii_key=lambda: b"key")
    assert lender.versions() == []
    lender.send(loans=_loans(2))
    assert lender.load().rows == 2


# ── check ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_check_loads_nothing_and_says_what_loading_would(lender: Lender) -> None:
    lender.send(loans=_loans(3) + "L9,auto,x,2024-01-15,1\n")
    findings = lender.check()
    assert (findings.rows, findings.rejected, findings.refusing) == (4, 1, [])
    assert [str(fault) for fault in findings.faults] == [
        "acme/2024-03-05/loans.csv:5: column amount value 'x': not a number with decimals after '.'"
    ]
    for table in ("delivery", "delivery_file", "rejected_row", "lender", "step_run"):
        assert lender.warehouse.value(f"select count(*) from ops.{table}") == 0
    assert lender.load().rejected == 1


def test_a_check_goes_on_where_files_are_missing(lender: Lender) -> None:
    lender.send(payments=PAYMENTS + "P1,L1,2024-03-05,x,x\n")
    said = [str(fault) for fault in lender.check().faults]
    assert len(said) == 3
    assert "the file is missing" in said[0]
    assert "payments.csv:2: column amount value 'x'" in said[1]
    assert "1 of 1 rows are bad" in said[2]


# ── at once ──────────────────────────────────────────────────────────────────────────────────────────────


def test_two_loads_of_a_lender_at_once_give_one_delivery(lender: Lender) -> None:
    lender.send(loans=_loans(2000))
    deliveries = [lender.delivery() for _ in range(4)]
    start = threading.Barrier(4)

    def run(delivery: Delivery) -> LoadResult:
        start.wait()
        return load(delivery, url=lender.url, pii_key=lambda: b"key")

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(run, deliveries))
    assert {result.delivery_id for result in results} == {results[0].delivery_id}
    assert lender.versions() == [(1, "loaded")]
    assert len(lender.raw("loan", "loan_id")) == 2000


def test_checks_beside_loads(lender: Lender) -> None:
    lender.send(loans=_loans(2000))
    deliveries = [lender.delivery() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        running = [
            pool.submit(load if number % 2 else check, delivery, url=lender.url, pii_key=lambda: b"key")
            for number, delivery in enumerate(deliveries)
        ]
        assert [one.result(timeout=60).rows for one in running] == [2000] * 4
    assert lender.versions() == [(1, "loaded")]


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Lender], None]]:
    """Start a load and hold it in the middle of its transaction until the test ends."""
    go_on, reached, threads = threading.Event(), threading.Event(), []
    judge = loader._size_faults

    def waiting(delivery: Delivery, *rest: Any) -> Any:
        if threading.current_thread() in threads:
            reached.set()
            go_on.wait(60)
        return judge(delivery, *rest)

    monkeypatch.setattr(loader, "_size_faults", waiting)

    def hold(lender: Lender) -> None:
        delivery = lender.delivery()
        thread = threading.Thread(target=lambda: load(delivery, url=lender.url, pii_key=lambda: b"key"))
        threads.append(thread)
        thread.start()
        assert reached.wait(30)

    yield hold
    go_on.set()
    for thread in threads:
        thread.join(30)


def test_lenders_do_not_wait_for_each_other(lender: Lender, tmp_path: Path, held: Callable[[Lender], None]) -> None:
    """Nor does one whose first delivery it is, and that has no partitions yet."""
    other = Lender(lender.warehouse, tmp_path, "beta")
    for one in (lender, other):
        one.send(loans=_loans(3))
    held(lender)
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(other.load).result(timeout=20).outcome == "loaded"


COLUMNS = """
select
    attname, format_type(atttypid, atttypmod), attnotnull, attislocal, attinhcount,
    (select pg_get_expr(adbin, adrelid) from pg_attrdef where adrelid = attrelid and adnum = attnum)
from pg_attribute where attrelid = %s::regclass and attnum > 0 order by attnum
"""
CONSTRAINTS = """
select conname, pg_get_constraintdef(oid), conislocal, coninhcount
from pg_constraint where conrelid = %s::regclass order by 1
"""
INDEXES = """
select indexrelid::regclass::text, inhparent::regclass::text, pg_get_indexdef(indexrelid)
from pg_index left join pg_inherits on inhrelid = indexrelid where indrelid = %s::regclass order by 1
"""
TABLE = "select relowner::regrole::text, pg_get_expr(relpartbound, oid) from pg_class where oid = %s::regclass"


def test_a_partition_that_was_attached_is_like_one_made_in_its_place(lender: Lender) -> None:
    lender.send(loans=_loans(1))
    lender.load()
    run = lender.warehouse.rows
    for entity in ENTITIES:
        run(
            f"create table raw.{entity}_zeta partition of raw.{entity} (lender default 'zeta') for values in ('zeta')",
            role=Role.LOADER,
        )
        attached, made = (
            [repr(run(of, f"raw.{entity}_{name}")).replace(name, "x") for of in (COLUMNS, CONSTRAINTS, INDEXES, TABLE)]
            for name in ("acme", "zeta")
        )
        assert attached == made


# ── personal data ────────────────────────────────────────────────────────────────────────────────────────


def _everything(warehouse: Warehouse) -> str:
    """All that is stored in raw and ops, as text."""
    tables = warehouse.rows("select table_schema, table_name from information_schema.tables "
                            "where table_schema in ('raw', 'ops') and table_type = 'BASE TABLE'")  # fmt: skip
    return "\n".join(
        str(row[0]) for schema, name in tables for row in warehouse.rows(f'select t::text from {schema}."{name}" as t')
    )


def test_personal_data_is_stored_nowhere(lender: Lender) -> None:
    person = f"{NAME},{IDENTITY},{PHONE}"
    lender.send(
        loans=_loans(1), people=f"{PEOPLE}B1,{person},1990\nB2,{NAME},-,{PHONE},1991\nB3,{person},x\nB4,,{IDENTITY},,\n"
    )
    assert lender.load().rejected == 2
    assert [row[1:3] for row in lender.rejected()] == [("identity", "***"), ("born", "x")]
    hashes = lender.raw("borrower", "borrower_id", "identity_hash")
    assert [row[0] for row in hashes] == ["B1", "B4"]
    assert hashes[0][1] == hashes[1][1] != IDENTITY
    refusals = [
        PEOPLE + f"B1,{person},1990\nB1,{person},1990\n",
        PEOPLE + f"B1,{person}\n",
        PEOPLE + f'B1,"{person},1990\n',
        f"B1,{person},1990\n",
        PEOPLE.replace("born", "birth") + f"B1,{person},1990\n",
    ]
    said = ""
    for people in refusals:
        lender.send(loans=_loans(1), people=people)
        said += "\n".join(lender.refused())
    stored = _everything(lender.warehouse) + said
    assert "B1" in stored
    for secret in (NAME, IDENTITY, PHONE):
        assert secret not in stored


def test_a_key_is_asked_for_where_there_is_something_to_hash(lender: Lender, monkeypatch: pytest.MonkeyPatch) -> None:
    own = lender.warehouse.settings.model_copy(update={"pii_key": None})
    lender.send(loans=_loans(1))
    assert load(lender.delivery(), url=lender.url, pii_key=own.pii_key_bytes).outcome == "loaded"
    lender.send(loans=_loans(1), people=PEOPLE)
    with pytest.raises(Usage, match="ARREARS_PII_KEY"):
        load(lender.delivery(), url=lender.url, pii_key=own.pii_key_bytes)
    assert lender.versions() == [(1, "loaded")]


def test_a_key_that_can_be_guessed_is_refused(lender: Lender) -> None:
    own = lender.warehouse.settings.model_copy(update={"pii_key": SecretStr("x" * 31)})
    lender.send(loans=_loans(1), people=PEOPLE)
    with pytest.raises(Usage, match="ARREARS_PII_KEY is shorter than 32 characters"):
        load(lender.delivery(), url=lender.url, pii_key=own.pii_key_bytes)
    assert lender.versions() == []


# ── the surroundings fail ────────────────────────────────────────────────────────────────────────────────


def test_a_warehouse_that_cannot_be_reached(lender: Lender) -> None:
    lender.send(loans=_loans(1))
    with pytest.raises(Infrastructure) as failed:
        load(lender.delivery(), url="postgresql://me:s3cret-word@127.0.0.1:1/x", pii_key=lambda: b"k")
    assert "Cannot reach the warehouse at 127.0.0.1:1/x as me" in str(failed.value)
    assert "s3cret-word" not in str(failed.value)
    assert failed.value.exit_code == 3


def test_a_landing_folder_that_cannot_be_read(lender: Lender) -> None:
    lender.send(loans=_loans(1))
    path = lender.landing / "acme" / DAY.isoformat() / "loans.csv"
    path.unlink()
    path.mkdir()
    with pytest.raises(Infrastructure, match=r"Cannot read .*loans\.csv: Is a directory"):
        lender.load()
    contract = lender.delivery().contract
    with pytest.raises(Usage, match="ARREARS_LANDING"):
        load(Delivery(contract, DAY, "nosuch://bucket"), url=lender.url, pii_key=lambda: b"k")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_connection_cut_in_the_middle(lender: Lender, held: Callable[[Lender], None]) -> None:
    lender.send(loans=_loans(3))
    held(lender)
    own = "from pg_stat_activity where application_name = 'arrears load acme' and datname = current_database()"
    assert lender.warehouse.rows(f"select pg_terminate_backend(pid, 5000) {own}") == [(True,)]
    assert lender.warehouse.value("select count(*) from ops.delivery") == 0
    assert lender.load().outcome == "loaded"


KILLED = """
import datetime, sys
from pathlib import Path
from arrears.contract import read_contract
from arrears.contract.entities import ENTITIES
from arrears.delivery import Delivery
from arrears.load import load
contract, day, landing, url = sys.argv[1:]
delivery = Delivery(read_contract(Path(contract)), datetime.date.fromisoformat(day), landing)
print(load(delivery, url=url, pii_key=lambda: b"key").outcome)
"""


def _killed_while(lender: Lender, doing: str) -> bool:
    """Load in a process of its own and kill it while its query begins with `doing`; False if it ended before."""
    lender.delivery()
    contract = lender.root / "lenders" / lender.name / "datapackage.yaml"
    arguments = [str(contract), DAY.isoformat(), str(lender.landing), lender.url]
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, *arguments], stdout=subprocess.DEVNULL, env=dict(os.environ)
    )
    watch = psycopg2.connect(lender.warehouse.owner_url)
    watch.autocommit = True
    running = "select count(*) from pg_stat_activity where application_name = %s and datname = current_database()"
    name = f"arrears load {lender.name}"
    try:
        with watch.cursor() as cursor:
            while process.poll() is None:
                cursor.execute(f"{running} and state = 'active' and query like %s", [name, doing + "%"])
                if cursor.fetchone() != (0,):
                    process.send_signal(signal.SIGKILL)
                    break
                time.sleep(0.002)
            process.wait(60)
            for _ in range(200):  # the server notices a moment later
                cursor.execute(running, [name])
                if cursor.fetchone() == (0,):
                    break
                time.sleep(0.05)
    finally:
        watch.close()
    return process.returncode == -signal.SIGKILL


@pytest.mark.parametrize("doing", ['copy "raw"', 'copy "ops"'])
def test_a_process_killed_leaves_nothing_and_the_rerun_is_whole(doing: str, lender: Lender, tmp_path: Path) -> None:
    bad = "".join(f"X{number},auto,x,2024-01-15,1\n" for number in range(60_000))
    rows = _loans(120_000) + bad
    other = Lender(lender.warehouse, tmp_path, "beta")
    for one in (lender, other):
        one.send(loans=rows)
    assert _killed_while(lender, doing), "the load was over before it could be killed"
    for table in ("ops.delivery", "ops.delivery_file", "ops.rejected_row", "ops.lender", "raw.loan"):
        assert lender.warehouse.value(f"select count(*) from {table}") == 0
    assert lender.load().outcome == other.load().outcome == "loaded"
    columns = "business_date, line_no, loan_id, product, currency, principal, disbursed_on, credit_score"
    rows_of = f"select {columns} from raw.loan where lender = %s"
    query = f"select md5(string_agg(t::text, ',' order by line_no)) from ({rows_of}) as t"
    assert lender.warehouse.value(query, "acme") == lender.warehouse.value(query, "beta")
    assert (
        lender.warehouse.rows("select rows_in_files, rows_accepted, rows_rejected from ops.delivery")
        == [(180_000, 120_000, 60_000)] * 2
    )
