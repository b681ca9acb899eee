"""The process that builds on Spark: a session, what the models read, dbt, and the candidate back to Postgres.

Its arguments are dbt's. Ends with dbt's exit code; or with that of an error of ours, and its message.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from pyspark.sql import SparkSession

from arrears.dbt_process import end_with_the_parent
from arrears.errors import ArrearsError, Infrastructure
from arrears.spark.beside import TROUBLE
from arrears.spark.hand_over import hand_over
from arrears.spark.kept import check_room, find_tables, keep_tables, make_schemas, remove_tables
from arrears.spark.place import Place
from arrears.spark.session import open_session
from arrears.spark.tables import copy_control_tables, name_raw_files, require_running, running_build
from arrears.spark.trouble import OF_JAVA, cause
from arrears.spark.workers import watch


def main() -> None:
    end_with_the_parent()
    try:
        code = _build(Place.of_environment(), sys.argv[1:])
    except ArrearsError as error:
        _end(error)
    sys.exit(code)


def _end(error: ArrearsError) -> NoReturn:
    print(f"{TROUBLE}{json.dumps(str(error))}", flush=True)
    os._exit(error.exit_code)  # Spark would go on to say how it stops


def _build(place: Place, command: list[str]) -> int:
    session = open_session(place)
    watch(session, place.master, gone=_end)
    try:
        code = _build_on(session, place, command)
    except OF_JAVA as error:
        with suppress(*OF_JAVA):  # Java itself may be gone
            check_room(session, place)
        raise Infrastructure(
            f"Spark failed before or after dbt's models: {cause(error)}. Does every worker reach the lake, and "
            f"Postgres at {place.host}:{place.port}?"
        ) from error
    with suppress(*OF_JAVA):  # all is done
        session.stop()
    return code


def _build_on(session: SparkSession, place: Place, command: list[str]) -> int:
    build_id = running_build(session, place)
    if build_id is None:
        raise Infrastructure("No build is under way on record: it was given up before Spark had started. Build again.")
    if "--full-refresh" in command:
        remove_tables(session, place)
    make_schemas(session, place, build_id)
    if "--full-refresh" not in command:
        find_tables(session, place)
    copy_control_tables(session, place)
    name_raw_files(session, place)
    code = run_dbt(command)
    if code != 0:
        with suppress(*OF_JAVA):  # if Java is what failed, dbt has said so
            check_room(session, place)
    else:
        require_running(session, place, build_id)
        hand_over(session, place, Path(command[command.index("--target-path") + 1]))
        require_running(session, place, build_id)
        keep_tables(session, place, build_id)
    return code


def run_dbt(command: list[str]) -> int:
    from dbt.cli.main import dbtRunner

    done = dbtRunner().invoke(command)
    if done.exception is not None:
        print(done.exception, flush=True)
        return 2
    return 0 if done.success else 1


if __name__ == "__main__":
    main()
