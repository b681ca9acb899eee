"""Lenders simulated side by side, each in a process of its own."""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any, TypeVar

Progress = Callable[[str, int, int], None]
"""Called with lender, days done, days in all; always in the caller's process."""

Job = TypeVar("Job")
Result = TypeVar("Result")

_TELL_EVERY = 0.2
"""Seconds between two messages of a worker."""

_messages: Any = None
"""In a worker: where its progress goes."""


def run_jobs(
    work: Callable[[Job, Progress | None], Result],
    jobs: Sequence[Job],
    *,
    workers: int,
    progress: Progress | None,
) -> list[Result]:
    """Do jobs, `workers` at once; results in the order of the jobs.

    work: a function of a module, since the processes are started afresh and import it.

    Raises what the work raises; jobs not yet begun are then dropped.
    """
    if workers <= 1:
        return [work(job, progress) for job in jobs]
    context = multiprocessing.get_context("spawn")
    messages = context.Queue()
    listener = threading.Thread(target=_listen, args=(messages, progress), daemon=True)
    listener.start()
    try:
        with ProcessPoolExecutor(workers, mp_context=context, initializer=_begin, initargs=(messages,)) as pool:
            futures = [pool.submit(_do, work, job) for job in jobs]
            try:
                return [future.result() for future in futures]
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
    finally:
        messages.put(None)
        listener.join()
        messages.close()


def _listen(messages: Any, progress: Progress | None) -> None:
    while (message := messages.get()) is not None:
        if progress:
            progress(*message)


def _begin(messages: Any) -> None:
    global _messages  # noqa: PLW0603 - a worker's own, set once when it starts
    _messages = messages


def _do(work: Callable[[Job, Progress | None], Result], job: Job) -> Result:
    told = 0.0

    def tell(lender: str, done: int, total: int) -> None:
        nonlocal told
        now = time.monotonic()
        if done == total or now - told >= _TELL_EVERY:
            told = now
            _messages.put((lender, done, total))

    return work(job, tell)
