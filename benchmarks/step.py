"""One step of the day in a process of its own, as a task of Airflow's is one. Prints the number of what it made.

python -m benchmarks.step load paipai 2024-03-31
python -m benchmarks.step gate_delivery 7
python -m benchmarks.step build 2024-03-31
python -m benchmarks.step gate_candidate 3
python -m benchmarks.step publish 3
python -m benchmarks.step report
"""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Callable

from arrears import pipeline
from arrears.settings import Role, settings

APPROVER = "benchmark"  # a small book has warnings


def load(lender: str, day: str) -> int:
    return pipeline.load(lender, dt.date.fromisoformat(day), url=settings().url(Role.LOADER)).delivery_id


def gate_delivery(delivery_id: str) -> str:
    return pipeline.gate_delivery(int(delivery_id), url=settings().url(Role.LOADER)).outcome


def build(day: str) -> int:
    return pipeline.build(dt.date.fromisoformat(day), url=settings().url(Role.BUILDER)).build_id


def gate_candidate(build_id: str) -> str:
    return pipeline.gate_candidate(int(build_id), url=settings().url(Role.PUBLISHER)).outcome


def publish(build_id: str) -> int:
    return pipeline.publish(int(build_id), url=settings().url(Role.PUBLISHER), approved_by=APPROVER).publication_id


def report() -> int:
    url, reader_url = settings().url(Role.PUBLISHER), settings().url(Role.READER)
    return pipeline.report(url=url, reader_url=reader_url).publication_id


STEPS: dict[str, Callable[..., object]] = {
    step.__name__: step for step in (load, gate_delivery, build, gate_candidate, publish, report)
}

if __name__ == "__main__":
    print(STEPS[sys.argv[1]](*sys.argv[2:]))
