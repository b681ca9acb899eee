"""The DAGs run by Airflow itself (`dag.test` and the scheduler's own code) over a package that only takes notes."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pytest

from arrears import contract, pipeline
from arrears.errors import Infrastructure, Refused, Usage
from arrears.settings import settings

from .stand_in import MONTH_END, run

pytestmark = pytest.mark.usefixtures("metadata")


def url(role: str) -> str:
    return f"postgresql://arrears_{role}:p%40ss@127.0.0.1:1/arrears"


def test_load_runs_each_step_as_its_role(dags, package, at):
    at("2024-04-01T08:00:00+08:00")
    outcome = run(dags["load_one"])
    assert (outcome.state, outcome.exit_code) == ("success", 0)
    assert package.calls == [
        ("delivery_complete", "one", MONTH_END),
        ("load", "one", MONTH_END, url("loader")),
        ("gate_delivery", 7, url("loader")),
    ]


def test_publish_without_warnings_asks_nobody(dags, package):
    assert run(dags["publish_marts"]).state == "success"
    assert package.calls == [
        ("published_day", url("publisher")),
        ("build", MONTH_END, url("builder")),
        ("gate_candidate", 3, url("publisher")),
        ("publish", 3, url("publisher"), None, None, [5, 6]),
        ("report", 9, url("publisher"), url("reader")),
    ]


def test_a_run_says_which_engine_built_what_it_publishes(dags, package):
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session
    from sqlalchemy import select

    package.results["build"] = SimpleNamespace(build_id=3, engine="spark")
    assert run(dags["publish_marts"]).state == "success"
    of_runs = select(XComModel.task_id, XComModel.value).where(
        XComModel.dag_id == "publish_marts", XComModel.key == "engine"
    )
    with create_session() as session:
        task, value = session.execute(of_runs.order_by(XComModel.dag_run_id.desc())).first()
    assert (task, XComModel.deserialize_value(SimpleNamespace(value=value))) == ("build", "spark")


def test_warnings_need_somebody(dags, package):
    package.warn = True
    outcome = run(dags["publish_marts"], ask=False)
    assert outcome.exit_code == 1
    assert "nobody is there to approve" in str(outcome.errors[0][1])
    assert "publish" not in [call[0] for call in package.calls]


def test_approval_given_beforehand(dags, package):
    package.warn = True
    assert run(dags["publish_marts"], approved_by="Li Wei").state == "success"
    assert ("publish", 3, url("publisher"), "Li Wei", None, [5, 6]) in package.calls


def test_approval_given_on_the_command_line(dags, package):
    """`arrears approve`, then the task cleared: who approved and why is on record already."""
    package.warn = package.approved = True
    assert run(dags["publish_marts"], ask=False).state == "success"
    assert package.calls[-3:] == [
        ("is_approved", 3, url("publisher")),
        ("publish", 3, url("publisher"), None, None, [5, 6]),
        ("report", 9, url("publisher"), url("reader")),
    ]


def test_answer_of_the_approval_task_reaches_the_publication():
    import publish_marts

    answer = {"responded_by_user": {"id": "7", "name": "Li Wei"}, "params_input": {"reason": "known outage"}}
    ti = SimpleNamespace(xcom_pull=lambda task_ids: answer)
    assert publish_marts._approval({"ti": ti, "params": {}}) == ("Li Wei", "known outage")


@pytest.mark.parametrize("step", ["build", "gate_candidate"])
def test_a_refused_candidate_is_not_published(dags, package, step):
    package.failures[step] = Refused("not good", ["line 3", "line 4"])
    outcome = run(dags["publish_marts"])
    assert outcome.exit_code == 1
    assert [(task, error.reasons) for task, error in outcome.errors] == [(step, ["line 3", "line 4"])]
    assert "publish" not in [call[0] for call in package.calls]


def test_a_lender_held_back_fails_the_run_once_the_others_are_published(dags, package):
    package.held = Refused("Held back: one.", ["a mart: a rule"])
    outcome = run(dags["publish_marts"])
    assert outcome.exit_code == 1
    assert [(task, str(error)) for task, error in outcome.errors] == [
        ("held_back", "Held back: one.\n  - a mart: a rule")
    ]
    assert [call[0] for call in package.calls] == ["published_day", "build", "gate_candidate", "publish", "report"]


@pytest.mark.parametrize("days_since", [0, 1])
def test_a_run_is_cleared_after_a_later_day_is_published(dags, package, days_since):
    """It would build for hours, and page for what the publisher then refuses. The day that is shown is built again."""
    package.published = MONTH_END + dt.timedelta(days=days_since)
    outcome = run(dags["publish_marts"])
    assert (outcome.state, outcome.exit_code, outcome.errors) == ("success", 0, [])
    done = [] if days_since else ["build", "gate_candidate", "publish", "report"]
    assert [call[0] for call in package.calls] == ["published_day", *done]


def test_infrastructure_failures_are_told_apart(dags, package):
    package.failures["load"] = Infrastructure("no warehouse")
    assert run(dags["load_one"]).exit_code == 3


@pytest.mark.parametrize(
    ("error", "action"),
    [
        (Refused("x"), "fail"),
        (ValueError("a bug"), "fail"),
        (Infrastructure("x"), "retry"),
        (ConnectionResetError("x"), "retry"),
        ("psycopg2.errors.DeadlockDetected", "retry"),
        ("psycopg2.errors.LockNotAvailable", "retry"),
        ("psycopg2.errors.UniqueViolation", "fail"),
        ("airflow.sdk.exceptions.AirflowNotFoundException", "retry"),
        ("airflow.sdk.exceptions.AirflowTaskTimeout", "retry"),
    ],
)
def test_retry_policy(dags, error, action):
    from airflow.sdk.module_loading import import_string

    raised = import_string(error)("x") if isinstance(error, str) else error
    assert decided(dags, raised) == action


def decided(dags, error, try_number=1, max_tries=3):
    policy = dags["load_one"].get_task("load").retry_policy
    return type(policy).deserialize(policy.serialize()).evaluate(error, try_number, max_tries).action.value


def test_what_ran_out_of_time_is_tried_once_more(dags, monkeypatch):
    """Somebody has to be told soon that a build needs more hours. A task that is cleared counts its tries on."""
    from airflow.sdk.exceptions import AirflowTaskTimeout

    import arrears_wiring as wiring

    monkeypatch.setattr(wiring, "RETRIES", 6)
    tries = {(1, 6): "retry", (2, 6): "fail", (3, 8): "retry", (4, 8): "fail"}
    assert {tried: decided(dags, AirflowTaskTimeout("x"), *tried) for tried in tries} == tries
    told = wiring.RETRY_POLICY.evaluate(AirflowTaskTimeout("x"), 2, 6).reason  # the first may have failed otherwise
    assert told == "It ran out of time, and not in its first try."


def test_what_airflow_s_own_server_cannot_answer_is_asked_again(dags):
    """A build of hours whose result could not be handed over, say."""
    from airflow.sdk.exceptions import AirflowRuntimeError, ErrorType
    from airflow.sdk.execution_time.comms import ErrorResponse

    down = {"status_code": None, "message": "connection refused", "exception_type": "ConnectError"}
    error = AirflowRuntimeError(ErrorResponse(error=ErrorType.API_SERVER_ERROR, detail=down))
    assert decided(dags, error) == "retry"


def test_a_refusal_is_not_retried_and_a_lost_connection_is(dags, package, monkeypatch):
    from airflow.sdk.exceptions import AirflowTaskTimeout

    task = dags["load_one"].get_task("load")
    monkeypatch.setattr(task, "retries", 1)
    monkeypatch.setattr(task, "retry_delay", dt.timedelta(0))
    monkeypatch.setattr(task, "retry_exponential_backoff", 0)
    for error, tries in ((Refused("x"), 1), (Infrastructure("x"), 2), (AirflowTaskTimeout("x"), 2)):
        package.calls.clear()
        package.failures["load"] = error
        assert run(dags["load_one"]).state == "failed"
        assert [call[0] for call in package.calls].count("load") == tries


@pytest.mark.parametrize("executor", ["CeleryExecutor", "LocalExecutor,KubernetesExecutor"])
def test_on_many_machines_what_they_share_has_been_chosen(dags, package, at, monkeypatch, executor):
    """A default is a folder of whichever machine a task runs on: what it leaves there, no other task finds."""
    at("2024-04-01T08:00:00+08:00")
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", executor)
    for name in ("ARREARS_LANDING", "ARREARS_REPORTS"):
        monkeypatch.delenv(name, raising=False)
    for dag_id, task_id, variable in (
        ("load_one", "wait_for_delivery", "ARREARS_LANDING"),
        ("publish_marts", "report", "ARREARS_REPORTS"),
    ):
        settings.cache_clear()
        ((task, error),) = run(dags[dag_id]).errors
        assert task == task_id
        assert str(error).startswith(f"{variable} is not set, and with {executor} the next task may run on another")
        monkeypatch.setenv(variable, "s3://risk")
        settings.cache_clear()
        assert run(dags[dag_id]).state == "success"


def test_a_pod_is_a_machine_of_its_own(monkeypatch):
    """Its template may well say LocalExecutor: it is what runs in the pod."""
    import arrears_wiring as wiring

    monkeypatch.delenv("ARREARS_REPORTS", raising=False)
    settings.cache_clear()
    wiring.ensure_shared("reports")
    monkeypatch.setenv("AIRFLOW_IS_K8S_EXECUTOR_POD", "True")
    with pytest.raises(Usage, match="ARREARS_REPORTS is not set, and with KubernetesExecutor"):
        wiring.ensure_shared("reports")


def test_maintain(dags, package):
    assert run(dags["maintain"]).state == "success"
    assert package.calls == [("maintain", url("publisher"), url("loader"), url("reader"))]


def test_plan_of_several_dates(dags):
    import run_dags

    options = run_dags.arguments(["--date", "2024-03-31", "--date", "2024-03-30", "--approve", "Li Wei"])
    steps = [(dag.dag_id, str(day)) for dag, day, _ in run_dags.plan(options, dags)]
    assert steps == [
        ("load_one", "2024-03-30"),
        ("load_one", "2024-03-31"),
        ("load_two", "2024-03-31"),  # delivers at month-ends
        ("publish_marts", "2024-03-31"),
    ]
    with pytest.raises(Usage, match="No such lender: nobody"):
        run_dags.plan(run_dags.arguments(["--date", "2024-03-31", "--lender", "nobody"]), dags)


# --- waiting ------------------------------------------------------------------------------------------------


def poke(monkeypatch, module, task, context):
    monkeypatch.setattr(module, "get_current_context", lambda: context)
    return task.function(*(["one"] if module.__name__ == "load_lenders" else []))


def test_a_delivery_is_waited_for_from_cutoff_until_patience_ends(lenders, package, at, monkeypatch):
    import load_lenders

    dag_run = SimpleNamespace(partition_key="2024-03-31", conf={}, run_id="r", dag_id="load_one", run_type="scheduled")
    context = {"dag_run": dag_run, "params": {"wait": True}}
    monkeypatch.setattr(pipeline, "delivery_complete", lambda lender, day: complete)

    def look() -> bool:
        return poke(monkeypatch, load_lenders, load_lenders.wait_for_delivery, context)

    complete = True
    at("2024-03-31T23:59:30+08:00")
    assert look() is False  # the lender's day is not over
    at("2024-04-01T00:00:00+08:00")
    assert look() is True
    complete = False
    assert look() is False
    at("2024-04-04T05:59:00+08:00")
    assert look() is False
    at("2024-04-04T06:00:00+08:00")  # deadline and three days: let `load` say what is missing
    assert look() is True
    at("2024-04-01T00:00:00+08:00")
    context["params"] = {"wait": False}
    assert look() is True


def test_a_store_that_is_down_is_nobody_s_business_before_the_deadline(lenders, package, at, monkeypatch):
    import load_lenders

    dag_run = SimpleNamespace(partition_key="2024-03-31", conf={}, run_id="r", dag_id="load_one", run_type="scheduled")
    context = {"dag_run": dag_run, "params": {"wait": True}}
    package.failures["delivery_complete"] = Infrastructure("no store")
    at("2024-04-01T05:59:00+08:00")
    assert poke(monkeypatch, load_lenders, load_lenders.wait_for_delivery, context) is False
    at("2024-04-01T06:00:00+08:00")
    with pytest.raises(Infrastructure, match="no store"):
        poke(monkeypatch, load_lenders, load_lenders.wait_for_delivery, context)


def events_of(**keys: list[str]):
    """Inlet events by lender, as Airflow hands them to a task."""
    events = {
        f"delivery_{lender}": SimpleNamespace(
            after=lambda _, found=found: [SimpleNamespace(partition_key=key) for key in found]
        )
        for lender, found in keys.items()
    }

    class Events:
        def __getitem__(self, asset):
            return events[asset.name]

    return Events()


def waits_for(monkeypatch, day: str, began: str, **keys: list[str]):
    """What `wait_for_lenders` answers: whether it is done, and who is missing."""
    import publish_marts

    start = dt.datetime.fromisoformat(began)
    dag_run = SimpleNamespace(partition_key=day, conf={}, run_id="r", dag_id="call_publication", start_date=start)
    context = {"dag_run": dag_run, "inlet_events": events_of(**keys)}
    result = poke(monkeypatch, publish_marts, publish_marts.wait_for_lenders, context)
    return result.is_done, result.xcom_value


@pytest.mark.parametrize(
    ("day", "one", "two", "clock", "done", "missing"),
    [
        ("2024-03-30", ["2024-03-30"], [], "2024-03-30T17:00:00Z", True, []),  # `two` is not due
        ("2024-03-30", ["2024-03-29"], [], "2024-03-30T21:59:00Z", False, ["one"]),
        ("2024-03-30", ["2024-03-29"], [], "2024-03-30T22:00:00Z", True, ["one"]),  # cut-off: 06:00 in Shanghai
        ("2024-03-31", ["2024-03-31"], [], "2024-04-01T12:59:00Z", False, ["two"]),
        ("2024-03-31", ["2024-03-31"], ["2024-03-31"], "2024-04-01T08:00:00Z", True, []),
        ("2024-03-31", ["2024-03-31"], [], "2024-04-01T13:00:00Z", True, ["two"]),  # cut-off: 09:00 in New York
    ],
)
def test_publication_waits_for_those_due_or_the_cutoff(
    lenders, package, at, monkeypatch, day, one, two, clock, done, missing
):
    at(clock)
    assert waits_for(monkeypatch, day, f"{day}T16:00:00Z", one=one, two=two) == (done, missing)


@pytest.mark.parametrize(
    ("began", "clock", "pending", "done"),
    [
        ("2024-03-30T16:00:00Z", "2024-03-30T22:00:00Z", True, False),  # it came just before the cut-off
        ("2024-03-30T16:00:00Z", "2024-03-30T22:00:00Z", False, True),
        ("2024-03-30T16:00:00Z", "2024-03-30T23:00:00Z", True, True),  # whatever became of its load
        ("2024-04-09T08:00:00Z", "2024-04-09T08:00:05Z", True, False),  # caught up on: the load began with us
        ("2024-04-09T08:00:00Z", "2024-04-09T08:00:05Z", False, True),
        ("2024-04-09T08:00:00Z", "2024-04-09T09:00:00Z", True, True),
    ],
)
def test_a_delivery_that_is_there_is_waited_for(lenders, package, at, monkeypatch, began, clock, pending, done):
    at(clock)
    package.pending = pending
    assert waits_for(monkeypatch, "2024-03-30", began, one=[], two=[]) == (done, ["one"])
    assert set(package.calls) <= {("delivery_pending", "one", dt.date(2024, 3, 30), url("loader"))}


@pytest.mark.parametrize(("clock", "done"), [("2024-03-30T22:30:00Z", False), ("2024-03-30T23:00:00Z", True)])
def test_a_store_that_is_down_at_the_cutoff_holds_the_publication_up_for_an_hour(
    lenders, package, at, monkeypatch, clock, done
):
    at(clock)
    package.failures["delivery_pending"] = Infrastructure("no store")
    assert waits_for(monkeypatch, "2024-03-30", "2024-03-30T16:00:00Z", one=[], two=[]) == (done, ["one"])


@pytest.mark.parametrize(("published", "skips"), [("2024-03-31", True), ("2024-03-30", False), (None, False)])
def test_no_day_before_the_one_published_is_called(package, monkeypatch, published, skips):
    """After the loss of Airflow's records every day since go-live is due again, and none of them may be published."""
    from airflow.sdk.exceptions import AirflowSkipException

    import arrears_wiring as wiring
    import publish_marts

    event = SimpleNamespace(add_partitions=(called := []).append)
    dag_run = SimpleNamespace(partition_key="2024-03-30", conf={}, run_id="r", dag_id="call_publication")
    context = {"dag_run": dag_run, "outlet_events": {wiring.PUBLICATION_DUE: event}}
    package.published = published and dt.date.fromisoformat(published)
    if skips:
        with pytest.raises(AirflowSkipException, match="2024-03-31 is published already"):
            poke(monkeypatch, publish_marts, publish_marts.call, context)
    else:
        poke(monkeypatch, publish_marts, publish_marts.call, context)
    assert called == ([] if skips else ["2024-03-30"])


def test_events_of_the_loads_start_the_publication(dags, at):
    """load → asset event with the date as partition → call_publication → publish_marts, made by the scheduler."""
    from airflow.models.dag import DagModel
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from sqlalchemy import select, update

    at("2024-04-01T08:00:00Z")  # before the cut-off: only complete deliveries can call
    for lender in ("one", "two"):
        assert run(dags[f"load_{lender}"], wait=False).state == "success"
    with create_session() as session:
        session.execute(update(DagModel).values(is_paused=False))
    assert run(dags["call_publication"]).state == "success"

    _schedule()
    _schedule()  # a second look makes no second run
    with create_session() as session:
        made = session.execute(
            select(DagRun.partition_key, DagRun.run_type, DagRun.state).where(
                DagRun.dag_id == "publish_marts", DagRun.run_type == "asset_triggered"
            )
        ).all()
    assert [tuple(map(str, row)) for row in made] == [("2024-03-31", "asset_triggered", "queued")]


def _schedule() -> None:
    from airflow.jobs.job import Job
    from airflow.jobs.scheduler_job_runner import SchedulerJobRunner
    from airflow.utils.session import create_session

    runner = SchedulerJobRunner(job=Job())
    with create_session() as session:
        runner._create_dagruns_for_partitioned_asset_dags(session)


def test_nothing_is_published_on_a_day_nobody_is_due(dags, lenders, monkeypatch):
    monkeypatch.setattr(contract, "lenders", lambda only=None: lenders[1:])
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import select

    assert run(dags["call_publication"], day=dt.date(2024, 3, 30)).state == "success"
    with create_session() as session:
        last = session.scalars(
            select(TaskInstance)
            .where(TaskInstance.dag_id == "call_publication", TaskInstance.task_id == "call")
            .order_by(TaskInstance.queued_dttm.desc(), TaskInstance.id.desc())
        ).first()
        assert last.state == "skipped"
