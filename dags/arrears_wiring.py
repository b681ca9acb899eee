"""What the DAG files share: clocks, assets, retries, notifications. Wiring only; the work is in the package.

Every schedule carries the business date as the partition key of its runs, `YYYY-MM-DD`. The tasks read it with
`business_date()` and never from the logical date, which an asset-triggered run does not have and which, where it
exists, is the start of an interval and not the day the files are about.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from airflow.sdk import (
    Asset,
    BaseNotifier,
    Connection,
    CronPartitionTimetable,
    CronTriggerTimetable,
    ExceptionRetryPolicy,
    Param,
    RetryAction,
    RetryDecision,
    RetryRule,
)
from airflow.sdk.exceptions import AirflowFailException, AirflowTaskTimeout

from arrears import contract, lineage
from arrears.errors import Infrastructure, Usage
from arrears.settings import settings

if TYPE_CHECKING:
    from airflow.sdk import Context

    from arrears.contract import LenderSummary

KEY_FORMAT = "%Y-%m-%d"
PUBLICATION_POOL = "arrears_publication"  # one slot; scripts/run_dags.py and airflow-init create it
LOADER, BUILDER, PUBLISHER, READER = "arrears_loader", "arrears_builder", "arrears_publisher", "arrears_reader"

# What the DAGs themselves read from the environment. (What the package reads is in arrears.settings.)
ENVIRONMENT = {
    "ARREARS_BUILD_HOURS": "how long a build may take (default 3); one of everything, of a large book, takes longer",
    "ARREARS_DELIVERY_PATIENCE_HOURS": "how long after its deadline a delivery is waited for (default 72)",
    "ARREARS_FIRST_BUSINESS_DATE": "go-live: every business date from it on is run (default: only the newest)",
    "ARREARS_NOTIFY_EMAIL": "addresses told of failures, approvals to give and publications, by smtp_default",
    "ARREARS_NOTIFY_WEBHOOK": "URL told of the same as JSON {text: …} (Slack's format)",
    "ARREARS_POKE_SECONDS": "how often sensors look (default 120)",
    "ARREARS_PUBLICATION_CUTOFF": "HH:MM on the day after the business date (default: the last deadline)",
    "ARREARS_PUBLICATION_TIMEZONE": "the zone of that time (default: of the lender with the last deadline)",
    "ARREARS_TASK_RETRIES": "how often a task is tried again after an infrastructure failure (default 6)",
}


# --- the business date -------------------------------------------------------------------------------------


def business_date(context: Mapping[str, Any]) -> date:
    """The business date of this run: its partition key, or `business_date` in the conf it was triggered with.

    Raises AirflowFailException (never retried) when neither is there, when they differ, or when it is no date.
    """
    run = context["dag_run"]
    given = {run.partition_key, (run.conf or {}).get("business_date")} - {None, ""}
    if len(given) > 1:
        raise AirflowFailException(
            f"Run {run.run_id} has two business dates: partition key {run.partition_key!r} and conf "
            f"{run.conf['business_date']!r}. Trigger it again with one of them."
        )
    if not given:
        raise AirflowFailException(
            f"Run {run.run_id} of {run.dag_id} has no business date. Trigger it with a partition key or with "
            'the configuration {"business_date": "YYYY-MM-DD"}.'
        )
    text = given.pop()
    try:
        return datetime.strptime(text, KEY_FORMAT).date()
    except (TypeError, ValueError):
        raise AirflowFailException(f"Run {run.run_id}: {text!r} is no date of the form YYYY-MM-DD.") from None


def business_date_param() -> Param:
    """Makes the trigger form ask for the date. Scheduled runs have a partition key instead, hence null."""
    return Param(
        None,
        type=["null", "string"],
        format="date",
        title="Business date",
        description="The day the data describes. Leave empty when you give a partition key.",
    )


# --- clocks ------------------------------------------------------------------------------------------------


def business_dates(timezone: str, month_ends: bool = False) -> CronPartitionTimetable:
    """One run for each business date (or each month-end), with the date as its key.

    The partition lies at midnight at the start of the business date. So scheduled, backfilled and triggered runs of
    a date have the same partition date, and both ends of a backfill's range are included. A daily run opens at the
    next midnight. Of a month-end `L` has no such next tick (the one after 31 January is 29 February), so its run
    opens as the day begins, and the sensor waits for the cut-off.
    """
    hour = 0 if _has_every_midnight(timezone) else 4
    if month_ends:
        return CronPartitionTimetable(f"0 {hour} L * *", timezone=timezone, key_format=KEY_FORMAT)
    return CronPartitionTimetable(f"0 {hour} * * *", timezone=timezone, run_offset=-1, key_format=KEY_FORMAT)


def _has_every_midnight(timezone: str) -> bool:
    """Whether no clock goes forward at midnight: there (Cairo, Santiago) cron leaves out a day, and so would we."""
    zone, start = ZoneInfo(timezone), date(2024, 1, 1)
    midnights = (datetime.combine(start + timedelta(days=n), time(), tzinfo=zone) for n in range(731))
    return all(one.astimezone(UTC).astimezone(zone).time() == time() for one in midnights)


def live(timezone: str, month_ends: bool = False, since: date = date.min) -> dict[str, Any]:
    """`start_date` and `catchup` of a DAG with such a schedule.

    With a first business date every date from it on is run, also those of the days Airflow was down; of a lender none
    before its first contract (`since`). Without one (a trial) only the newest is, and older ones are for a backfill.
    """
    text = os.environ.get("ARREARS_FIRST_BUSINESS_DATE")
    if not text:
        return {"start_date": None, "catchup": False}
    opens = max(date.fromisoformat(text), since) + timedelta(days=0 if month_ends else 1)
    return {"start_date": datetime.combine(opens, time(), tzinfo=ZoneInfo(timezone)), "catchup": True}


def schedule_of(lender: LenderSummary) -> CronPartitionTimetable | CronTriggerTimetable:
    """The business dates of a lender; while its contract cannot be read, a run at once and then one a day to say so.

    Nobody knows then which days are due, so those runs are of no business date. Airflow goes on behind the last run
    that has one: once the contract is mended, every date that was due meanwhile is run.
    """
    if lender.problem:
        return CronTriggerTimetable("0 0 * * *", timezone="UTC", run_immediately=True)
    return business_dates(lender.timezone, lender.calendar == "month_end")


def live_of(lender: LenderSummary) -> dict[str, Any]:
    """`start_date` and `catchup` of a lender's DAG. That a contract cannot be read is said of today alone."""
    if lender.problem:
        return {"start_date": None, "catchup": False}
    return live(lender.timezone, lender.calendar == "month_end", lender.since)


def local_time_after(day: date, at: time, timezone: str) -> datetime:
    """`at` on the day after `day` in `timezone`."""
    return datetime.combine(day + timedelta(days=1), at, tzinfo=ZoneInfo(timezone))


def readable_lenders() -> list[LenderSummary]:
    """Those whose contracts say when they deliver. Of the others nothing comes until they are mended: their own DAGs
    fail and say so, and no publication waits for them or is timed by them."""
    return [lender for lender in contract.lenders() if lender.problem is None]


def due_lenders(day: date) -> list[LenderSummary]:
    return [lender for lender in readable_lenders() if lender.is_due(day)]


def last_lender(lenders: list[LenderSummary], day: date) -> LenderSummary:
    """The lender whose deadline for `day` comes last."""
    return max(lenders, key=lambda one: local_time_after(day, one.deadline, one.timezone))


def publication_timezone() -> str:
    """Where the publication's business date ends: in the zone of the last of the lenders that deliver daily."""
    configured = os.environ.get("ARREARS_PUBLICATION_TIMEZONE")
    lenders = readable_lenders()
    if configured or not lenders:
        return configured or "UTC"
    daily = [lender for lender in lenders if lender.calendar != "month_end"]
    return last_lender(daily or lenders, date(2024, 1, 1)).timezone


def publication_cutoff(day: date) -> datetime:
    """When `day` is published whoever is missing. Needs at least one lender that is due."""
    configured = os.environ.get("ARREARS_PUBLICATION_CUTOFF")
    if configured:
        return local_time_after(day, time.fromisoformat(configured), publication_timezone())
    last = last_lender(due_lenders(day), day)
    return local_time_after(day, last.deadline, last.timezone)


LOADING_TAKES = timedelta(hours=1)  # at most, for who waits for a delivery that is there; its own task has as long


def delivery_patience() -> timedelta:
    return timedelta(hours=float(os.environ.get("ARREARS_DELIVERY_PATIENCE_HOURS", "72")))


def build_takes() -> timedelta:
    """At most."""
    return timedelta(hours=float(os.environ.get("ARREARS_BUILD_HOURS", "3")))


def poke_seconds() -> float:
    return float(os.environ.get("ARREARS_POKE_SECONDS", "120"))


def days(count: float) -> float:
    """In seconds, as sensors want it."""
    return timedelta(days=count).total_seconds()


def now() -> datetime:
    """The clock of the sensors. No task that touches data asks what time it is."""
    return datetime.now(tz=UTC)


# --- assets and connections --------------------------------------------------------------------------------


def lender_asset(lender: str) -> Asset:
    """Partition D of it: the delivery of D is in raw and has passed the delivery gate."""
    return Asset(name=f"delivery_{lender}", uri=f"arrears://delivery/{lender}", group="arrears")


PUBLICATION_DUE = Asset(name="publication_due", uri="arrears://publication_due", group="arrears")
PUBLICATION = Asset(name="publication", uri="arrears://publication", group="arrears")


def announce(context: Mapping[str, Any], asset: Asset, day: date) -> None:
    """Put the business date on the asset's event; a run that was given it by conf has no key to inherit."""
    context["outlet_events"][asset].add_partitions(day.strftime(KEY_FORMAT))


def url_of(connection: str) -> str:
    """URL of an Airflow connection as libpq, psycopg2 and SQLAlchemy all read it."""
    uri: str = Connection.get(connection).get_uri()
    return uri.replace("postgres://", "postgresql://", 1)


def ensure_shared(folder: str) -> None:
    """Where tasks run on many machines, a folder that they hand things over in was chosen by somebody.

    Whether a chosen one is shared cannot be known; the default lies on whichever machine this is.

    Args:
        folder: a field of the settings. Raises Usage.
    """
    from airflow.sdk.configuration import conf

    executor = "KubernetesExecutor" if "AIRFLOW_IS_K8S_EXECUTOR_POD" in os.environ else conf.get("core", "executor")
    own = settings()
    chosen = folder in own.model_fields_set and getattr(own, folder)
    if not chosen and any(name in executor for name in ("Celery", "Kubernetes")):
        raise Usage(
            f"ARREARS_{folder.upper()} is not set, and with {executor} the next task may run on another machine. Set "
            "it for all of them: an object store (s3://…), or a folder that is mounted on every one."
        )


def name_lineage_parent(task_instance: Any) -> None:
    """Let what this process tells OpenLineage about tables say which task it was."""
    if lineage.is_wanted():
        from airflow.providers.openlineage.plugins.macros import lineage_parent_id, lineage_root_parent_id

        os.environ["OPENLINEAGE_PARENT_ID"] = lineage_parent_id(task_instance)
        os.environ["OPENLINEAGE_ROOT_PARENT_ID"] = lineage_root_parent_id(task_instance)


# --- failures ----------------------------------------------------------------------------------------------

RETRIES = int(os.environ.get("ARREARS_TASK_RETRIES", "6"))  # three quarters of an hour in all


class RetryPolicy(ExceptionRetryPolicy):
    """What runs out of time in its first try is tried once more, for what it waited for may have ended: a backup, a
    lock, a slow store.

    Not as often as the rest: seven builds of three hours each, and nobody told that three are not enough.
    """

    def evaluate(
        self, exception: BaseException, try_number: int, max_tries: int, context: Context | None = None
    ) -> RetryDecision:
        if isinstance(exception, AirflowTaskTimeout):
            is_first = try_number <= max_tries - RETRIES + 1  # also after it was cleared, for tries are counted on
            reason = "It ran out of time, and not in its first try."
            return RetryDecision.retry() if is_first else RetryDecision.fail(reason)
        return super().evaluate(exception, try_number, max_tries, context)


# By name, so that parsing a DAG imports no driver. First match wins; what is not foreseen is a bug, and a bug
# does not go away by itself. A killed worker raises nothing and is retried by the scheduler in any case.
RETRY_POLICY = RetryPolicy(
    rules=[
        RetryRule(
            exception=["arrears.errors.Refused", "arrears.errors.Usage"],
            action=RetryAction.FAIL,
            reason="The data or a contract is at fault: the same input gives the same answer.",
        ),
        RetryRule(
            exception=[
                "arrears.errors.Infrastructure",
                "psycopg2.OperationalError",  # lost connection, lock timeout, deadlock, serialisation failure
                "psycopg2.InterfaceError",
                "builtins.OSError",  # disk, network, object store
                # What Airflow's API server did not answer; and no connection is there for who asks for one meanwhile.
                "airflow.sdk.exceptions.AirflowRuntimeError",
                "airflow.sdk.exceptions.AirflowNotFoundException",
            ],
            action=RetryAction.RETRY,
            reason="The surroundings are at fault: another try may succeed.",
        ),
    ],
    default=RetryAction.FAIL,
)


class WebhookNotifier(BaseNotifier):
    """POSTs {"text": message} to ARREARS_NOTIFY_WEBHOOK. The URL is a secret: read when it is used, told to no log."""

    template_fields = ("message",)

    def __init__(self, message: str) -> None:
        super().__init__()
        self.message = message

    def notify(self, context: Context) -> None:
        import httpx

        try:
            answer = httpx.post(os.environ["ARREARS_NOTIFY_WEBHOOK"], json={"text": self.message}, timeout=10)
        except httpx.HTTPError as error:
            raise Infrastructure(f"The webhook cannot be reached ({type(error).__name__}).") from None
        if not answer.is_success:
            raise Infrastructure(f"The webhook answered {answer.status_code}.")


CHANNELS = ("webhook", "mail")

# Which of a channel's errors pass is not to be seen in them: a mail server that hangs up is a plain AirflowException.
TELLING_POLICY = ExceptionRetryPolicy(rules=[], default=RetryAction.RETRY)


def notifier(channel: str, message: str) -> BaseNotifier | None:
    """Who tells a message by a channel; None where nobody is configured.

    Made anew each time: being rendered changes a notifier for good, and a process may have several things to tell.

    Args:
        message: a Jinja template; its first line is the subject of a mail.
    """
    if channel == "webhook":
        return WebhookNotifier(message) if os.environ.get("ARREARS_NOTIFY_WEBHOOK") else None
    addresses = os.environ.get("ARREARS_NOTIFY_EMAIL")
    if not addresses:
        return None
    from airflow.providers.smtp.notifications.smtp import SmtpNotifier

    # A mail is HTML: bare, it would lose its line ends and whatever stands in angle brackets.
    body = f"<pre>{{% filter e %}}{message}{{% endfilter %}}</pre>"
    return SmtpNotifier(to=addresses, subject=message.splitlines()[0], html_content=body)


class Notice(BaseNotifier):
    """Tells everyone who is configured, in passing: who cannot be told stops neither the others nor the task."""

    def __init__(self, message: str) -> None:
        super().__init__()
        self.message = message

    def notify(self, context: Context) -> None:
        for channel in CHANNELS:
            if found := notifier(channel, self.message):
                with suppress(Exception):  # it has logged why
                    found(context)


RUN = "{{ dag_run.partition_key or (dag_run.conf or {}).get('business_date') or dag_run.run_id }}"
# Of a task whose process was killed Airflow knows no exception.
FAILURE = Notice(
    "arrears: {{ dag.dag_id }}.{{ ti.task_id }} failed for "
    + RUN
    + "\n{{ exception | default('Its process ended without saying why.') }}"
)

DEFAULT_ARGS: dict[str, Any] = {
    "owner": "arrears",
    "retries": RETRIES,
    "retry_delay": timedelta(minutes=1),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=15),
    "retry_policy": RETRY_POLICY,
    "execution_timeout": timedelta(hours=1),
    "on_failure_callback": [FAILURE],
}
