"""The disk full under a load, a publication or a report: said clearly, nothing lost, and done once there is room."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg2
import pytest

from arrears.errors import Infrastructure
from arrears.publish import publish
from arrears.report.shelf import INDEX, Shelf
from arrears.settings import Role, Settings

from ..conftest import Warehouse, fresh_database, running_server
from ..integration.candidate import FEBRUARY, MARCH, Candidate
from ..integration.test_load import LOANS, PAYMENTS, Lender
from .bench import warehouse_at
from .conftest import Note
from .content import content

MIB = 2**20


@dataclass
class Disk:
    """A small file system of its own."""

    folder: Path

    @contextmanager
    def full(self, spare: int) -> Iterator[None]:
        """For a while there are `spare` bytes left."""
        ballast = self.folder / "ballast"
        free = os.statvfs(self.folder).f_bavail * os.statvfs(self.folder).f_frsize
        with ballast.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, free - spare)
        try:
            yield
        finally:
            ballast.unlink()


@contextmanager
def mounted(folder: Path, size: int) -> Iterator[Disk]:
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"a small disk cannot be mounted here: {done.stderr.strip()}")
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def disk(server: Settings, tmp_path: Path) -> Iterator[Disk]:
    """A small disk that the server has as a tablespace: its tables are full, its log is not."""
    (tmp_path / "disk").mkdir()
    with mounted(tmp_path / "disk", 64 * MIB) as disk:
        owner = psycopg2.connect(server.owner().to("postgres").url())
        owner.autocommit = True
        with owner.cursor() as cursor:
            cursor.execute("create tablespace small location %s", [str(disk.folder)])
            yield disk
            cursor.execute("drop database if exists on_a_small_disk with (force)")
            cursor.execute("drop tablespace small")
        owner.close()


@pytest.fixture
def warehouse(server: Settings, disk: Disk) -> Warehouse:
    return warehouse_at(server, fresh_database(server, "on_a_small_disk", tablespace="small"))


def small_and_then_large(warehouse: Warehouse) -> tuple[Candidate, int]:
    """A publication of one row, and the number of a build of 50,001 that may be published next."""
    candidate = Candidate(warehouse)
    candidate.publish([("a", FEBRUARY, 1, None)], FEBRUARY)
    build = candidate.build([("a", FEBRUARY, 2, None)], MARCH)
    warehouse.rows(
        "insert into candidate.mart_x select n::text, '2024-03-31', n, null from generate_series(1, 50000) as n",
        role=Role.BUILDER,
    )
    return candidate, build


def test_the_disk_is_full_under_a_load(warehouse: Warehouse, disk: Disk, tmp_path: Path, note: Note) -> None:
    lender = Lender(warehouse, tmp_path)
    payments = "".join(f"P{number},L1,2024-02-01,10.00,bank\n" for number in range(50_000))
    lender.send(loans=LOANS + "L1,p,1000.00,2024-01-05,600\n", payments=PAYMENTS + payments)
    untouched = content(warehouse)
    with disk.full(spare=2 * MIB):
        with pytest.raises(Infrastructure, match="No space left on device") as failure:
            lender.load()
        assert content(warehouse) == untouched
    assert lender.load().rows == 50_001
    note("disk full under a load", str(failure.value).partition(": ")[2].partition(". ")[0])


def test_the_disk_is_full_under_a_publication(warehouse: Warehouse, disk: Disk, note: Note) -> None:
    candidate, build = small_and_then_large(warehouse)
    untouched = content(warehouse)
    url = warehouse.url(Role.PUBLISHER)
    with disk.full(spare=2 * MIB):
        with pytest.raises(Infrastructure, match="No space left on device") as failure:
            publish(build, url=url)
        assert content(warehouse) == untouched
        assert candidate.read("select loans from mart_x") == [(1,)]
    publish(build, url=url)
    assert candidate.read("select count(*) from mart_x") == [(50_001,)]
    note("disk full under a publication", str(failure.value).partition(": ")[2].partition(". ")[0])


def test_the_disk_is_full_under_a_report(tmp_path: Path, note: Note) -> None:
    """What was written before is whole, the list of all reports above all, and nothing lies beside it."""
    (tmp_path / "disk").mkdir()
    before, after = b"before", b"after" * MIB
    with mounted(tmp_path / "disk", 16 * MIB) as disk:
        shelf, place = Shelf(str(disk.folder)), disk.folder / INDEX
        shelf.put("", {INDEX: before})
        with disk.full(spare=MIB):
            with pytest.raises(Infrastructure, match=r"No space left on device.*The publication stands") as failure:
                shelf.put("", {INDEX: after})
            assert place.read_bytes() == before
        assert [path.name for path in disk.folder.iterdir()] == [INDEX]
        shelf.put("", {INDEX: after})
        assert place.read_bytes() == after
    note("disk full under a report", str(failure.value).partition(": ")[2].partition(". ")[0])


def test_the_disk_of_the_whole_server_is_full(tmp_path: Path, note: Note) -> None:
    """Without room for its log PostgreSQL stops. It starts again once there is room, with all that was committed."""
    (tmp_path / "disk").mkdir()
    with mounted(tmp_path / "disk", 256 * MIB) as disk, running_server(disk.folder) as (embedded, settings):
        warehouse = warehouse_at(settings, settings.owner().url())
        candidate, build = small_and_then_large(warehouse)
        untouched = content(warehouse)
        with disk.full(spare=MIB), pytest.raises(Infrastructure) as failure:
            publish(build, url=warehouse.url(Role.PUBLISHER))
        embedded.up()
        assert content(warehouse) == untouched
        publish(build, url=warehouse.url(Role.PUBLISHER))
        assert candidate.read("select count(*) from mart_x") == [(50_001,)]
    note("disk of the whole server full", str(failure.value).partition(": ")[2].partition(". ")[0])
