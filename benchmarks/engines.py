"""Building everything on both engines: the same book, the same marts; on Spark with one worker and with two.

A worker has one core and two gigabytes. Postgres has as many connections as dbt has threads, two. Every build is one
of everything: on Spark from the files of the lake to the candidate handed over to Postgres, with the start of the
session. What was shuffled, and how uneven it came out, is read from Spark's own event log; after the models the
candidate goes to Postgres.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from psycopg2.sql import SQL, Identifier

from arrears.contract.entities import ENTITIES

from .build import span_of_models
from .cluster import LOOPBACK, running_cluster
from .grown import keep_lent_since, multiply_received
from .place import LAST, Place, place, start
from .table import Figure

SPARK = Path(__file__).resolve().parents[1] / ".venv-spark"
WORKERS = (1, 2)
CONFIGURED = """\
spark.executor.memory 2g
spark.eventLog.enabled true
spark.eventLog.dir file:{folder}
spark.eventLog.rolling.enabled false
spark.eventLog.compress false
"""


def measured(loans: int, months: int, young: int | None, copies: int, times: int) -> Iterator[Figure]:
    """The figures of a book.

    loans: what each lender lends in eighteen months. months: of deliveries. young: only loans lent in as many months.
    copies: how often every loan is told.
    """
    if not (SPARK / "bin" / "python").exists():
        print("engines: left out, for there is no Spark: `make spark` installs it", file=sys.stderr)
        return
    with place() as there:
        there.history(months, loans)
        if young:
            keep_lent_since(there, start(young))
        multiply_received(there, copies)
        os.environ["ARREARS_LAKE"] = f"{there.home}/lake"
        there.run("lake")
        lake = sum(file.stat().st_size for file in (there.home / "lake").rglob("*.parquet"))
        ((lent,),) = there.own("select count(distinct (lender, loan_id)) from raw.loan")
        count = SQL("select count(*) from raw.{}")
        rows = sum(there.own(count.format(Identifier(entity)))[0][0] for entity in ENTITIES)
        part = f"full build of {lent:,} loans, {rows:,} rows received"
        on_postgres = Figure(part, "Postgres", "s", [_build(there) for _ in range(times)])
        yield on_postgres
        yield _per_core(on_postgres, rows, 2)
        yield Figure(part, "files of the lake, as received", "MiB", [lake / 2**20])
        for workers in WORKERS:
            yield from _on_spark(there, part, rows, workers, times, on_postgres)


def _per_core(figure: Figure, rows: int, cores: int) -> Figure:
    per_second = [rows / seconds / cores for seconds in figure.measured]
    return Figure(figure.part, f"– {figure.what}, a second and core", "rows", per_second)


def _build(there: Place) -> float:
    there.own("drop table if exists intermediate.build_to_go_on_from")
    there.step("build", LAST)
    return there.took("build")


def _after_models(there: Place) -> float:
    """Of the newest build: from the end of its last model, while the candidate goes to Postgres."""
    _, ended = there.span_of("build")
    _, last = span_of_models(there.home / "dbt")
    return (ended - last).total_seconds()


def _on_spark(there: Place, part: str, rows: int, workers: int, times: int, on_postgres: Figure) -> Iterator[Figure]:
    folder = there.home / f"cluster_{workers}"
    events = folder / "events"
    events.mkdir(parents=True)
    (folder / "spark-defaults.conf").write_text(CONFIGURED.format(folder=events))
    with running_cluster(SPARK, folder, workers) as cluster:
        os.environ |= {
            "ARREARS_ENGINE": "spark", "ARREARS_SPARK_MASTER": cluster.master, "SPARK_LOCAL_IP": LOOPBACK,
            "SPARK_CONF_DIR": str(folder),
        }  # fmt: skip
        there.run("up")  # for a password that the JDBC driver can use
        seconds, handing_over = [], []
        for _ in range(times):
            seconds.append(_build(there))
            handing_over.append(_after_models(there))
        del os.environ["ARREARS_ENGINE"]
    named = f"Spark, {workers} worker{'s' if workers > 1 else ''}"
    took = Figure(part, named, "s", seconds, on_postgres)
    yield took
    yield _per_core(took, rows, workers)
    yield Figure(part, f"– {named}, after the models", "s", handing_over)
    noted = [_noted(log) for log in events.iterdir()]
    yield Figure(part, f"– {named}, shuffled", "MiB", [one.shuffled / 2**20 for one in noted])
    yield Figure(part, f"– {named}, longest task of a stage, of its median", "×", [one.skew for one in noted])


@dataclass(frozen=True)
class Noted:
    """What one application's event log says. shuffled: bytes. skew: as `_skew` has it."""

    shuffled: int
    skew: float


def _noted(log: Path) -> Noted:
    shuffled, of_stages = 0, defaultdict[int, list[int]](list)
    with log.open() as lines:
        for line in lines:
            if '"SparkListenerTaskEnd"' in line:
                event = json.loads(line)
                metrics = event.get("Task Metrics") or {}
                shuffled += metrics.get("Shuffle Write Metrics", {}).get("Shuffle Bytes Written", 0)
                of_stages[event["Stage ID"]].append(metrics.get("Executor Run Time", 0))
    return Noted(shuffled, _skew(of_stages.values()))


def _skew(stages: Iterable[list[int]]) -> float:
    """Of the ten stages that take longest: how many times the median of its tasks the longest takes, at worst."""
    long = sorted((tasks for tasks in stages if len(tasks) > 1), key=sum, reverse=True)[:10]
    return max((max(tasks) / max(statistics.median(tasks), 1) for tasks in long), default=1.0)
