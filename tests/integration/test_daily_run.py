"""Days as a data engineer meets them: the run, a refused delivery, a gate that stops a publication, a dead server."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from arrears import pipeline
from arrears.errors import Refused
from arrears.load import registry
from arrears.settings import SOURCE_ROOT, Role, Settings, settings
from arrears.simulate import simulate
from arrears.warehouse.connect import connect

from ..conftest import Warehouse, open_warehouse
from .airflow_process import run_dags
from .command_line import CommandLine

LENDER = "lakala"
FIRST, SECOND, THIRD = (dt.date(2024, 3, 30) + dt.timedelta(days=number) for number in range(3))


@pytest.fixture
def arrears(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    return CommandLine(capsys, monkeypatch)


@pytest.fixture(scope="module")
def deliveries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("simulated")
    simulate(
        start=FIRST, end=THIRD, loans=80, seed=7, lenders=[LENDER], landing=folder / "landing", truth=folder / "truth"
    )
    return folder / "landing"


@pytest.fixture
def landing(warehouse: Warehouse, deliveries: Path, tmp_path: Path) -> Path:
    shutil.copytree(deliveries, tmp_path / "landing")
    return tmp_path / "landing"


@pytest.fixture(scope="module")
def first_day(shared_warehouse: Warehouse, deliveries: Path) -> str:
    """The database of a warehouse in which the first day is published."""
    url = shared_warehouse.url
    shutil.copytree(deliveries, shared_warehouse.settings.landing)
    loaded = pipeline.load(LENDER, FIRST, url=url(Role.LOADER))
    pipeline.gate_delivery(loaded.delivery_id, url=url(Role.LOADER))
    built = pipeline.build(FIRST, url=url(Role.BUILDER))
    pipeline.gate_candidate(built.build_id, url=url(Role.PUBLISHER))
    pipeline.publish(built.build_id, url=url(Role.PUBLISHER))
    return shared_warehouse.settings.owner().database


@pytest.fixture
def second_day(
    first_day: str, server: Settings, deliveries: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Warehouse]:
    """A warehouse on the morning after."""
    shutil.copytree(deliveries, tmp_path / "landing")
    yield open_warehouse(server, "of_a_test", tmp_path, monkeypatch, like=first_day)
    settings.cache_clear()


def day_of(landing: Path, day: dt.date) -> Path:
    return landing / LENDER / day.isoformat()


def use_expectations(monkeypatch: pytest.MonkeyPatch, folder: Path, severity: str) -> None:
    """The project's suites and one more, which no candidate can pass."""
    shutil.copytree(SOURCE_ROOT / "expectations", folder)
    suite = folder / "candidate" / "dim_date.yaml"
    suite.write_text(
        suite.read_text()
        + f"""  - name: the moon is made of cheese
    type: unexpected_rows_expectation
    kwargs: {{unexpected_rows_query: "select date, year from {{batch}} where date = '2024-03-31'"}}
    severity: {severity}
    notes: It is not.
"""
    )
    monkeypatch.setenv("ARREARS_EXPECTATIONS", str(folder))
    settings.cache_clear()


def test_three_days(arrears: CommandLine, warehouse: Warehouse, landing: Path) -> None:
    first = arrears("run", "--date", f"{FIRST}", "--lender", LENDER)
    assert first.code == 0, first.err
    assert "publication 1 for 2024-03-30" in first.out
    warehouse.rows("create schema bi; create view bi.worst as select * from marts.fct_loan_current where dpd > 90")
    before = warehouse.value("select count(*) from bi.worst")

    again = arrears("run", "--date", f"{FIRST}", "--lender", LENDER)
    assert (again.code, warehouse.value("select count(*) from ops.publication")) == (0, 1), again.err
    assert "publication 1 stands" in again.out
    assert warehouse.value("select count(*) from ops.delivery_seen") == 1

    second = arrears("run", "--date", f"{SECOND}", "--lender", LENDER, "--json")
    assert second.code == 0, second.err
    assert json.loads(second.out)["publication"]["publication_id"] == 2
    assert warehouse.value("select distinct as_of_date from marts.fct_loan_current", role=Role.READER) == SECOND
    assert warehouse.value("select count(*) from bi.worst") >= before > 0
    rows = "select sum(rows_in_file), sum(rows_accepted + rows_rejected) from ops.delivery_file"
    in_files, accounted_for = warehouse.rows(rows)[0]
    assert in_files == accounted_for > 0

    stands = json.loads(arrears("status", "--json").out)
    assert stands["lenders"][0] | {"reasons": None} == {
        "lender": LENDER, "data_as_of": f"{SECOND}", "last_delivery": f"{SECOND}", "is_stale": False,
        "last_delivery_status": "accepted", "rejected_rows": 0, "reasons": None, "refused_days": [],
    }  # fmt: skip
    assert stands["publication"]["publication_id"] == 2
    assert (warehouse.settings.home / "data_docs" / "candidate" / "index.html").exists()
    steps = {row[0] for row in warehouse.rows("select distinct step from ops.step_run where outcome = 'done'")}
    assert steps == {"load", "gate delivery", "build", "gate candidate", "publish", "report"}


@pytest.mark.usefixtures("models_alone")
def test_a_refused_delivery_is_published_as_stale(arrears: CommandLine, second_day: Warehouse, tmp_path: Path) -> None:
    warehouse = second_day
    loans = next(day_of(tmp_path / "landing", SECOND).glob("LOAN*"))
    loans.write_bytes(loans.read_bytes().replace("借据号".encode("gb18030"), "借据".encode("gb18030"), 1))
    second = arrears("run", "--date", f"{SECOND}", "--lender", LENDER)
    assert second.code == 1
    assert f"{loans.name}:1: column 借据号: the column is missing from the header" in second.err
    assert warehouse.rows("select data_as_of, is_stale, days_stale from dim_lender", role=Role.READER) == [
        (FIRST, True, 1)
    ]
    status = arrears("status")
    assert "2024-03-31 was refused" in status.out
    assert "借据号" in status.out
    assert warehouse.rows("select status from ops.delivery order by delivery_id") == [("accepted",), ("refused",)]


def test_a_delivery_is_pending_until_it_is_judged(warehouse: Warehouse, landing: Path) -> None:
    """What the publication's cut-off waits for: deliveries that are there, and not yet accepted or refused."""
    url = warehouse.url(Role.LOADER)

    def pending(day: dt.date, lender: str = LENDER) -> bool:
        return pipeline.delivery_pending(lender, day, url=url)

    assert (pending(FIRST), pending(THIRD + dt.timedelta(days=1)), pending(FIRST, "nobody")) == (True, False, False)
    loaded = pipeline.load(LENDER, FIRST, url=url)
    assert pending(FIRST)
    pipeline.gate_delivery(loaded.delivery_id, url=url)
    assert not pending(FIRST)

    next(day_of(landing, SECOND).glob("LOAN*")).write_text("nonsense")
    assert pending(SECOND)
    with pytest.raises(Refused):
        pipeline.load(LENDER, SECOND, url=url)
    assert not pending(SECOND)


def test_what_comes_in_place_of_a_refused_delivery_is_pending_too(warehouse: Warehouse, landing: Path) -> None:
    """As long as it is being loaded, which nobody else sees of it than that it holds the lender's lock, and then until
    its gate has ended."""
    url = warehouse.url(Role.LOADER)

    def pending() -> bool:
        return pipeline.delivery_pending(LENDER, FIRST, url=url)

    (file,) = day_of(landing, FIRST).glob("LOAN*")
    sent = file.read_bytes()
    file.write_text("nonsense")
    with pytest.raises(Refused):
        pipeline.load(LENDER, FIRST, url=url)
    file.write_bytes(sent)
    assert not pending(), "whether anybody is going to load it again cannot be seen"
    with connect(url, "test") as connection, connection.cursor() as cursor:
        registry.lock_lender(cursor, "another")
        assert not pending()
        registry.lock_lender(cursor, LENDER)
        assert pending()
    loaded = pipeline.load(LENDER, FIRST, url=url)
    assert pending()
    pipeline.gate_delivery(loaded.delivery_id, url=url)
    assert not pending()


@pytest.mark.usefixtures("models_alone")
def test_a_critical_expectation_stops_the_publication(
    arrears: CommandLine, second_day: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse = second_day
    before = warehouse.rows("select * from fct_loan_current order by loan_id", role=Role.READER)
    use_expectations(monkeypatch, tmp_path / "expectations", "critical")

    stopped = arrears("run", "--date", f"{SECOND}", "--lender", LENDER)
    assert stopped.code == 1
    assert "the moon is made of cheese (critical, 1 rows): date=2024-03-31, year=2024" in stopped.err
    assert warehouse.rows("select * from fct_loan_current order by loan_id", role=Role.READER) == before
    assert "the moon is made of cheese" in arrears("status").out
    assert arrears("publish").code == 1

    by_dag = run_dags(warehouse, tmp_path, "--lender", LENDER, "--date", f"{SECOND}")
    assert by_dag.returncode == 1
    assert "publish_marts 2024-03-31, task gate_candidate" in by_dag.stderr
    assert "the moon is made of cheese" in by_dag.stderr
    assert warehouse.rows("select * from fct_loan_current order by loan_id", role=Role.READER) == before


@pytest.mark.usefixtures("models_alone")
def test_a_warning_waits_for_somebody_to_approve(
    arrears: CommandLine, warehouse: Warehouse, landing: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_expectations(monkeypatch, tmp_path / "expectations", "warning")
    waiting = arrears("run", "--date", f"{SECOND}", "--lender", LENDER)
    assert waiting.code == 1
    assert "somebody has to approve" in waiting.err
    assert warehouse.value("select count(*) from ops.publication") == 0
    assert arrears("publish", "--approved-by", "Li Na").code == 0
    assert warehouse.rows("select gate_status, approved_by from publication", role=Role.READER) == [("warn", "Li Na")]


def test_exit_codes(arrears: CommandLine, warehouse: Warehouse, landing: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert arrears("check", LENDER, f"{FIRST}").code == 0
    missing = arrears("load", LENDER, "--date", "2024-05-01")
    assert (missing.code, "the file is missing" in missing.err) == (1, True)
    unknown = arrears("load", "nobody", "--date", f"{FIRST}")
    assert (unknown.code, "Known lenders:" in unknown.err) == (2, True)
    assert arrears("load", LENDER).code == 2
    assert arrears("no-such-command").code == 2
    assert arrears("publish").code == 2
    monkeypatch.setenv("ARREARS_WAREHOUSE_URL", "postgresql://arrears_owner:sesame@127.0.0.1:9/arrears")
    settings.cache_clear()
    for command in (("load", LENDER, "--date", f"{FIRST}"), ("build", "--date", f"{FIRST}"), ("status",)):
        dead = arrears(*command)
        assert dead.code == 3, command
        assert "Cannot reach the warehouse at 127.0.0.1:9" in dead.err
        assert "sesame" not in dead.err
        assert len(dead.err.splitlines()) == 1


@pytest.mark.usefixtures("models_alone")
def test_a_wrong_contract_is_one_message_and_stops_no_other_lender(
    arrears: CommandLine, warehouse: Warehouse, landing: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lenders = tmp_path / "lenders"
    shutil.copytree(SOURCE_ROOT / "lenders", lenders)
    (lenders / "broken").mkdir()
    (lenders / "broken" / "datapackage.yaml").write_text("name: broken\narrears:\n  efective_from: 2024-01-01\n")
    monkeypatch.setenv("ARREARS_LENDERS", str(lenders))
    settings.cache_clear()
    ran = arrears("run", "--date", f"{FIRST}")
    assert ran.code == 1
    assert "datapackage.yaml:3: arrears.efective_from: there is no such property here" in ran.err
    assert "broken: refused" in ran.out
    assert f"{LENDER}: " in ran.out
    assert warehouse.value("select count(*) from dim_loan", role=Role.READER) > 0


def test_a_url_reads_the_marts(arrears: CommandLine, warehouse: Warehouse, landing: Path) -> None:
    connection = psycopg2.connect(arrears("url").out.strip())
    with connection, connection.cursor() as cursor:
        cursor.execute("select count(*) from publication")
        assert cursor.fetchone() == (0,)
    connection.close()
