"""A warehouse and a landing folder of their own, for as long as something is measured in them."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2.sql import Composable

from arrears.settings import Role, Settings

ARREARS = str(Path(sys.executable).with_name("arrears"))
DAGS = Path(__file__).parents[1] / "scripts" / "run_dags.py"
ALONE = (sys.executable, "-IS", str(Path(__file__).with_name("peak.py")))
LAST = dt.date(2024, 3, 31)  # histories end at a quarter-end
LENDERS = ("jike", "lakala", "paipai", "xiaodangjia")  # who send no workbooks, which take longer to write than all else


@dataclass(frozen=True)
class Ran:
    """A process that has ended well.

    Attributes:
        seconds: from its start. memory: the most that one process of it had, in MiB. said: what it printed.
    """

    seconds: float
    memory: float
    said: str

    @property
    def result(self) -> str:
        """The last word that it printed."""
        return self.said.split()[-1]


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
        lenders = [] if "--lender" in more else [word for name in LENDERS for word in ("--lender", name)]
        return self.run("simulate", *span, "--loans", f"{loans}", "--truth", f"{self.home}/truth", *lenders, *more)

    def history(self, months: int, loans: int, *more: str) -> None:
        """Simulate deliveries of so many months up to the last day, one a month, load and judge them.

        loans: what each lender lends in eighteen months. It has lent as many before the first day.
        """
        self.simulate(start(months), LAST, loans, "--every", "month", *more)
        self.load(start(months), LAST)

    def load(self, first: dt.date, last: dt.date) -> Ran:
        """Load and judge all deliveries from one day to another."""
        return timed([sys.executable, "-m", "benchmarks.history", f"{first}", f"{last}"])

    def step(self, name: str, *words: object) -> Ran:
        """A step of the day in a process of its own, as Airflow's tasks are. It prints the number of what it made."""
        return timed([sys.executable, "-m", "benchmarks.step", name, *map(str, words)])

    def run_dags(self, day: dt.date, approved_by: str) -> Ran:
        """A day through Airflow's DAGs, one task after another. The first one also makes Airflow's tables."""
        os.environ |= {"AIRFLOW_HOME": f"{self.home}/airflow"}
        os.environ |= {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": self.run("url", "--airflow").said.strip()}
        lenders = [word for name in LENDERS for word in ("--lender", name)]
        return timed([sys.executable, str(DAGS), "--date", f"{day}", "--approve", approved_by, *lenders])

    def publish(self, day: dt.date) -> None:
        """Build, judge and publish what is loaded, as of a day."""
        build_id = self.step("build", day).result
        self.step("gate_candidate", build_id)
        self.step("publish", build_id)

    def took(self, step: str) -> float:
        """Seconds of the newest such step on the run log: without those of starting a process."""
        began, ended = self.span_of(step)
        return (ended - began).total_seconds()

    def span_of(self, step: str) -> tuple[dt.datetime, dt.datetime]:
        """Start and end of the newest such step on the run log."""
        newest = "select started_at, finished_at from ops.step_run where step = %s order by step_run_id desc limit 1"
        ((began, ended),) = self.rows(newest, [step])
        return began, ended

    def rows(
        self, query: str | Composable, parameters: Sequence[Any] | Mapping[str, Any] = ()
    ) -> list[tuple[Any, ...]]:
        """Ask, as the publisher."""
        return _answered(self.settings.url(Role.PUBLISHER), query, parameters)

    def own(
        self, statements: str | Composable, parameters: Sequence[Any] | Mapping[str, Any] = ()
    ) -> list[tuple[Any, ...]]:
        """Change what no step would, as the owner."""
        return _answered(self.settings.owner().url(), statements, parameters)


def _answered(
    url: str, statements: str | Composable, parameters: Sequence[Any] | Mapping[str, Any]
) -> list[tuple[Any, ...]]:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(statements, parameters or None)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def start(months: int) -> dt.date:
    """The first day of a history, so many months before its last."""
    month = LAST.year * 12 + LAST.month - months
    return dt.date(month // 12, month % 12 + 1, 1)


def timed(command: list[str]) -> Ran:
    """Run a program and say what it took, the processes that it started and waited for with it."""
    ran = subprocess.run([*ALONE, *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    said, _, took = ran.stdout.rstrip("\n").rpartition("\n")
    if ran.returncode:
        lines = "\n".join(line[:1000] for line in said.splitlines())  # Java says all of its frames in one
        sys.exit(f"{' '.join(command)} ended with {ran.returncode}:\n{lines[-4000:]}")
    seconds, peak = map(float, took.split())
    return Ran(seconds, peak / 1024, said)


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
