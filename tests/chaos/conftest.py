"""What the tests of this folder measure, in one table at the end of `make reliability`."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from rich.console import Console
from rich.table import Table

from arrears.settings import Settings
from arrears.warehouse.embedded import EmbeddedServer

from ..conftest import running_server
from .effort import FULL

Note = Callable[[str, str], None]
KIND = "reliability"


@pytest.fixture
def note(record_property: Callable[[str, object], None]) -> Note:
    """Keeps a figure: what was measured, and how it came out."""

    def keep(what: str, figure: str) -> None:
        record_property(KIND, [what, figure])

    return keep


@pytest.fixture(scope="module")
def fragile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[EmbeddedServer, Settings]]:
    """A server of its own, to be killed."""
    with running_server(tmp_path_factory.mktemp("fragile")) as (embedded, settings):
        yield embedded, settings


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not FULL:
        return
    table = Table("what", "figure", "test", title="Reliability")
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            for kind, kept in report.user_properties:
                if kind == KIND:
                    table.add_row(*kept, f"{report.head_line}, {outcome} in {report.duration:.0f} s")
    Console().print(table)
