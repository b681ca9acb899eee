"""The same marts by DuckDB: rows brought in, built from them by build.duckdb.sql, and held against ours.

.venv-bench/bin/python benchmarks/peers/with_duckdb.py DATABASE bring FOLDER   # the files of FOLDER, by its tables.sql
.venv-bench/bin/python benchmarks/peers/with_duckdb.py DATABASE build          # prints the version and the seconds
.venv-bench/bin/python benchmarks/peers/with_duckdb.py DATABASE differ FOLDER  # prints where FOLDER/<mart>.csv differ
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import duckdb

QUERIES = Path(__file__).with_name("build.duckdb.sql")
SHOWN = 5


def bring(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    connection.execute("create schema raw")
    connection.execute((folder / "tables.sql").read_text())
    for file in sorted(folder.glob("*.csv")):
        connection.execute(f"copy raw.{file.stem} from '{file}' (header)")
    connection.execute("checkpoint")


def build(connection: duckdb.DuckDBPyConnection) -> None:
    began = time.perf_counter()
    connection.execute(QUERIES.read_text())
    connection.execute("checkpoint")
    print(duckdb.__version__, time.perf_counter() - began)


def differ(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Hold every row of the files against the table of their name, by the columns of the file."""
    for file in sorted(folder.glob("*.csv")):
        with file.open() as source:
            columns = source.readline().strip()
        theirs = f"(select {columns} from built.{file.stem})"  # noqa: S608 (a file of ours)
        connection.execute(f"create or replace temp table ours as from {theirs} limit 0")
        connection.execute(f"copy ours from '{file}' (header)")
        for whose, here, there in (("ours", "ours", theirs), ("DuckDB's", theirs, "ours")):
            query = f"from (from {here} except all from {there}) order by all limit {SHOWN}"
            for row in connection.execute(query).fetchall():
                print(f"{file.stem}: only {whose}:", *row)


def main(database: str, command: str, *folder: str) -> None:
    commands = {"bring": bring, "build": build, "differ": differ}
    with duckdb.connect(database, config={"threads": 2, "memory_limit": "8GB"}) as connection:
        commands[command](connection, *map(Path, folder))


if __name__ == "__main__":
    main(*sys.argv[1:])
