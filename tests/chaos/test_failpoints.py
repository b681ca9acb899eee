"""Between every two statements of a load, a gate and a publication: the process killed, an answer lost, the server
killed. After that what was there is there, or all that the step makes; and the step, run again, makes just that.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from arrears.errors import Infrastructure
from arrears.settings import Settings
from arrears.warehouse.embedded import EmbeddedServer

from ..conftest import Warehouse
from .bench import Bench, kill
from .conftest import Note
from .content import content
from .effort import sample
from .steps import STEPS, Step
from .wire import Fault, Wire

# A process that has imported everything and begun nothing; those that run a step are copies of it.
processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(["great_expectations", "tests.chaos.steps"])
PATIENCE = 60


@pytest.fixture(params=STEPS, ids=lambda step: step.name)
def bench(request: pytest.FixtureRequest, server: Settings, tmp_path: Path) -> Iterator[Bench]:
    with Wire(server.owner().port) as wire:
        yield Bench(request.param, server, wire, tmp_path)


def in_a_killed_process(bench: Bench, warehouse: Warehouse, at: int) -> None:
    process = processes.Process(target=bench.step.run, args=(bench.root, bench.address(warehouse)))
    started = threading.Event()

    def strike() -> None:
        started.wait()
        os.kill(process.pid or 0, signal.SIGKILL)

    bench.wire.set(Fault(at, strike))
    process.start()
    started.set()
    process.join(PATIENCE)
    assert process.exitcode == -signal.SIGKILL


def with_an_answer_lost(bench: Bench, warehouse: Warehouse, at: int) -> None:
    bench.wire.set(Fault(at, heard=True))
    with pytest.raises(Infrastructure):
        bench.step.run(bench.root, bench.address(warehouse))


def at_every_statement(bench: Bench, disturbed: Callable[[Bench, Warehouse, int], None], tries: int) -> str:
    """Disturb the step at its statements, or so many of them; hold what is there then, and after it ran again, against
    a run that nobody disturbed."""
    untouched, whole = content(bench.fresh()), bench.fresh()
    bench.run(whole)
    statements, made = bench.wire.count, content(whole)
    assert made != untouched
    tried = sample(statements, tries)
    for at in tried:
        warehouse = bench.fresh()
        disturbed(bench, warehouse, at)
        assert content(warehouse) in (untouched, made), f"in parts, at statement {at} of {statements}"
        bench.run(warehouse)
        assert content(warehouse) == made, f"another outcome, after statement {at} of {statements}"
    return f"{len(tried)} of {statements} statements: whole or not there, and the same when run again"


def test_the_process_is_killed(bench: Bench, note: Note) -> None:
    note(f"{bench.step.name}, process killed", at_every_statement(bench, in_a_killed_process, bench.step.tries))


def test_an_answer_is_lost(bench: Bench, note: Note) -> None:
    note(f"{bench.step.name}, answer lost", at_every_statement(bench, with_an_answer_lost, bench.step.tries))


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_the_server_is_killed(step: Step, fragile: tuple[EmbeddedServer, Settings], tmp_path: Path, note: Note) -> None:
    embedded, settings = fragile

    def disturb(bench: Bench, warehouse: Warehouse, at: int) -> None:
        bench.wire.set(Fault(at, strike=lambda: kill(embedded)))
        with pytest.raises(Infrastructure):
            step.run(bench.root, bench.address(warehouse))
        assert embedded.up() == settings.owner().port

    with Wire(settings.owner().port) as wire:
        note(f"{step.name}, server killed", at_every_statement(Bench(step, settings, wire, tmp_path), disturb, 1))
