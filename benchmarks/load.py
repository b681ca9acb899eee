"""Loading a payments file against a bare COPY of the same bytes, in one run.

    .venv/bin/python benchmarks/load.py --rows 1000000

Writes a delivery of a lender made for the purpose, loads it through the package (contract, stage, rules, typed rows,
registry) and copies the same file into an unlogged all-text table, several times each, on an embedded server of its
own. Prints medians, their ratio and the memory of this process.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import resource
import shutil
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import psycopg2

CONTRACT = """
name: benchmark
arrears:
  effective_from: 2020-01-01
  names: {en: Benchmark}
  currency: CNY
  timezone: Asia/Shanghai
resources:
  - name: payments
    path: payments.csv
    schema:
      primaryKey: [id]
      fields:
        - {name: id, constraints: {required: true}, arrears: {field: payment_id}}
        - {name: loan, constraints: {required: true}, arrears: {field: loan_id}}
        - {name: value_day, type: date, format: "%Y%m%d", constraints: {required: true}, arrears: {field: value_on}}
        - {name: posted_day, type: date, format: "%Y%m%d", arrears: {field: posted_on}}
        - {name: kind, arrears: {field: kind, values: {R: repayment, P: prepayment}}}
        - {name: amount, type: integer, constraints: {minimum: 1}, arrears: {field: amount, unit: fen}}
        - {name: reverses, arrears: {field: reverses_payment_id}}
        - {name: channel, arrears: {field: channel}}
    arrears: {file: payments.csv, entity: payment, mode: append}
"""
DAY = dt.date(2024, 3, 31)


def write_file(path: Path, rows: int) -> None:
    random = np.random.Generator(np.random.PCG64(1))
    path.parent.mkdir(parents=True)
    with path.open("w") as sink:
        sink.write("id,loan,value_day,posted_day,kind,amount,reverses,channel\n")
        for begin in range(0, rows, 100_000):
            numbers = range(begin, min(begin + 100_000, rows))
            loans = random.integers(0, 1_000_000, len(numbers))
            amounts = random.integers(1, 500_000, len(numbers))
            sink.writelines(
                f"P{number:010},L{loan:08},20240331,20240331,R,{amount},,bank\n"
                for number, loan, amount in zip(numbers, loans, amounts, strict=True)
            )


def copy(url: str, path: Path) -> float:
    columns = ", ".join(f"c{number} text" for number in range(8))
    connection = psycopg2.connect(url)
    with connection.cursor() as cursor, path.open("rb") as source:
        cursor.execute(f"create unlogged table raw.bare ({columns})")
        began = time.perf_counter()
        cursor.copy_expert("copy raw.bare from stdin with (format csv, header true)", source, size=1 << 20)
        seconds = time.perf_counter() - began
    connection.rollback()
    connection.close()
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=3)
    options = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="arrears-benchmark-"))
    os.environ["ARREARS_HOME"] = str(home)

    from arrears.contract import read_contract
    from arrears.delivery import Delivery
    from arrears.load import load
    from arrears.settings import Role, Settings
    from arrears.warehouse.embedded import EmbeddedServer
    from arrears.warehouse.provision import provision

    server = EmbeddedServer(home)
    try:
        server.up()
        settings = Settings(home=home)
        provision(settings)
        contract = home / "lenders" / "benchmark" / "datapackage.yaml"
        contract.parent.mkdir(parents=True)
        contract.write_text(CONTRACT)
        url = settings.url(Role.LOADER)
        path = home / "landing" / "benchmark" / f"{DAY}" / "payments.csv"
        write_file(path, options.rows)
        ours, bare = [], []
        for number in range(options.times):
            bare.append(copy(url, path))
            contract.write_text(CONTRACT + f"# {number}\n")
            delivery = Delivery(read_contract(contract), DAY, str(home / "landing"))
            began = time.perf_counter()
            result = load(delivery, url=url, pii_key=lambda: b"")
            ours.append(time.perf_counter() - began)
            assert (result.rows, result.rejected) == (options.rows, 0)
    finally:
        server.down()
        shutil.rmtree(home)
    copied, loaded = statistics.median(bare), statistics.median(ours)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{options.rows:,} rows: bare COPY {copied:.2f} s, loading {loaded:.2f} s, ratio {loaded / copied:.2f}")
    print(f"memory of this process at its peak: {memory} MiB")


if __name__ == "__main__":
    main()
