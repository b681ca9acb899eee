"""One Airflow for the module, with two lenders and a business date that ended at the last midnight."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from arrears.settings import SOURCE_ROOT
from arrears.simulate import simulate

from ..conftest import Warehouse, days, some_expectations
from ..dags.receivers import MailServer, Webhook, listening
from .services import Airflow, Services

PROMPT, TARDY = "lakala", "paipai"
SEED, LOANS = 5, 60
POOL = "arrears_publication"


@dataclass(frozen=True)
class Calendar:
    """The three newest business dates that are over, and the ten before them.

    The lenders are where it is about noon, so that no midnight and no cut-off comes while the tests run.
    """

    zone: str
    due: tuple[dt.date, dt.date, dt.date]
    history: tuple[dt.date, ...]

    @classmethod
    def of(cls, now: dt.datetime) -> Calendar:
        zone = f"Etc/GMT{now.hour - 12:+d}"  # the sign is the other way round than one thinks
        today = now.astimezone(ZoneInfo(zone)).date()
        first, second, third = (today - dt.timedelta(days=number) for number in (3, 2, 1))
        return cls(
            zone, (first, second, third), tuple(days(first - dt.timedelta(days=10), first - dt.timedelta(days=1)))
        )


@dataclass
class World:
    """Airflow, the folder its lenders deliver into, their deliveries to come, and who is told."""

    airflow: Airflow
    warehouse: Warehouse
    calendar: Calendar
    landing: Path
    prepared: Path
    webhook: Webhook
    mails: MailServer
    lineage: Path

    def deliver(self, lender: str, *dates: dt.date) -> None:
        """Put deliveries where they are looked for, each at once as a whole."""
        (self.landing / lender).mkdir(exist_ok=True)
        for date in dates:
            (self.prepared / lender / f"{date}").rename(self.landing / lender / f"{date}")

    @property
    def told(self) -> list[str]:
        """First lines of what the chat was told."""
        return [message["text"].partition("\n")[0] for message in self.webhook.received]

    @property
    def mailed(self) -> list[str]:
        """Subjects of the mails."""
        return [mail["Subject"] for mail in self.mails.received]


@pytest.fixture(scope="module")
def calendar() -> Calendar:
    return Calendar.of(dt.datetime.now(dt.UTC))


@pytest.fixture(scope="module")
def prepared(calendar: Calendar, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Deliveries of both lenders. The first of each carries its history."""
    folder = tmp_path_factory.mktemp("prepared")
    for lender, first in ((TARDY, calendar.history[0]), (PROMPT, calendar.due[0])):
        simulate(
            start=first, end=calendar.due[-1], loans=LOANS, seed=SEED, lenders=[lender],
            landing=folder / "landing", truth=folder / "truth" / lender,
        )  # fmt: skip
    return folder / "landing"


@pytest.fixture(scope="module")
def lenders(calendar: Calendar, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The contracts of the two, moved to where it is noon."""
    folder = tmp_path_factory.mktemp("lenders")
    for lender in (PROMPT, TARDY):
        text = (SOURCE_ROOT / "lenders" / lender / "datapackage.yaml").read_text()
        assert "timezone: Asia/Shanghai" in text
        (folder / lender).mkdir()
        moved = text.replace("timezone: Asia/Shanghai", f"timezone: {calendar.zone}")
        (folder / lender / "datapackage.yaml").write_text(moved)
    return folder


@pytest.fixture(scope="module")
def expectations(calendar: Calendar, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some of the project's, for a gate costs seconds here; and a warning of every candidate from before go-live."""
    folder = some_expectations(tmp_path_factory.mktemp("expectations"))
    query = f"select loan_id, as_of_date from {{batch}} where as_of_date < '{calendar.due[0]}'"
    with (folder / "candidate" / "fct_loan_current.yaml").open("a") as suite:
        suite.write(f"""  - name: we are live
    type: unexpected_rows_expectation
    kwargs: {{unexpected_rows_query: "{query}"}}
    severity: warning
    notes: A backfill ends before.
""")
    return folder


@pytest.fixture(scope="module")
def world(
    shared_warehouse: Warehouse,
    calendar: Calendar,
    prepared: Path,
    lenders: Path,
    expectations: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[World]:
    folder, webhook, mails = tmp_path_factory.mktemp("airflow"), Webhook(), MailServer()
    lineage = folder / "lineage.jsonl"
    changes = {
        "ARREARS_LENDERS": str(lenders),
        "ARREARS_EXPECTATIONS": str(expectations),
        "ARREARS_FIRST_BUSINESS_DATE": f"{calendar.due[0]}",
        "ARREARS_PUBLICATION_CUTOFF": "23:00",  # so it has passed for all but the newest date
        "ARREARS_POKE_SECONDS": "20",  # poked within a loop of a busy scheduler, a sensor counts as lost
        "ARREARS_NOTIFY_WEBHOOK": webhook.url,
        "ARREARS_NOTIFY_EMAIL": "risk@example.com",
        "AIRFLOW_CONN_SMTP_DEFAULT": mails.connection,
        "AIRFLOW__CORE__PARALLELISM": "4",
        "DBT_RESOURCE_TYPES": "model seed",  # data tests are no matter of Airflow's, and a sixth of a build
        "OPENLINEAGE__TRANSPORT": json.dumps({"type": "file", "log_file_path": f"{lineage}", "append": True}),
        "OPENLINEAGE_NAMESPACE": "arrears",
    }
    services = Services(folder, shared_warehouse, changes)
    with listening(webhook), listening(mails), services.running() as airflow:
        airflow.make_pool(POOL)
        airflow.until_known(f"load_{PROMPT}", f"load_{TARDY}", "call_publication", "publish_marts")
        yield World(airflow, shared_warehouse, calendar, folder / "landing", prepared, webhook, mails, lineage)
