"""The versions of a loan's schedule, and what an instalment owes and when."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from . import seeds
from .book import Instalment, Loan
from .conventions import Conventions
from .dates import DAY
from .money import NOTHING, cents

COMPONENTS = ("principal", "interest", "fee", "penalty")


@dataclass(frozen=True)
class Version:
    """A schedule in full, oldest instalment first. starts_on None: the first version, in force since ever."""

    number: int
    starts_on: dt.date | None
    instalments: tuple[Instalment, ...]

    def has_begun(self, day: dt.date) -> bool:
        """Whether the version had started by the close of a day (a higher one may rule all the same)."""
        return self.starts_on is None or self.starts_on <= day

    def total(self, component: str, due_by: dt.date | None = None) -> Decimal:
        """Everything due of a component; with due_by only of instalments due on or before that day."""
        return sum((due(i, component) for i in self.instalments if due_by is None or i.due_on <= due_by), NOTHING)


def versions(loan: Loan) -> tuple[Version, ...]:
    """The versions of a loan's schedule, the lowest first; none where the loan has no instalments."""
    numbers = sorted({instalment.schedule_version for instalment in loan.instalments})
    return tuple(_version(loan, number, is_first=number == numbers[0]) for number in numbers)


def _version(loan: Loan, number: int, *, is_first: bool) -> Version:
    instalments = [instalment for instalment in loan.instalments if instalment.schedule_version == number]
    said = [instalment.effective_on for instalment in instalments if instalment.effective_on is not None]
    delivered = [instalment.known_on for instalment in instalments]
    return Version(
        number,
        None if is_first else min(said or delivered),
        tuple(sorted(instalments, key=lambda instalment: (instalment.due_on, instalment.instalment_no))),
    )


def version_on(all_versions: tuple[Version, ...], day: dt.date) -> Version | None:
    """The version in force at the close of a day: the highest that has begun."""
    begun = [version for version in all_versions if version.has_begun(day)]
    return begun[-1] if begun else None


def replaced_on(all_versions: tuple[Version, ...], version: Version) -> dt.date | None:
    """The first day on which a higher version has begun; None for the highest."""
    return min(
        (v.starts_on for v in all_versions if v.number > version.number and v.starts_on is not None), default=None
    )


def in_force_when_due(all_versions: tuple[Version, ...]) -> list[tuple[Version, Instalment]]:
    """The instalments that the borrower really faced: each number once, from the version in force on its own due date.

    Of several the earliest due date, then the lowest version.
    """
    faced: dict[int, tuple[Version, Instalment]] = {}
    for version in all_versions:
        for instalment in version.instalments:
            if version_on(all_versions, instalment.due_on) is not version:
                continue
            earlier = faced.get(instalment.instalment_no)
            if earlier is None or instalment.due_on < earlier[1].due_on:
                faced[instalment.instalment_no] = (version, instalment)
    return list(faced.values())


def due(instalment: Instalment, component: str) -> Decimal:
    """What is due of one component."""
    amount: Decimal = getattr(instalment, f"{component}_due")
    return amount


def owed(instalment: Instalment, conventions: Conventions) -> Decimal:
    """What an instalment owes: its components that count."""
    return sum((due(instalment, component) for component in conventions.components), NOTHING)


def tolerance(instalment: Instalment, conventions: Conventions) -> Decimal:
    """A shortfall of no more than this is none."""
    return max(conventions.tol_abs, cents(conventions.tol_pct * owed(instalment, conventions)))


def clock_due(instalment: Instalment, conventions: Conventions) -> dt.date:
    """The due date from which days past due count: moved to a working day where the convention says so."""
    if conventions.non_working_day == "none":
        return instalment.due_on
    day = instalment.due_on
    while (works := seeds.is_working_day(day)) is False:
        day += DAY
    return instalment.due_on if works is None else day
