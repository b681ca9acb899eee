"""Runs the real DAGs as `scripts/run_dags.py` does, with every task on a machine of its own.

A machine is a process with a working folder, a home, a state folder and a folder for temporary files that nobody had
before and nobody has afterwards. What it left in them is written down, a line a task.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from arrears.settings import SOURCE_ROOT

sys.path.insert(0, str(SOURCE_ROOT / "scripts"))
import run_dags

FOLDERS = {"ARREARS_HOME": "state", "HOME": "home", "TMPDIR": "tmp", "XDG_CACHE_HOME": "cache"}
# What starts the machines has Airflow imported, as the scheduler has it, and nothing of a DAG run or of the package.
STARTED_WITH = [
    "airflow.models.taskinstance", "airflow.sdk.definitions.dag", "airflow.dag_processing.dagbag", "great_expectations",
]  # fmt: skip


class Machines:
    """Airflow's way to run a task, each time somewhere else. written_down: the file that says what was left there."""

    def __init__(self, written_down: Path) -> None:
        self.written_down = written_down
        self.start = multiprocessing.get_context("forkserver")
        self.start.set_forkserver_preload(STARTED_WITH)

    def run(self, *, ti: Any, **_: Any) -> None:
        machine = Path(tempfile.mkdtemp(prefix="machine-"))
        process = self.start.Process(target=work, args=(machine, ti.id, ti.dag_id, ti.task_id))
        process.start()
        process.join()
        left = sorted(path.relative_to(machine).as_posix() for path in machine.rglob("*") if path.is_file())
        with self.written_down.open("a") as lines:
            lines.write(json.dumps({"task": ti.task_id, "left": left}) + "\n")
        shutil.rmtree(machine)
        ti.refresh_from_db()


def work(machine: Path, number: object, dag_id: str, task_id: str) -> None:
    """On a machine: read the DAG and run one task. How it went is in Airflow's metadata."""
    for variable, name in FOLDERS.items():
        (machine / name).mkdir()
        os.environ[variable] = str(machine / name)
    (machine / "work").mkdir()
    os.chdir(machine / "work")
    tempfile.tempdir = None  # whoever asked before the machine was started was told another
    assert Path(tempfile.gettempdir()) == machine / "tmp"
    from airflow.models.taskinstance import TaskInstance
    from airflow.sdk.definitions.dag import _run_task
    from airflow.utils.session import create_session

    task = run_dags.read_dags()[dag_id].get_task(task_id)
    task.on_failure_callback = [*(task.on_failure_callback or []), tell]
    with create_session() as session:
        ti = session.get(TaskInstance, number)
    _run_task(ti=ti, task=task, run_triggerer=True)


def tell(context: Any) -> None:
    print(f"{context['ti'].task_id}: {context['exception']!r}", file=sys.stderr)


def main(written_down: str, *arguments: str) -> int:
    run_dags.configure(verbose=False)
    from airflow.sdk.definitions import dag

    dag._run_task = Machines(Path(written_down)).run
    return run_dags.main(list(arguments))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
