"""Building the candidate: one dbt process over the whole project, for one business date."""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

import arrears
from arrears import base_build, engine, lake, lineage
from arrears.dbt import dbt_environment, last_words, results_of, run_dbt
from arrears.errors import Infrastructure, Refused
from arrears.settings import Settings
from arrears.spark.beside import COUNTED, ON_POSTGRES
from arrears.take_over import take_over
from arrears.warehouse import locks
from arrears.warehouse.connect import SURROUNDINGS, connect, one

log = logging.getLogger(__name__)

# The folder of the models that are published. A candidate also has the views that the gate holds its marts against.
MARTS = "marts"

# What a build does not run: unit tests are about the models, not about the data of the day. One that goes on from the
# build before leaves the seeds alone as well: that they are the same is part of going on (base_build.py).
LEFT_OUT = ("unit_test",)


@dataclass(frozen=True)
class BuildResult:
    """A finished build.

    Attributes:
        models: tables and views built. tests: data tests passed. seconds: wall time of dbt. engine: that ran them.
    """

    build_id: int
    business_date: str
    models: int
    tests: int
    seconds: float
    engine: str

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def build(business_date: dt.date, *, url: str, settings: Settings) -> BuildResult:
    """Build staging, intermediate and candidate as of `business_date`.

    Raises:
        Refused: a model or a dbt test failed; each is a reason.
        Usage: the engine lacks a setting, or cannot do with one.
        Infrastructure: dbt could not run, the warehouse failed under it, or another contract came into force.
    """
    dbt = engine.chosen(settings)
    on_spark = settings.engine == "spark"
    if on_spark:
        engine.check_address(url)
    with connect(url, "build", autocommit=True) as connection, connection.cursor() as cursor:
        # Held until the connection closes: the candidate is neither built twice at once nor built under a publisher.
        locks.take(cursor, "the candidate", "arrears.candidate", of_session=True)
        _end_orphans(cursor)
        if on_spark:
            engine.check_order_of_text(cursor)
        rules = base_build.rules_in_force(cursor, business_date)
        fingerprint = base_build.fingerprint(settings.dbt_project, engine.tables(settings), rules)
        base = engine.still_there(base_build.find(cursor, fingerprint), settings)
        # A build on Spark that fails leaves its tables half-way; one on Postgres leaves what others can go on from.
        if base is None or on_spark:
            base_build.forget(cursor)
        build_id = _begin(cursor, business_date, settings.engine, base)
        target = settings.home / "dbt"
        try:
            if on_spark:
                lake.fill(url=url, lake=settings.lake)  # whoever loaded may have been stopped before
            results = _build_models(cursor, dbt, build_id, base, url, settings, target)
            _refuse_other_rules(build_id, rules, base_build.rules_in_force(cursor, business_date))
            manifest = json.loads((target / "manifest.json").read_text())
            if on_spark:
                _end_sessions(cursor)  # of workers that are gone: they would hold what is taken over
                take_over(connection, manifest, json.loads((target / COUNTED).read_text()))
            # on Spark nothing is kept for the publisher
            _record_marts(cursor, build_id, manifest, keeps_changes=base is not None and not on_spark)
        except BaseException:
            _finish(connection, build_id, "failed")
            raise
        base_build.remember(cursor, build_id, fingerprint)
        _finish(connection, build_id, "built")
    if lineage.is_wanted():
        _send_lineage(url, settings, target)
    passed = [result for result in results["results"] if result["status"] in ("success", "pass")]
    kinds = Counter(result["unique_id"].split(".", maxsplit=1)[0] for result in passed)
    return BuildResult(
        build_id, business_date.isoformat(), kinds["model"], kinds["test"], round(results["elapsed_time"], 1),
        settings.engine,
    )  # fmt: skip


def _end_orphans(cursor: Cursor) -> None:
    """End what a killed build left running: its dbt has ended, the statements it sent may not have."""
    _end_sessions(cursor)
    cursor.execute("update ops.build set status = 'failed', finished_at = clock_timestamp() where status = 'running'")


def _end_sessions(cursor: Cursor) -> None:
    cursor.execute(
        "select pg_terminate_backend(pid, 10000) from pg_stat_activity where usename = current_user "
        "and datname = current_database() and application_name in ('dbt', %s)",
        [ON_POSTGRES],
    )


# One statement sees one state of the deliveries: never two versions of a day, or none.
BEGIN = """
with
begun as (
    insert into ops.build (business_date, status, code_version, engine, base_build)
    values (%(business_date)s, 'running', %(code_version)s, %(engine)s, %(base_build)s)
    returning build_id, business_date
),
known as (
    select deliveries.delivery_id
    from ops.delivery as deliveries inner join begun on deliveries.business_date <= begun.business_date
    where deliveries.status = 'accepted'
),
no_longer_known as (
    update ops.delivery_in_build as standing set until_build = begun.build_id
    from begun
    where standing.until_build is null and standing.delivery_id not in (select known.delivery_id from known)
),
newly_known as (
    insert into ops.delivery_in_build (delivery_id, from_build)
    select known.delivery_id, begun.build_id
    from known cross join begun
    where known.delivery_id not in (
        select standing.delivery_id from ops.delivery_in_build as standing where standing.until_build is null
    )
)
select build_id from begun
"""


def _begin(cursor: Cursor, business_date: dt.date, on: str, base: int | None) -> int:
    """Put a build on record together with the deliveries it is made from. Returns its number."""
    row = one(cursor, BEGIN, {
        "business_date": business_date, "code_version": arrears.__version__, "engine": on, "base_build": base,
    })  # fmt: skip
    return int(row[0])


def _finish(connection: Connection, build_id: int, status: str) -> None:
    if connection.closed:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "update ops.build set status = %s, finished_at = clock_timestamp() where build_id = %s", [status, build_id]
        )


def _refuse_other_rules(build_id: int, before: Mapping[str, list[Any]], now: Mapping[str, list[Any]]) -> None:
    """All loans of a lender have to be measured by one contract: those that stand as they were, and those that dbt has
    computed, which reads at its own times. Of a lender that had none before, the build has no loans."""
    changed = ", ".join(sorted(lender for lender in before if now.get(lender) != before[lender]))
    if changed:
        raise Infrastructure(
            f"Build {build_id} is given up: meanwhile other contracts came into force ({changed}), and some loans may "
            "be measured by those before. Build again."
        )


def _build_models(
    cursor: Cursor, dbt: engine.Dbt, build_id: int, base: int | None, url: str, settings: Settings, target: Path
) -> dict[str, Any]:
    """Build everything, or what changed since the build `base`. The models read on record which build that is.

    cursor: of the session that holds the lock on the candidate.
    """
    run_results = target / "run_results.json"
    run_results.unlink(missing_ok=True)
    left_out = [*LEFT_OUT, *(["seed"] if base else [])]
    done = run_dbt(
        "build", *(word for kind in left_out for word in ("--exclude-resource-type", kind)),
        *([] if base else ["--full-refresh"]),
        variables={}, url=url, settings=settings, target=target, dbt=dbt, build_id=build_id,
        may_go_on=partial(_keep_lock, cursor),
    )  # fmt: skip
    return results_of(done, run_results, on_spark=settings.engine == "spark")


def _keep_lock(cursor: Cursor) -> None:
    """Say something on the session that holds the lock on the candidate: a proxy cuts off who is silent for hours.

    Raises:
        Infrastructure: it is gone, and the lock with it. Another build may begin, and two would write the same tables.
    """
    try:
        cursor.execute("select 1")
    except SURROUNDINGS as error:
        raise Infrastructure(
            f"The warehouse ended the session that held the lock on the candidate ({str(error).strip().splitlines()[0]}"
            "), so dbt was ended, too; the marts are as they were. Build again."
        ) from error


def _send_lineage(url: str, settings: Settings, target: Path) -> None:
    """Say which tables were made from which. That it cannot be said is no fault of the build."""
    done = subprocess.run(
        [sys.executable, "-m", "arrears.lineage", str(settings.dbt_project), str(target)],
        env={**os.environ, **dbt_environment(url)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        log.warning("No lineage was sent: %s", last_words(done.stderr))


def _record_marts(cursor: Cursor, build_id: int, manifest: Mapping[str, Any], *, keeps_changes: bool) -> None:
    """What the build offers for publication: dbt's manifest is on this machine only, so the warehouse gets it."""
    for node in manifest["nodes"].values():
        if node["resource_type"] != "model" or MARTS not in node["fqn"]:
            continue
        keys = [list(rule["columns"]) for rule in node["constraints"] if rule["type"] == "primary_key"]
        if len(keys) != 1:
            raise Refused(f"The mart {node['name']} declares {len(keys)} primary keys in its contract, not one.")
        cursor.execute(
            "insert into ops.build_mart (build_id, mart, key_columns, period_column, comment, keeps_changes) "
            "values (%s, %s, %s, %s, %s, %s)",
            [
                build_id, node["name"], keys[0], node["meta"].get("period_column"), node["description"] or None,
                keeps_changes and _keeps_changes(node),
            ],
        )  # fmt: skip


def _keeps_changes(node: Mapping[str, Any]) -> bool:
    """Whether a model keeps which rows it changes, where it goes on from a build before (see macros/cells.sql)."""
    config = node["config"]
    return config["materialized"] == "cells" or bool(config["meta"].get("tracks_changes"))
