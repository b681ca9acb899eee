"""A day's run by the length of the history behind it, by how many loans it touches, and against building all anew.

The same number of loans has been lent whatever the length of the history, so that nothing but its length differs. What
a day costs on which hardly anything happens is measured first, with a handful of loans.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .place import LAST, Place, Ran, place, start
from .table import Figure

BEFORE = 18  # months for which a lender has lent when its history begins; its first delivery carries them
A_HANDFUL = 20  # of each lender
AT_ONCE = (7, 20)  # days that come together touch more loans than one does; all within a month, as they are simulated
STEPS = {"load": "load", "gate delivery": "load", "build": "build", "gate candidate": "gate", "publish": "publish",
         "report": "report"}  # fmt: skip
APPROVER = "benchmark"  # a small book has warnings
APPROVED = ("--approved-by", APPROVER)
SPENT = """
select step, cast(sum(extract(epoch from finished_at - started_at)) as float8) from ops.step_run
where step_run_id > %s group by step
"""


TOUCHED = "select count(*) from staging.stg_touched_loan"
LENT = "select count(*) from published.dim_loan where superseded_in is null"


def measured(loans: int, histories: Sequence[int], times: int) -> Iterator[Figure]:
    """The figures of a day, for every number of months delivered before it, and of days at once after the longest.

    loans: lent by each lender until the day.
    """
    yield from _fixed_cost(times)
    shortest: Figure | None = None
    for months in histories:
        with place() as there:
            part, pace = f"a day, {months} months", round(loans * BEFORE / (BEFORE + months))
            whole = _first_publication(there, pace, months)
            lent = there.rows(LENT)[0][0]
            yield Figure(part, f"all of {lent:,} loans: build to publication", "s", [sum(whole.values())])
            day = LAST
            runs = [_day(there, pace, months, day := day + dt.timedelta(days=1)) for _ in range(times)]
            took = Figure(part, "deliveries to publication and report", "s", [run.spent for run in runs], shortest)
            shortest = shortest or Figure(f"{months} months", f"that of {months} months", "s", took.measured)
            yield took
            yield from _of_runs(part, runs)
            if months == max(histories):
                for days in AT_ONCE:
                    run = _day(there, pace, months, day := day + dt.timedelta(days=days))
                    yield Figure(part, f"{days} days at once, {run.touched:,} loans touched", "s", [run.spent], took)


def _fixed_cost(times: int) -> Iterator[Figure]:
    with place() as there:
        _first_publication(there, A_HANDFUL, 1)
        part, day = f"a day of {there.rows(LENT)[0][0]:,} loans", LAST
        runs = [_day(there, A_HANDFUL, 1, day := day + dt.timedelta(days=1)) for _ in range(times)]
        yield Figure(part, "deliveries to publication and report", "s", [run.spent for run in runs])
        yield Figure(part, "with the start of the command", "s", [run.ran.seconds for run in runs])
        through_dags = []
        for _ in range(times + 1):
            day += dt.timedelta(days=1)
            there.simulate(start(1), day, A_HANDFUL, "--every", "month", "--write-from", f"{day}")
            through_dags.append(there.run_dags(day, APPROVER).seconds)
        yield Figure(part, "through Airflow's DAGs, with its start", "s", through_dags[1:])


@dataclass(frozen=True)
class Day:
    """A day's run. steps: seconds of each, without those of starting a process. touched: loans that it recomputed."""

    ran: Ran
    steps: dict[str, float]
    touched: int

    @property
    def spent(self) -> float:
        return sum(self.steps.values())


def _of_runs(part: str, runs: Sequence[Day]) -> Iterator[Figure]:
    for step in dict.fromkeys(STEPS.values()):
        yield Figure(part, f"– {step}", "s", [run.steps[step] for run in runs])
    yield Figure(part, "with the start of the command", "s", [run.ran.seconds for run in runs])
    yield Figure(part, "memory of the largest process", "MiB", [run.ran.memory for run in runs])
    yield Figure(part, "touched", "loans", [run.touched for run in runs])


def _first_publication(there: Place, pace: int, months: int) -> dict[str, float]:
    """Publish the book as of the last day of its history. Returns seconds of building, judging and publishing it."""
    there.history(months, pace)
    before = _newest(there)
    for words in (("build", "--date", f"{LAST}"), ("gate",), ("publish", *APPROVED)):
        there.run(*words)
    return _spent(there, before)


def _day(there: Place, pace: int, months: int, day: dt.date) -> Day:
    there.simulate(start(months), day, pace, "--every", "month", "--write-from", f"{day}")
    before = _newest(there)
    ran = there.run("run", "--date", f"{day}", *APPROVED)
    return Day(ran, _spent(there, before), int(there.own(TOUCHED)[0][0]))


def _newest(there: Place) -> int:
    return int(there.rows("select coalesce(max(step_run_id), 0) from ops.step_run")[0][0])


def _spent(there: Place, since: int) -> dict[str, float]:
    """Seconds by step of what is on the run log since."""
    spent = dict.fromkeys(STEPS.values(), 0.0)
    for step, seconds in there.rows(SPENT, (since,)):
        spent[STEPS[step]] += seconds
    return spent
