"""A day's run by the length of the history behind it, and against building all of it anew."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

from .place import LAST, Place, Ran, place, start
from .table import Figure

STEPS = {"load": "load", "gate delivery": "load", "build": "build", "gate candidate": "gate", "publish": "publish",
         "report": "report"}  # fmt: skip
APPROVED = ("--approved-by", "benchmark")  # a small book has warnings
SPENT = """
select step, cast(sum(extract(epoch from finished_at - started_at)) as float8) from ops.step_run
where step_run_id > %s group by step
"""


def measured(loans: int, histories: Sequence[int], times: int) -> Iterator[Figure]:
    """The figures of a day, for every number of months delivered before it.

    A lender's first delivery carries what it lent in the eighteen months before, so that much comes on top.
    """
    shortest: Figure | None = None
    for months in histories:
        with place() as there:
            whole = _first_publication(there, loans, months)
            runs = [_day(there, loans, months, LAST + dt.timedelta(days=number)) for number in range(1, times + 1)]
        part = f"a day, {months} months"
        built = Figure(part, "the whole history: build to publication", "s", [sum(whole.values())])
        yield built
        day = Figure(
            part, "deliveries to publication and report", "s", [sum(spent.values()) for _, spent in runs], shortest
        )
        shortest = shortest or Figure(f"{months} months", f"that of {months} months", "s", day.measured)
        yield day
        for step in dict.fromkeys(STEPS.values()):
            yield Figure(part, f"– {step}", "s", [spent[step] for _, spent in runs])
        yield Figure(part, "with the start of the command", "s", [ran.seconds for ran, _ in runs])
        yield Figure(part, "memory of the largest process", "MiB", [ran.memory for ran, _ in runs])


def _first_publication(there: Place, loans: int, months: int) -> dict[str, float]:
    """Publish the book as of the last day of its history. Returns seconds of building, judging and publishing it."""
    there.history(months, loans)
    before = _newest(there)
    for words in (("build", "--date", f"{LAST}"), ("gate",), ("publish", *APPROVED)):
        there.run(*words)
    return _spent(there, before)


def _day(there: Place, loans: int, months: int, day: dt.date) -> tuple[Ran, dict[str, float]]:
    there.simulate(start(months), day, loans, "--every", "month", "--write-from", f"{day}")
    before = _newest(there)
    return there.run("run", "--date", f"{day}", *APPROVED), _spent(there, before)


def _newest(there: Place) -> int:
    return int(there.rows("select coalesce(max(step_run_id), 0) from ops.step_run")[0][0])


def _spent(there: Place, since: int) -> dict[str, float]:
    """Seconds by step of what is on the run log since."""
    spent = dict.fromkeys(STEPS.values(), 0.0)
    for step, seconds in there.rows(SPENT, (since,)):
        spent[STEPS[step]] += seconds
    return spent
