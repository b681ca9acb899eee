"""One Superset for the module, beside a published book of two lenders and a day that is still to be published."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from arrears import pipeline
from arrears.settings import SOURCE_ROOT, Role
from arrears.simulate import simulate
from arrears.superset.client import Superset
from arrears.superset.server import ADMIN, PUBLISHER, LocalSuperset
from arrears.warehouse.address import Address

from ..conftest import Warehouse, days

LENDERS = ("hongchuang", "jike")
FIRST, LAST, NEXT = dt.date(2024, 3, 30), dt.date(2024, 3, 31), dt.date(2024, 4, 1)
FOLDER = SOURCE_ROOT / "dashboards" / "superset"
PROGRAMS = SOURCE_ROOT / ".venv-superset" / "bin"


@dataclass
class World:
    """Superset, with an administrator logged in, and the warehouse that it shows."""

    local: LocalSuperset
    admin: Superset
    publisher: Superset
    warehouse: Warehouse

    @property
    def reader(self) -> Address:
        return Address.parse(self.warehouse.url(Role.READER))

    def publish(self, first: dt.date, last: dt.date) -> None:
        for day in days(first, last):
            for lender in LENDERS:
                delivery = pipeline.load(lender, day, url=self.warehouse.url(Role.LOADER)).delivery_id
                pipeline.gate_delivery(delivery, url=self.warehouse.url(Role.LOADER))
        build = pipeline.build(last, url=self.warehouse.url(Role.BUILDER)).build_id
        self.warehouse.judge(build)
        pipeline.publish(build, url=self.warehouse.url(Role.PUBLISHER))


@pytest.fixture(scope="module")
def world(shared_warehouse: Warehouse, models_alone: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    own = shared_warehouse.settings
    simulate(
        start=FIRST, end=NEXT, loans=240, seed=3, lenders=list(LENDERS), landing=own.landing, truth=own.home / "truth"
    )
    local = LocalSuperset(tmp_path_factory.mktemp("superset"), PROGRAMS, FOLDER)
    with (
        local.running(),
        Superset.logged_in(local.url, ADMIN, local.admin, timeout=300) as admin,
        Superset.logged_in(local.url, PUBLISHER, local.publisher) as publisher,
    ):
        world = World(local, admin, publisher, shared_warehouse)
        world.publish(FIRST, LAST)
        local.load(world.reader)
        yield world
