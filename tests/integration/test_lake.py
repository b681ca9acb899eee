"""The lake: what is accepted, as Parquet, equal to raw row for row; never half a file, nothing missing after a kill."""

from __future__ import annotations

import datetime as dt
import multiprocessing
import os
import shutil
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from string import Template
from typing import Any, BinaryIO

import boto3
import fsspec
import pyarrow as pa
import pytest
import s3fs
from moto.server import ThreadedMotoServer
from pyarrow import dataset

from arrears import lake, pipeline
from arrears.contract.entities import ENTITIES
from arrears.errors import Infrastructure, Refused, Usage
from arrears.lake import rows
from arrears.lake.store import Lake, RawFile
from arrears.settings import Role, settings
from arrears.simulate import simulate
from arrears.warehouse.connect import connect

from ..chaos.test_disk_full import MIB, mounted
from ..conftest import Warehouse
from .command_line import CommandLine
from .test_load import DAY, LOANS, NEXT, PAYMENTS, Lender

SUITE = Template("""
table: loan
expectations:
  - name: small
    type: expect_column_values_to_be_between
    kwargs: {column: principal, max_value: $most}
    severity: critical
    notes: For the test.
""")
PARTITIONED_BY = dataset.partitioning(
    pa.schema([("lender", pa.string()), ("business_date", pa.date32())]), flavor="hive"
)


class Acme(Lender):
    """A lender whose deliveries go the way of the pipeline, into a lake on this disk."""

    lake: Path

    def judge(self, delivery_id: int) -> None:
        pipeline.gate_delivery(delivery_id, url=self.url)

    def deliver(self, day: dt.date = DAY, **files: str) -> int:
        """Send, load and have judged. Returns the delivery's number."""
        self.send(day, **files)
        delivery_id = self.load(day).delivery_id
        self.judge(delivery_id)
        return delivery_id

    def files(self) -> set[str]:
        return {path.relative_to(self.lake).as_posix() for path in self.lake.rglob("*") if path.is_file()}

    def files_of(self, *deliveries: tuple[dt.date, int]) -> set[str]:
        return {
            f"raw/{entity}/lender=acme/business_date={day}/delivery_{number}.parquet"
            for entity in ENTITIES
            for day, number in deliveries
        }


@pytest.fixture
def acme(warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Acme]:
    suite = tmp_path / "expectations" / "delivery" / "loan.yaml"
    suite.parent.mkdir(parents=True)
    suite.write_text(SUITE.substitute(most=1000))
    monkeypatch.setenv("ARREARS_EXPECTATIONS", str(tmp_path / "expectations"))
    monkeypatch.setenv("ARREARS_LENDERS", str(tmp_path / "lenders"))
    monkeypatch.setenv("ARREARS_LAKE", str(tmp_path / "lake"))
    settings.cache_clear()
    lender = Acme(warehouse, tmp_path)
    lender.lake = tmp_path / "lake"
    return lender


@pytest.fixture
def arrears(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    return CommandLine(capsys, monkeypatch)


def loans(*amounts: str) -> str:
    return LOANS + "".join(f"L{number},auto,{amount},2024-01-15,600\n" for number, amount in enumerate(amounts, 1))


def in_raw(warehouse: Warehouse, entity: str) -> list[dict[str, Any]]:
    """The rows of accepted deliveries as the table has them."""
    with connect(warehouse.owner_url, "test") as connection, connection.cursor() as cursor:
        cursor.execute(
            f"select sent.* from raw.{entity} as sent inner join ops.delivery as d on sent.delivery_id = d.delivery_id "
            "where d.status = 'accepted' order by sent.file_id, sent.line_no"
        )
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def in_lake(root: str, entity: str) -> list[dict[str, Any]]:
    files, path = fsspec.url_to_fs(f"{root}/raw/{entity}")
    found = dataset.dataset(path, filesystem=files, partitioning=PARTITIONED_BY)
    return found.to_table().sort_by([("file_id", "ascending"), ("line_no", "ascending")]).to_pylist()


# ── what is in it ────────────────────────────────────────────────────────────────────────────────────────


def test_the_rows_of_lenders_are_those_of_raw(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every entity, all of its columns, whatever format the lender sends."""
    lenders, days = ["lakala", "xiaodangjia", "jike"], [dt.date(2024, 3, 30), dt.date(2024, 3, 31)]
    simulate(
        start=days[0], end=days[1], loans=60, seed=5, lenders=lenders, landing=tmp_path / "landing",
        truth=tmp_path / "truth",
    )  # fmt: skip
    monkeypatch.setenv("ARREARS_LAKE", str(tmp_path / "lake"))
    settings.cache_clear()
    url = warehouse.url(Role.LOADER)
    for lender in lenders:
        for day in days:
            pipeline.gate_delivery(pipeline.load(lender, day, url=url).delivery_id, url=url)
    counts = {}
    for entity in ENTITIES:
        expected = in_raw(warehouse, entity)
        counts[entity] = len(expected)
        assert in_lake(str(tmp_path / "lake"), entity) == expected
    assert min(counts.values()) > 0, counts
    steps = warehouse.rows("select outcome, detail from ops.step_run where step = 'lake'")
    assert steps == [("done", f"{len(ENTITIES)} files written, 0 removed")] * len(lenders) * len(days)


def test_the_columns_are_those_of_the_table(acme: Acme) -> None:
    number = acme.deliver(loans=loans("5"))
    arrow = {
        "bigint": "int64", "integer": "int32", "text": "string", "character": "string", "date": "date32[day]",
        "boolean": "bool", "timestamp with time zone": "timestamp[us, tz=UTC]",
    }  # fmt: skip
    for entity in ENTITIES:
        columns = acme.warehouse.rows(
            "select column_name, data_type, numeric_precision, numeric_scale from information_schema.columns "
            "where table_schema = 'raw' and table_name = %s order by ordinal_position", entity,
        )  # fmt: skip
        expected = [
            (name, f"decimal128({precision}, {scale})" if kind == "numeric" else arrow[kind])
            for name, kind, precision, scale in columns
            if name not in ("lender", "business_date")
        ]
        file = acme.lake / RawFile(entity, "acme", DAY, number).folder / f"delivery_{number}.parquet"
        assert [(field.name, str(field.type)) for field in pa.parquet.read_schema(file)] == expected


def test_texts_and_amounts_are_what_they_are(acme: Acme, monkeypatch: pytest.MonkeyPatch) -> None:
    """In blocks smaller than the file: each is a row group, so memory does not grow with it."""
    monkeypatch.setattr(rows, "BLOCK", 4096)
    acme.document["arrears"]["limits"]["rejected_share"] = 0
    acme.column("payments", "note")["arrears"]["field"] = "channel"
    texts = ["'); drop table x; --", '"', '""', "a,b", "x\ny\r\nz", "\\N", "NULL", "\\.", "王，小明", "\U00020000", "t"]
    lines = [
        f'P{n},L1,2024-03-05,{n}.0{n % 10},"{texts[n % len(texts)].replace(chr(34), chr(34) * 2)}"' for n in range(999)
    ]
    amounts = ("0.01", "999.99", "1000.00", "0.10")
    number = acme.deliver(loans=loans(*amounts), payments=PAYMENTS + "\n".join([*lines, "Q,L1,2024-03-05,1,"]))
    acme.warehouse.rows("update raw.payment set channel = '' where payment_id = 'P0'")  # differs from none
    for path in acme.lake.rglob("*.parquet"):
        path.unlink()
    assert lake.fill(url=acme.url, lake=str(acme.lake)).written == len(ENTITIES)
    kept = in_lake(str(acme.lake), "payment")
    assert kept == in_raw(acme.warehouse, "payment")
    assert [kept[0]["channel"], kept[-1]["channel"]] == ["", None]
    assert [str(row["principal"]) for row in in_lake(str(acme.lake), "loan")] == list(amounts)
    file = acme.lake / RawFile("payment", "acme", DAY, number).folder / f"delivery_{number}.parquet"
    assert pa.parquet.ParquetFile(file).num_row_groups > 5


def written_anew(acme: Acme) -> list[Any]:
    """The texts of the lake's payments, once it is written from what raw has now."""
    shutil.rmtree(acme.lake)
    assert lake.fill(url=acme.url, lake=str(acme.lake)).written == len(ENTITIES)
    kept = in_lake(str(acme.lake), "payment")
    assert kept == in_raw(acme.warehouse, "payment")
    return [row["channel"] for row in kept]


def test_a_line_break_stays_whole_wherever_a_block_ends(acme: Acme, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are as long as each other, and blocks end at every byte of them."""
    monkeypatch.setattr(rows, "BLOCK", 257)
    acme.deliver(loans=loans("5"), payments=PAYMENTS + "".join(f"P{n},L1,2024-03-05,1,x\n" for n in range(1000, 2000)))
    acme.warehouse.rows("update raw.payment set channel = %s", "a\r\nb\r\r\nc")
    assert set(written_anew(acme)) == {"a\r\nb\r\r\nc"}


def test_a_text_longer_than_a_block(acme: Acme) -> None:
    """An event's `detail` may be as long as a line of a file, 16 Mi bytes, and takes twice that in quotes."""
    acme.deliver(loans=loans("5"), payments=f"{PAYMENTS}P1,L1,2024-03-05,1,\nP2,L1,2024-03-05,1,x\n")
    long = '"' * (1 << 24)
    acme.warehouse.rows("update raw.payment set channel = %s where channel = 'x'", long)
    assert written_anew(acme) == [None, long]


# ── what is accepted, and nothing else ───────────────────────────────────────────────────────────────────


def test_only_what_is_accepted_is_there(acme: Acme, tmp_path: Path) -> None:
    acme.send(loans="no,product\nL1,auto\n")
    with pytest.raises(Refused):
        acme.load()
    acme.send(loans=loans("5"))
    waiting = acme.load().delivery_id
    assert lake.fill(url=acme.url, lake=str(acme.lake)) == lake.Filled(0, 0)
    assert not acme.lake.exists()
    (tmp_path / "expectations" / "delivery" / "loan.yaml").write_text(SUITE.substitute(most=1))
    with pytest.raises(Refused, match="small"):
        acme.judge(waiting)
    assert not acme.lake.exists()


def test_a_delivery_sent_again_takes_the_place_of_the_one_before(acme: Acme) -> None:
    first, other = acme.deliver(loans=loans("5")), acme.deliver(NEXT, loans=loans("6"))
    assert acme.files() == acme.files_of((DAY, first), (NEXT, other))
    second = acme.deliver(loans=loans("7", "8"))
    assert acme.files() == acme.files_of((DAY, second), (NEXT, other))
    for entity in ENTITIES:
        assert in_lake(str(acme.lake), entity) == in_raw(acme.warehouse, entity)


def test_again_writes_nothing(acme: Acme, arrears: CommandLine) -> None:
    acme.deliver(loans=loans("5"))
    before = {path: path.stat().st_mtime_ns for path in acme.lake.rglob("*.parquet")}
    assert arrears("load", "acme", "--date", f"{DAY}").code == 0
    assert arrears("lake", "--json").out.split() == ["{", '"written":', "0,", '"removed":', "0", "}"]
    assert {path: path.stat().st_mtime_ns for path in acme.lake.rglob("*.parquet")} == before


def test_a_build_keeps_what_it_may_be_reading(acme: Acme, arrears: CommandLine) -> None:
    """What no longer stands goes when the build is over."""
    first = acme.deliver(loans=loans("5"))
    with connect(acme.warehouse.url(Role.BUILDER), "build", autocommit=True) as build, build.cursor() as cursor:
        cursor.execute("select pg_advisory_lock(hashtext('arrears.candidate'))")
        second = acme.deliver(loans=loans("7"))
        assert acme.files() == acme.files_of((DAY, first), (DAY, second))
    assert arrears("lake").out == f"0 files written, {len(ENTITIES)} removed\n"
    assert acme.files() == acme.files_of((DAY, second))


def test_who_fills_it_waits_for_another_with_an_end(
    acme: Acme, arrears: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme.deliver(loans=loans("5"))
    monkeypatch.setattr("arrears.warehouse.connect.LOCK_TIMEOUT", "300ms")
    with connect(acme.warehouse.url(Role.LOADER), "by hand", autocommit=True) as other, other.cursor() as cursor:
        cursor.execute("set idle_session_timeout = '20s'")
        cursor.execute("select pg_advisory_lock(hashtext('arrears.lake'), hashtext('acme'))")
        done = arrears("lake")
        process = other.info.backend_pid
    assert done.code == Infrastructure.exit_code
    assert f"the files of acme in the lake: in use by process {process} of the server (arrears by hand)" in done.err


def test_what_the_newest_build_is_made_from_is_there(acme: Acme, arrears: CommandLine) -> None:
    """Also what was never written, and is no longer accepted by the time somebody looks."""
    first = acme.deliver(loans=loans("5"))
    run = acme.warehouse.rows
    begin = "insert into ops.build (business_date, status, code_version) values (%s, 'built', 't') returning build_id"
    (build_id,) = run(begin, DAY, role=Role.BUILDER)[0]
    run("insert into ops.delivery_in_build values (%s, %s, null)", first, build_id, role=Role.BUILDER)
    second = acme.deliver(loans=loans("7"))
    assert acme.files() == acme.files_of((DAY, first), (DAY, second))
    shutil.rmtree(acme.lake)
    assert arrears("lake").out == f"{2 * len(ENTITIES)} files written, 0 removed\n"
    assert acme.files() == acme.files_of((DAY, first), (DAY, second))
    (next_build,) = run(begin, DAY, role=Role.BUILDER)[0]
    run("update ops.delivery_in_build set until_build = %s", next_build, role=Role.BUILDER)
    assert arrears("lake").out == f"0 files written, {len(ENTITIES)} removed\n"


def test_the_weekly_upkeep_makes_good(acme: Acme) -> None:
    number = acme.deliver(loans=loans("5"))
    lost = acme.lake / RawFile("loan", "acme", DAY, number).folder / f"delivery_{number}.parquet"
    lost.rename(lost.with_name("delivery_999.parquet"))
    (lost.parent / "notes.txt").write_text("somebody else's")
    url = acme.warehouse.url
    done = pipeline.maintain(url=url(Role.PUBLISHER), loader_url=acme.url, reader_url=url(Role.READER))
    assert (done["files of raw written"], done["files of raw removed"]) == (1, 1)
    assert acme.files() == acme.files_of((DAY, number)) | {f"{RawFile('loan', 'acme', DAY, 0).folder}/notes.txt"}


def test_two_at_once_write_every_file_once(acme: Acme, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ARREARS_LAKE")
    settings.cache_clear()
    for number in range(4):
        acme.deliver(DAY + dt.timedelta(days=number), loans=loans("5"))
    with ThreadPoolExecutor(4) as threads:
        filled = list(threads.map(lambda _: lake.fill(url=acme.url, lake=str(acme.lake)), range(4)))
    assert sum(one.written for one in filled) == 4 * len(ENTITIES)


# ── killed ───────────────────────────────────────────────────────────────────────────────────────────────


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _before_the_first_file(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Lake, "put", lambda *_: _kill())


def _in_the_middle_of_a_file(patch: pytest.MonkeyPatch) -> None:
    whole = rows.write

    def half(cursor: Any, file: RawFile, sink: BinaryIO) -> None:
        whole(cursor, file, sink)
        if file.entity == "payment":
            sink.flush()
            os.truncate(sink.fileno(), 100)
            _kill()

    patch.setattr(rows, "write", half)


def _before_the_old_files_go(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Lake, "remove", lambda *_: _kill())


@pytest.mark.parametrize("strike", [_before_the_first_file, _in_the_middle_of_a_file, _before_the_old_files_go])
def test_killed_after_the_delivery_was_accepted(
    acme: Acme, arrears: CommandLine, monkeypatch: pytest.MonkeyPatch, strike: Any
) -> None:
    acme.deliver(loans=loans("5"), payments=PAYMENTS + "P1,L1,2024-03-05,1,\n")
    acme.send(loans=loans("7"), payments=PAYMENTS + "P1,L1,2024-03-05,2,\n")
    again = acme.load().delivery_id
    with monkeypatch.context() as patch:
        strike(patch)
        process = multiprocessing.get_context("fork").Process(target=acme.judge, args=(again,))
        process.start()
        process.join(60)
    assert process.exitcode == -signal.SIGKILL
    assert acme.warehouse.value("select status from ops.delivery where delivery_id = %s", again) == "accepted"
    for path in acme.lake.rglob("*.parquet"):
        pa.parquet.read_table(path)  # none is broken
    assert arrears("load", "acme", "--date", f"{DAY}").code == 0
    assert acme.files() == acme.files_of((DAY, again))
    for entity in ENTITIES:
        assert in_lake(str(acme.lake), entity) == in_raw(acme.warehouse, entity)


# ── what is not the lake's fault ──────────────────────────────────────────────────────────────────────────


def test_the_warehouse_fails_under_it(acme: Acme, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut(cursor: Any, file: RawFile, sink: BinaryIO) -> None:
        cursor.execute("select pg_terminate_backend(pg_backend_pid())")

    monkeypatch.setattr(rows, "write", cut)
    with pytest.raises(Infrastructure, match=r"The warehouse at .* failed during lake: server closed the connection"):
        acme.deliver(loans=loans("5"))


def test_no_room_for_temporary_files(acme: Acme, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "small").mkdir()
    number = acme.deliver(loans=loans("5"), payments=f"{PAYMENTS}P1,L1,2024-03-05,1,x\n")
    acme.warehouse.rows("update raw.payment set channel = %s", "x" * 2 * MIB)
    shutil.rmtree(acme.lake)
    with mounted(tmp_path / "small", MIB) as disk, monkeypatch.context() as patch:
        patch.setattr("tempfile.tempdir", str(disk.folder))
        with pytest.raises(Infrastructure, match=rf"no room for temporary files in {disk.folder}: .*No space left"):
            lake.fill(url=acme.url, lake=str(acme.lake))
    assert written_anew(acme) == ["x" * 2 * MIB]
    assert acme.files() == acme.files_of((DAY, number))


# ── an object store ──────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def bucket(acme: Acme, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}", "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1", "AWS_MAX_ATTEMPTS": "1", "NO_PROXY": "127.0.0.1",
        "ARREARS_LAKE": "s3://lake/of/risk",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    s3fs.S3FileSystem.clear_instance_cache()
    boto3.client("s3").create_bucket(Bucket="lake")
    yield "s3://lake/of/risk"
    server.stop()
    s3fs.S3FileSystem.clear_instance_cache()


def objects() -> set[str]:
    found = boto3.client("s3").list_objects_v2(Bucket="lake").get("Contents", [])
    return {one["Key"].removeprefix("of/risk/") for one in found}


def test_a_lake_in_an_object_store(acme: Acme, bucket: str) -> None:
    first = acme.deliver(loans=loans("5"))
    assert objects() == acme.files_of((DAY, first))
    second = acme.deliver(loans=loans("6.10", "7"), payments=PAYMENTS + "P1,L1,2024-03-05,2,\n")
    assert objects() == acme.files_of((DAY, second))
    for entity in ENTITIES:
        assert in_lake(bucket, entity) == in_raw(acme.warehouse, entity)


def test_a_store_that_does_not_answer(
    acme: Acme, bucket: str, arrears: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The delivery stands, and the task is tried again."""
    acme.send(loans=loans("5"))
    number = acme.load().delivery_id
    endpoint = os.environ["AWS_ENDPOINT_URL"]
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    s3fs.S3FileSystem.clear_instance_cache()
    with pytest.raises(Infrastructure, match=r"The lake at s3://lake/of/risk cannot be.*`arrears lake` writes") as told:
        acme.judge(number)
    assert "testing" not in str(told.value)  # the credentials
    assert acme.warehouse.value("select status from ops.delivery") == "accepted"
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    s3fs.S3FileSystem.clear_instance_cache()
    acme.judge(number)
    assert objects() == acme.files_of((DAY, number))


def test_places_that_there_are_not(acme: Acme, arrears: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    for address, said in {"": "There is no lake: set ARREARS_LAKE", "nowhere://x": "ARREARS_LAKE: nowhere://x"}.items():
        monkeypatch.setenv("ARREARS_LAKE", address)
        settings.cache_clear()
        answer = arrears("lake")
        assert (answer.code, said in answer.err) == (Usage.exit_code, True), answer.err
