"""What every DAG of the project must have, and what no DAG file may contain."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from arrears import contract

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "dags").glob("*.py"))
DAG_IDS = sorted(
    ["call_publication", "publish_marts", "maintain", *(f"load_{one.lender}" for one in contract.lenders())]
)


def test_dags_import_without_errors(dagbag):
    assert dagbag.import_errors == {}
    assert sorted(dagbag.dags) == DAG_IDS


def test_parsing_is_quick():
    """Airflow gives up on a file after 30 s; five leave room."""
    from airflow.dag_processing.dagbag import DagBag

    started = time.monotonic()
    DagBag(ROOT / "dags")
    assert time.monotonic() - started < 5


def test_a_task_builds_the_dag_of_its_lender_alone(monkeypatch):
    """Of dozens of lenders, each look for a delivery would read all contracts."""
    from airflow.dag_processing.dagbag import DagBag

    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "load_lakala")  # how Airflow says which DAG it wants
    assert list(DagBag(ROOT / "dags" / "load_lenders.py").dags) == ["load_lakala"]


def test_no_lender_is_named():
    names = [one.lender for one in contract.lenders()]
    for path in FILES:
        assert not [name for name in names if name in path.read_text()], path.name


@pytest.mark.parametrize("dag_id", DAG_IDS)
def test_dag_policy(dagbag, dag_id):
    dag = dagbag.dags[dag_id]
    assert dag.description
    assert "arrears" in dag.tags
    assert dag.max_active_runs >= 1
    triage = dag.doc_md.partition("#### Triage")[2]
    for heading in ("Pages when", "Look first at", "Rerun"):
        assert f"**{heading}**" in triage or f"**{heading}:**" in triage, heading
    if dag_id != "maintain":
        assert dag.params.get_param("business_date").schema["format"] == "date"


@pytest.mark.parametrize("dag_id", DAG_IDS)
def test_task_policy(dagbag, dag_id):
    from airflow.sdk import ExceptionRetryPolicy

    for task in dagbag.dags[dag_id].tasks:
        assert task.owner == "arrears"
        assert task.on_failure_callback
        assert task.pool in ("default_pool", "arrears_publication")
        assert timedelta(0) < task.execution_timeout <= timedelta(hours=6)
        assert isinstance(task.retry_policy, ExceptionRetryPolicy)
        assert task.retry_exponential_backoff
        assert task.max_retry_delay <= timedelta(minutes=15)


PARSING = """
import sys
from airflow.dag_processing.dagbag import DagBag

reached = set()
sys.path.insert(0, ".")
sys.addaudithook(lambda event, _: event in ("socket.connect", "subprocess.Popen", "os.system") and reached.add(event))
bag = DagBag(".")
print(bag.import_errors, reached, sorted({task.retries for dag in bag.dags.values() for task in dag.tasks}))
"""


def test_parsing_reaches_out_to_nobody_and_tasks_are_retried_by_default():
    environment = {name: value for name, value in os.environ.items() if name != "ARREARS_TASK_RETRIES"}
    done = subprocess.run(
        [sys.executable, "-c", PARSING], cwd=ROOT / "dags", env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "{} set() [6]", done.stderr


def test_no_lineage_is_told_by_default():
    from airflow.providers.openlineage import conf

    assert conf.is_disabled()


def test_publication_is_serial(dagbag):
    publish = dagbag.dags["publish_marts"]
    assert publish.max_active_runs == 1
    pools = {task.task_id: task.pool for task in publish.tasks}
    assert {pools[step] for step in ("build", "gate_candidate", "publish")} == {"arrears_publication"}
    assert pools["approve"] == "default_pool"  # a person's thinking must not hold the pool
    assert dagbag.dags["maintain"].get_task("maintain").pool == "arrears_publication"


def test_sensors_free_their_worker(dagbag):
    sensors = [task for dag in dagbag.dags.values() for task in dag.tasks if task.task_id.startswith("wait_")]
    assert len(sensors) == len(DAG_IDS) - 2
    assert {sensor.mode for sensor in sensors} == {"reschedule"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_sql_and_no_io_at_import(path):
    tree = ast.parse(path.read_text())
    strings = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    statement = re.compile(r"^\s*(select|insert|update|delete|create|drop|alter|truncate|with)\s.*\s", re.I | re.S)
    assert not [text for text in strings if isinstance(text, str) and statement.match(text)]
    calls = {
        ast.unparse(node.func) for top in _run_at_import(tree) for node in ast.walk(top) if isinstance(node, ast.Call)
    }
    forbidden = re.compile(r"^open$|connect|request|Variable|Connection|read_|pipeline\.|now|today|subprocess")
    assert not [call for call in calls if forbidden.search(call)]


def _run_at_import(tree: ast.Module) -> list[ast.AST]:
    """The statements of a module that run when it is imported: all but the bodies of functions and classes."""
    definitions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    plain = [node for node in tree.body if not isinstance(node, definitions)]
    decorators = [d for node in tree.body if isinstance(node, definitions) for d in node.decorator_list]
    return [*plain, *decorators]


def test_what_is_imported_before_forking_starts_no_threads_of_polars():
    """A process that is forked has the locks of the one before, and not the threads that would let go of them."""
    script = "import preload, sys; print({'great_expectations', 'polars'} & set(sys.modules))"
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=ROOT / "plugins", capture_output=True, text=True, check=True)
    assert done.stdout == "{'great_expectations'}\n"


def test_shared_module_is_no_dag_file(dagbag):
    assert not any(dag.fileloc.endswith("arrears_wiring.py") for dag in dagbag.dags.values())
