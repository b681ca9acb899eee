"""Memory of every step, each in a process of its own as a task of Airflow's is, and disk by layer.

Of loads, the first delivery of every lender: what it lent in the eighteen months before comes with it.
A build's largest process is dbt's. The server's memory is not in it: that is configuration.
"""

from __future__ import annotations

import datetime as dt
import itertools
import sys
from collections import defaultdict
from collections.abc import Iterator

from arrears.contract import contract_for, lenders
from arrears.delivery import Delivery

from .place import LAST, Place, place, start, timed
from .table import Figure

DISK = """
select nspname, cast(sum(pg_total_relation_size(tables.oid)) as float8)
from pg_class as tables inner join pg_namespace on pg_namespace.oid = tables.relnamespace
where nspname = any(%s) and relkind in ('r', 'm') group by nspname
"""
LAYERS = ("raw", "staging", "intermediate", "candidate", "published")
LOAN_MONTHS = "select count(*) from published.fct_loan_month where superseded_in is null"


def measured(loans: int, months: int) -> Iterator[Figure]:
    """The figures of the book and of the day after it."""
    with place() as there:
        there.simulate(start(months), LAST, loans, "--every", "month")
        book = defaultdict[str, list[float]](list)
        for lender, day in _deliveries(there, start(months), LAST).items():
            _load(there, lender, day, book)
        timed([sys.executable, "-m", "benchmarks.history", f"{start(months)}", f"{LAST}"])  # the others
        _publish(there, LAST, book)
        loan_months = there.rows(LOAN_MONTHS)[0][0]
        yield from _memory(f"memory, {loan_months:,} loan-months, the first day", book)
        yield from _disk(there, loan_months)
        yield from _memory(f"memory, {loan_months:,} loan-months, the day after", _day_after(there, months, loans))


def _deliveries(there: Place, first: dt.date, last: dt.date) -> dict[str, dt.date]:
    """The first day that each lender delivered on, of those days."""
    own = there.settings
    days = [first + dt.timedelta(days=number) for number in range((last - first).days + 1)]
    found: dict[str, dt.date] = {}
    for name, day in itertools.product([known.lender for known in lenders(own.lenders)], days):
        if name not in found and Delivery(contract_for(own.lenders, name, day), day, own.landing).is_complete():
            found[name] = day
    return found


def _load(there: Place, lender: str, day: dt.date, memory: dict[str, list[float]]) -> None:
    loaded = there.step("load", lender, day)
    memory["load"].append(loaded.memory)
    memory["gate of a delivery"].append(there.step("gate_delivery", loaded.result).memory)


def _publish(there: Place, day: dt.date, memory: dict[str, list[float]]) -> None:
    built = there.step("build", day)
    memory["build"].append(built.memory)
    memory["gate of the candidate"].append(there.step("gate_candidate", built.result).memory)
    memory["publish"].append(there.step("publish", built.result).memory)
    memory["report"].append(there.step("report").memory)


def _day_after(there: Place, months: int, loans: int) -> dict[str, list[float]]:
    day = LAST + dt.timedelta(days=1)
    there.simulate(start(months), day, loans, "--every", "month", "--write-from", f"{day}")
    memory = defaultdict[str, list[float]](list)
    for lender in _deliveries(there, day, day):
        _load(there, lender, day, memory)
    _publish(there, day, memory)
    return memory


def _memory(part: str, memory: dict[str, list[float]]) -> Iterator[Figure]:
    """Of the largest process of every step."""
    for step, peaks in memory.items():
        yield Figure(part, step, "MiB", [max(peaks)])


def _disk(there: Place, loan_months: int) -> Iterator[Figure]:
    taken = dict(there.rows(DISK, [list(LAYERS)]))
    part = f"disk, {loan_months:,} loan-months"
    for layer in LAYERS:
        yield Figure(part, f"{layer}, of a loan-month", "bytes", [taken[layer] / loan_months])
    yield Figure(part, "all of it, of a loan-month", "bytes", [sum(taken.values()) / loan_months])
