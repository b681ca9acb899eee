"""What `make run`, `make run-real`, `make day`, `make airflow` and `make bi` do.

Starts the embedded warehouse, puts deliveries where the contracts expect them, runs the real DAGs for them, and says
what was published and what to do next. Everything it writes is under .arrears/, landing/ and truth/.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from decimal import Decimal
from itertools import count, takewhile
from pathlib import Path

import psycopg2
from rich import box
from rich.console import Console
from rich.table import Table

from arrears.errors import ArrearsError
from arrears.simulate import lenders

ROOT = Path(__file__).resolve().parents[1]
FIRST, LAST = dt.date(2024, 3, 28), dt.date(2024, 4, 2)  # a month-end and a quarter-end lie between them
LOANS, SEED = 600, 1
REAL = "ally_auto"
REAL_DATA = ROOT.parent / "shared" / "data" / REAL

# Wide enough for the headline where nobody's terminal says how wide it is.
console = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 110)


def environment(home: Path, landing: Path) -> dict[str, str]:
    """The environment of every command: where the warehouse's state, deliveries, contracts and Airflow's home are."""
    own = {
        "ARREARS_HOME": str(home),
        "ARREARS_LANDING": str(landing),
        "ARREARS_LENDERS": str(ROOT / "lenders"),
        "AIRFLOW_HOME": str(home / "airflow"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
    }
    return {**os.environ, **own}


def arrears(env: dict[str, str], *command: str) -> str:
    """Run an `arrears` command and return what it printed. Ends this program with its exit code if it fails."""
    done = subprocess.run(["arrears", *command], env=env, text=True, stdout=subprocess.PIPE, check=False)
    if done.returncode:
        sys.exit(done.returncode)
    return done.stdout.strip()


def start(home: Path, landing: Path) -> dict[str, str]:
    env = environment(home, landing)
    console.print(arrears(env, "up"))
    env["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = arrears(env, "url", "--airflow")
    return env


def simulate(env: dict[str, str], last: dt.date, write_from: dt.date | None = None) -> None:
    """Write deliveries up to `last`. The first day carries the history before it."""
    only = ["--write-from", f"{write_from}"] if write_from else []
    console.print(
        arrears(
            env, "simulate", "--from", f"{FIRST}", "--to", f"{last}", "--loans", f"{LOANS}", "--seed", f"{SEED}", *only
        )
    )


def run_dags(env: dict[str, str], lenders: list[str], dates: list[dt.date], publish: str = "last") -> None:
    command = [sys.executable, str(ROOT / "scripts" / "run_dags.py"), "--publish", publish]
    for lender in lenders:
        command += ["--lender", lender]
    for date in dates:
        command += ["--date", date.isoformat()]
    done = subprocess.run(command, env=env, check=False)
    if done.returncode:
        console.print(f"[red]The run ended with exit code {done.returncode}.[/] What it says of itself: arrears status")
        sys.exit(done.returncode)


def dates_in(folder: Path) -> list[dt.date]:
    return sorted(dt.date.fromisoformat(path.name) for path in folder.iterdir())


def simulated_dates(landing: Path) -> list[dt.date]:
    """The days, from the first on, for which some simulated lender has delivered. Others may deliver there, too."""
    from arrears.contract import contract_for

    def delivered(date: dt.date) -> bool:
        folders = {name: contract_for(ROOT / "lenders", name, date).arrears.delivery.folder for name in lenders()}
        return any((landing / name / folder.format(date=date)).is_dir() for name, folder in folders.items())

    return list(takewhile(delivered, (FIRST + dt.timedelta(days=number) for number in count())))


# ── what there is to see ─────────────────────────────────────────────────────────────────────────────────


def show(env: dict[str, str], seconds: float, next_step: str) -> None:
    """Print the publication and its headline, read as the reader role, and the commands to go on with."""
    connection = psycopg2.connect(arrears(env, "url"))
    with connection, connection.cursor() as cursor:
        _table(cursor, "Publications", "publications.sql")
        _table(cursor, "Overdue share of outstanding principal, last month-ends", "headline.sql")
    connection.close()
    home = Path(env["ARREARS_HOME"])
    prefix = "" if home == ROOT / ".arrears" else f"ARREARS_HOME={home.relative_to(ROOT)} "
    psql = "psql" if shutil.which("psql") else str(_bundled_psql())
    megabytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024  # of the largest process
    console.print(f"\nDone in {seconds:.0f} s, at most {megabytes:,} MiB a process. From here, in {ROOT}:\n")
    for what, command in (
        ("the report", f"{home.relative_to(ROOT)}/reports/index.html"),
        ("query the marts", f'{psql} "$({prefix}.venv/bin/arrears url)" -c "table mart_overdue_rate_monthly"'),
        ("what stands", f"{prefix}.venv/bin/arrears status"),
        ("the gate's pages", f"{home.relative_to(ROOT)}/data_docs/candidate/index.html"),
        ("see Airflow's UI", "make airflow"),
        ("dashboards", "make bi"),
        ("the next day", next_step),
        ("stop", f"{prefix}.venv/bin/arrears down"),
    ):
        console.print(f"  {what:17} {command}", markup=False)


def _bundled_psql() -> Path:
    from arrears.warehouse.embedded import binaries

    return (binaries() / "psql").relative_to(ROOT)


def _table(cursor: psycopg2.extensions.cursor, title: str, query: str) -> None:
    cursor.execute((ROOT / "dashboards" / query).read_text())
    grid = Table(title=title, title_justify="left", header_style="bold", box=box.SIMPLE_HEAD, padding=(0, 1))
    for column in cursor.description or ():
        grid.add_column(column.name, justify="left" if column.name == "lender" else "right")
    for row in cursor.fetchall():
        grid.add_row(*map(_cell, row))
    console.print(grid)


def _cell(value: object) -> str:
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int | Decimal) else str(value)


# ── commands ─────────────────────────────────────────────────────────────────────────────────────────────


def simulated() -> None:
    began, landing = time.monotonic(), ROOT / "landing"
    env = start(ROOT / ".arrears", landing)
    simulate(env, max([LAST, *simulated_dates(landing)]))
    run_dags(env, lenders(), simulated_dates(landing))
    show(env, time.monotonic() - began, "make day")


def day() -> None:
    began, landing = time.monotonic(), ROOT / "landing"
    dates = simulated_dates(landing)
    if not dates:
        sys.exit("There is no first day yet: make run")
    env = start(ROOT / ".arrears", landing)
    date = dates[-1] + dt.timedelta(days=1)
    simulate(env, date, write_from=date)
    run_dags(env, lenders(), [date])
    show(env, time.monotonic() - began, "make day")


def real(data: Path) -> None:
    began, landing = time.monotonic(), ROOT / ".arrears" / "real" / "landing"
    if not (data / "landing").is_dir():
        sys.exit(f"The real deliveries are not at {data}: make run-real DATA=<folder that holds landing/>")
    landing.mkdir(parents=True, exist_ok=True)
    link = landing / REAL
    link.unlink(missing_ok=True)
    link.symlink_to((data / "landing").resolve())
    env = start(landing.parent, landing)
    run_dags(env, [REAL], dates_in(link))
    show(env, time.monotonic() - began, "no more months are known")


def airflow() -> None:
    env = start(ROOT / ".arrears", ROOT / "landing")
    from arrears.settings import Settings

    env |= Settings(home=ROOT / ".arrears").airflow_connections()
    env.setdefault("AIRFLOW__API__HOST", "127.0.0.1")
    env.setdefault("AIRFLOW__API__PORT", "8080")
    console.print(f"http://127.0.0.1:{env['AIRFLOW__API__PORT']}  (user and password are printed below; Ctrl-C stops)")
    sys.exit(subprocess.run(["airflow", "standalone"], env=env, check=False).returncode)


def bi() -> None:
    env = start(ROOT / ".arrears", ROOT / "landing")
    from arrears.superset.server import ADMIN, LocalSuperset
    from arrears.warehouse.address import Address

    superset = LocalSuperset(
        ROOT / ".arrears" / "superset", ROOT / ".venv-superset" / "bin", ROOT / "dashboards" / "superset"
    )
    for ending in (signal.SIGINT, signal.SIGTERM):  # whoever ends this ends Superset, too
        signal.signal(ending, signal.default_int_handler)
    console.print("Superset starts; that takes a minute or two the first time.")
    try:
        with superset.running():
            superset.load(Address.parse(arrears(env, "url")))
            console.print(f"\n  {superset.url}/dashboard/list/\n  user {ADMIN}, password {superset.admin}\n")
            console.print("After `make day` the figures follow within five minutes. Ctrl-C stops Superset.")
            superset.wait()
    except ArrearsError as failure:
        sys.exit(str(failure))
    except KeyboardInterrupt:
        console.print("stopped")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["simulated", "real", "day", "airflow", "bi"])
    parser.add_argument("--data", type=Path, default=REAL_DATA, help="folder that holds the real lender's landing/")
    options = parser.parse_args()
    if options.what == "real":
        real(options.data)
    else:
        {"simulated": simulated, "day": day, "airflow": airflow, "bi": bi}[options.what]()


if __name__ == "__main__":
    main()
