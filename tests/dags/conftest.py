"""Airflow for the tests of this folder: its own home and metadata database, thrown away afterwards.

Airflow reads its configuration once, when it is first imported, so the environment is set before anything else.
"""

from __future__ import annotations

import atexit
import datetime as dt
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from arrears import contract, pipeline
from arrears.contract import LenderSummary

from .stand_in import Package

ROOT = Path(__file__).resolve().parents[2]
HOME = Path(tempfile.mkdtemp(prefix="arrears-airflow-"))
atexit.register(shutil.rmtree, HOME, ignore_errors=True)

os.environ.update(
    {
        "AIRFLOW_HOME": str(HOME),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
        "AIRFLOW__CORE__FERNET_KEY": "",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{HOME}/airflow.db",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
        "ARREARS_TASK_RETRIES": "0",
        **{
            f"AIRFLOW_CONN_ARREARS_{role}": f"postgresql://arrears_{role.lower()}:p%40ss@127.0.0.1:1/arrears"
            for role in ("LOADER", "BUILDER", "PUBLISHER", "READER")
        },
    }
)
for name in ("ARREARS_NOTIFY_WEBHOOK", "ARREARS_NOTIFY_EMAIL", "ARREARS_FIRST_BUSINESS_DATE"):
    os.environ.pop(name, None)
sys.path[:0] = [str(ROOT / "dags"), str(ROOT / "scripts")]


@pytest.fixture(scope="session")
def metadata() -> Iterator[None]:
    """Airflow's metadata database, migrated, with the pool the DAGs need."""
    import run_dags

    run_dags.prepare_metadata()
    return


@pytest.fixture(scope="session")
def dagbag():
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(ROOT / "dags")


@pytest.fixture
def package(monkeypatch):
    fake = Package()
    for name in fake.results:
        monkeypatch.setattr(pipeline, name, fake.step(name))
    return fake


@pytest.fixture
def lenders(monkeypatch):
    two = [
        LenderSummary("one", "One", None, "Asia/Shanghai", "daily", dt.time(0), dt.time(6)),
        LenderSummary("two", "Two", "二", "America/New_York", "month_end", dt.time(0), dt.time(9)),
    ]
    monkeypatch.setattr(contract, "lenders", lambda only=None: [one for one in two if only in (None, one.lender)])
    return two


@pytest.fixture
def dags(lenders, package):
    import run_dags

    return run_dags.read_dags()


@pytest.fixture
def at(monkeypatch):
    """Sets the clock of the sensors."""
    import arrears_wiring as wiring

    def set_clock(text: str) -> None:
        monkeypatch.setattr(wiring, "now", lambda: dt.datetime.fromisoformat(text))

    return set_clock
