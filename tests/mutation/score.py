"""A pytest plugin that says how much of what was spoilt was caught: `make mutation`.

It counts the mutants of the expectations (tests/integration/test_five_lenders.py) and the faults that the simulator
injects into files (tests/integration/test_situations.py), each by the boundary at which it has to be caught.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import pytest
from rich.console import Console
from rich.table import Table

MUTANTS = "test_five_lenders.py::test_a_mutant_is_caught["
FAULTS = "test_situations.py::"
OF_FAULTS = "a fault of the simulator, at each lender that can have it"


@dataclass
class Score:
    tried: Counter[tuple[str, str]] = field(default_factory=Counter)
    caught: Counter[tuple[str, str]] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        kind = _kind(report.nodeid)
        if kind is None or not (report.when == "call" or report.failed):
            return
        self.tried[kind] += 1
        self.caught[kind] += report.passed
        if not report.passed:
            self.missed.append(report.nodeid.split("::")[1])

    def pytest_terminal_summary(self) -> None:
        table = Table("caught at", "what was spoilt", "tried", "caught", "score", title="Mutation score")
        for kind in sorted(self.tried):
            tried, caught = self.tried[kind], self.caught[kind]
            table.add_row(*kind, f"{tried}", f"{caught}", f"{caught / tried:.0%}")
        console = Console()
        console.print(table)
        for name in self.missed:
            console.print(f"not caught: {name}", markup=False)


def _kind(nodeid: str) -> tuple[str, str] | None:
    """Where it has to be caught, and what it is."""
    if MUTANTS in nodeid:
        return nodeid.split(MUTANTS)[1].split("-", maxsplit=1)[0], "data, a mutant or more for every expectation"
    if FAULTS in nodeid and "[" in nodeid:
        how = nodeid.split(FAULTS)[1].split("[", maxsplit=1)[0].removeprefix("test_").replace("_", " ")
        return "delivery", f"{OF_FAULTS}: {how}"
    return None


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Score(), "mutation score")
