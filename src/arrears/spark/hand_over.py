"""The candidate from Spark to Postgres: every relation beside the one that stands, in a table of its own.

Who builds on Postgres has dbt hold models to their contracts; here it is done on the way. Making the tables the
candidate, all at once, is for the process that started this one (arrears.take_over)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from arrears.errors import Infrastructure, Refused
from arrears.spark.beside import BESIDE, COUNTED, handed_over
from arrears.spark.place import Place
from arrears.spark.tables import query
from arrears.spark.trouble import OF_JAVA, cause

MARTS = "marts"

AT_ONCE = 4  # relations
CONNECTIONS = 4  # of each
TRIES = 3

SPARKS_NAMES = {"text": "string", "integer": "int", "timestamp with time zone": "timestamp"}


def hand_over(session: SparkSession, place: Place, target: Path) -> None:
    """Write the candidate that the manifest in dbt's `target` describes, and there how many rows it has.

    Raises:
        Refused: a mart is not what its contract says. Infrastructure: Postgres did not take all of it.
    """
    relations = handed_over(json.loads((target / "manifest.json").read_text()))
    broken = [fault for node in relations for fault in _faults(session, node)]
    if broken:
        raise Refused("Marts are not what their contracts say; nothing was handed over.", broken)
    counted = _counted(session.sql(_counting(relations, "")))
    left: Sequence[Mapping[str, Any]] = relations
    for _ in range(TRIES):
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(partial(_write, session, place), left))
        # what a lost worker wrote may be there twice
        there = _counted(query(session, place, _counting(left, BESIDE)))
        left = [node for node in left if there[_name(node)] != counted[_name(node)]]
        if not left:
            (target / COUNTED).write_text(json.dumps(counted))
            return
    names = ", ".join(_name(node) for node in left)
    raise Infrastructure(f"Postgres does not have the rows that Spark wrote of {names}: build again.")


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
    rows = session.table(_name(node))
    if MARTS in node["fqn"]:
        rows = rows.select(*node["columns"])
    # what a view computes would be computed in as many pieces as are written
    pieces = rows.repartition(CONNECTIONS) if node["config"]["materialized"] == "view" else rows.coalesce(CONNECTIONS)
    table = f"{_name(node)}{BESIDE}"
    try:
        pieces.write.format("jdbc").options(**place.jdbc(), dbtable=table, batchsize=10000).mode("overwrite").save()
    except OF_JAVA as error:
        raise Infrastructure(f"Postgres did not take {table} from Spark: {cause(error)}") from error


def _counting(nodes: Sequence[Mapping[str, Any]], beside: str) -> str:
    """SQL that both engines understand."""
    return " union all ".join(
        f"select '{_name(node)}' as name, count(*) as there from {_name(node)}{beside}" for node in nodes
    )


def _counted(answer: DataFrame) -> dict[str, int]:
    return {row["name"]: row["there"] for row in answer.collect()}
