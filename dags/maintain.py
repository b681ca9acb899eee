"""Weekly upkeep of the warehouse."""

# mypy: disable-error-code="untyped-decorator"
from __future__ import annotations

import logging
from datetime import timedelta

from airflow.sdk import DAG, CronTriggerTimetable, task

import arrears_wiring as wiring
from arrears import pipeline

log = logging.getLogger(__name__)

DOC = """
### Space and statistics

**Does:** lets go of publications that are neither among the newest (`ARREARS_KEEP_PUBLICATIONS`, 90) nor closed a
month: the rows that only they showed are removed, the record of them stays. Removes the details of rejected rows after
`ARREARS_KEEP_REJECTED_DAYS` (400), and the reports of publications let go. Brings the lake, where
there is one (`ARREARS_LAKE`), to what is accepted. Vacuums and analyzes the published tables.

#### Triage
- **Pages when** its task fails. Nothing depends on it: the marts are as they were, only larger.
- **Look first at** the log; *waited in vain for the candidate* means that it met a build or a publication that took
  longer than half an hour.
- **Rerun:** clear the run, at any time; it goes on where it was.
"""


@task(pool=wiring.PUBLICATION_POOL, execution_timeout=timedelta(hours=6))
def maintain() -> None:
    done = pipeline.maintain(
        url=wiring.url_of(wiring.PUBLISHER),
        loader_url=wiring.url_of(wiring.LOADER),
        reader_url=wiring.url_of(wiring.READER),
    )
    log.info("%s", ", ".join(f"{what}: {count:,}" for what, count in done.items()))


with DAG(
    dag_id="maintain",
    description="Retention, vacuum and analyze",
    doc_md=DOC,
    schedule=CronTriggerTimetable("0 3 * * SUN", timezone=wiring.publication_timezone()),
    catchup=False,
    max_active_runs=1,
    default_args=wiring.DEFAULT_ARGS,
    tags=["arrears", "maintain"],
) as maintain_dag:
    maintain()
