"""The report of a book of a million loans: time, and memory of the process that writes it.

    make run && .venv/bin/python benchmarks/report.py --loans 1000000

A report reads no loan, only marts. So the marts of the newest publication of the warehouse here are copied into a
database of its own and made as large as that book's: so many products, with all their days, buckets and cohorts, and
a warning for one loan in ten. Then the report is written from it, several times, each in a process of its own.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

import psycopg2
from psycopg2 import sql

DATABASE = "arrears_benchmark"
PRODUCTS = 12  # of each lender's products, so many alike
GROWN = """
insert into published.{mart} ({columns})
select {values} from published.{mart} cross join generate_series(2, {times}) as copies (number)
where superseded_in is null
"""


def grow(owner: str, loans: int) -> dict[str, int]:
    """Make the marts as large as those of so many loans. Returns rows of each mart that grew."""
    connection = psycopg2.connect(owner)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(
            "select table_name, string_agg(column_name, ',' order by ordinal_position) from information_schema.columns "
            "where table_schema = 'published' group by table_name"
        )
        columns = {mart: names.split(",") for mart, names in cursor.fetchall()}
        grown = {mart: PRODUCTS for mart, names in columns.items() if mart.startswith("mart_") and "product" in names}
        for mart, times in grown.items():
            _copy(cursor, mart, columns[mart], "product", times)
        cursor.execute("select count(*) from published.mart_early_warning where superseded_in is null")
        times = 1 + loans // 10 // cursor.fetchone()[0]
        _copy(cursor, "mart_early_warning", columns["mart_early_warning"], "loan_id", times)
        cursor.execute("analyze")
        rows = {}
        for mart in (*grown, "mart_early_warning"):
            cursor.execute(sql.SQL("select count(*) from published.{}").format(sql.Identifier(mart)))
            rows[mart] = cursor.fetchone()[0]
    connection.close()
    return rows


def _copy(cursor: psycopg2.extensions.cursor, mart: str, columns: list[str], varied: str, times: int) -> None:
    """The rows of a mart so many times, told apart by one column."""
    values = [
        sql.SQL("{} || '-' || copies.number").format(sql.Identifier(name)) if name == varied else sql.Identifier(name)
        for name in columns
    ]
    cursor.execute(
        sql.SQL(GROWN).format(
            mart=sql.Identifier(mart),
            columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
            values=sql.SQL(", ").join(values),
            times=sql.Literal(times),
        )
    )


def report_once(url: str) -> None:
    """In a process of its own, so that its memory can be told. Prints seconds and the peak in MiB."""
    from arrears import report
    from arrears.settings import settings

    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        report.write(url=url, definitions=settings().dashboards / "report", reports=folder)
        seconds = time.perf_counter() - began
    print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--loans", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--one-report-of", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one_report_of:
        report_once(options.one_report_of)
        return

    from arrears.settings import Role, settings
    from arrears.warehouse.address import Address

    owner = settings().owner()
    connection = psycopg2.connect(owner.to("postgres").url())
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(f"drop database if exists {DATABASE} with (force)")
        cursor.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [owner.database])
        cursor.execute(
            sql.SQL("create database {} template {}").format(sql.Identifier(DATABASE), sql.Identifier(owner.database))
        )
        cursor.execute(f"grant connect on database {DATABASE} to arrears_reader")
    try:
        rows = grow(owner.to(DATABASE).url(), options.loans)
        url = Address.parse(settings().url(Role.READER)).to(DATABASE).url()
        command = [sys.executable, __file__, "--one-report-of", url]
        told = [subprocess.check_output(command, text=True, env=os.environ).split() for _ in range(options.times)]
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"drop database if exists {DATABASE} with (force)")
        connection.close()
    print(f"{sum(rows.values()):,} rows in {len(rows)} marts, as of {options.loans:,} loans")
    print(f"report: {statistics.median(float(seconds) for seconds, _ in told):.1f} s, median of {options.times}")
    print(f"memory of the process at its peak: {max(float(peak) for _, peak in told):.0f} MiB")


if __name__ == "__main__":
    main()
