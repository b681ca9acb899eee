"""A step of the day on a bench: on a copy of what it needs for every try, behind a wire that fails."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
from pydantic import SecretStr

from arrears.settings import Settings
from arrears.warehouse.embedded import EmbeddedServer

from ..conftest import Warehouse, fresh_database
from .steps import Step
from .wire import Wire, through


def warehouse_at(server: Settings, url: str) -> Warehouse:
    """One of the server's databases."""
    return Warehouse(server.model_copy(update={"warehouse_url": SecretStr(url)}))


@dataclass
class Bench:
    """A step, on a copy of what it needs for every try, behind a wire."""

    step: Step
    server: Settings
    wire: Wire
    root: Path

    def __post_init__(self) -> None:
        self.template = f"before_{self.step.name}"
        self.step.prepare(warehouse_at(self.server, fresh_database(self.server, self.template)), self.root)

    def fresh(self) -> Warehouse:
        self.wire.set()
        warehouse = warehouse_at(self.server, fresh_database(self.server, "struck", self.template))
        # A copied sequence takes its next 32 numbers for logged, and a crash before a checkpoint would give them again.
        warehouse.rows("checkpoint")
        return warehouse

    def address(self, warehouse: Warehouse) -> str:
        return through(warehouse.url(self.step.role), self.wire)

    def run(self, warehouse: Warehouse) -> None:
        """Undisturbed, and in this process; by way of the wire, for dbt parses anew where the address is another."""
        self.wire.set()
        self.step.run(self.root, self.address(warehouse))


def kill(server: EmbeddedServer) -> None:
    """All of its processes, at once."""
    postmaster = psutil.Process(int((server.data / "postmaster.pid").read_text().splitlines()[0]))
    killed = [postmaster, *postmaster.children(recursive=True)]
    for process in killed:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    while not all(map(_has_ended, killed)):
        time.sleep(0.01)


def _has_ended(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE  # in a container nobody may be there to take leave of it
    except psutil.NoSuchProcess:
        return True
