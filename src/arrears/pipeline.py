"""The steps of a day, each as the role that may do it and each on the run log.

Airflow's tasks and the command line call these functions, so a daily run, a retry, a backfill and a run by hand
take the same path.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from arrears import build as building
from arrears import gate as gates
from arrears import lake as lakes
from arrears import load as loading
from arrears import publish as publishing
from arrears import report as reporting
from arrears.contract import contract_for
from arrears.delivery import Delivery
from arrears.errors import ArrearsError, Refused, Usage
from arrears.load import registry
from arrears.settings import settings
from arrears.warehouse.connect import connect
from arrears.warehouse.maintain import maintain as maintain_warehouse


def delivery(lender: str, business_date: dt.date) -> Delivery:
    """The delivery of a lender for a day, as its contract and the landing folder describe it."""
    own = settings()
    return Delivery(contract_for(own.lenders, lender, business_date), business_date, own.landing)


def delivery_complete(lender: str, business_date: dt.date) -> bool:
    """Whether all files of the delivery are there."""
    return delivery(lender, business_date).is_complete()


def delivery_pending(lender: str, business_date: dt.date, *, url: str) -> bool:
    """Whether all files of the delivery are there, and what becomes of them is not decided yet."""
    try:
        if not delivery_complete(lender, business_date):
            return False
    except (Refused, Usage):
        return False  # no contract to read it by: nothing will become of it
    with connect(url, "pending") as connection, connection.cursor() as cursor:
        return registry.is_pending(cursor, lender, business_date)


def check(lender: str, business_date: dt.date, *, url: str) -> loading.Findings:
    """Every fault of a delivery; loads nothing."""
    return loading.check(delivery(lender, business_date), url=url, pii_key=settings().pii_key_bytes)


def load(lender: str, business_date: dt.date, *, url: str) -> loading.LoadResult:
    """Load a delivery into raw, where it waits for its gate. Raises Refused or Infrastructure."""
    with _logged("load", url, business_date, lender) as entry:
        result = loading.load(delivery(lender, business_date), url=url, pii_key=settings().pii_key_bytes)
        entry.rows, entry.detail = result.rows, f"delivery {result.delivery_id} {result.outcome}"
        return result


def gate_delivery(delivery_id: int, *, url: str) -> gates.GateResult:
    """Judge a loaded delivery; what is accepted is in the lake afterwards, where there is one.

    Raises Refused when it does not pass, and Infrastructure also when it stands and could not be written to the lake.
    """
    with _logged("gate delivery", url) as entry:
        entry.detail = f"delivery {delivery_id}"
        result = gates.gate_delivery(delivery_id, url=url, settings=settings())
    # Also for a delivery that stood already: whoever accepted it may have been killed before it was written.
    fill_lake(url=url, delivery_id=delivery_id)
    return result


def fill_lake(*, url: str, delivery_id: int | None = None) -> lakes.Filled | None:
    """Bring the lake to what is accepted. Returns None where none is configured. Raises Usage or Infrastructure.

    delivery_id: of the lender of this delivery alone.
    """
    lake = settings().lake
    if not lake:
        return None
    with _logged("lake", url) as entry:
        result = lakes.fill(url=url, lake=lake, delivery_id=delivery_id)
        entry.detail = f"{result.written} files written, {result.removed} removed"
        return result


def build(business_date: dt.date, *, url: str) -> building.BuildResult:
    """Build the candidate as of a business date. Raises Refused or Infrastructure."""
    with _logged("build", url, business_date) as entry:
        result = building.build(business_date, url=url, settings=settings())
        entry.detail = f"build {result.build_id}: {result.models} models, {result.tests} tests on {result.engine}"
        return result


def gate_candidate(build_id: int, *, url: str) -> gates.GateResult:
    """Judge the candidate. Raises Refused when it does not pass."""
    with _logged("gate candidate", url) as entry:
        entry.detail = f"build {build_id}"
        result = gates.gate_candidate(build_id, url=url, settings=settings())
        if result.held:
            entry.detail += f": held back {', '.join(result.held)}"
        return result


def approve(build_id: int, *, url: str, by: str, reason: str) -> publishing.Approval:
    """Let a build through of which the gate said no more than warnings. Raises Refused."""
    with _logged("approve", url) as entry:
        entry.detail = f"build {build_id}: {by}: {reason}"
        return publishing.approve(build_id, url=url, by=by, reason=reason)


def is_approved(build_id: int, *, url: str) -> bool:
    """Whether somebody has approved what the gate said last of a build."""
    return publishing.standing(build_id, url=url) is not None


def publish(
    build_id: int,
    *,
    url: str,
    approved_by: str | None = None,
    reason: str | None = None,
    judged: Collection[int] | None = None,
) -> publishing.PublishResult:
    """Publish a build that passed its gate. Raises Refused or Infrastructure."""
    with _logged("publish", url) as entry:
        result = publishing.publish(build_id, url=url, approved_by=approved_by, reason=reason, judged=judged)
        entry.rows = result.rows_added
        entry.detail = f"build {build_id}: publication {result.publication_id} {result.outcome}"
        return result


def report(
    publication_id: int | None = None,
    *,
    url: str,
    reader_url: str,
    lender: str | None = None,
    language: reporting.Language | None = None,
    reports: str | None = None,
) -> reporting.Report:
    """Write the report of a publication (None: the current one), read as BI reads. Raises Usage or Infrastructure.

    reports: another place than the configured one.
    """
    own = settings()
    with _logged("report", url, lender=lender) as entry:
        result = reporting.write(
            publication_id,
            url=reader_url,
            definitions=own.dashboards / "report",
            reports=reports or own.reports_address,
            lender=lender,
            language=language or own.report_language,
        )
        entry.detail = f"publication {result.publication_id}: {result.folder}"
        return result


def rollback(publication_id: int, *, url: str, by: str, reason: str) -> publishing.PublishResult:
    """Publish again what an earlier publication showed. Raises Usage or Infrastructure."""
    with _logged("rollback", url) as entry:
        result = publishing.rollback(publication_id, url=url, by=by, reason=reason)
        entry.rows = result.rows_added
        entry.detail = f"publication {result.publication_id} shows publication {publication_id} again: {by}: {reason}"
        return result


def published_day(*, url: str) -> dt.date | None:
    """The business date that the marts show; None before the first publication."""
    return publishing.published_day(url=url)


def refresh_dashboards() -> int | None:
    """Have Superset forget the figures it keeps. Returns of how many datasets; None where none is configured.

    Raises:
        Usage, Refused, Infrastructure: it could not be told. What is published is published all the same.
    """
    if not settings().superset_url:
        return None
    from arrears.superset import forget_figures  # its HTTP client is imported where somebody is told

    return forget_figures(settings())


def maintain(*, url: str, loader_url: str, reader_url: str) -> dict[str, int]:
    """Weekly upkeep: what is no longer kept goes, and its space is given back. Returns counts of what was done."""
    with _logged("maintain", url) as entry:
        done = publishing.retain(url=url, keep_newest=settings().keep_publications)
        done["rejected rows forgotten"] = loading.forget(url=loader_url, older_than_days=settings().keep_rejected_days)
        if filled := fill_lake(url=loader_url):
            done |= {"files of raw written": filled.written, "files of raw removed": filled.removed}
        done["reports removed"] = reporting.forget(url=reader_url, reports=settings().reports_address)
        done |= maintain_warehouse(url)
        entry.detail = ", ".join(f"{name} {count}" for name, count in done.items())
        return done


@dataclass
class _Entry:
    rows: int | None = None
    detail: str | None = None
    outcome: str = "done"


@contextmanager
def _logged(step: str, url: str, business_date: dt.date | None = None, lender: str | None = None) -> Iterator[_Entry]:
    """Put a step on the run log, whether it ends well or not."""
    entry, started = _Entry(), dt.datetime.now(dt.UTC)
    try:
        yield entry
    except ArrearsError as error:
        entry.outcome = "refused" if isinstance(error, Refused) else "failed"
        entry.detail = str(error)[:2000]
        raise
    except BaseException as error:
        entry.outcome, entry.detail = "failed", f"{type(error).__name__}: {error}"[:2000]
        raise
    finally:
        _write_log(url, step, business_date, lender, entry, started)


def _write_log(
    url: str, step: str, business_date: dt.date | None, lender: str | None, entry: _Entry, started: dt.datetime
) -> None:
    try:
        with connect(url, "log") as connection, connection.cursor() as cursor:
            cursor.execute(
                "insert into ops.step_run (step, lender, business_date, outcome, rows, detail, started_at, "
                "finished_at) values (%s, %s, %s, %s, %s, %s, %s, clock_timestamp())",
                [step, lender, business_date, entry.outcome, entry.rows, entry.detail, started],
            )
    except ArrearsError:
        if entry.outcome == "done":
            raise  # else the step's own error says more than "could not be logged"
