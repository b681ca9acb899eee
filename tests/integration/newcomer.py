"""Everything that a newcomer can get wrong, each done once: docs/onboarding.md lists what is then said.

The lender is nobody's: a file in each format, a trailer, a manifest and a marker, personal data and changes.
"""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import openpyxl
import polars as pl
import pytest

from arrears import pipeline
from arrears.contract import read_contract
from arrears.errors import ArrearsError
from arrears.settings import Role, settings

from .command_line import CommandLine

LENDER = "borealis"
EVE, DAY = dt.date(2024, 6, 27), dt.date(2024, 6, 28)

CONTRACT = """\
name: borealis
arrears:
  effective_from: 2024-01-01
  names: {en: Borealis}
  currency: EUR
  timezone: Europe/Helsinki
  delivery: {folder: "{date:%Y-%m-%d}"}
  limits: {rejected_share: 0.25, fall_in_rows: 0.5, rise_in_rows: 3}
resources:
  - name: loans
    path: loans.csv
    encoding: utf-8
    dialect: {delimiter: ";"}
    schema:
      primaryKey: [loan_no]
      fields:
        - {name: loan_no, arrears: {field: loan_id}}
        - {name: product, arrears: {field: product, values: {car: car_loan, home: home_loan}}}
        - {name: amount, type: number, arrears: {field: principal}}
        - {name: started, type: date, constraints: {minimum: 2000-01-01}, arrears: {field: disbursed_on}}
        - {name: channel, constraints: {pattern: "[a-z]+"}, arrears: {field: channel}}
        - {name: day, type: date}
    arrears:
      file: loans.csv
      entity: loan
      mode: snapshot
      business_date: day
      control: {kind: trailer, mark: END, sum: amount}
      constants: {currency: EUR}
  - name: borrowers
    path: borrowers.jsonl.gz
    format: jsonl
    schema:
      fields:
        - {name: id, arrears: {field: borrower_id}}
        - {name: person, type: object, arrears: {parts: [{name: ssn, arrears: {field: identity_hash, pii: hash}}]}}
        - {name: phone, arrears: {pii: drop}}
        - {name: born, type: integer, arrears: {field: birth_year}}
    arrears:
      file: borrowers.jsonl.gz
      entity: borrower
      mode: upsert
      control: {kind: manifest, file: manifest.json}
  - name: payments
    path: payments.xlsx
    format: xlsx
    dialect: {sheetName: paid}
    schema:
      fields:
        - {name: id, arrears: {field: payment_id}}
        - {name: loan_no, arrears: {field: loan_id}}
        - {name: paid_on, type: date, arrears: {field: value_on}}
        - {name: kind, arrears: {field: kind, values: {in: repayment, back: reversal}}}
        - {name: amount, type: number, groupChar: ",", arrears: {field: amount}}
    arrears: {file: payments.xlsx, entity: payment, mode: append}
  - name: plan
    path: plan.parquet
    format: parquet
    schema:
      fields:
        - {name: op, constraints: {enum: [I, U, D]}}
        - {name: at, type: datetime}
        - {name: loan_no, arrears: {field: loan_id}}
        - {name: number, type: integer, arrears: {field: instalment_no}}
        - {name: due, type: date, arrears: {field: due_on}}
        - {name: principal, type: number, arrears: {field: principal_due}}
    arrears:
      file: plan.parquet
      entity: instalment
      mode: changes
      change: {op: op, at: at}
      control: {kind: ok, file: _DONE}
"""

LOANS = ["B1;car;300.00;2024-03-31;web", "B2;car;600.00;2024-03-31;web", "B3;home;900.00;2024-02-29;web",
         "B4;home;150.00;2024-03-31;web"]  # fmt: skip
HEADER = "loan_no;product;amount;started;channel;day"
PERSONS = [{"id": "C1", "person": {"ssn": "131052-308T"}, "phone": "+358401234567", "born": 1952}]
PAYMENTS = [["id", "loan_no", "paid_on", "kind", "amount"], ["P1", "B1", "2024-04-30", "in", "1,030.00"]]
PLAN = {
    "op": ["I", "I"], "at": ["2024-03-31T10:00:00+02:00"] * 2, "loan_no": ["B1", "B2"], "number": [1, 1],
    "due": [dt.date(2024, 4, 30)] * 2, "principal": [100.0, 200.0],
}  # fmt: skip


# ── a delivery ───────────────────────────────────────────────────────────────────────────────────────────


def loans_text(day: dt.date, rows: Sequence[str] = LOANS, *, header: str = HEADER, trailer: str | None = None) -> str:
    total = sum(float(row.split(";")[2]) for row in rows if row.split(";")[2].replace(".", "").isdigit())
    body = [f"{row};{day}" for row in rows]
    return "\n".join([header, *body, trailer or f"END;{len(rows)};{total:.2f}"]) + "\n"


def write_persons(folder: Path, lines: Sequence[object] = PERSONS) -> None:
    text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
    (folder / "borrowers.jsonl.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
    write_manifest(folder, len(lines))


def write_manifest(folder: Path, rows: int, *, day: str | None = None, name: str = "borrowers.jsonl.gz") -> None:
    digest = hashlib.sha256((folder / "borrowers.jsonl.gz").read_bytes()).hexdigest()
    listed = {"business_date": day or folder.name, "files": [{"name": name, "rows": rows, "sha256": digest}]}
    (folder / "manifest.json").write_text(json.dumps(listed))


def write_payments(folder: Path, rows: Sequence[Sequence[object]] = PAYMENTS, sheet: str = "paid") -> None:
    book = openpyxl.Workbook()
    book.active.title = sheet
    for row in rows:
        book.active.append(list(row))
    book.save(folder / "payments.xlsx")


def write_plan(folder: Path, **columns: Sequence[object]) -> None:
    pl.DataFrame(PLAN | columns).write_parquet(folder / "plan.parquet")


def deliver(folder: Path) -> None:
    """A delivery without a fault; the folder's name is its business date."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "loans.csv").write_text(loans_text(dt.date.fromisoformat(folder.name)))
    write_persons(folder)
    write_payments(folder)
    write_plan(folder)
    (folder / "_DONE").touch()


# ── wrong contracts: what is replaced in the contract, by situation ──────────────────────────────────────

CONTRACTS: dict[str, tuple[str, str]] = {
    "not YAML": ("  names: {en: Borealis}", "  names: {en: Borealis"),
    "a property is misspelt": ("  timezone:", "  timezon:"),
    "a property is left out": ("  currency: EUR\n", ""),
    "a word of a closed list is another": ("mode: snapshot", "mode: full"),
    "name and folder differ": ("name: borealis", "name: boreal"),
    "a place was left open by `arrears onboard`": ("in: repayment", 'in: "???"'),
    "the time zone is none": ("Europe/Helsinki", "Helsinki"),
    "an entity that there is not": ("entity: loan\n", "entity: loans\n"),
    "a field that the entity has not": ("{name: loan_no, arrears: {field: loan_id}}",
                                        "{name: loan_no, arrears: {field: loan_no}}"),
    "a field that every row must have is not filled": (", arrears: {field: disbursed_on}}", "}"),
    "a type that cannot fill its field": ("{name: amount, type: number, arrears: {field: principal}}",
                                         "{name: amount, arrears: {field: principal}}"),
    "two columns for one field": ("{name: day, type: date}",
                                  ("{name: day, type: date}\n"
                                   "        - {name: b, type: number, arrears: {field: principal}}")),
    "two columns with one name": ("{name: day, type: date}", "{name: day, type: date}\n        - {name: day}"),
    "two resources with one name": ("name: borrowers\n", "name: loans\n"),
    "a date format that is not read": ("{name: day, type: date}", '{name: day, type: date, format: "%d-%b-%Y"}'),
    "two date formats for one text": ("{name: day, type: date}",
                                      ("{name: day, type: date, format: any, "
                                       'arrears: {formats: ["%d/%m/%Y", "%m/%d/%Y"]}}')),
    "no date in folder and file": ('folder: "{date:%Y-%m-%d}"', "folder: daily"),
    "a path pattern that cannot be filled in": ("file: loans.csv", 'file: "loans_{day}.csv"'),
    "a path that leaves the lender's folder": ("file: loans.csv", "file: ../loans.csv"),
    "personal data hashed into no field": ("{pii: drop}", "{pii: hash}"),
    "personal data dropped and used": ("{field: identity_hash, pii: hash}", "{field: identity_hash, pii: drop}"),
    "personal data used in clear": ("{field: identity_hash, pii: hash}", "{field: identity_hash}"),
    "a hash into a number or date": ("{field: birth_year}", "{field: birth_year, pii: hash}"),
    "a value mapped to a word that the field does not take": ("back: reversal", "back: returned"),
    "a unit on a text": ("arrears: {field: channel}", "arrears: {field: channel, unit: fen}"),
    "an entity comes in two modes": ("entity: borrower\n      mode: upsert", "entity: loan\n      mode: upsert"),
    "changes without their columns": ("      change: {op: op, at: at}\n", ""),
    "a control sum over a column that there is not": ("sum: amount}", "sum: total}"),
    "a control sum over a column of text": ("sum: amount}", "sum: channel}"),
    "a trailer in a file that has none": ("{kind: manifest, file: manifest.json}", "{kind: trailer, mark: END}"),
    "an encoding that Python does not know": ("encoding: utf-8", "encoding: gb18003"),
    "a delimiter of two characters": ('delimiter: ";"', 'delimiter: "||"'),
    "a header below the first line of a csv file": ('{delimiter: ";"}', '{delimiter: ";", headerRows: [2]}'),
    "a key over a column that there is not": ("primaryKey: [loan_no]", "primaryKey: [loan]"),
    "an object without parts": ("arrears: {parts: [{name: ssn, arrears: {field: identity_hash, pii: hash}}]}",
                                "title: who"),
    "a pattern that is no regular expression": ('"[a-z]+"', '"[a-z+"'),
    "a convention that there is not": ("  currency: EUR", "  conventions: {grace: 3}\n  currency: EUR"),
}  # fmt: skip


# ── wrong files: what is done to a good delivery, by situation ───────────────────────────────────────────


_LISTS_NOTHING = json.dumps({"business_date": DAY.isoformat(), "files": []})


def _loans(rows: Sequence[str] = LOANS, *, header: str = HEADER, trailer: str | None = None) -> Callable[[Path], None]:
    return lambda folder: _write(folder / "loans.csv", loans_text(DAY, rows, header=header, trailer=trailer))


def _row(row: str) -> Callable[[Path], None]:
    return _loans(rows=[*LOANS[:-1], row])


def _write(path: Path, content: str | bytes) -> None:
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def _edited(old: str, new: str) -> Callable[[Path], None]:
    return lambda folder: _write(folder / "loans.csv", loans_text(DAY).replace(old, new))


def _cut(name: str, size: int) -> Callable[[Path], None]:
    return lambda folder: _write(folder / name, (folder / name).read_bytes()[:size])


def _persons(*lines: object) -> Callable[[Path], None]:
    return lambda folder: write_persons(folder, lines)


def _payments(*rows: Sequence[object], sheet: str = "paid") -> Callable[[Path], None]:
    return lambda folder: write_payments(folder, rows, sheet)


def _unlink(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def _plan(**columns: Sequence[object]) -> Callable[[Path], None]:
    return lambda folder: write_plan(folder, **columns)


FILES: dict[str, Callable[[Path], None]] = {
    "a file is missing": _unlink("loans.csv"),
    "the file is empty": lambda folder: _write(folder / "loans.csv", ""),
    "another encoding": lambda folder: _write(
        folder / "loans.csv", loans_text(DAY).replace("web", "Öljy").encode("latin-1")
    ),
    "another delimiter": lambda folder: _write(folder / "loans.csv", loans_text(DAY).replace(";", ",")),
    "a column is left out or renamed": _loans(header=HEADER.replace("started", "start_date")),
    "a column is new or renamed": _loans(header=HEADER.replace("started", "start_date")),
    "a column stands twice": _loans(header=HEADER.replace("started", "amount")),
    "columns were moved": _loans(header="product;loan_no;amount;started;channel;day"),
    "a row with too many values": _edited("B2;car", "B2;c;ar"),
    "a quote within a value": _edited("B2;car", 'B2;"c"ar'),
    "the file ends too early": _edited("END;4;1950.00\n", ""),
    "the trailer counts other rows": _loans(trailer="END;5;1950.00"),
    "the trailer has another sum": _loans(trailer="END;4;1950.01"),
    "yesterday's file": lambda folder: _write(folder / "loans.csv", loans_text(EVE)),
    "a key stands twice": _row("B1;home;150.00;2024-03-31;web"),
    "far fewer rows than the day before": _loans(rows=LOANS[:1]),
    "far more rows than the day before": _loans(rows=[f"X{n};car;1.00;2024-03-31;web" for n in range(40)]),
    "too many rows are bad": _loans(rows=[*LOANS[:2], *(row.replace("home", "boat") for row in LOANS[2:])]),
    "a value that is not mapped": _row("B4;boat;150.00;2024-03-31;web"),
    "not a number": _row("B4;home;15O.00;2024-03-31;web"),
    "not a whole number": _persons(*PERSONS, *PERSONS, *PERSONS, *PERSONS,
                                   {"id": "C9", "person": {"ssn": "131052-308T"}, "phone": None, "born": "'52"}),
    "too many decimals": _row("B4;home;150.001;2024-03-31;web"),
    "not a date": _row("B4;home;150.00;2024-02-30;web"),
    "a date before the contract's minimum": _row("B4;home;150.00;1999-12-31;web"),
    "a date after the business date": _row("B4;home;150.00;2024-06-29;web"),
    "nothing where a value is needed": _row("B4;home;;2024-03-31;web"),
    "a pattern is not kept": _row("B4;home;150.00;2024-03-31;WEB"),
    "a truncated gzip": _cut("borrowers.jsonl.gz", 40),
    "not JSON": _persons('{"id": "C1", "person": {"ssn": "x"}, "phone": null, "born": }'),
    "an object where a value is expected": _persons({**PERSONS[0], "born": {"year": 1952}}),
    "a value where an object is expected": _persons({**PERSONS[0], "person": "131052-308T"}),
    "a key of JSON is missing everywhere": _persons({"id": "C1", "person": {"ssn": "131052-308T"}, "phone": None}),
    "no manifest": _unlink("manifest.json"),
    "the manifest is not JSON": lambda folder: _write(folder / "manifest.json", "{"),
    "the manifest counts other rows": lambda folder: write_manifest(folder, 2),
    "the manifest is of another day": lambda folder: write_manifest(folder, 1, day=EVE.isoformat()),
    "the manifest has not this file": lambda folder: _write(folder / "manifest.json", _LISTS_NOTHING),
    "the manifest has a file that nobody expects": lambda folder: write_manifest(folder, 1, name="people.jsonl.gz"),
    "the file is not the one of the manifest": lambda folder: _write(
        folder / "borrowers.jsonl.gz", gzip.compress(json.dumps(PERSONS[0] | {"born": 1953}).encode())
    ),
    "not a workbook": lambda folder: _write(folder / "payments.xlsx", "id,loan_no\n"),
    "an old or locked workbook": lambda folder: _write(
        folder / "payments.xlsx", bytes.fromhex("d0cf11e0a1b11ae1") + bytes(512)
    ),
    "the sheet is called otherwise": _payments(*PAYMENTS, sheet="Sheet1"),
    "the header has an empty or merged cell": _payments([None, *PAYMENTS[0]], [None, *PAYMENTS[1]]),
    "a formula that was never calculated": _payments(PAYMENTS[0], ["P1", "B1", "2024-04-30", "in", "=1000+30"]),
    "a number too long for Excel": _payments(PAYMENTS[0], [1234567890123456, "B1", "2024-04-30", "in", "1.00"]),
    "an error of Excel": _payments(PAYMENTS[0], ["P1", "#N/A", "2024-04-30", "in", "1.00"]),
    "not Parquet": lambda folder: _write(folder / "plan.parquet", "x"),
    "a Parquet column of another type": _plan(due=[True, False]),
    "a number too long for a float of Parquet": _plan(loan_no=[202401010000000123.0, None]),
    "an operation that the contract does not know": _plan(op=["X", "I"]),
    "a change from the future": _plan(at=["2024-06-30T10:00:00+02:00"] * 2),
    "no marker": _unlink("_DONE"),
}  # fmt: skip


# ── wrong set-up ─────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Ground:
    """A newcomer's machine: contracts and landing below `home`, an environment to change, the command line."""

    home: Path
    patch: pytest.MonkeyPatch
    arrears: CommandLine

    @property
    def contract(self) -> Path:
        return self.home / "lenders" / LENDER / "datapackage.yaml"

    @property
    def day(self) -> Path:
        return self.home / "landing" / LENDER / DAY.isoformat()

    def set(self, name: str, value: str) -> None:
        self.patch.setenv(name, value)
        settings.cache_clear()

    def unset(self, name: str) -> None:
        self.patch.delenv(name, raising=False)
        settings.cache_clear()

    def command(self, *arguments: str) -> list[str]:
        """What a command says on standard error, without the word before it."""
        return self.arrears(*arguments).err.removeprefix("error: ").splitlines()

    def check(self, lender: str = LENDER, day: dt.date = DAY) -> list[str]:
        """What `arrears check` says: every fault, or the one error that ends it."""
        try:
            return [str(fault) for fault in pipeline.check(lender, day, url=settings().url(Role.LOADER)).faults]
        except ArrearsError as error:
            return str(error).split("\n  - ")


def _with_environment(**variables: str) -> Callable[[Ground], list[str]]:
    def said(ground: Ground) -> list[str]:
        for name, value in variables.items():
            ground.set(name, value)
        return ground.check()

    return said


def _twice(ground: Ground) -> list[str]:
    (ground.contract.parent / "datapackage.newer.yaml").write_text(CONTRACT)
    return ground.check()


def _without(name: str) -> Callable[[Ground], list[str]]:
    def said(ground: Ground) -> list[str]:
        ground.unset(name)
        return ground.check()

    return said


def _no_delivery(ground: Ground) -> list[str]:
    return ground.command("run", "--date", "2031-01-01")


def _sample(name: str, content: bytes | None) -> Callable[[Ground], list[str]]:
    def said(ground: Ground) -> list[str]:
        path = ground.home / "samples" / name
        path.parent.mkdir(exist_ok=True)
        if content is not None:
            path.write_bytes(content)
        return ground.command("onboard", str(path))

    return said


def _drafted_twice(ground: Ground) -> list[str]:
    sample = ground.home / "samples" / "loans.csv"
    sample.parent.mkdir(exist_ok=True)
    _write(sample, loans_text(DAY))
    return ground.command("onboard", str(sample), "--lender", LENDER, "--out", str(ground.home / "lenders"))


SETTINGS: dict[str, Callable[[Ground], list[str]]] = {
    "a lender without a contract": lambda ground: ground.check("boreal"),
    "a day before the first contract": lambda ground: ground.check(day=dt.date(2023, 12, 31)),
    "two contracts from one day": _twice,
    "files lie elsewhere": _with_environment(ARREARS_LANDING="/nowhere"),
    "a landing that fsspec does not know": _with_environment(ARREARS_LANDING="ftps4://host/landing"),
    "no key for personal data": _with_environment(ARREARS_PII_KEY=""),
    "no warehouse": _without("ARREARS_WAREHOUSE_URL"),
    "no password for a role": _without("ARREARS_LOADER_PASSWORD"),
    "the warehouse is not running": _with_environment(ARREARS_WAREHOUSE_URL="postgresql://me:secret@127.0.0.1:9/db"),
    "the warehouse's URL is none": _with_environment(ARREARS_WAREHOUSE_URL="where it is"),
    "no delivery on the day": _no_delivery,
    "a sample that is not there": _sample("nowhere.csv", None),
    "a sample without content": _sample("nothing.csv", b""),
    "a sample in no format that we read": _sample("picture.csv", bytes(range(256))),
    "a sample that is a JSON array": _sample("array.json", b"[1]"),
    "a contract is there already": _drafted_twice,
}


# ── what is said ─────────────────────────────────────────────────────────────────────────────────────────


def said_of_contract(situation: str, folder: Path) -> list[str]:
    """What reading a contract with this fault says."""
    old, new = CONTRACTS[situation]
    assert old in CONTRACT, old
    path = folder / LENDER / "datapackage.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(CONTRACT.replace(old, new, 1))
    try:
        read_contract(path)
    except ArrearsError as error:
        return str(error).split("\n  - ")
    return []


def prepare(home: Path) -> None:
    """The contract, and an accepted delivery of the day before."""
    contract = home / "lenders" / LENDER / "datapackage.yaml"
    contract.parent.mkdir(parents=True, exist_ok=True)
    contract.write_text(CONTRACT)
    deliver(home / "landing" / LENDER / EVE.isoformat())
    url = settings().url(Role.LOADER)
    loaded = pipeline.load(LENDER, EVE, url=url)
    pipeline.gate_delivery(loaded.delivery_id, url=url)
