"""Airflow as production runs it: the services of docker-compose.yml with their own commands and settings, and its API.

Only addresses, folders and a few clocks differ. The warehouse and Airflow's metadata are databases of the tests'
embedded server.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psycopg2
import pytest

from arrears.settings import AIRFLOW, Role

from ..conftest import Warehouse
from ..integration.test_compose import AIRFLOW_SERVICES, SERVICES, Native

T = TypeVar("T")
METADATA = "airflow_of_a_module"
USER = "li_na"


class Services(Native):
    """The services of Airflow.

    Args:
        folder: for what they write. changes: environment variables that are other than in production.
    """

    def __init__(self, folder: Path, warehouse: Warehouse, changes: dict[str, str]) -> None:
        super().__init__(folder)
        self.warehouse, self.changes = warehouse, changes
        own, address = warehouse.settings, warehouse.settings.owner()
        self.databases = {"arrears": address.database, AIRFLOW: METADATA}
        self.ports["postgres"] = address.port
        for role in Role:
            self.values[f"ARREARS_{role.value.upper()}_PASSWORD"] = getattr(
                own, f"{role.value}_password"
            ).get_secret_value()
        self.values["ARREARS_AIRFLOW_PASSWORD"] = own.airflow_password.get_secret_value()
        self.values["ARREARS_AIRFLOW_USERS"] = f"{USER}:admin"
        self.values["ARREARS_PII_KEY"] = own.pii_key.get_secret_value()

    def text(self, value: str) -> str:
        value = super().text(value)
        server = f"@127.0.0.1:{self.ports['postgres']}/"
        before, found, database = value.partition(server)
        return before + server + self.databases[database] if found else value

    def environment(self, service: str) -> dict[str, str]:
        return super().environment(service) | {
            "PYTHONDONTWRITEBYTECODE": "",
            "ARREARS_HOME": str(self.warehouse.settings.home),
            **self.changes,
        }

    @contextmanager
    def running(self) -> Iterator[Airflow]:
        self._migrated_metadata()
        with ExitStack() as running:
            processes = {
                name: running.enter_context(self.started(name, self._command(name), self.environment(name)))
                for name in AIRFLOW_SERVICES
            }
            self.wait_until_healthy(["api-server"], 120)
            with self._client() as client:
                yield Airflow(client, self.folder, processes)
            for process in processes.values():  # side by side: each takes seconds to end
                process.terminate()

    def _migrated_metadata(self) -> None:
        connection = psycopg2.connect(self.warehouse.settings.owner().to("postgres").url())
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(f"drop database if exists {METADATA} with (force)")
            cursor.execute(f"create database {METADATA} owner {AIRFLOW}")
        connection.close()
        subprocess.run(
            ["airflow", "db", "migrate"], env=self.environment("airflow-init"), check=True, stdout=subprocess.DEVNULL
        )

    def _command(self, name: str) -> list[str]:
        return [self.text(part) for part in SERVICES[name]["command"]]

    def _client(self) -> httpx.Client:
        address = f"http://127.0.0.1:{self.ports['api-server']}"
        password = json.loads((self.folder / "auth" / "passwords.json").read_text())[USER]
        answer = httpx.post(f"{address}/auth/token", json={"username": USER, "password": password}, timeout=30)
        token = answer.raise_for_status().json()["access_token"]
        return httpx.Client(base_url=f"{address}/api/v2", headers={"Authorization": f"Bearer {token}"}, timeout=30)


class Airflow:
    """Its API, as somebody uses it who is logged in. Every wait has a deadline, and failing says what stands."""

    def __init__(self, client: httpx.Client, folder: Path, processes: dict[str, subprocess.Popen]) -> None:
        self.client, self.folder, self.processes = client, folder, processes

    def call(self, method: str, path: str, **arguments: Any) -> Any:
        answer = self.client.request(method, path, **arguments)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def get(self, path: str, **parameters: Any) -> Any:
        return self.call("GET", path, params=parameters)

    # ── what somebody does ───────────────────────────────────────────────────────────────────────────────

    def unpause(self, *dag_ids: str) -> None:
        for dag_id in dag_ids:
            self.call("PATCH", f"/dags/{dag_id}", json={"is_paused": False})

    def make_pool(self, name: str) -> None:
        self.call("POST", "/pools", json={"name": name, "slots": 1, "include_deferred": False})

    def backfill(self, dag_id: str, first: dt.date, last: dt.date) -> None:
        body = {"dag_id": dag_id, "from_date": f"{first}T00:00:00Z", "to_date": f"{last}T00:00:00Z"}
        self.call("POST", "/backfills", json=body | {"max_active_runs": 4})

    def trigger(self, dag_id: str, key: str) -> None:
        self.call("POST", f"/dags/{dag_id}/dagRuns", json={"logical_date": None, "partition_key": key})

    def clear(self, dag_id: str, key: str, task_id: str) -> None:
        """Clear a failed task and what comes after it."""
        body = {"dry_run": False, "dag_run_id": self.run(dag_id, key)["dag_run_id"], "task_ids": [task_id],
                "include_downstream": True}  # fmt: skip
        cleared = self.call("POST", f"/dags/{dag_id}/clearTaskInstances", json=body)["task_instances"]
        assert task_id in {task["task_id"] for task in cleared}

    def approve(self, dag_id: str, key: str, task_id: str, reason: str) -> None:
        run = self.run(dag_id, key)["dag_run_id"]
        self.call(
            "PATCH", f"/dags/{dag_id}/dagRuns/{run}/taskInstances/{task_id}/-1/hitlDetails",
            json={"chosen_options": ["Approve"], "params_input": {"reason": reason}},
        )  # fmt: skip

    # ── what stands ──────────────────────────────────────────────────────────────────────────────────────

    def runs(self, dag_id: str = "~") -> list[dict[str, Any]]:
        return self.get(f"/dags/{dag_id}/dagRuns", limit=200, order_by="run_after")["dag_runs"]

    def run(self, dag_id: str, key: str) -> dict[str, Any]:
        """The newest run of a business date; empty when there is none."""
        found = [run for run in self.runs(dag_id) if run["partition_key"] == key]
        return found[-1] if found else {}

    def tasks(self, run: dict[str, Any]) -> dict[str, str | None]:
        """State of each task of a run."""
        path = f"/dags/{run['dag_id']}/dagRuns/{run['dag_run_id']}/taskInstances"
        return {task["task_id"]: task["state"] for task in self.get(path)["task_instances"]}

    def until(self, what: str, condition: Callable[[], T], seconds: float) -> T:
        """Wait until a condition holds, and return what it found."""
        deadline = time.monotonic() + seconds
        while True:
            if found := condition():
                return found
            dead = [name for name, process in self.processes.items() if process.poll() is not None]
            if dead or time.monotonic() > deadline:
                pytest.fail(
                    f"{what}: {'ended: ' + ', '.join(dead) if dead else f'not in {seconds} s'}\n{self._report()}"
                )
            time.sleep(2)  # the API answers on the cores that the tasks run on

    def until_known(self, *dag_ids: str) -> None:
        """Wait until the DAG processor has read the DAGs."""
        self.until(
            "DAGs read", lambda: set(dag_ids) <= {dag["dag_id"] for dag in self.get("/dags", limit=100)["dags"]}, 60
        )

    def until_ended(self, state: str, dag_id: str, key: str, seconds: float) -> dict[str, Any]:
        """Wait until the run of a business date has ended, which has to be in that state."""

        def ended() -> dict[str, Any]:
            run = self.run(dag_id, key)
            return run if run.get("state") in ("success", "failed") else {}

        run = self.until(f"{dag_id} {key}", ended, seconds)
        if run["state"] != state:
            pytest.fail(f"{dag_id} {key}: {run['state']}\n{self._report()}")
        return run

    def until_task(self, state: str, dag_id: str, key: str, task_id: str, seconds: float) -> None:
        """Wait until a task of the run of a business date is in that state."""
        self.until(
            f"{dag_id} {key}: {task_id} {state}",
            lambda: (run := self.run(dag_id, key)) and self.tasks(run).get(task_id) == state,
            seconds,
        )

    def until_asked(self, dag_id: str, key: str, task_id: str, seconds: float) -> None:
        """Wait until a task asks somebody, and the scheduler knows that the process which asked has ended.

        Nobody answers before that but a test. The answer would put the task in the queue, the end of the first process
        would be taken for that of the second, and the task be tried again and ask anew: a race of Airflow's, which its
        issue 71172 describes for sensors.
        """
        self.until_task("awaiting_input", dag_id, key, task_id, seconds)
        ended = re.compile(rf"TaskInstance Finished: dag_id={dag_id}, task_id={task_id},.* state=awaiting_input")
        log = self.folder / "scheduler.log"
        self.until(f"{task_id} has asked", lambda: ended.search(log.read_text()), 60)

    def _report(self) -> str:
        """What the API says of the runs that did not succeed, and the ends of the logs."""
        lines = [f"{error['filename']}: {error['stack_trace']}" for error in self.get("/importErrors")["import_errors"]]
        for run in self.runs():
            if run["state"] != "success":
                lines.append(f"{run['dag_id']} {run['partition_key']} {run['state']}: {self.tasks(run)}")
        tasks = sorted(self.folder.glob("home/logs/dag_id=*/**/*.log"), key=lambda path: path.stat().st_mtime)
        for log in [*(self.folder / f"{name}.log" for name in self.processes), *tasks[-3:]]:
            lines.append(f"── {log.relative_to(self.folder)}\n{log.read_text(errors='replace')[-2000:]}")
        return "\n".join(lines)
