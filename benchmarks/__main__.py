"""Measure, side by side in one run, and write a table.

make bench                                   # all parts, small
make bench ARGUMENTS="day --loans 200000 --months 3 --months 24"
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

from . import build, day, engines, gate, load, publication, report, size
from .machine import described
from .table import Figure, written

PARTS: dict[str, Callable[[argparse.Namespace], Iterator[Figure]]] = {
    "load": lambda options: load.measured(options.rows, options.times),
    "day": lambda options: day.measured(options.loans, options.months, options.copies, options.times),
    "build": lambda options: build.measured(
        options.loans, options.months, options.copies, options.times, options.most_rows
    ),
    "engines": lambda options: engines.measured(
        options.loans, max(options.months), options.young, options.copies, options.times
    ),
    "publication": lambda options: publication.measured(options.published_rows, options.times),
    "gate": lambda options: gate.measured(options.rows, options.loans, options.times),
    "report": lambda options: report.measured(options.report_loans, options.times),
    "size": lambda options: size.measured(options.loans, max(options.months)),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="make bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"which to measure: {', '.join(PARTS)}; default: all")
    parser.add_argument(
        "--loans",
        type=int,
        default=2_000,
        help="of a lender in the 18 months before the first day (day: until the day)",
    )
    parser.add_argument(
        "--copies",
        type=int,
        default=1,
        help="day, build, engines: how often every loan is told, for a large book in little time",
    )
    parser.add_argument(
        "--young",
        type=int,
        metavar="MONTHS",
        help="engines: only loans lent in so many months, for they take less disk",
    )
    parser.add_argument("--rows", type=int, default=1_000_000, help="payments of the file that is loaded or judged")
    parser.add_argument(
        "--months", type=int, action="append", help="delivered before the day; may be given several times"
    )
    parser.add_argument(
        "--most-rows", type=int, default=10_000_000, help="of a row per loan and day; above, on a share of the loans"
    )
    parser.add_argument("--published-rows", type=int, default=500_000, help="of the marts of which a share is changed")
    parser.add_argument("--report-loans", type=int, default=1_000_000, help="the report is as large as that of so many")
    parser.add_argument("--times", type=int, default=3, help="how often everything is measured")
    parser.add_argument("--out", type=Path, help="a file to write the table to as well")
    options = parser.parse_args()
    options.months = options.months or [3, 12, 24]
    figures: list[Figure] = []
    for part in options.parts or PARTS:
        for figure in PARTS[part](options):
            print(f"{figure.part}: {figure.what}: {figure.median:.2f} {figure.unit}", flush=True)
            figures.append(figure)
    table = "\n".join([*(f"- {line}" for line in described()), "", written(figures), ""])
    print(f"\n{table}")
    if options.out:
        options.out.write_text(table)


if __name__ == "__main__":
    main()
