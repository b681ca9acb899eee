"""One DAG `load_<lender>` for every contract. Adding a lender is adding its contract; nothing here names one."""

# mypy: disable-error-code="untyped-decorator"
from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from airflow.sdk import DAG, Param, get_current_context, get_parsing_context, task
from airflow.sdk.exceptions import AirflowSkipException

import arrears_wiring as wiring
from arrears import contract, pipeline
from arrears.errors import Infrastructure, Refused

if TYPE_CHECKING:
    from airflow.sdk import Context

    from arrears.contract import LenderSummary

log = logging.getLogger(__name__)

DOC = """
### {name}: load a day's delivery

**Does:** waits until the delivery of the business date is complete (all files and their controls), checks it
against the contract, loads it in one transaction, gates what was loaded, and emits the asset `delivery_{lender}`.
The run of a business date takes
nothing before the cut-off at {cutoff} ({timezone}, next day); its partition key is the business date.

#### Triage
- **Pages when** a task fails. `load`: the delivery was refused, or is still not there {patience:g} hours after its
  deadline (next day {deadline}). `gate_delivery`: it loaded, but an expectation of severity critical does not hold.
  `wait_for_delivery`: the contract cannot be read; as long as that is so, a run a day says it, and none of a business
  date begins. Mend the contract: there is nothing to clear, and the dates go on behind the last one that was run.
- **What it means:** this lender keeps its last good state and is marked stale; the others publish.
- **Look first at** the log of the failed task: it names every reason with file, line, column, value and rule.
  `arrears check {lender} DATE` says the same without loading anything.
- **Rerun:** get a corrected delivery from the lender, put it in place, clear the run from `load` on. Other
  bytes for a loaded date are a new version, the same bytes under the same contract are a no-op. For many dates
  start a backfill (the range is of business dates), then trigger `publish_marts` once.
- An infrastructure failure is retried with growing delays by itself; a refusal never is.
"""


@task.sensor(mode="reschedule", poke_interval=wiring.poke_seconds(), timeout=wiring.days(30))
def wait_for_delivery(lender: str) -> bool:
    """True when there is something to load, or when waiting is over: then `load` says what is missing."""
    context = get_current_context()
    wiring.ensure_shared("landing")
    (summary,) = contract.lenders(only=lender)
    if context["dag_run"].run_type == "scheduled":
        end_unless_due(summary, context)
    day = wiring.business_date(context)
    if wiring.now() < wiring.local_time_after(day, summary.cutoff, summary.timezone):
        return False  # the lender's day is not over
    deadline = wiring.local_time_after(day, summary.deadline, summary.timezone)
    if not context["params"]["wait"] or wiring.now() >= deadline + wiring.delivery_patience():
        return True
    if summary.problem:
        log.warning("%s", summary.problem)  # goes on once it is mended; a run of no date fails for it
        return False
    try:
        return pipeline.delivery_complete(lender, day)
    except Infrastructure as error:
        if wiring.now() >= deadline:
            raise
        log.warning("%s", error)  # nobody needs the files yet
        return False


def end_unless_due(lender: LenderSummary, context: Context) -> None:
    """End a run that no delivery belongs to. Such are made while a contract cannot be read, and before it changes."""
    if context["dag_run"].partition_key is None:
        if lender.problem:
            raise Refused(lender.problem)
        raise AirflowSkipException("The contract can be read again; the business dates go on by themselves.")
    day = wiring.business_date(context)
    if not lender.is_due(day):
        raise AirflowSkipException(f"The lender delivers nothing for {day}.")


@task
def load(lender: str) -> int:
    """Check and load. The whole delivery is there afterwards, or nothing of it."""
    day = wiring.business_date(get_current_context())
    result = pipeline.load(lender, day, url=wiring.url_of(wiring.LOADER))
    log.info("%s", result.to_dict())
    return result.delivery_id


@task
def gate_delivery(lender: str, delivery_id: int) -> None:
    context = get_current_context()
    pipeline.gate_delivery(delivery_id, url=wiring.url_of(wiring.LOADER))
    wiring.announce(context, wiring.lender_asset(lender), wiring.business_date(context))


def load_dag(lender: LenderSummary) -> DAG:
    """The DAG of one lender."""
    with DAG(
        dag_id=f"load_{lender.lender}",
        dag_display_name=f"Load {lender.name_en} {lender.name_zh or ''}".strip(),
        description=f"Take in the {'monthly' if lender.calendar == 'month_end' else 'daily'} delivery",
        doc_md=DOC.format(
            name=lender.name_en,
            lender=lender.lender,
            timezone=lender.timezone,
            cutoff=f"{lender.cutoff:%H:%M}",
            deadline=f"{lender.deadline:%H:%M}",
            patience=wiring.delivery_patience() / timedelta(hours=1),
        ),
        schedule=wiring.schedule_of(lender),
        **wiring.live_of(lender),
        max_active_runs=8,  # a late delivery must not hold up the days after it
        default_args=wiring.DEFAULT_ARGS,
        params={
            "business_date": wiring.business_date_param(),
            "wait": Param(True, type="boolean", title="Wait until the delivery is complete"),
        },
        tags=["arrears", "load", lender.calendar],
    ) as dag:
        delivery = load(lender.lender)
        gate = gate_delivery.override(outlets=[wiring.lender_asset(lender.lender)])
        wait_for_delivery(lender.lender) >> delivery >> gate(lender.lender, delivery)
    return dag


# Airflow reads this file anew for every task, of one DAG then: a look for a delivery reads one contract, not dozens.
wanted = get_parsing_context().dag_id
for summary in contract.lenders(only=wanted and wanted.removeprefix("load_")):
    globals()[f"load_{summary.lender}"] = load_dag(summary)
