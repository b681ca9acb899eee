"""A pytest plugin that says how much of what was spoilt was caught: `make mutation`.

It counts the mutants of the expectations and the columns that say something else (test_five_lenders.py),
and the faults that the simulator injects into files (test_situations.py and test_held_out.py), each by the boundary at
which it has to be caught.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

import pytest
from rich.console import Console
from rich.table import Table

from .columns import unseen

MUTANT = re.compile(r"test_five_lenders.py::test_a_mutant_is_caught\[(?P<boundary>\w+)-")
COLUMN = re.compile(r"test_five_lenders.py::test_a_column_is_seen\[(?P<column>[\w-]+)\]")
FAULT = re.compile(r"test_(situations|held_out).py::test_(?P<test>\w+)\[")
DATA = "data: a mutant or more for every expectation"
COLUMN_SAYS = "data: a column says something else in all rows"
FILE = "files: a fault at each lender that can have it"

# Accepted, or loaded and counted among others: test_held_out.py says what comes of them.
ELSEWHERE = {"what_the_file_alone_does_not_show_is_kept"}
# Loaded like a good day, which it might be: docs/reliability.md says why nobody catches it.
TAKEN = {"what_may_be_right_is_taken"}
UNSEEN = unseen()

WIDTH = 140  # of what is written to a file


@dataclass(frozen=True)
class Kind:
    """Where something has to be caught, and what it is. is_seen: whether it is caught if its test passes."""

    boundary: str
    what: str
    is_seen: bool = field(default=True, compare=False)  # seen or not, it is in one row of the table


@dataclass
class Score:
    tried: Counter[Kind] = field(default_factory=Counter)
    caught: Counter[Kind] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        kind = _kind(report.nodeid)
        if kind is None or not (report.when == "call" or report.failed):
            return
        self.tried[kind] += 1
        self.caught[kind] += report.passed and kind.is_seen
        if not report.passed or not kind.is_seen:
            self.missed.append(report.nodeid.split("::")[1])

    def pytest_terminal_summary(self) -> None:
        console = Console()
        if not console.is_terminal:
            console = Console(width=WIDTH)
        table = Table("caught at", "what was spoilt", "tried", "caught", "score", title="Mutation score")
        for kind in sorted(self.tried, key=lambda kind: (kind.boundary, kind.what)):
            tried, caught = self.tried[kind], self.caught[kind]
            table.add_row(kind.boundary, kind.what, f"{tried}", f"{caught}", f"{caught / tried:.0%}")
        console.print(table)
        for name in self.missed:
            console.print(f"not caught: {name}", markup=False)


def _kind(nodeid: str) -> Kind | None:
    if mutant := MUTANT.search(nodeid):
        return Kind(mutant["boundary"], DATA)
    if column := COLUMN.search(nodeid):
        return Kind("candidate", COLUMN_SAYS, is_seen=column["column"] not in UNSEEN)
    fault = FAULT.search(nodeid)
    if fault is None or fault["test"] in ELSEWHERE:
        return None
    how = fault["test"].replace("_", " ")
    if fault["test"] in TAKEN:
        return Kind("nowhere", f"{FILE}: {how}", is_seen=False)
    if "test_held_out" in nodeid:
        return Kind("staging", f"{FILE}: only other days show it")
    return Kind("delivery", f"{FILE}: {how}")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Score(), "mutation score")
