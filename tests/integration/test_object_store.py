"""A landing folder in an object store: a delivery in every format, loaded over the wire of an S3-compatible server."""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import s3fs
from moto.server import ThreadedMotoServer
from openpyxl import Workbook

from arrears import pipeline
from arrears.delivery import Delivery
from arrears.errors import Infrastructure, Refused, Usage
from arrears.settings import Role, settings
from tests.integration.command_line import CommandLine

Warehouse = Any  # what the fixture `warehouse` gives
DAY = dt.date(2024, 3, 5)
BUCKET, FOLDER = "lenders-landing", "extracts/daily"
IDENTITY = "110101199003078515"


def _resource(name: str, form: str, entity: str, fields: list[dict[str, Any]], **rules: Any) -> dict[str, Any]:
    file = rules.pop("file", f"{name}.{form}")
    return {
        "name": name, "path": file, "format": form, "schema": {"fields": fields},
        "arrears": {"file": file, "entity": entity, "mode": "append", **rules,
                    "control": {"kind": "manifest", "file": "manifest.json"}},
    }  # fmt: skip


def _field(name: str, fills: str, kind: str = "string", **more: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, "arrears": {"field": fills, **more}}


CONTRACT = {
    "name": "acme",
    "arrears": {
        "effective_from": "2024-01-01", "names": {"en": "Acme"}, "currency": "CNY", "timezone": "Asia/Shanghai",
    },
    "resources": [
        _resource("people", "csv", "borrower", [
            _field("no", "borrower_id"), _field("identity", "identity_hash", pii="hash"),
        ]),
        _resource("loans", "parquet", "loan", [
            _field("no", "loan_id"), _field("product", "product"), _field("amount", "principal", "number"),
            _field("lent", "disbursed_on", "date"),
        ], constants={"currency": "CNY"}),
        _resource("payments", "jsonl", "payment", [
            _field("id", "payment_id"), _field("no", "loan_id"), _field("paid", "value_on", "date"),
            _field("amount", "amount", "number"),
        ], file="payments.jsonl.gz", constants={"kind": "repayment"}),
        _resource("events", "xlsx", "loan_event", [
            _field("no", "loan_id"), _field("on", "event_on", "date"), _field("kind", "kind"),
        ]),
    ],
}  # fmt: skip


def _loans() -> bytes:
    sink = io.BytesIO()
    days = [dt.date(2024, 1, 15)] * 2
    pq.write_table(pa.table({"no": ["L1", "L2"], "product": ["auto"] * 2, "amount": [1.5, 2.5], "lent": days}), sink)
    return sink.getvalue()


def _events() -> bytes:
    book, sink = Workbook(), io.BytesIO()
    for row in (["no", "on", "kind"], ["L1", dt.date(2024, 3, 5), "extended"]):
        book.active.append(row)
    book.save(sink)
    return sink.getvalue()


def _delivery() -> dict[str, bytes]:
    payment = {"id": "P1", "no": "L1", "paid": "2024-03-05", "amount": 0.10}
    files = {
        "people.csv": f"no,identity\nB1,{IDENTITY}\n".encode(),
        "loans.parquet": _loans(),
        "payments.jsonl.gz": gzip.compress(json.dumps(payment).encode()),
        "events.xlsx": _events(),
    }
    entries = [
        {"name": name, "rows": 2 if name == "loans.parquet" else 1, "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in files.items()
    ]
    manifest = {"business_date": DAY.isoformat(), "files": entries}
    return {**files, "manifest.json": json.dumps(manifest).encode()}


class Store:
    """An object store with one bucket, and the environment that leads to it."""

    def __init__(self, url: str, patch: pytest.MonkeyPatch) -> None:
        self.patch = patch
        for name, value in {
            "AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": "us-east-1", "AWS_MAX_ATTEMPTS": "1", "NO_PROXY": "127.0.0.1",
        }.items():  # fmt: skip
            patch.setenv(name, value)
        s3fs.S3FileSystem.clear_instance_cache()
        self.client = boto3.client("s3")  # the lender's own: what it writes must be seen without being told of

    def landing(self, place: str) -> None:
        self.patch.setenv("ARREARS_LANDING", place)
        settings.cache_clear()

    def put(self, **files: bytes) -> None:
        for name, content in files.items():
            self.client.put_object(Bucket=BUCKET, Key=f"{FOLDER}/acme/{DAY}/{name}", Body=content)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def store(warehouse: Warehouse, endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A store with an empty bucket as the landing folder, and the contract of one lender."""
    contract = tmp_path / "lenders" / "acme" / "datapackage.yaml"
    contract.parent.mkdir(parents=True)
    contract.write_text(json.dumps(CONTRACT), "utf-8")
    monkeypatch.setenv("ARREARS_LENDERS", str(tmp_path / "lenders"))
    store = Store(endpoint, monkeypatch)
    files = fsspec.filesystem("s3")
    files.mkdir(BUCKET)
    store.landing(f"s3://{BUCKET}/{FOLDER}")
    yield store
    files.rm(BUCKET, recursive=True)
    s3fs.S3FileSystem.clear_instance_cache()


@pytest.fixture
def arrears(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    return CommandLine(capsys, monkeypatch)


def test_a_delivery_in_every_format_is_loaded(store: Store, warehouse: Warehouse) -> None:
    url = settings().url(Role.LOADER)
    assert not pipeline.delivery_complete("acme", DAY)
    store.put(**_delivery())
    assert pipeline.delivery_complete("acme", DAY)
    result = pipeline.load("acme", DAY, url=url)
    assert (result.outcome, result.rows, result.rejected) == ("loaded", 5, 0)
    assert warehouse.rows("select loan_id, principal::text, disbursed_on::text from raw.loan order by 1") == [
        ("L1", "1.50", "2024-01-15"), ("L2", "2.50", "2024-01-15"),
    ]  # fmt: skip
    assert warehouse.rows("select payment_id, amount::text, line_no from raw.payment") == [("P1", "0.10", 1)]
    assert warehouse.rows("select loan_id, event_on::text, line_no from raw.loan_event") == [("L1", "2024-03-05", 2)]
    assert warehouse.value("select length(identity_hash) from raw.borrower") == 64
    assert warehouse.rows("select path from ops.delivery_file order by file_id limit 1") == [
        (f"acme/{DAY}/people.csv",)
    ]


def test_a_delivery_that_is_refused_says_why(store: Store, arrears: CommandLine) -> None:
    files = _delivery()
    store.put(**files | {"payments.jsonl.gz": files["payments.jsonl.gz"][:-3]})
    answer = arrears("check", "acme", f"{DAY}")
    assert answer.code == 1
    assert "payments.jsonl.gz: the compressed file is broken or truncated" in " ".join(
        (answer.out + answer.err).split()
    )


def test_a_day_on_which_nothing_has_come_yet(store: Store) -> None:
    """An object store has no empty folders: a folder that nothing was put in is not there."""
    with pytest.raises(Refused, match=r"loans\.parquet: the file is missing from s3://lenders-landing/extracts/daily"):
        pipeline.load("acme", DAY, url=settings().url(Role.LOADER))


def test_a_file_replaced_while_it_is_read(store: Store) -> None:
    store.put(**_delivery())
    delivery = pipeline.delivery("acme", DAY)
    assert delivery.content_hash
    store.put(**{"people.csv": b"no,identity\nB2,\n"})
    from arrears import load

    with pytest.raises(Infrastructure, match=r"people\.csv changed while it was read"):
        load.load(delivery, url=settings().url(Role.LOADER), pii_key=lambda: b"key")


def test_a_bucket_that_does_not_exist(store: Store, arrears: CommandLine) -> None:
    store.landing("s3://no-such-bucket/extracts")
    answer = arrears("check", "acme", f"{DAY}")
    assert answer.code == 3
    assert (
        "Cannot read s3://no-such-bucket/extracts: there is no 'no-such-bucket'. Check ARREARS_LANDING." in answer.err
    )


def test_a_server_that_does_not_answer(store: Store, arrears: CommandLine) -> None:
    store.patch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    s3fs.S3FileSystem.clear_instance_cache()
    answer = arrears("check", "acme", f"{DAY}")
    assert answer.code == 3
    assert f"Cannot read s3://{BUCKET}" in answer.err
    assert 'Could not connect to the endpoint URL: "http://127.0.0.1:1' in answer.err
    assert "Traceback" not in answer.err
    assert "testing" not in answer.err  # the credentials


def test_a_protocol_whose_package_is_not_installed(store: Store, arrears: CommandLine) -> None:
    store.landing("oss://bucket/extracts")
    answer = arrears("check", "acme", f"{DAY}")
    assert answer.code == 2
    assert "Install ossfs" in answer.err
    assert "ARREARS_LANDING" in answer.err


def test_a_protocol_that_nobody_knows(store: Store) -> None:
    with pytest.raises(Usage, match=r"Cannot read nowhere://.*Check ARREARS_LANDING"):
        Delivery(pipeline.delivery("acme", DAY).contract, DAY, "nowhere://bucket").is_complete()
