"""Run the daily DAGs for given lenders and dates in this process, without a scheduler.

    python scripts/run_dags.py --lender lakala --date 2024-03-01 --date 2024-03-02 --publish last

The DAGs are the ones in dags/, run with Airflow's own `dag.test`: same tasks, same order, same retries policy. Exit
codes: 0 done, 1 a delivery or candidate was refused, 2 usage, 3 an infrastructure failure.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from arrears import contract
from arrears.errors import ArrearsError, Infrastructure, Refused, Usage

if TYPE_CHECKING:
    from airflow.sdk import DAG

DAGS = Path(__file__).resolve().parents[1] / "dags"
DONE, REFUSED, USAGE, INFRASTRUCTURE = 0, 1, 2, 3

console = Console(stderr=True)


@dataclass
class Outcome:
    """What happened in one DAG run."""

    dag_id: str
    business_date: date
    state: str
    seconds: float
    errors: list[tuple[str, BaseException]] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        if self.state == "success":
            return DONE
        if any(_is_refusal(error) for _, error in self.errors):
            return REFUSED
        return USAGE if any(isinstance(error, Usage) for _, error in self.errors) else INFRASTRUCTURE


def _is_refusal(error: BaseException) -> bool:
    # AirflowFailException is how a DAG refuses on its own account: no business date, nobody to approve.
    return isinstance(error, Refused) or type(error).__name__ == "AirflowFailException"


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--lender", action="append", help="a lender; may be repeated (default: all)")
    parser.add_argument(
        "--date",
        action="append",
        required=True,
        type=date.fromisoformat,
        help="a business date, YYYY-MM-DD; may be repeated",
    )
    parser.add_argument(
        "--publish",
        choices=["last", "each", "none"],
        default="last",
        help="publish once after the last date (default), after each date, or not at all",
    )
    parser.add_argument("--approve", metavar="NAME", help="publish in spite of warnings, approved by NAME")
    parser.add_argument("--verbose", action="store_true", help="show Airflow's and the tasks' logs")
    return parser.parse_args(argv)


def configure(verbose: bool) -> None:
    """Environment of Airflow, before it is imported. What is set already wins."""
    from arrears.settings import Role, settings

    values = {
        "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "INFO" if verbose else "CRITICAL",
        # Somebody is watching: running the command again is the retry.
        "ARREARS_TASK_RETRIES": "0",
    }
    for name, value in values.items():
        os.environ.setdefault(name, value)
    sys.path.insert(0, str(DAGS))
    for role in Role:
        if role.airflow_variable not in os.environ:
            os.environ[role.airflow_variable] = settings().url(role)


def prepare_metadata() -> None:
    """Migrate Airflow's metadata database if it needs it, and create the pool."""
    from airflow.models.pool import Pool
    from airflow.utils import db
    from sqlalchemy.exc import OperationalError

    from arrears_wiring import PUBLICATION_POOL

    try:
        db.check_migrations(timeout=0)
    except TimeoutError:
        db.upgradedb()
    except OperationalError as error:
        raise Infrastructure(
            f"Cannot reach Airflow's metadata database: {str(error.orig).strip()}. "
            "Is it running, and is AIRFLOW__DATABASE__SQL_ALCHEMY_CONN right?"
        ) from error
    Pool.create_or_update_pool(
        PUBLICATION_POOL, slots=1, description="One publication at a time", include_deferred=False
    )


def read_dags() -> dict[str, DAG]:
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(DAGS)
    if bag.import_errors:
        raise Refused("The DAGs cannot be read.", [error.strip() for error in bag.import_errors.values()])
    return dict(bag.dags)


def run(dag: DAG, business_date: date, conf: dict[str, Any]) -> Outcome:
    """One run of a DAG, in this process."""
    errors: list[tuple[str, BaseException]] = []

    def remember(context: Any) -> None:
        errors.append((context["ti"].task_id, context["exception"]))

    started = time.monotonic()
    with _also_on_failure(dag, remember):
        dag_run = dag.test(run_conf={"business_date": business_date.isoformat(), **conf})
    return Outcome(dag.dag_id, business_date, str(dag_run.state), time.monotonic() - started, errors)


@contextmanager
def _also_on_failure(dag: DAG, callback: Callable[[Any], None]) -> Iterator[None]:
    before = {task.task_id: list(task.on_failure_callback or []) for task in dag.tasks}
    for task in dag.tasks:
        task.on_failure_callback = [*before[task.task_id], callback]
    try:
        yield
    finally:
        for task in dag.tasks:
            task.on_failure_callback = before[task.task_id]


def plan(options: argparse.Namespace, dags: dict[str, DAG]) -> list[tuple[DAG, date, dict[str, Any]]]:
    """The runs to make, in order. Raises Usage when a lender has no DAG."""
    known = sorted(name.removeprefix("load_") for name in dags if name.startswith("load_"))
    lenders = options.lender or known
    if unknown := sorted(set(lenders) - set(known)):
        raise Usage(f"No such lender: {', '.join(unknown)}. Known: {', '.join(known)}.")
    dates = sorted(set(options.date))
    publication = (dags["publish_marts"], {"ask": False, "approved_by": options.approve})
    steps: list[tuple[DAG, date, dict[str, Any]]] = []
    for day in dates:
        due = {one.lender for one in contract.lenders() if one.is_due(day)}
        steps += [(dags[f"load_{lender}"], day, {"wait": False}) for lender in lenders if lender in due]
        if options.publish == "each" or (options.publish == "last" and day == dates[-1]):
            steps.append((publication[0], day, publication[1]))
    return steps


def execute(steps: list[tuple[DAG, date, dict[str, Any]]]) -> list[Outcome]:
    """Make the runs one after the other. A refused delivery stops nobody else; a dead warehouse stops all."""
    outcomes: list[Outcome] = []
    columns = (TextColumn("{task.description:40}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("", total=len(steps))
        for dag, day, conf in steps:
            progress.update(bar, description=f"{dag.dag_id} {day}")
            outcome = run(dag, day, conf)
            outcomes.append(outcome)
            progress.advance(bar)
            if outcome.exit_code != DONE:
                _print_failure(outcome)
            if outcome.exit_code == INFRASTRUCTURE:
                break
        progress.update(bar, description="done")
    return outcomes


def _print_failure(outcome: Outcome) -> None:
    for task_id, error in outcome.errors:
        text = str(error) if isinstance(error, ArrearsError) else f"{type(error).__name__}: {error}"
        console.print(
            f"[red]{outcome.dag_id} {outcome.business_date}, task {task_id}:[/] {escape(text)}", soft_wrap=True
        )
    if not outcome.errors:
        console.print(f"[red]{outcome.dag_id} {outcome.business_date}[/] ended {outcome.state}; see --verbose")


def _print_summary(outcomes: list[Outcome]) -> None:
    for dag_id in dict.fromkeys(outcome.dag_id for outcome in outcomes):
        mine = [outcome for outcome in outcomes if outcome.dag_id == dag_id]
        good = sum(outcome.exit_code == DONE for outcome in mine)
        seconds = sum(outcome.seconds for outcome in mine)
        console.print(f"{dag_id}: {good} of {len(mine)} runs succeeded, {seconds:.1f} s")


def main(argv: list[str] | None = None) -> int:
    options = arguments(argv)
    try:
        configure(options.verbose)
        with console.status("Reading the DAGs"):
            prepare_metadata()
            dags = read_dags()
        outcomes = execute(plan(options, dags))
    except ArrearsError as error:
        console.print(f"[red]{escape(str(error))}[/]", soft_wrap=True)
        return error.exit_code
    _print_summary(outcomes)
    return max((outcome.exit_code for outcome in outcomes), default=DONE)


if __name__ == "__main__":
    sys.exit(main())
