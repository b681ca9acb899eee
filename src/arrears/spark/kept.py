"""Which tables builds have left in the lake, for the next one to go on from.

Spark's catalogue is in memory and ends with its session, so the lake says itself what is in it. Each build writes into
a folder of its own, `built/BUILD/SCHEMA.db/TABLE`, and into those tables of builds before that it goes on from. When it
is whole it writes down which tables there are, and removes all others.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

from arrears.errors import Infrastructure
from arrears.spark.beside import RECORD
from arrears.spark.place import Place

# What dbt makes and the next build goes on from; beside it are copies of `ops` (arrears.spark.tables).
SCHEMAS = ("staging", "intermediate", "candidate")
PROBE = 1 << 20  # bytes: less, and what Spark has cleared away of its last attempt would make room for it


@dataclass(frozen=True)
class Table:
    """A table in files. columns: as in DDL. partitions: of which columns. location: below `built`."""

    name: str
    columns: str
    partitions: tuple[str, ...]
    location: str


def declared(columns: Iterable[tuple[str, str]]) -> str:
    """Columns and their types as in DDL."""
    return ", ".join(f"`{name}` {kind}" for name, kind in columns)


def make_schemas(session: SparkSession, place: Place, build_id: int) -> None:
    """Tables that are made anew lie in the build's own folder, whatever lies in those of builds before."""
    for schema in (*SCHEMAS, "ops", "raw"):
        session.sql(f"create schema {schema} location '{place.built}/{build_id}/{schema}.db'")


def find_tables(session: SparkSession, place: Place) -> None:
    """Name the tables that the build before has left. From now on they are changed, so the lake vouches for none."""
    record = json.loads(session.read.text(f"{place.built}/{RECORD}", wholetext=True).collect()[0][0])
    for table in record["tables"]:
        name_table(session, Table(**table), place.built)
    _files(session, place).delete(_path(session, f"{place.built}/{RECORD}"), False)


def name_table(session: SparkSession, table: Table, root: str) -> None:
    partitioned = f"partitioned by ({', '.join(table.partitions)}) " if table.partitions else ""
    session.sql(
        f"create table {table.name} ({table.columns}) using parquet {partitioned}location '{root}/{table.location}'"
    )


def keep_tables(session: SparkSession, place: Place, build_id: int) -> None:
    """Write down what this build has left, and remove what no longer counts."""
    tables = list(_tables(session))
    record = json.dumps({"build": build_id, "tables": [asdict(table) for table in tables]})
    files = _files(session, place)
    there, unfinished = _path(session, f"{place.built}/{RECORD}"), _path(session, f"{place.built}/_{RECORD}")
    stream = files.create(unfinished, True)
    stream.writeBytes(record)
    stream.close()
    if files.getUri().getScheme() == "file":
        os.sync()  # a power cut may else keep names and lose contents, of this and of the tables that it vouches for
    files.delete(there, False)
    files.rename(unfinished, there)
    _remove_others(session, place, {table.location for table in tables})


def remove_tables(session: SparkSession, place: Place) -> None:
    """A build of everything may follow one that was killed half-way through a table."""
    _files(session, place).delete(_path(session, place.built), True)


def check_room(session: SparkSession, place: Place) -> None:
    """Raise Infrastructure where the lake takes no more: of a full disk Spark may only say which folder it lacks."""
    probe = _path(session, f"{place.built}/_probe")
    files = _files(session, place)
    try:
        stream = files.create(probe, True)
        try:
            stream.write(bytes(PROBE))
        finally:
            stream.close()
        files.delete(probe, False)
    except Py4JJavaError as error:
        said = error.java_exception.getMessage().rpartition("Exception: ")[2]
        raise Infrastructure(
            f"The lake at {place.lake} takes no more: {said}. Make room there and build again."
        ) from error


def _tables(session: SparkSession) -> Iterator[Table]:
    """Asked of the session's catalogue itself: in SQL every question is a job of Spark's, and there are two hundred."""
    catalogue = session._jsparkSession.sessionState().catalog()
    for schema in SCHEMAS:
        for name in _each(catalogue.listTables(schema)):
            known = catalogue.getTableMetadata(name)
            if known.tableType().name() != "VIEW":
                yield Table(
                    f"{schema}.{name.table()}", known.schema().toDDL(), tuple(_each(known.partitionColumnNames())),
                    _below(known.location().getPath()),
                )  # fmt: skip


def _each(of_scala: Any) -> Iterator[Any]:
    return (of_scala.apply(place) for place in range(of_scala.size()))


def _below(path: str) -> str:
    """A table's folder as BUILD/SCHEMA.db/TABLE."""
    *_, build, schema, table = path.split("/")
    return f"{build}/{schema}/{table}"


def _remove_others(session: SparkSession, place: Place, kept: set[str]) -> None:
    files = _files(session, place)
    for found in files.globStatus(_path(session, f"{place.built}/*/*.db/*")):
        if _below(found.getPath().toUri().getPath()) not in kept:
            files.delete(found.getPath(), True)


def _path(session: SparkSession, path: str) -> Any:
    jvm = session.sparkContext._jvm
    assert jvm is not None
    return jvm.org.apache.hadoop.fs.Path(path)


def _files(session: SparkSession, place: Place) -> Any:
    return _path(session, place.built).getFileSystem(session.sparkContext._jsc.hadoopConfiguration())
