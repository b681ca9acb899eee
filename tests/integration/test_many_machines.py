"""The DAGs where every task may run on another machine: nothing that a later one needs is left on a local disk."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from arrears.settings import SOURCE_ROOT, Role, Settings, settings
from arrears.simulate import simulate

from ..conftest import open_warehouse
from .airflow_process import run_dags

LENDER = "lakala"
DAYS = [dt.date(2024, 3, 30), dt.date(2024, 3, 31)]
ARGUMENTS = ["--lender", LENDER, *(f"--date={day}" for day in DAYS), "--publish", "each"]
CLOCK = ("published_at", "hours_late")


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("simulated")
    simulate(
        start=DAYS[0], end=DAYS[-1], loans=60, seed=7, lenders=[LENDER], landing=folder / "landing",
        truth=folder / "truth",
    )  # fmt: skip
    return folder / "landing"


def checkout() -> dict[str, int]:
    """What is in the folders that machines have a copy of, and when it was written."""
    return {
        path.relative_to(SOURCE_ROOT).as_posix(): path.stat().st_mtime_ns
        for folder in ("dags", "lenders", "dbt_project", "expectations", "dashboards", "src", "plugins")
        for path in (SOURCE_ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def said(report: Path) -> dict[str, Any]:
    """Every number of a report but for what the clock says, of a table and column each."""
    tables = json.loads((report / "metrics.json").read_text())["tables"]
    return {
        f"{name}.{column}": [row[place] for row in table["rows"]]
        for name, table in tables.items()
        for place, column in enumerate(table["columns"])
        if column not in CLOCK
    }


def runs(server: Settings, folder: Path, landing: Path, *arguments: str, script: Path | None = None) -> list[Any]:
    """Run the two days in a warehouse of their own, with what machines share in the folder. Returns what it shows."""
    with pytest.MonkeyPatch.context() as patch:
        warehouse = open_warehouse(server, f"of_{folder.name}", folder / "state", patch)
        shutil.copytree(landing, folder / "landing")
        for name in ("landing", "reports", "lake"):
            patch.setenv(f"ARREARS_{name.upper()}", str(folder / name))
        done = run_dags(warehouse, folder, *arguments, *ARGUMENTS, **({"script": script} if script else {}))
        assert done.returncode == 0, done.stderr
        published = "select * from marts.fct_loan_month order by lender, loan_id, month_end"
        rows = warehouse.rows(published, role=Role.READER)
    settings.cache_clear()
    return rows


@pytest.mark.timeout(1200)
@pytest.mark.usefixtures("models_alone", "few_expectations")
def test_every_task_on_a_machine_of_its_own(server: Settings, tmp_path: Path, landing: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "many").mkdir()
    before, written_down = checkout(), tmp_path / "left.jsonl"
    script = Path(__file__).with_name("elsewhere.py")
    published = runs(server, tmp_path / "many", landing, str(written_down), script=script)
    assert checkout() == before
    tasks = [json.loads(line) for line in written_down.read_text().splitlines()]
    ran = [task["task"] for task in tasks]
    assert {name: ran.count(name) for name in ran} == dict.fromkeys(
        ["wait_for_delivery", "load", "gate_delivery", "build", "gate_candidate", "approve", "publish", "report",
         "reported", "notify_webhook", "notify_mail", "refresh_dashboards", "held_back"], 2,
    )  # fmt: skip
    left = {task["task"]: task["left"] for task in tasks}
    assert "state/dbt/manifest.json" in left["build"]  # they did have folders of their own
    assert not (tmp_path / "many" / "state" / "data_docs").exists()

    assert published
    assert published == runs(server, tmp_path / "one", landing)
    for number in ("1", "2"):
        one, many = (tmp_path / machines / "reports" / number for machines in ("one", "many"))
        assert {path.name for path in many.iterdir()} == {path.name for path in one.iterdir()}
        assert said(many) == said(one) != {}
    assert (tmp_path / "many" / "reports" / "index.html").read_text().count("report.html") == 2
    files = {path.relative_to(tmp_path / "one" / "lake") for path in (tmp_path / "one" / "lake").rglob("*.parquet")}
    assert files == {
        path.relative_to(tmp_path / "many" / "lake") for path in (tmp_path / "many" / "lake").rglob("*.parquet")
    }
