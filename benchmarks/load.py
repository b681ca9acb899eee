"""Loading a payments file against a bare COPY of the same bytes, in one run.

    .venv/bin/python benchmarks/load.py --rows 5000000

Writes a delivery of a lender made for the purpose, loads it through the package (hash, contract, rules, typed rows,
registry; without the delivery gate) and copies the same file into an unlogged all-text table, in turn, several times,
on an embedded server of its own. Prints medians, their ratio, and the memory of the loading process.

The file has every column that a canonical payment has, or with `--shape narrow` the eight of a lender that does not
split its payments: there a bare COPY has less to do, and what every row of ours carries weighs more. With
`--format jsonl` or `parquet` the same rows are loaded from such a file; the bare COPY reads them as CSV all the same.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psycopg2
import pyarrow.csv as arrow_csv
from pyarrow import parquet

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
DAY = dt.date(2024, 3, 31)


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


def load_once(home: Path, rows: int) -> None:
    """In a process of its own, so that its memory can be told. Prints seconds and the peak in MiB."""
    from arrears.contract import read_contract
    from arrears.delivery import Delivery
    from arrears.load import load
    from arrears.settings import Role, Settings

    settings = Settings(home=home)
    delivery = Delivery(read_contract(home / "lenders/benchmark/datapackage.yaml"), DAY, str(home / "landing"))
    began = time.perf_counter()
    result = load(delivery, url=settings.url(Role.LOADER), pii_key=lambda: b"")
    seconds = time.perf_counter() - began
    assert (result.rows, result.rejected) == (rows, 0)
    print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def measure(home: Path, options: argparse.Namespace) -> tuple[list[float], list[float], float]:
    """Seconds of bare copies, seconds of loads, and the largest peak of memory in MiB."""
    from arrears.settings import Role, Settings

    url = Settings(home=home).url(Role.LOADER)
    path = home / "landing" / "benchmark" / f"{DAY}" / f"payments_{DAY:%Y%m%d}.csv"
    write_file(path, options.shape, options.rows)
    rewritten(path, options.format)
    written = home / "lenders" / "benchmark" / "datapackage.yaml"
    written.parent.mkdir(parents=True)
    ours, bare, memory = [], [], 0.0
    for number in range(options.times):
        written.write_text(contract(options.shape, options.format) + f"# {number}\n")  # another contract: a new version
        bare.append(bare_copy(url, path, options.shape))
        command = [sys.executable, __file__, "--one-load-in", str(home), "--rows", str(options.rows)]
        seconds, peak = subprocess.check_output(command, text=True).split()
        ours.append(float(seconds))
        memory = max(memory, float(peak))
    return bare, ours, memory


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--shape", choices=sorted(COLUMNS), default="full")
    parser.add_argument("--format", choices=["csv", "jsonl", "parquet"], default="csv")
    parser.add_argument("--one-load-in", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one_load_in:
        load_once(options.one_load_in, options.rows)
        return
    home = Path(tempfile.mkdtemp(prefix="arrears-benchmark-"))
    os.environ["ARREARS_HOME"] = str(home)

    from arrears.settings import Settings
    from arrears.warehouse.embedded import EmbeddedServer
    from arrears.warehouse.provision import provision

    server = EmbeddedServer(home)
    try:
        server.up()
        provision(Settings(home=home))
        bare, ours, memory = measure(home, options)
    finally:
        server.down()
        shutil.rmtree(home)
    copied, loaded = statistics.median(bare), statistics.median(ours)
    print(f"{options.rows:,} rows, {options.shape}, {options.format}: bare COPY {copied:.2f} s, loading {loaded:.2f} s")
    print(f"ratio of the medians of {options.times}: {loaded / copied:.2f}")
    print(f"memory of the loading process at its peak: {memory:.0f} MiB")


if __name__ == "__main__":
    main()
