"""Judging deliveries by their rows, and candidates by theirs, each in a process of its own.

Most of a small one is starting Great Expectations and writing its pages, which every judgement pays anew.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator

from psycopg2.sql import SQL, Identifier

from .load import DAY, LENDER, agree, deliver
from .place import LAST, Place, place
from .table import Figure

SHAPE, FORM = "full", "csv"
MONTHS = 3


def measured(rows: int, loans: int, times: int) -> Iterator[Figure]:
    """The figures of deliveries of a hundredth, a tenth and all of so many payments, and of books of a quarter and all
    of so many loans of each lender."""
    with place() as there:
        yield from _deliveries(there, [max(1, rows // 100), max(1, rows // 10), rows], times)
    smallest: Figure | None = None
    for size in (max(1, loans // 4), loans):
        with place() as there:
            figure, memory = _candidate(there, size, times, smallest)
        smallest = smallest or Figure(figure.part, figure.what, figure.unit, figure.measured)
        yield figure
        yield memory


def _deliveries(there: Place, sizes: list[int], times: int) -> Iterator[Figure]:
    os.environ["ARREARS_LENDERS"] = str(there.home / "lenders")  # as long as the place is there
    smallest: Figure | None = None
    for number, rows in enumerate(sizes):
        day = DAY + dt.timedelta(days=number)
        deliver(there.home, SHAPE, FORM, rows, day)
        seconds, memory = [], []
        for version in range(times):
            agree(there.home, SHAPE, FORM, version)
            delivery_id = there.step("load", LENDER, day).result
            memory.append(there.step("gate_delivery", delivery_id).memory)
            seconds.append(there.took("gate delivery"))
        figure = Figure("gate, delivery", f"{rows:,} payments", "s", seconds, smallest)
        smallest = smallest or Figure(figure.part, figure.what, figure.unit, seconds)
        yield figure
        yield Figure("gate, delivery", f"{rows:,} payments, memory of the process", "MiB", memory)


def _candidate(there: Place, loans: int, times: int, smallest: Figure | None) -> tuple[Figure, Figure]:
    """Of a candidate that there is a publication to hold against: seconds and memory."""
    there.history(MONTHS, loans)
    there.publish(LAST)
    build_id = there.step("build", LAST).result
    seconds, memory = [], []
    for _ in range(times):
        memory.append(there.step("gate_candidate", build_id).memory)
        seconds.append(there.took("gate candidate"))
    what = f"{_rows(there):,} rows of marts"
    return (
        Figure("gate, candidate", what, "s", seconds, smallest),
        Figure("gate, candidate", f"{what}, memory of the process", "MiB", memory),
    )


def _rows(there: Place) -> int:
    marts = there.rows("select mart from ops.build_mart where build_id = (select max(build_id) from ops.build)")
    count = SQL("select count(*) from {}")
    return sum(there.rows(count.format(Identifier("candidate", mart)))[0][0] for (mart,) in marts)
