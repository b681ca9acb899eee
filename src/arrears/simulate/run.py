"""Writes deliveries of invented lenders, each in its own layout, and beside them the truth about every loan.

The same arguments give the same bytes. Simulating a day longer gives the same deliveries and one more: so
`simulate(start=…, end=tomorrow, write_from=tomorrow)` writes tomorrow's.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from arrears.simulate import layouts
from arrears.simulate.book import Ints, day_date, day_number, draw_book
from arrears.simulate.engine import Simulation, month_ends
from arrears.simulate.faults import Injection, check_orders, inject, read_orders
from arrears.simulate.jobs import Progress, run_jobs
from arrears.simulate.scenarios import find as find_scenario
from arrears.simulate.schedule import Every, Schedule
from arrears.simulate.truth import write_truth
from arrears.simulate.writers import Landing


@dataclass(frozen=True)
class SimulatedLender:
    """What was written for one lender."""

    lender: str
    loans: int
    borrowers: int
    payments: int
    """Payment records delivered, history included."""
    deliveries: int
    files: int
    bytes: int
    month_ends: int
    """Month-ends in the truth."""


@dataclass(frozen=True)
class Simulated:
    """What was written."""

    start: date
    end: date
    seed: int
    lenders: tuple[SimulatedLender, ...]
    faults: tuple[Injection, ...] = ()


def lenders() -> list[str]:
    """The lenders that can be simulated, by name."""
    return layouts.names()


def simulate(
    *,
    start: date,
    end: date,
    loans: int,
    seed: int,
    landing: str | Path,
    truth: Path,
    lenders: Sequence[str] | None = None,
    faults: Sequence[str] = (),
    write_from: date | None = None,
    every: Every = "day",
    scenario: str | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Simulated:
    """Write deliveries from `start` to `end` for every lender, and the truth.

    loans: about how many each lender lent in the 18 months before `start`; it goes on lending at that pace.
    lenders: names; None for all there are.
    landing: folder or fsspec URL; files go to `<landing>/<lender>/<folder of the delivery>/`. Files there already
        are written over, others left alone.
    truth: folder; one Parquet file per lender and month-end (see `arrears.simulate.truth`) and `faults.json`. Files
        that a fault holds back go to `<truth>/withheld`.
    faults: `[lender:]fault[@YYYY-MM-DD]`, of `FAULTS`; without a day, on `end`.
    write_from: write deliveries from this day only (the days before are simulated all the same).
    every: "day" for a delivery a day; "month" for one at every month-end and on `end`, with everything since the
        one before.
    scenario: one of `scenario_names()`.
    workers: processes at once, one lender each; None for as many as the work and the machine warrant. They start
        afresh and import the caller's main module, so a script guards its own start by `__name__` or asks for 1. A
        landing in memory is always written by this process. The bytes are the same.

    Raises ValueError for arguments that make no sense, and OSError where files cannot be written.
    """
    chosen = list(dict.fromkeys(lenders)) if lenders is not None else layouts.names()
    span = _Span(start, end, max(start, write_from or start), loans, seed, every, scenario)
    _check(span)
    formats = {name: layouts.find(name).FORMAT for name in chosen}
    for name in chosen:
        find_scenario(scenario, name, layouts.find(name).PROFILE)
    orders = read_orders(faults, lenders=chosen, first=span.first_written, last=end)
    check_orders(orders, formats)

    jobs = [_Job(name, span, str(landing), truth) for name in chosen]
    written = run_jobs(_write_lender, jobs, workers=_workers(jobs, workers), progress=progress)

    landings = {name: (Landing(str(landing), name), form) for name, form in formats.items()}
    done = inject(orders, landings=landings, seed=seed, withheld=truth / "withheld")
    truth.mkdir(parents=True, exist_ok=True)
    listing = json.dumps([i.as_dict() for i in done], ensure_ascii=False, indent=2)
    (truth / "faults.json").write_text(listing + "\n", encoding="utf-8")
    return Simulated(start=start, end=end, seed=seed, lenders=tuple(written), faults=tuple(done))


@dataclass(frozen=True)
class _Span:
    start: date
    end: date
    first_written: date
    loans: int
    seed: int
    every: Every
    scenario: str | None


@dataclass(frozen=True)
class _Job:
    lender: str
    span: _Span
    landing: str
    truth: Path


def _check(span: _Span) -> None:
    if span.end < span.start:
        raise ValueError(f"the last day ({span.end}) is before the first ({span.start})")
    if span.loans < 1:
        raise ValueError(f"loans must be 1 or more, not {span.loans}")
    if span.seed < 0:
        raise ValueError(f"the seed must be 0 or more, not {span.seed}")
    if span.first_written > span.end:
        raise ValueError(
            f"nothing to write: the first day to write ({span.first_written}) is after the last ({span.end})"
        )
    if span.every not in ("day", "month"):
        raise ValueError(f"deliveries come every day or every month, not every {span.every!r}")


def _workers(jobs: Sequence[_Job], asked: int | None) -> int:
    """How many processes: one for little work, which starting others would only make longer."""
    if not jobs or jobs[0].landing.startswith("memory:"):
        return 1
    span = jobs[0].span
    little = len(jobs) * span.loans * ((span.end - span.start).days + 500) < _WORK_WORTH_A_PROCESS
    wanted = asked if asked is not None else 1 if little else os.cpu_count() or 1
    return max(1, min(wanted, len(jobs)))


_WORK_WORTH_A_PROCESS = 1_000_000
"""Loans times days."""


def _write_lender(job: _Job, progress: Progress | None) -> SimulatedLender:
    run, schedule, writer = _begun(job)
    place, write_from = Landing(job.landing, job.lender), day_number(job.span.first_written)
    ends = month_ends(run.first, run.end)
    ids = writer.loan_ids(0, len(run.book))
    payments = deliveries = 0
    touched: list[Ints] = []
    for day in run.run():
        # What happened before the first delivery goes into it.
        delivered = write_from <= day.delivered_on <= run.end
        writer.record(day, place if delivered else None)
        payments += len(day.payments) if delivered else 0
        touched.append(run.touched)
        if schedule.delivers(day.day):
            writer.deliver(day.day, touched[0] if len(touched) == 1 else np.unique(np.concatenate(touched)))
            touched = []
            deliveries += delivered
        if day.day in ends:
            write_truth(job.truth, job.lender, run.month_end(day.day), ids)
        if progress:
            progress(job.lender, day.day - run.first + 1, run.end - run.first + 1)
    return SimulatedLender(
        job.lender, run.known, len(run.book.borrowers.risk), payments, deliveries, writer.files, writer.bytes, len(ends)
    )


def _begun(job: _Job) -> tuple[Simulation, Schedule, layouts.DeliveryWriter]:
    """A lender's life before its first day: what is drawn of it, when it delivers, and who writes that down."""
    span, layout = job.span, layouts.find(job.lender)
    scene = find_scenario(span.scenario, job.lender, layout.PROFILE)
    book = draw_book(
        seed=span.seed, lender=job.lender, profile=scene.profile, start=span.start, end=span.end, loans=span.loans,
        made=scene.made,
    )  # fmt: skip
    schedule = Schedule(
        start=day_number(span.start), end=day_number(span.end), every=span.every,
        incomplete=scene.profile.incomplete, seed=span.seed, lender=job.lender,
    )  # fmt: skip
    run = Simulation(
        seed=span.seed, lender=job.lender, profile=scene.profile, book=book, start=span.start, end=span.end,
        delivered_on=schedule.delivered_on, plot=scene.plot(book, span.seed, job.lender),
    )  # fmt: skip
    return run, schedule, layout.writer(book, run.ledger, day_date(int(schedule.days[0])))
