"""A program in Spark's environment: a build with one table, that goes on when it is told to, or loses its Java."""

from __future__ import annotations

import json
import time
from pathlib import Path

from pyspark.sql import SparkSession

from arrears.spark import process

MADE = {
    "resource_type": "seed",
    "schema": "intermediate",
    "name": "made",
    "fqn": [],
    "config": {"materialized": "seed"},
}


def make_one_table(command: list[str]) -> int:
    session = SparkSession.getActiveSession()
    assert session is not None
    session.sql("create table intermediate.made using parquet as select 1 as one")
    target = Path(command[command.index("--target-path") + 1])
    (target / "manifest.json").write_text(json.dumps({"nodes": {"seed.made": MADE}}))
    while not (target / "may_go_on").exists():
        time.sleep(0.1)
    if (target / "java_dies").exists():
        java = session.sparkContext._gateway.proc
        java.kill()
        java.wait()
    return int((target / "may_go_on").read_text())


if __name__ == "__main__":
    process.run_dbt = make_one_table
    process.main()
