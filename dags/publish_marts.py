"""`call_publication` decides when a business date is published; `publish_marts` publishes it.

Two DAGs, so that a run of `publish_marts` exists only when there is work to do: while the first waits for lenders,
somebody may still publish by hand. Airflow's own conditions over assets cannot say "all that are due, or those that
are here at ten": PartitionedAssetTimetable over all lenders would wait for month-end lenders every day, WaitPolicy
counts keys of one asset and not assets, AssetOrTimeSchedule takes no partitioned timetable.
"""

# mypy: disable-error-code="untyped-decorator"
from __future__ import annotations

import logging
from datetime import date, timedelta
from typing import Any

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import (
    DAG,
    Param,
    PartitionedAssetTimetable,
    PokeReturnValue,
    TriggerRule,
    get_current_context,
    task,
)
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

import arrears_wiring as wiring
from arrears import contract, pipeline
from arrears.errors import ArrearsError, Infrastructure, Refused

log = logging.getLogger(__name__)

CALL_DOC = """
### When to publish a business date

**Does:** waits until every lender that is due for the business date has emitted its asset for it, or until the
publication cut-off, and then emits `publication_due`, which starts `publish_marts`. A delivery that is there at the
cut-off (or when the run begins, where dates are caught up on) and not judged yet is waited for up to an hour more; also
one that is being loaded in place of a refused one.
Lenders that deliver at month-ends are due on the last day of a month alone. On a day nobody is due, or that is before
the one published, it skips.

#### Triage
- **Pages when** Airflow itself is in trouble; a late lender is no failure here. Who is missing is in the log of
  `wait_for_lenders`, and in the result of that task.
- **Look first at** the `load_<lender>` run of the missing lender.
- **Rerun:** clear the run; or trigger `publish_marts` with the business date, which waits for nobody.
"""

PUBLISH_DOC = """
### Build, gate and publish the marts of a business date

**Does:** one dbt build into `candidate`, the expectations over it, a person's approval where only warnings stand in
the way, one transaction that publishes the rows that differ, then its report. Runs when `call_publication` says that
the date is due: every lender due is there, or the publication cut-off has passed. One run at a time, and
build, gate and publish share the pool `arrears_publication` of one slot. The XCom `engine` of `build` says which
engine ran the models.

#### Triage
- **Pages when** a task fails; `marts` then is as it was before. `build`: dbt or the warehouse. `gate_candidate`:
  a critical expectation does not hold. `approve`: nobody answered within a day, or the run was told not to ask.
  `held_back`: the others are published; of the lenders it names something critical is wrong, and what was published of
  them stands, marked stale. Mend the cause; the next publication has them again if the gate lets it.
  `report`: the publication stands and is told, and only what people look at is missing; clear `report`, which tells
  once more, with the page; or run `arrears report`.
- **Look first at** the log of the failed task (for the gate: expectation, rows and the command that shows the
  rest), then at `arrears status`.
- **Rerun:** once the cause is gone, clear the run from `build` on; where a later day is published by then, it skips.
  Clearing `publish` alone is right only after an infrastructure failure in it: publishing what was already published is
  a no-op. After somebody went back, clear from `gate_candidate` on, if this build is right all the same.
- **After a backfill** trigger this DAG once, with the newest business date.
- `refresh_dashboards` tells Superset, where one is configured. If Superset cannot be reached, that is reported and no
  task fails. Later: `arrears dashboards --refresh`.
- A warning waits for an answer under *Required actions*; whoever is configured is told. Rejecting leaves the marts as
  they are and skips the rest.
  `arrears approve --by NAME --reason WHY` does it without the UI: then `arrears publish`, or clear `approve` here.
"""


# --- when ---------------------------------------------------------------------------------------------------


@task.sensor(mode="reschedule", poke_interval=wiring.poke_seconds(), timeout=wiring.days(7))
def wait_for_lenders() -> PokeReturnValue:
    """Done when nobody who is due is missing, or at the cut-off if no load is under way. Returns who is missing."""
    context = get_current_context()
    day = wiring.business_date(context)
    due = [one.lender for one in wiring.due_lenders(day)]
    if not due:
        raise AirflowSkipException(f"No lender is due for {day}.")
    missing = [lender for lender in due if not _is_in(context["inlet_events"], lender, day)]
    awaited = missing
    if wiring.now() >= wiring.publication_cutoff(day):
        awaited = [lender for lender in missing if _is_being_loaded(lender, day, context["dag_run"])]
    log.info("%s: of %d lenders due these are missing: %s; waiting for: %s", day, len(due), missing, awaited)
    return PokeReturnValue(is_done=not awaited, xcom_value=missing)


def _is_being_loaded(lender: str, day: date, dag_run: Any) -> bool:
    """Whether a lender that is missing at the cut-off has delivered, and its load may still be at it.

    Dates that are caught up on begin after their cut-off, side by side with their loads.
    """
    begun = max(wiring.publication_cutoff(day), dag_run.start_date)
    if wiring.now() >= begun + wiring.LOADING_TAKES:
        return False
    try:
        return pipeline.delivery_pending(lender, day, url=wiring.url_of(wiring.LOADER))
    except Infrastructure as error:
        log.warning("Whether %s is being loaded cannot be seen now: %s", lender, error)
        return True


def _is_in(events: Any, lender: str, day: date) -> bool:
    since = day - timedelta(days=1)  # no zone is that far from UTC
    found = events[wiring.lender_asset(lender)].after(f"{since}T00:00:00Z")
    return any(event.partition_key == day.strftime(wiring.KEY_FORMAT) for event in found)


@task(outlets=[wiring.PUBLICATION_DUE])
def call() -> None:
    context = get_current_context()
    day = wiring.business_date(context)
    skip_a_day_gone_by(day)
    wiring.announce(context, wiring.PUBLICATION_DUE, day)


def skip_a_day_gone_by(day: date) -> None:
    """End a task as skipped where a later day is published: the publisher would refuse `day` when all work is done."""
    shown = pipeline.published_day(url=wiring.url_of(wiring.PUBLISHER))
    if shown is not None and shown > day:
        raise AirflowSkipException(f"{shown} is published already, and no publication goes back to {day}.")


with DAG(
    dag_id="call_publication",
    description="Publish when all lenders due are in, or at the cut-off",
    doc_md=CALL_DOC,
    schedule=wiring.business_dates(wiring.publication_timezone()),
    **wiring.live(wiring.publication_timezone()),
    max_active_runs=1,  # dates are called in their order, also when several are caught up on
    default_args=wiring.DEFAULT_ARGS,
    params={"business_date": wiring.business_date_param()},
    tags=["arrears", "publish"],
) as call_publication:
    lender_assets = [wiring.lender_asset(one.lender) for one in contract.lenders()]
    wait_for_lenders.override(inlets=lender_assets)() >> call()


# --- what ---------------------------------------------------------------------------------------------------

WAITING = wiring.Notice(
    f"arrears: publication of {wiring.RUN} waits for approval\n"
    "The gate has warnings: `arrears status` lists them. Answer under Required actions in Airflow."
)

CANNOT_REFRESH = wiring.Notice(
    f"arrears: dashboards may still show what was before {wiring.RUN}\n"
    "Superset could not be told of the publication; why is in the log of refresh_dashboards. "
    "Again: `arrears dashboards --refresh`."
)


@task(pool=wiring.PUBLICATION_POOL, execution_timeout=wiring.build_takes())
def build() -> int:
    context = get_current_context()
    day = wiring.business_date(context)
    skip_a_day_gone_by(day)  # a run that is cleared, or triggered by hand, was called long ago or not at all
    wiring.name_lineage_parent(context["ti"])
    built = pipeline.build(day, url=wiring.url_of(wiring.BUILDER))
    context["ti"].xcom_push("engine", built.engine)
    return built.build_id


@task(pool=wiring.PUBLICATION_POOL)
def gate_candidate(build_id: int) -> dict[str, Any]:
    """What the gate said, and where it is on record; of lenders held back, what is to be told once the others are
    published."""
    judged = pipeline.gate_candidate(build_id, url=wiring.url_of(wiring.PUBLISHER))
    refusal = judged.holding_back()
    return {
        "outcome": judged.outcome,
        "gate_runs": list(judged.gate_runs),
        "held": (refusal.summary, refusal.reasons) if refusal else None,
    }


def ask_only_about_warnings(context: Any) -> None:
    """Before `approve`: skip when the gate passed or somebody approved beforehand; fail when nobody is there."""
    params = context["params"]
    if context["ti"].xcom_pull(task_ids="gate_candidate")["outcome"] != "warn" or params["approved_by"]:
        raise AirflowSkipException("Nothing to approve.")
    if pipeline.is_approved(context["ti"].xcom_pull(task_ids="build"), url=wiring.url_of(wiring.PUBLISHER)):
        raise AirflowSkipException("Approved by `arrears approve`.")
    if not params["ask"]:
        raise AirflowFailException(
            "The gate has warnings, and nobody is there to approve them. See the log of gate_candidate; "
            "to publish in spite of them run again and name who approves (approved_by)."
        )


# `approve` may be skipped, and with `build` everything is.
@task(pool=wiring.PUBLICATION_POOL, outlets=[wiring.PUBLICATION], trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS)
def publish(build_id: int, judged: dict[str, Any]) -> dict[str, Any]:
    """judged: what was approved, where it was. Somebody may have had the build judged again since."""
    context = get_current_context()
    approved_by, reason = _approval(context)
    result = pipeline.publish(
        build_id,
        url=wiring.url_of(wiring.PUBLISHER),
        approved_by=approved_by,
        reason=reason,
        judged=judged["gate_runs"],
    )
    wiring.announce(context, wiring.PUBLICATION, wiring.business_date(context))
    return result.to_dict()


def _approval(context: Any) -> tuple[str | None, str | None]:
    """Who approved, and why; nobody where `arrears approve` did, or where there was nothing to approve."""
    answer = context["ti"].xcom_pull(task_ids="approve")
    if not answer:
        return context["params"]["approved_by"], None
    user = answer.get("responded_by_user") or {}
    reason = (answer.get("params_input") or {}).get("reason")
    return user.get("name") or user.get("id") or "unknown", reason or None


@task
def report(publication: dict[str, Any]) -> str:
    """Write what people look at. Returns where it is. The publication stands, whatever becomes of its report."""
    wiring.ensure_shared("reports")
    written = pipeline.report(
        publication["publication_id"],
        url=wiring.url_of(wiring.PUBLISHER),
        reader_url=wiring.url_of(wiring.READER),
    )
    for note in written.notes:
        log.warning("%s", note)
    return written.page


@task(execution_timeout=timedelta(minutes=10))
def refresh_dashboards() -> None:
    """Have Superset show the new figures, where one is configured. That it could not be told is told, and is no failure
    of the publication: what Superset keeps goes by itself after a while."""
    try:
        number = pipeline.refresh_dashboards()
    except ArrearsError as error:
        log.warning("%s", error)
        CANNOT_REFRESH(get_current_context())
        return
    if number is None:
        raise AirflowSkipException("No Superset is configured (ARREARS_SUPERSET_URL).")
    log.info("Superset asks the marts anew for %d datasets", number)


@task
def held_back(judged: dict[str, Any]) -> None:
    """Fail, and so page, for lenders that the gate holds back. The others are published by now."""
    if judged["held"]:
        message, reasons = judged["held"]
        raise Refused(message, reasons)


@task(retry_policy=wiring.TELLING_POLICY, trigger_rule=TriggerRule.ALL_DONE_MIN_ONE_SUCCESS)
def notify(channel: str, publication: dict[str, Any], report_page: str | None) -> None:
    """Tell of a publication by one channel, so that trying it again tells nobody twice. Without its report it is told
    all the same, for the marts show it."""
    notifier = wiring.notifier(
        channel,
        f"arrears: published {publication['business_date']}\n"
        f"publication {publication['publication_id']}, {publication['outcome']}: "
        f"{publication['rows_added']:,} rows added, {publication['rows_closed']:,} closed, "
        f"{len(publication['restatements']):,} restatements\n"
        f"{report_page or 'It has no report yet: why is in the log of `report`.'}",
    )
    if notifier is None:
        raise AirflowSkipException(f"Nobody is told by {channel}.")
    notifier(get_current_context())


with DAG(
    dag_id="publish_marts",
    description="Build, gate and publish the marts",
    doc_md=PUBLISH_DOC,
    schedule=PartitionedAssetTimetable(assets=wiring.PUBLICATION_DUE),
    catchup=False,
    max_active_runs=1,
    default_args=wiring.DEFAULT_ARGS,
    params={
        "business_date": wiring.business_date_param(),
        "approved_by": Param(
            None,
            type=["null", "string"],
            title="Approved by",
            description="Who approves publication in spite of warnings, if that is decided already.",
        ),
        "ask": Param(True, type="boolean", title="Ask for approval when there are warnings"),
    },
    tags=["arrears", "publish"],
) as publish_marts:
    built = build()
    gated = gate_candidate(built)
    approve = ApprovalOperator(
        task_id="approve",
        subject="Publish {{ dag_run.partition_key or dag_run.conf.business_date }} in spite of warnings?",
        body="The warnings are in the log of `gate_candidate` and in `arrears status`.",
        params={"reason": Param("", type="string", title="Why")},
        response_timeout=timedelta(days=1),
        notifiers=[WAITING],
        pre_execute=ask_only_about_warnings,
    )
    published = publish(built, gated)
    gated >> approve >> published
    page = report(published)
    for channel in wiring.CHANNELS:
        notify.override(task_id=f"notify_{channel}")(channel, published, page)
    # A run ends as its last tasks do: without this one it would be a success that lacks its report.
    page >> EmptyOperator(task_id="reported")
    published >> [refresh_dashboards(), held_back(gated)]
