"""What `arrears check` and `arrears load` say of a simulated lender's deliveries, good and bad, to people and scripts.

How every fault of the simulator is met stands in `test_situations`.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import pty
import shutil
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from arrears import pipeline
from arrears.settings import Role, settings
from arrears.simulate import Injection, simulate

Warehouse = Any  # what the fixture `shared_warehouse` gives
LENDER = "lakala"
FIRST, SECOND, LAST = (dt.date(2024, 2, day) for day in (27, 28, 29))
LOANS, PAYMENTS = (f"{LENDER}/2024-02-29/{name}_20240229.txt" for name in ("LOAN", "PAY"))
CUSTOMERS = f"{LENDER}/2024-02-29/CUST_20240229.txt"


def _simulated(folder: Path, *faults: str) -> list[Injection]:
    run = simulate(
        start=FIRST, end=LAST, loans=200, seed=5, lenders=[LENDER], landing=folder / "landing",
        truth=folder / "truth", faults=faults,
    )  # fmt: skip
    return list(run.faults)


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clean")
    _simulated(folder)
    return folder / "landing"


@dataclass
class Book:
    """A warehouse in which the first two days stand, and a landing folder to spoil the third in."""

    warehouse: Warehouse
    landing: Path
    clean: Path
    outcomes: list[tuple[str, int, int]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return str(self.warehouse.url(Role.LOADER))

    def restore(self) -> None:
        """Put the clean files back, and forget what became of the third day."""
        shutil.rmtree(self.landing, ignore_errors=True)
        shutil.copytree(self.clean, self.landing)
        third = "select delivery_id from ops.delivery where business_date = %s"
        for table in ("ops.rejected_row", "ops.delivery_seen", "ops.delivery_file", "raw.loan", "raw.borrower",
                      "raw.instalment", "raw.payment", "raw.loan_event", "raw.reported_position"):  # fmt: skip
            self.warehouse.rows(f"delete from {table} where delivery_id in ({third})", LAST)
        self.warehouse.rows("delete from ops.gate_result")
        self.warehouse.rows("delete from ops.gate_run")
        self.warehouse.rows("delete from ops.delivery where business_date = %s", LAST)

    def spoil(self, *faults: str) -> list[Injection]:
        return _simulated(self.landing.parent, *faults)

    def versions(self) -> list[tuple[int, str]]:
        found: list[tuple[int, str]] = self.warehouse.rows(
            "select version, status from ops.delivery where business_date = %s order by version", LAST
        )
        return found

    def counts(self) -> dict[str, int]:
        tables = ("loan", "borrower", "instalment", "payment", "loan_event", "reported_position")
        return {table: self.warehouse.value(f"select count(*) from raw.{table}") for table in tables}


@pytest.fixture(scope="module")
def loaded(shared_warehouse: Warehouse, clean: Path) -> Book:
    landing = Path(shared_warehouse.settings.landing)
    shutil.copytree(clean, landing, dirs_exist_ok=True)
    book = Book(shared_warehouse, landing, clean)
    for day in (FIRST, SECOND):
        result = pipeline.load(LENDER, day, url=book.url)
        book.outcomes.append((result.outcome, result.rows, result.rejected))
        with_gate = pipeline.gate_delivery(result.delivery_id, url=book.url)
        assert with_gate.outcome in ("pass", "warn")
    return book


@pytest.fixture
def book(loaded: Book) -> Book:
    loaded.restore()
    return loaded


# ── clean days ───────────────────────────────────────────────────────────────────────────────────────────


def test_clean_days_load_without_a_rejected_row(book: Book) -> None:
    assert [outcome for outcome, _, _ in book.outcomes] == ["loaded", "loaded"]
    assert [rejected for _, _, rejected in book.outcomes] == [0, 0]
    result = pipeline.load(LENDER, LAST, url=book.url)
    assert (result.outcome, result.rejected) == ("loaded", 0)
    pipeline.gate_delivery(result.delivery_id, url=book.url)
    assert pipeline.load(LENDER, LAST, url=book.url).outcome == "unchanged"
    assert book.versions() == [(1, "accepted")]
    assert sum(book.counts().values()) > 0


def test_the_files_and_raw_hold_the_same_numbers(book: Book) -> None:
    """Read again by other means: lines of the files counted, amounts in fen added up."""
    pipeline.load(LENDER, LAST, url=book.url)
    for name, entity, column, at in (("LOAN", "loan", "principal", 6), ("PAY", "payment", "amount", 3),
                                     ("PLAN", "instalment", "principal_due", 4),
                                     ("EVENT", "loan_event", "amount", 3)):  # fmt: skip
        rows = fen = 0
        for day in (FIRST, SECOND, LAST):
            path = book.landing / LENDER / day.isoformat() / f"{name}_{day:%Y%m%d}.txt"
            for line in path.read_text("gb18030").splitlines()[1:-1]:
                rows, fen = rows + 1, fen + int(line.split("|")[at])
        found = book.warehouse.rows(f"select count(*), coalesce(sum({column}), 0) * 100 from raw.{entity}")
        assert found == [(rows, fen)], name


def test_customers_are_stored_without_their_names_and_numbers(book: Book) -> None:
    pipeline.load(LENDER, LAST, url=book.url)
    secrets: set[str] = set()
    for path in book.landing.rglob("CUST_*.txt"):
        for line in path.read_text("gb18030").splitlines()[1:-1]:
            secrets.update(cell for cell in line.split("|")[1:4] if len(cell) > 1)
    assert len(secrets) > 100
    tables = book.warehouse.rows("select table_schema, table_name from information_schema.tables where table_schema "
                                 "in ('raw', 'ops') and table_type = 'BASE TABLE'")  # fmt: skip
    for schema, name in tables:
        for (row,) in book.warehouse.rows(f'select t::text from {schema}."{name}" as t'):
            for cell in row.strip("()").split(","):
                assert cell.strip('"') not in secrets, (schema, name)


# ── check, as a function and on the command line ─────────────────────────────────────────────────────────


def test_a_check_finds_several_faults_in_one_pass(book: Book) -> None:
    # A control comes after what spoils rows: that keeps controls right.
    book.spoil("bad_rows", "future_rows", "trailer_sum", "trailer_count")
    before = book.counts()
    findings = pipeline.check(LENDER, LAST, url=book.url)
    assert findings.rejected == 2
    said = [str(fault) for fault in findings.faults]
    for part in (
        "rows, the file has",
        "金额 sums to",
        "value '20230230'",
        "value '6OO'",
        "after the business date 2024-02-29",
    ):
        assert sum(part in text for text in said) == 1, (part, said)
    assert len(findings.refusing) == 2
    assert book.counts() == before
    assert book.versions() == []


def _arrears(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from arrears.cli import main; main()", *arguments],
        capture_output=True, text=True, encoding="utf-8", env=os.environ | environment, timeout=120, check=False,
    )  # fmt: skip


def test_check_says_that_a_good_delivery_would_be_accepted(book: Book) -> None:
    run = _arrears("check", LENDER, LAST.isoformat())
    assert (run.returncode, run.stderr) == (0, "")
    assert "0 rejected: would be loaded, for the gate to judge" in run.stdout


def test_check_refuses_with_exit_code_1_and_every_fault(book: Book) -> None:
    book.spoil("wrong_header", "trailer_sum")
    _spoil_customers(book)
    run = _arrears("check", LENDER, LAST.isoformat())
    assert run.returncode == 1
    for part in (f"refuses {LOANS}:1: column 借款金额: ", f"refuses {LOANS}:1: column 贷款金额: ",
                 f"refuses {PAYMENTS}: column 金额: ", f"rejects row {CUSTOMERS}:2: column 出生年份 value '199O'",
                 f"rejects row {CUSTOMERS}:2: column 证件号 value '***': empty",
                 f"refuses {CUSTOMERS}: 1 of 1 rows are bad",
                 "would be refused"):  # fmt: skip
        assert part in run.stdout
    assert "\x1b[" not in run.stdout + run.stderr  # no colours where there is no terminal
    _nothing_personal(run.stdout + run.stderr)


def _on_a_terminal(*arguments: str) -> tuple[int, str]:
    """Exit code and what a terminal gets: the command's output goes to a pseudo-terminal."""
    ours, theirs = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    run = subprocess.Popen(
        [sys.executable, "-c", "from arrears.cli import main; main()", *arguments],
        stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, env=environment | {"TERM": "xterm-256color"},
    )  # fmt: skip
    os.close(theirs)
    written = b""
    with suppress(OSError):  # Linux says that nobody holds the other end any more by an error
        while part := os.read(ours, 1 << 16):
            written += part
    os.close(ours)
    return run.wait(timeout=60), written.decode("utf-8").replace("\r\n", "\n")


def test_check_on_a_terminal_is_in_colour(book: Book) -> None:
    book.spoil("bad_rows", "trailer_sum")
    _spoil_customers(book)
    code, shown = _on_a_terminal("check", LENDER, LAST.isoformat())
    assert code == 1
    red, yellow, plain = "\x1b[31m", "\x1b[33m", "\x1b[0m"
    assert f"{red}refuses{plain} {PAYMENTS}: column 金额: the trailer says" in shown
    assert f"{yellow}rejects row{plain} {LOANS}:" in shown
    assert f"{yellow}rejects row{plain} {CUSTOMERS}:2: column 证件号 value '***': empty" in shown
    _nothing_personal(shown)


def _spoil_customers(book: Book) -> None:
    """A customer without an identity number, born in no year, beside a name and a phone number."""
    with (book.landing / CUSTOMERS).open("wb") as sink:
        sink.write("客户号|姓名|证件号|手机号|出生年份|性别|省份|收入档|职业|数据日期\n".encode("gb18030"))
        sink.write("C1|张三丰||13800138000|199O|男|北京|3000元以下|教师|20240229\n".encode("gb18030"))
        sink.write(b"TRAILER|1|1990\n")


def _nothing_personal(said: str) -> None:
    assert "13800138000" not in said
    assert "张三丰" not in said


def test_check_in_json(book: Book) -> None:
    book.spoil("trailer_sum", "bad_rows")
    _spoil_customers(book)
    run = _arrears("check", LENDER, LAST.isoformat(), "--json")
    assert run.returncode == 1
    found = json.loads(run.stdout)
    told = found["lender"], found["business_date"], found["accepted"], found["rejected"]
    assert told == (LENDER, "2024-02-29", False, 2)
    faults = {(fault["file"], fault["column"]): fault for fault in found["faults"]}
    assert set(faults) == {
        (LOANS, "放款日期"), (LOANS, "信用分"), (PAYMENTS, "金额"), (CUSTOMERS, "出生年份"),
        (CUSTOMERS, "证件号"), (CUSTOMERS, None),
    }  # fmt: skip
    assert {place for place, fault in faults.items() if fault["refuses"]} == {(PAYMENTS, "金额"), (CUSTOMERS, None)}
    assert faults[CUSTOMERS, "出生年份"] == {
        "file": CUSTOMERS, "line": 2, "column": "出生年份", "value": "199O", "rule": "not a whole number",
        "refuses": False, "sheet": None,
    }  # fmt: skip
    assert faults[CUSTOMERS, "证件号"]["value"] == "***"
    _nothing_personal(run.stdout + run.stderr)


def test_load_on_the_command_line(book: Book) -> None:
    good = _arrears("load", LENDER, "--date", LAST.isoformat(), "--json")
    assert good.returncode == 0, good.stderr
    assert json.loads(good.stdout)["outcome"] == "loaded"
    assert book.versions() == [(1, "accepted")]
    book.spoil("duplicate_key")
    bad = _arrears("load", LENDER, "--date", LAST.isoformat())
    assert bad.returncode == 1
    assert "error: The delivery of lakala for 2024-02-29 is refused" in bad.stderr
    assert "the same key on lines" in bad.stderr
    assert "Traceback" not in bad.stderr
    assert book.versions() == [(1, "accepted"), (2, "refused")]


@pytest.mark.parametrize("arguments", [
    ("check", "nobody", "2024-02-29"), ("check", LENDER, "2024-02-30"), ("check", LENDER), ("chek",),
    ("check", LENDER, "2014-12-31"), ("load", LENDER), ("load", LENDER, "--date", "yesterday"),
])  # fmt: skip
def test_wrong_use_is_exit_code_2(arguments: tuple[str, ...], book: Book) -> None:
    run = _arrears(*arguments)
    assert run.returncode == 2, run.stderr
    assert "Traceback" not in run.stderr


def test_a_wrong_contract_is_exit_code_1(book: Book, tmp_path: Path) -> None:
    folder = tmp_path / "lenders" / LENDER
    folder.mkdir(parents=True)
    text = (settings().lenders / LENDER / "datapackage.yaml").read_text("utf-8")
    (folder / "datapackage.yaml").write_text(text.replace("field: disbursed_on", "field: disbursed"), "utf-8")
    run = _arrears("check", LENDER, LAST.isoformat(), ARREARS_LENDERS=str(folder.parent))
    assert run.returncode == 1
    assert "did you mean 'disbursed_on'?" in run.stderr
    assert "datapackage.yaml:" in run.stderr


@pytest.mark.parametrize("command", [("check", LENDER, "2024-02-29"), ("load", LENDER, "--date", "2024-02-29")])
def test_an_unreachable_warehouse_is_exit_code_3(command: tuple[str, ...], book: Book) -> None:
    secret = "s3cret-word"
    run = _arrears(
        *command, ARREARS_WAREHOUSE_URL=f"postgresql://me:{secret}@127.0.0.1:1/x", ARREARS_LOADER_PASSWORD=secret
    )
    assert run.returncode == 3, run.stderr
    assert "Cannot reach the warehouse at 127.0.0.1:1/x as arrears_loader" in run.stderr
    assert secret not in run.stdout + run.stderr
    assert "Traceback" not in run.stderr


def test_a_delivery_that_is_not_there(book: Book) -> None:
    run = _arrears("check", LENDER, "2024-03-01")
    assert run.returncode == 1
    assert run.stdout.count("the file is missing from") == 5
