"""A warehouse and a landing folder of their own, for as long as something is measured in them."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2

from arrears.settings import Role, Settings

ARREARS = str(Path(sys.executable).with_name("arrears"))
LAST = dt.date(2024, 3, 31)  # histories end at a quarter-end


@dataclass(frozen=True)
class Ran:
    """A process that has ended well: seconds from its start, and the most memory that one process of it had, in MiB."""

    seconds: float
    memory: float


class Place:
    """Where a book is loaded, built and published, by the command line as anybody would."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.settings = Settings(home=home)

    def run(self, *words: str) -> Ran:
        """An `arrears` command. What it says is shown where it fails."""
        return timed([ARREARS, *words])

    def simulate(self, start: dt.date, end: dt.date, loans: int, *more: str) -> Ran:
        span = ("--from", f"{start}", "--to", f"{end}")
        return self.run("simulate", *span, "--loans", f"{loans}", "--truth", str(self.home / "truth"), *more)

    def history(self, months: int, loans: int, *more: str) -> None:
        """Simulate deliveries of so many months up to the last day, one a month, load and judge them."""
        self.simulate(start(months), LAST, loans, "--every", "month", *more)
        timed([sys.executable, "-m", "benchmarks.history", f"{start(months)}", f"{LAST}"])

    def rows(self, query: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        connection = psycopg2.connect(self.settings.url(Role.PUBLISHER))
        try:
            with connection.cursor() as cursor:
                cursor.execute(query, parameters)
                return cursor.fetchall()
        finally:
            connection.close()


def start(months: int) -> dt.date:
    """The first day of a history, so many months before its last."""
    month = LAST.year * 12 + LAST.month - months
    return dt.date(month // 12, month % 12 + 1, 1)


def timed(command: list[str]) -> Ran:
    """Run a program and say what it took, the processes that it started and waited for with it."""
    with tempfile.TemporaryFile("w+") as said:
        began = time.perf_counter()
        process = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            sys.exit(f"{' '.join(command)} ended with {process.returncode}:\n{said.read()[-4000:]}")
    return Ran(seconds, usage.ru_maxrss / 1024)


@contextmanager
def place() -> Iterator[Place]:
    """A place that is gone afterwards. Meanwhile this process and all that it starts know of no other warehouse."""
    home = Path(tempfile.mkdtemp(prefix="arrears-benchmark-"))
    for name in [name for name in os.environ if name.startswith("ARREARS_")]:
        del os.environ[name]
    os.environ |= {"ARREARS_HOME": str(home), "ARREARS_LANDING": str(home / "landing")}
    try:
        timed([ARREARS, "up"])
        yield Place(home)
    finally:
        subprocess.run([ARREARS, "down"], check=False, stdout=subprocess.DEVNULL)
        shutil.rmtree(home)
