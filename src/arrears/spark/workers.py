"""Whether there are workers to run what is asked: for lack of any, Spark waits for ever and says so in its log only."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from pyspark.sql import SparkSession

from arrears.errors import Infrastructure

PATIENCE = 120  # seconds: for the first of them to take a task, or for one to come back
BETWEEN_LOOKS = 5
STILL = 2  # seconds in which none registers: then all have that are there


def run_a_task(session: SparkSession, master: str) -> None:
    """Return when a worker has run a first task. Raises Infrastructure where none does."""
    answered = threading.Event()

    def count() -> None:
        session.range(1).count()
        answered.set()

    threading.Thread(target=count, daemon=True).start()
    if not answered.wait(PATIENCE):
        raise Infrastructure(
            f"No worker of {master} took a task within {PATIENCE} s: are workers registered, with cores and "
            "memory to spare?"
        )


def cores(session: SparkSession) -> int:
    """How many the cluster gives, once it has no more to give: the first task runs before all workers are known."""
    known = 0
    while (now := session.sparkContext.defaultParallelism) > known:
        known = now
        if not session.sparkContext.master.startswith("local"):
            time.sleep(STILL)
    return known


def watch(session: SparkSession, master: str, gone: Callable[[Infrastructure], None]) -> None:
    """From now on call `gone`, once, when there is work and nobody to do it for as long as we have patience.

    Losing some is nothing to be told of: the others do again what those had done. Without a master there are none.
    """
    if not master.startswith("local"):
        threading.Thread(target=_watch, args=(session, master, gone), daemon=True).start()


def _watch(session: SparkSession, master: str, gone: Callable[[Infrastructure], None]) -> None:
    since = time.monotonic()
    while time.monotonic() - since < PATIENCE:
        time.sleep(BETWEEN_LOOKS)
        if _at_work(session):
            since = time.monotonic()
    gone(
        Infrastructure(
            f"All workers of {master} are lost, and none came back within {PATIENCE} s. Start workers and build again."
        )
    )


def _at_work(session: SparkSession) -> bool:
    """Whether there is an executor, or nothing to do: then none needs to be."""
    context = session.sparkContext._jsc.sc()
    besides_the_driver = context.getExecutorMemoryStatus().size() - 1
    return besides_the_driver > 0 or not session.sparkContext.statusTracker().getActiveJobsIds()
