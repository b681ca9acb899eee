"""Running dbt on the project in a process of its own, and what its failures mean."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

from arrears import engine
from arrears.errors import Infrastructure, Refused
from arrears.settings import Settings
from arrears.spark.beside import TROUBLE
from arrears.warehouse.address import Address
from arrears.warehouse.libpq import TLS

# What dbt says when the trouble is the server's, not the models'.
SERVER_TROUBLE = (
    "could not connect", "connection refused", "connection to server", "connection already closed",
    "server closed the connection", "terminating connection", "eof detected", "could not receive data",
    "could not send data", "the database system is", "no space left", "deadlock detected", "canceling statement due to",
    "ssl connection has been closed", "ssl syscall error", "out of memory", "out of shared memory",
    "sparkcontext was shut down", "stopped sparkcontext", "master removed our application", "executorlostfailure",
    "job aborted due to stage failure", "py4jnetworkerror", "outofmemoryerror", "no live sparkcontext",
)  # fmt: skip
# Spark names the kind of an error by the SQL standard's class: these are a model's or the data's (cardinality, data,
# constraint, syntax). What has none, or another, comes of the cluster: a broadcast that took too long, a lost file.
MODELS_FAULT = re.compile(r"SQLSTATE: (?:0A|2[123]|42)")
JAVA_FRAMES = re.compile(r"\s+at (?:[a-z]\w*\.)+.*", re.S)
# PostgreSQL shows the row that breaks a rule of its table. Reasons go out by mail and webhook; dbt's log stays here.
FAILING_ROW = re.compile(r"DETAIL:\s+Failing row contains.*", re.S)
PULSE = 30.0  # seconds between two looks at whether dbt may still go on


def dbt_environment(url: str) -> dict[str, str]:
    """The variables that profiles.yml reads, and those that libpq does."""
    address = Address.parse(url)
    return {
        **{TLS[name]: value for name, value in address.options if name in TLS},
        "ARREARS_DBT_HOST": address.host,
        "ARREARS_DBT_PORT": str(address.port),
        "ARREARS_DBT_USER": address.user,
        "ARREARS_DBT_PASSWORD": address.password,
        "ARREARS_DBT_DBNAME": address.database,
    }


def run_dbt(
    *command: str,
    variables: Mapping[str, Any],
    url: str,
    settings: Settings,
    target: Path,
    dbt: engine.Dbt = engine.ON_POSTGRES,
    build_id: int | None = None,
    may_go_on: Callable[[], object] = lambda: None,
) -> subprocess.CompletedProcess[str]:
    """Run a command of dbt on the project; what it says is in `stdout`, whether it went well in `returncode`.

    Args:
        command: the command and its options. variables: what the models read with `var()`.
        target: the folder for what dbt writes. Two runs at once need two.
        dbt: on which engine. build_id: the build on record that the models are of. Without one they are run by hand.
        may_go_on: asked every half minute. Where it raises, dbt is ended, and this with what it raised.
    """
    target.mkdir(parents=True, exist_ok=True)
    project = str(settings.dbt_project)
    of_build = {"ARREARS_DBT_BUILD": str(build_id)} if build_id is not None else {}
    command_line = [
        *dbt.program, "--no-use-colors", "--log-path", str(target / "logs"), *command,
        "--project-dir", project, "--profiles-dir", project, "--target-path", str(target),
        "--vars", json.dumps(variables), *dbt.options,
    ]  # fmt: skip
    with (
        subprocess.Popen(
            command_line,
            # Writing down every statement takes a tenth of a small build: for who looks into one,
            # DBT_LOG_LEVEL_FILE=debug.
            env={"DBT_LOG_LEVEL_FILE": "info", **os.environ, **dbt_environment(url), **dbt.environment, **of_build},
            stdin=subprocess.PIPE,  # held open as long as this process lives: see arrears.dbt_process
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process,
        ThreadPoolExecutor(1) as reader,
    ):
        assert process.stdout is not None
        said = reader.submit(process.stdout.read)
        try:
            while not wait([said], timeout=PULSE).done:
                may_go_on()
        except BaseException:
            process.kill()
            raise
        return subprocess.CompletedProcess(command_line, process.wait(), said.result())


def results_of(done: subprocess.CompletedProcess[str], run_results: Path, *, on_spark: bool) -> dict[str, Any]:
    """What dbt has written of a build that went well in every model and test.

    Args:
        run_results: the file, in dbt's target folder.

    Raises:
        Refused: a model or test failed; each is a reason. Infrastructure: the server, or dbt itself.
    """
    if done.returncode < 0:
        raise Infrastructure(f"dbt was ended by signal {-done.returncode} (out of memory?); build again.")
    _, is_ours, trouble = done.stdout.rpartition(TROUBLE)
    if is_ours:
        kind = Infrastructure if done.returncode == Infrastructure.exit_code else Refused
        raise kind(json.loads(trouble.splitlines()[0]))
    log_file = run_results.with_name("logs") / "dbt.log"
    results = _written(run_results)
    if results is None:
        raise _trouble(done.stdout, [last_words(done.stdout)], log_file, on_spark)
    failed = [
        f"{result['unique_id'].split('.', 2)[-1]}: {' '.join(str(result['message']).split())}"
        for result in results["results"]
        if result["status"] in ("error", "fail", "runtime error")
    ]
    if failed or done.returncode != 0:
        raise _trouble(done.stdout, failed or [last_words(done.stdout)], log_file, on_spark)
    return results


def _written(run_results: Path) -> dict[str, Any] | None:
    """What is in the file; None where there is none, or half of one: its disk is full, as dbt will have said."""
    try:
        results: dict[str, Any] = json.loads(run_results.read_text())
    except (FileNotFoundError, ValueError):
        return None
    return results


def _trouble(output: str, said: list[str], log_file: Path, on_spark: bool) -> Refused | Infrastructure:
    reasons = [FAILING_ROW.sub("(the row is in the log)", reason) for reason in said]
    if _is_of_the_server(output, reasons, on_spark):
        what, cause = "Spark" if on_spark else "The warehouse", JAVA_FRAMES.sub("", reasons[0])
        return Infrastructure(f"{what} failed while dbt was building: {cause} (log: {log_file}).")
    return Refused(f"dbt could not build the candidate; the marts are as they were. Log: {log_file}", reasons)


def _is_of_the_server(output: str, reasons: list[str], on_spark: bool) -> bool:
    if on_spark:
        at_run_time = [reason for reason in reasons if "Runtime Error" in reason]
        if at_run_time:
            return not all(MODELS_FAULT.search(reason) for reason in at_run_time)
    return any(sign in output.lower() for sign in SERVER_TROUBLE)


def last_words(output: str) -> str:
    """The end of what dbt said, as one line."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return " ".join(lines[-3:]) or "dbt said nothing"
