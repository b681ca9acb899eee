"""A lender whose contract cannot be read for a while: what Airflow's own scheduler makes of its DAG, and its runs."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pendulum
import pytest
from airflow.sdk.exceptions import AirflowSkipException

from arrears import contract
from arrears.contract import LenderSummary
from arrears.errors import Refused

from .stand_in import MONTH_END

pytestmark = pytest.mark.usefixtures("metadata", "package")

READABLE = LenderSummary("monthly", "Monthly", None, "Asia/Shanghai", "month_end", dt.time(0), dt.time(6))
TYPO = "The contract has 1 fault; nothing was loaded."
UNREADABLE = LenderSummary("monthly", "monthly", None, "UTC", "daily", dt.time(0), dt.time(6), problem=TYPO)


@pytest.fixture
def scheduled(monkeypatch):
    """Lets Airflow read the lender's DAG at some time and make the runs that are due. Returns the keys of all."""
    from airflow.dag_processing.bundles.manager import DagBundlesManager

    monkeypatch.setenv("ARREARS_FIRST_BUSINESS_DATE", "2024-01-31")
    DagBundlesManager().sync_bundles_to_db()

    def schedule(lender: LenderSummary, now: str) -> list[str | None]:
        clock = pendulum.parse(now)
        monkeypatch.setattr("airflow.timetables.trigger.utcnow", lambda: clock)
        return _schedule(lender, clock)

    return schedule


def _schedule(lender: LenderSummary, now: dt.datetime) -> list[str | None]:
    from airflow.dag_processing.collection import update_dag_parsing_results_in_db
    from airflow.models.dag import DagModel
    from airflow.models.dagrun import DagRun
    from airflow.serialization.serialized_objects import LazyDeserializedDAG
    from airflow.utils.session import create_session
    from sqlalchemy import select

    import load_lenders

    with create_session() as session:
        dag = LazyDeserializedDAG.from_dag(load_lenders.load_dag(lender))
        update_dag_parsing_results_in_db("dags-folder", None, [dag], {}, None, set(), session=session)
        session.flush()
        model = session.get(DagModel, dag.dag_id)
        while model.next_dagrun_create_after <= now:
            _make_next_run(model, session)
        runs = session.scalars(select(DagRun).where(DagRun.dag_id == dag.dag_id).order_by(DagRun.id))
        return [run.partition_key for run in runs]


def _make_next_run(model, session) -> None:
    from airflow.jobs.job import Job
    from airflow.jobs.scheduler_job_runner import SchedulerJobRunner
    from airflow.models.dagrun import DagRun
    from sqlalchemy import update

    SchedulerJobRunner(job=Job())._create_dag_runs([model], session)
    session.execute(update(DagRun).where(DagRun.dag_id == model.dag_id).values(state="success"))
    model.exceeds_max_non_backfill = False


def test_one_run_a_day_says_so_and_the_dates_go_on_once_it_is_mended(scheduled):
    dates = ["2024-01-31", "2024-02-29", "2024-03-31"]
    assert scheduled(READABLE, "2024-04-10T08:00:00Z") == dates
    assert scheduled(UNREADABLE, "2024-04-10T08:10:00Z") == [*dates, None]
    assert scheduled(UNREADABLE, "2024-04-10T23:00:00Z") == [*dates, None]
    assert scheduled(UNREADABLE, "2024-04-11T00:05:00Z") == [*dates, None, None]
    assert scheduled(UNREADABLE, "2024-05-02T00:05:00Z") == [*dates, None, None, None]  # nobody was told meanwhile
    assert scheduled(READABLE, "2024-05-02T08:00:00Z") == [*dates, None, None, None, "2024-04-30"]


@pytest.fixture
def look(monkeypatch, at):
    """A look for the delivery of a lender whose contract stands as given, by a run of a type and with a key."""
    import load_lenders

    def look(lender: LenderSummary, key: str | None, run_type: str = "scheduled", *, wait: bool = True) -> bool:
        dag_run = SimpleNamespace(partition_key=key, conf={}, run_id="r", dag_id="load_monthly", run_type=run_type)
        context = {"dag_run": dag_run, "params": {"wait": wait}}
        monkeypatch.setattr(contract, "lenders", lambda only=None: [lender])
        monkeypatch.setattr(load_lenders, "get_current_context", lambda: context)
        return load_lenders.wait_for_delivery.function("monthly")

    at("2024-04-01T08:00:00Z")
    return look


def test_a_run_of_no_date_fails_with_the_fault_and_is_over_once_it_is_mended(look):
    with pytest.raises(Refused, match="The contract has 1 fault"):
        look(UNREADABLE, None)
    with pytest.raises(AirflowSkipException, match="The contract can be read again"):
        look(READABLE, None)


def test_a_run_of_a_date_waits_for_the_contract_as_it_does_for_the_delivery(look, at, package):
    assert look(UNREADABLE, "2024-03-31") is False
    assert look(READABLE, "2024-03-31") is True
    assert package.calls == [("delivery_complete", "monthly", MONTH_END)]
    assert look(UNREADABLE, "2024-03-31", "manual", wait=False) is True  # let `load` say what is wrong
    at("2024-04-09T08:00:00Z")
    assert look(UNREADABLE, "2024-03-31") is True


def test_a_scheduled_run_of_a_day_that_is_not_due_is_skipped(look):
    """The contract changed: the lender delivered daily when the run was made."""
    with pytest.raises(AirflowSkipException, match="The lender delivers nothing for 2024-03-30"):
        look(READABLE, "2024-03-30")
    assert look(READABLE, "2024-03-30", "manual") is True  # who asks for a day gets it
