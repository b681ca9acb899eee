"""The candidate from Spark to Postgres: every relation beside the one that stands, in a table of its own.

Who builds on Postgres has dbt hold models to their contracts; here it is done on the way. Making the tables the
candidate, all at once, is for the process that started this one (arrears.take_over)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

from arrears.errors import Infrastructure, Refused
from arrears.spark.beside import BESIDE, handed_over
from arrears.spark.place import Place

MARTS = "marts"

AT_ONCE = 4  # relations
CONNECTIONS = 4  # of each
TRIES = 3

SPARKS_NAMES = {"text": "string", "integer": "int", "timestamp with time zone": "timestamp"}


def hand_over(session: SparkSession, place: Place, target: Path) -> None:
    """Write the candidate that the manifest in dbt's `target` describes.

    Raises:
        Refused: a mart is not what its contract says. Infrastructure: Postgres did not take all of it.
    """
    relations = handed_over(json.loads((target / "manifest.json").read_text()))
    broken = [fault for node in relations for fault in _faults(session, node)]
    if broken:
        raise Refused("Marts are not what their contracts say; nothing was handed over.", broken)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda node: _write(session, place, node), relations))


def _faults(session: SparkSession, node: Mapping[str, Any]) -> list[str]:
    if MARTS not in node["fqn"]:
        return []
    declared = {name: _type(column["data_type"]) for name, column in node["columns"].items()}
    built = {column.name: column.dataType.simpleString() for column in session.table(_name(node)).schema}
    return [
        f"{node['name']}.{name} is {built.get(name, 'missing')}, not {declared.get(name, 'in the contract')}"
        for name in {**declared, **built}
        if built.get(name) != declared.get(name)
    ]


def _type(in_contract: str) -> str:
    return SPARKS_NAMES.get(in_contract, in_contract.replace("numeric", "decimal"))


def _name(node: Mapping[str, Any]) -> str:
    return f"{node['schema']}.{node['name']}"


def _write(session: SparkSession, place: Place, node: Mapping[str, Any]) -> None:
    """What a lost worker wrote is written again, and may be there twice: count, and start over if it is."""
    rows = session.table(_name(node))
    if MARTS in node["fqn"]:
        rows = rows.select(*node["columns"])
    there = -1
    for _ in range(TRIES):
        expected = rows.count()
        there = _written(session, place, rows, f"{_name(node)}{BESIDE}")
        if there == expected:
            return
    raise Infrastructure(f"{_name(node)} has {rows.count()} rows on Spark, and Postgres took {there}: build again.")


def _written(session: SparkSession, place: Place, rows: DataFrame, table: str) -> int:
    try:
        rows.coalesce(CONNECTIONS).write.format("jdbc").options(**place.jdbc(), dbtable=table, batchsize=10000).mode(
            "overwrite"
        ).save()
        counted = session.read.format("jdbc").options(**place.jdbc(), query=f"select count(*) as there from {table}")
        return int(counted.load().collect()[0]["there"])
    except PySparkException as error:
        raise Infrastructure(f"Postgres did not take {table} from Spark: {str(error).splitlines()[0]}") from error
