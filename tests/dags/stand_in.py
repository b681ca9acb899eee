"""A package that only takes notes, and runs of the DAGs over it."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

from arrears.errors import Refused
from arrears.publish import PublishResult

MONTH_END = dt.date(2024, 3, 31)


class Package:
    """Stands in for arrears.pipeline: remembers who was called with what, and fails where it is told to."""

    def __init__(self) -> None:
        self.calls: list[tuple] = []
        self.failures: dict[str, Exception] = {}
        self.warn = self.approved = self.pending = False
        self.held: Refused | None = None
        self.published: dt.date | None = None
        self.results = {
            "delivery_complete": True,
            "delivery_pending": lambda self: self.pending,
            "load": SimpleNamespace(delivery_id=7, to_dict=lambda: {"delivery_id": 7}),
            "gate_delivery": None,
            "build": SimpleNamespace(build_id=3, engine="postgres"),
            "gate_candidate": lambda self: SimpleNamespace(
                outcome="warn" if self.warn else "pass", gate_runs=(5, 6), holding_back=lambda: self.held
            ),
            "published_day": lambda self: self.published,
            "is_approved": lambda self: self.approved,
            "publish": PublishResult(9, "published", MONTH_END, 1200, 3, ()),
            "report": SimpleNamespace(page="reports/9/report.html", notes=()),
            "maintain": {"vacuumed": 1},
        }

    def step(self, name: str):
        def call(*arguments, **named):
            self.calls.append((name, *arguments, *named.values()))
            if name in self.failures:
                raise self.failures[name]
            result = self.results[name]
            return result(self) if callable(result) else result

        return call


def run(dag, day=MONTH_END, **conf):
    """One run of a DAG in this process, as `make run` makes it."""
    import run_dags

    return run_dags.run(dag, day, conf)
