"""A day's run by the length of the history behind it, by how many loans it touches, and against building all anew.

The same number of loans has been lent whatever the length of the history, so that nothing but its length differs. What
a day costs on which hardly anything happens is measured first, with a handful of loans.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .grown import multiply_received
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


@dataclass(frozen=True)
class Book:
    """Deliveries of a history and the days after it.

    Attributes:
        pace: what each lender lends in eighteen months. months: of deliveries before the first day.
        copies: how often every loan is told.
    """

    there: Place
    pace: int
    months: int
    copies: int = 1


def measured(loans: int, histories: Sequence[int], copies: int, times: int) -> Iterator[Figure]:
    """The figures of a day, for every number of months delivered before it, and of days at once after the longest.

    loans: lent by each lender until the day. copies: how often every loan is told; then what a day sends is loaded
    before it is copied, so that loading has no part in the times.
    """
    yield from _fixed_cost(times)
    shortest: Figure | None = None
    for months in histories:
        with place() as there:
            part = f"a day, {months} months"
            book = Book(there, round(loans * BEFORE / (BEFORE + months)), months, copies)
            whole = _first_publication(book)
            lent = there.rows(LENT)[0][0]
            yield Figure(part, f"all of {lent:,} loans: build to publication", "s", [sum(whole.values())])
            day = LAST
            runs = [_day(book, day := day + dt.timedelta(days=1)) for _ in range(times)]
            took = Figure(part, "deliveries to publication and report", "s", [run.spent for run in runs], shortest)
            shortest = shortest or Figure(f"{months} months", f"that of {months} months", "s", took.measured)
            yield took
            yield from _of_runs(part, runs)
            if months == max(histories):
                for days in AT_ONCE:
                    run = _day(book, day := day + dt.timedelta(days=days))
                    yield Figure(part, f"{days} days at once, {run.touched:,} loans touched", "s", [run.spent], took)


def _fixed_cost(times: int) -> Iterator[Figure]:
    with place() as there:
        book = Book(there, A_HANDFUL, 1)
        _first_publication(book)
        part, day = f"a day of {there.rows(LENT)[0][0]:,} loans", LAST
        runs = [_day(book, day := day + dt.timedelta(days=1)) for _ in range(times)]
        yield Figure(part, "deliveries to publication and report", "s", [run.spent for run in runs])
        yield Figure(part, "with the start of the command", "s", [run.ran.seconds for run in runs])
        through_dags = []
        for _ in range(times + 1):
            day += dt.timedelta(days=1)
            _simulate(book, day)
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


def _first_publication(book: Book) -> dict[str, float]:
    """Publish the book as of the last day of its history. Returns seconds of building, judging and publishing it."""
    there = book.there
    there.history(book.months, book.pace)
    multiply_received(there, book.copies)
    before = _newest(there)
    for words in (("build", "--date", f"{LAST}"), ("gate",), ("publish", *APPROVED)):
        there.run(*words)
    return _spent(there, before)


def _simulate(book: Book, day: dt.date) -> None:
    book.there.simulate(start(book.months), day, book.pace, "--every", "month", "--write-from", f"{day}")


def _day(book: Book, day: dt.date) -> Day:
    there = book.there
    _simulate(book, day)
    if book.copies > 1:
        ((last,),) = there.own("select max(delivery_id) from ops.delivery")
        there.load(day, day)
        multiply_received(there, book.copies, after=last)
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
