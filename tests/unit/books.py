"""The engine's own records of a simulation, to hold deliveries against."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from arrears.simulate import Simulated, layouts, simulate
from arrears.simulate.book import Book, draw_book
from arrears.simulate.engine import Simulation
from arrears.simulate.records import Actions, Day, Events, Payments, join


@dataclass
class Records:
    """All that was booked, in the order of the days."""

    book: Book
    run: Simulation
    days: list[Day] = field(default_factory=list)

    @property
    def payments(self) -> Payments:
        return join([day.payments for day in self.days])

    @property
    def events(self) -> Events:
        return join([day.events for day in self.days])

    @property
    def event_days(self) -> list[int]:
        return [day.day for day in self.days for _ in range(len(day.events))]

    @property
    def actions(self) -> Actions:
        return join([day.actions for day in self.days])


def records_of(lender: str, *, start: date, end: date, loans: int, seed: int) -> Records:
    """Run the engine again, without a layout."""
    profile = layouts.find(lender).PROFILE
    book = draw_book(seed=seed, lender=lender, profile=profile, start=start, end=end, loans=loans)
    run = Simulation(seed=seed, lender=lender, profile=profile, book=book, start=start, end=end)
    records = Records(book, run)
    records.days += run.run()
    return records


def delivered(folder: Path, lender: str, **arguments: Any) -> Simulated:
    """Simulate one lender into a folder."""
    return simulate(lenders=[lender], landing=folder / "landing", truth=folder / "truth", **arguments)
