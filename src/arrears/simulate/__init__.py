"""Writes deliveries of invented lenders, each in its own layout, and beside them the truth about every loan.

The same arguments give the same bytes. Simulating a day longer gives the same deliveries and one more: so
`simulate(start=…, end=tomorrow, write_from=tomorrow)` writes tomorrow's.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from arrears.simulate import layouts
from arrears.simulate.book import day_number, draw_book
from arrears.simulate.engine import Simulation, month_ends
from arrears.simulate.faults import FAULTS, FileFormat, Injection, inject, read_orders
from arrears.simulate.truth import write_truth
from arrears.simulate.writers import Landing

Progress = Callable[[str, int, int], None]
"""Called with lender, days done, days in all."""


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
    faults: tuple[Injection, ...] = field(default=())


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
    progress: Progress | None = None,
) -> Simulated:
    """Write one delivery a day, `start` to `end`, for every lender, and the truth.

    loans: about how many each lender lent in the 18 months before `start`; it goes on lending at that pace.
    lenders: names; None for all there are.
    landing: folder or fsspec URL; files go to `<landing>/<lender>/<folder of the delivery>/`. Files there already
        are written over, others left alone.
    truth: folder; one Parquet file per lender and month-end (see `arrears.simulate.truth`) and `faults.json`.
    faults: `[lender:]fault[@YYYY-MM-DD]`, of `FAULTS`; without a day, on `end`.
    write_from: write deliveries from this day only (the days before are simulated all the same).

    Raises ValueError for arguments that make no sense, and OSError where files cannot be written.
    """
    chosen = list(dict.fromkeys(lenders)) if lenders is not None else layouts.names()
    first_written = max(start, write_from or start)
    _check(start=start, end=end, loans=loans, seed=seed, first_written=first_written)
    found = {name: layouts.find(name) for name in chosen}
    orders = read_orders(faults, lenders=chosen, first=first_written, last=end)

    span = _Span(start, end, first_written, loans, seed)
    landings: dict[str, tuple[Landing, FileFormat]] = {}
    written: list[SimulatedLender] = []
    for name, layout in found.items():
        place = Landing(str(landing), name)
        landings[name] = (place, layout.FORMAT)
        written.append(_write_lender(name, layout, span, place=place, truth=truth, progress=progress))

    done = inject(orders, landings=landings, seed=seed)
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


def _check(*, start: date, end: date, loans: int, seed: int, first_written: date) -> None:
    if end < start:
        raise ValueError(f"the last day ({end}) is before the first ({start})")
    if loans < 1:
        raise ValueError(f"loans must be 1 or more, not {loans}")
    if seed < 0:
        raise ValueError(f"the seed must be 0 or more, not {seed}")
    if first_written > end:
        raise ValueError(f"nothing to write: the first day to write ({first_written}) is after the last ({end})")


def _write_lender(
    name: str, layout: layouts.Layout, span: _Span, *, place: Landing, truth: Path, progress: Progress | None
) -> SimulatedLender:
    profile = layout.PROFILE
    book = draw_book(seed=span.seed, lender=name, profile=profile, start=span.start, end=span.end, loans=span.loans)
    run = Simulation(seed=span.seed, lender=name, profile=profile, book=book, start=span.start, end=span.end)
    writer = layout.writer(book, run.ledger, span.start)
    first, write_from = run.first, day_number(span.first_written)
    ends = month_ends(first, run.end)
    ids = writer.loan_ids(0, len(book))
    payments = deliveries = 0
    for day in run.run():
        # What happened before the first delivery goes into it.
        delivered = max(day.day, run.start) >= write_from
        writer.record(day, place if delivered else None)
        payments += len(day.payments) if delivered else 0
        if day.day >= run.start:
            writer.deliver(day.day, run.touched)
            deliveries += delivered
        if day.day in ends:
            write_truth(truth, name, run.month_end(day.day), ids)
        if progress:
            progress(name, day.day - first + 1, run.end - first + 1)
    return SimulatedLender(
        lender=name,
        loans=run.known,
        borrowers=len(book.borrowers.risk),
        payments=payments,
        deliveries=deliveries,
        files=writer.files,
        bytes=writer.bytes,
        month_ends=len(ends),
    )


__all__ = ["FAULTS", "Injection", "Progress", "Simulated", "SimulatedLender", "lenders", "simulate"]
