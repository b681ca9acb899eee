"""Loading a payments file, against a bare COPY of the same bytes and against dlt, in one run.

A delivery of a lender made for the purpose is loaded through the package (hash, contract, rules, typed rows, registry;
without the delivery gate) and the same file is copied into an unlogged all-text table, in turn, several times.

The file has every column that a canonical payment has, or the eight of a lender that does not split its payments: there
a bare COPY has less to do, and what every row of ours carries weighs more. The same rows are loaded from JSON Lines and
Parquet, too; the bare COPY reads them as CSV all the same.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psycopg2
import pyarrow.csv as arrow_csv
from pyarrow import parquet

from arrears.settings import Role, Settings

from .place import Place, place, timed
from .table import Figure

ROOT = Path(__file__).resolve().parents[1]
DLT = str(ROOT / ".venv-bench" / "bin" / "python")
HEAD = """
name: benchmark
arrears:
  effective_from: 2020-01-01
  names: {en: Benchmark}
  currency: CNY
  timezone: Asia/Shanghai
resources:
  - name: payments
    path: payments.@
    format: "@"
    schema:
      primaryKey: [id]
      fields:
        - {name: id, constraints: {required: true}, arrears: {field: payment_id}}
        - {name: loan, constraints: {required: true}, arrears: {field: loan_id}}
"""
TAIL = """
        - {name: kind, arrears: {field: kind, values: {R: repayment, P: prepayment}}}
        - {name: reverses, arrears: {field: reverses_payment_id}}
        - {name: channel, arrears: {field: channel}}
    arrears: {file: "payments_{date:%Y%m%d}.@", entity: payment, mode: append}
"""
COLUMNS = {
    "full": """
        - {name: "no", type: integer, constraints: {minimum: 1}, arrears: {field: instalment_no}}
        - {name: value_day, type: date, constraints: {required: true}, arrears: {field: value_on}}
        - {name: posted_day, type: date, arrears: {field: posted_on}}
        - {name: amount, type: number, constraints: {minimum: 0.01}, arrears: {field: amount}}
        - {name: principal, type: number, arrears: {field: principal}}
        - {name: interest, type: number, arrears: {field: interest}}
        - {name: fee, type: number, arrears: {field: fee}}
        - {name: penalty, type: number, arrears: {field: penalty}}
""",
    "narrow": """
        - {name: value_day, type: date, format: "%Y%m%d", constraints: {required: true}, arrears: {field: value_on}}
        - {name: posted_day, type: date, format: "%Y%m%d", arrears: {field: posted_on}}
        - {name: amount, type: integer, constraints: {minimum: 1}, arrears: {field: amount, unit: fen}}
""",
}
HEADERS = {
    "full": "id,loan,no,value_day,posted_day,amount,principal,interest,fee,penalty,kind,reverses,channel",
    "narrow": "id,loan,value_day,posted_day,amount,kind,reverses,channel",
}
LENDER, DAY = "benchmark", dt.date(2024, 3, 31)


def contract(shape: str, form: str) -> str:
    return (HEAD.rstrip() + COLUMNS[shape].rstrip() + TAIL).replace("@", form)


def rewritten(path: Path, form: str) -> None:
    """The same rows in another format, beside the file."""
    reader = arrow_csv.open_csv(path, convert_options=arrow_csv.ConvertOptions(strings_can_be_null=True))
    target = path.with_suffix(f".{form}")
    if form == "parquet":
        with parquet.ParquetWriter(target, reader.schema) as sink:
            for batch in reader:
                sink.write_batch(batch)
    elif form == "jsonl":
        with target.open("w") as sink:
            for batch in reader:
                sink.writelines(json.dumps(row, default=str) + "\n" for row in batch.to_pylist())


def line(shape: str, number: int, loan: int, fen: int) -> str:
    if shape == "narrow":
        return f"P{number:010},L{loan:08},20240331,20240331,{fen},R,,bank\n"
    whole, rest = divmod(fen, 100)
    return (
        f"P{number:010},L{loan:08},{number % 12 + 1},2024-03-31,2024-03-31,{whole + 11}.{rest:02},{whole}.{rest:02},"
        "8.50,0.50,2.00,R,,bank\n"
    )


def write_file(path: Path, shape: str, rows: int) -> None:
    random = np.random.Generator(np.random.PCG64(1))
    path.parent.mkdir(parents=True)
    with path.open("w") as sink:
        sink.write(HEADERS[shape] + "\n")
        for begin in range(0, rows, 100_000):
            numbers = range(begin, min(begin + 100_000, rows))
            loans = random.integers(0, 1_000_000, len(numbers))
            amounts = random.integers(1, 500_000, len(numbers))
            sink.writelines(line(shape, *values) for values in zip(numbers, loans, amounts, strict=True))


def bare_copy(url: str, path: Path, shape: str) -> float:
    columns = ", ".join(f"c{number} text" for number in range(HEADERS[shape].count(",") + 1))
    connection = psycopg2.connect(url)
    with connection.cursor() as cursor, path.open("rb") as source:
        cursor.execute(f"create unlogged table raw.bare ({columns})")
        began = time.perf_counter()
        cursor.copy_expert("copy raw.bare from stdin with (format csv, header true)", source, size=1 << 20)
        seconds = time.perf_counter() - began
    connection.rollback()
    connection.close()
    return seconds


def with_dlt(owner: str, path: Path) -> float:
    """Seconds of dlt's, in an environment of its own. It makes and replaces a schema, so it comes as the owner."""
    env = os.environ | {"BENCHMARK_URL": owner}
    said = subprocess.check_output([DLT, "benchmarks/peers/with_dlt.py", str(path)], text=True, cwd=ROOT, env=env)
    return float(said.split()[-1])


def load_once(home: Path, rows: int) -> float:
    """Seconds of loading the delivery that lies there, which has so many rows."""
    from arrears.contract import read_contract
    from arrears.delivery import Delivery
    from arrears.load import load

    settings = Settings(home=home)
    delivery = Delivery(read_contract(descriptor(home)), DAY, str(home / "landing"))
    began = time.perf_counter()
    result = load(delivery, url=settings.url(Role.LOADER), pii_key=lambda: b"")
    seconds = time.perf_counter() - began
    assert (result.rows, result.rejected) == (rows, 0)
    return seconds


def deliver(home: Path, shape: str, form: str, rows: int, day: dt.date = DAY) -> Path:
    """Write a delivery. Returns its rows as CSV."""
    path = home / "landing" / LENDER / f"{day}" / f"payments_{day:%Y%m%d}.csv"
    write_file(path, shape, rows)
    rewritten(path, form)
    return path


def descriptor(home: Path) -> Path:
    return home / "lenders" / LENDER / "datapackage.yaml"


def agree(home: Path, shape: str, form: str, version: int) -> None:
    """Write the contract. With another one, the same files are a new version of their delivery."""
    path = descriptor(home)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(contract(shape, form) + f"# {version}\n")


def measured(rows: int, times: int) -> Iterator[Figure]:
    """The figures of loading so many payments."""
    for shape, forms in {"full": ("csv", "parquet", "jsonl"), "narrow": ("csv",)}.items():
        for form in forms:
            with place() as there:
                yield from _measured(there, shape, form, rows, times)


def _measured(there: Place, shape: str, form: str, rows: int, times: int) -> Iterator[Figure]:
    path = deliver(there.home, shape, form, rows)
    ours, bare, memory, theirs = [], [], [], []
    for number in range(times):
        agree(there.home, shape, form, number)
        bare.append(bare_copy(there.settings.url(Role.LOADER), path, shape))
        ran = timed([sys.executable, "-m", "benchmarks.load", str(there.home), str(rows)])
        ours.append(float(ran.result))
        memory.append(ran.memory)
        if (shape, form) == ("full", "csv"):
            theirs.append(with_dlt(there.settings.owner().url(), path))
    part = f"load {rows:,} payments, {form}, {len(HEADERS[shape].split(','))} columns"
    copied = Figure(part, "a bare COPY", "s", bare)
    yield copied
    yield Figure(part, "arrears", "s", ours, copied)
    yield Figure(part, "arrears, memory of the process", "MiB", memory)
    if theirs:
        yield Figure(part, "dlt", "s", theirs, copied)


if __name__ == "__main__":  # in a process of its own, so that its memory can be told
    print(load_once(Path(sys.argv[1]), int(sys.argv[2])))
