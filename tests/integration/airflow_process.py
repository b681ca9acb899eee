"""Runs the real DAGs in a process of their own, as `make run` does, against a test's warehouse."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from arrears.settings import SOURCE_ROOT

from ..conftest import Warehouse


def airflow_environment(warehouse: Warehouse, home: Path) -> dict[str, str]:
    """The environment that the DAGs need; nothing of the test run's own Airflow settings."""
    own = warehouse.settings
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    return inherited | {
        "AIRFLOW_HOME": str(home / "airflow"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(SOURCE_ROOT / "dags"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": own.airflow_url(),
        **own.airflow_connections(),
    }


def run_dags(
    warehouse: Warehouse, home: Path, *arguments: str, script: Path = SOURCE_ROOT / "scripts" / "run_dags.py"
) -> subprocess.CompletedProcess[str]:
    """`scripts/run_dags.py` with these arguments, or another script; its output is captured."""
    return subprocess.run(
        [sys.executable, str(script), *arguments],
        env=airflow_environment(warehouse, home),
        capture_output=True,
        text=True,
        check=False,
    )
