"""The gate at both boundaries: what it evaluates, what it records, what it stops."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from arrears.alone import alone
from arrears.errors import Infrastructure, Refused, Usage
from arrears.gate import gate_candidate, gate_delivery, unexpected
from arrears.gate.suite import suites
from arrears.gate.validate import Batch, Verdict, rows_query, validate
from arrears.publish import approve, publish, rollback
from arrears.settings import SOURCE_ROOT, Role, settings
from arrears.status import status

from ..conftest import Warehouse
from .test_publish import A_FEB, A_MAR, B_FEB, FEBRUARY, MARCH, Candidate

DAY = dt.date(2024, 3, 31)
LOAN = """
insert into raw.loan (lender, business_date, delivery_id, file_id, line_no, loan_id, product, currency, principal,
    annual_rate, disbursed_on)
values ('x', %s, %s, 1, 1, 'L1', 'p', 'CNY', %s, %s, %s)
"""


@pytest.fixture
def delivered(warehouse: Warehouse) -> Callable[..., int]:
    """Puts a loaded delivery of one loan into raw, as the loader leaves it. Returns its number."""
    warehouse.rows("insert into ops.lender values ('x', 'X', null, 'CNY', 'UTC', 'daily', '06:00', '2020-01-01', '')")
    warehouse.rows("create table raw.loan_x partition of raw.loan for values in ('x')")

    def deliver(principal: float = 100, rate: float = 0.1) -> int:
        number = warehouse.value(
            "insert into ops.delivery (lender, business_date, version, content_hash, status) select 'x', %s, "
            "count(*) + 1, '', 'loaded' from ops.delivery returning delivery_id",
            DAY,
        )
        warehouse.rows(LOAN, DAY, number, principal, rate, DAY)
        return int(number)

    return deliver


def judge(number: int) -> str:
    return gate_delivery(number, url=settings().url(Role.LOADER), settings=settings()).outcome


def statuses(warehouse: Warehouse) -> list[str]:
    return [row[0] for row in warehouse.rows("select status from ops.delivery order by delivery_id")]


def write_suite(folder: Path, text: str, boundary: str = "candidate", table: str = "mart_x") -> None:
    (folder / boundary).mkdir(parents=True, exist_ok=True)
    (folder / boundary / f"{table}.yaml").write_text(text)


ROWS = """
  - name: {name}
    type: unexpected_rows_expectation
    kwargs: {{unexpected_rows_query: "{query}"}}
    severity: {severity}
    notes: For the test.
"""


# ── the delivery's gate ──────────────────────────────────────────────────────────────────────────────────


def test_a_delivery_that_passes_stands_for_its_day(warehouse: Warehouse, delivered: Callable[..., int]) -> None:
    assert judge(delivered()) == "pass"
    assert judge(delivered(principal=200)) == "pass"
    assert statuses(warehouse) == ["superseded", "accepted"]
    evaluated = warehouse.value(
        "select count(*) from ops.gate_result join ops.gate_run using (gate_run_id) where delivery_id = 2"
    )
    assert evaluated == len(
        next(s for s in suites(SOURCE_ROOT / "expectations", "delivery") if s.table == "loan").expectations
    )


def test_a_delivery_that_fails_is_refused_and_the_one_before_stands(
    warehouse: Warehouse, delivered: Callable[..., int]
) -> None:
    judge(delivered())
    bad = delivered(principal=-1, rate=18)
    with pytest.raises(Refused) as refused:
        judge(bad)
    assert [reason.split(" (")[0] for reason in refused.value.reasons] == [
        "loan: no loan has a negative principal",
        "loan: an annual rate is 0 to 100 percent",
    ]
    assert statuses(warehouse) == ["accepted", "refused"]
    assert warehouse.value("select jsonb_array_length(reasons) from ops.delivery where status = 'refused'") == 2
    with pytest.raises(Refused, match="refused by the gate before"):
        judge(bad)


def test_judging_again_changes_nothing(warehouse: Warehouse, delivered: Callable[..., int]) -> None:
    number = delivered()
    judge(number)
    assert judge(number) == "pass"
    assert warehouse.value("select count(*) from ops.gate_run") == 1
    with pytest.raises(Usage):
        judge(99)


def test_data_docs_are_written_by_one_gate_at_a_time(delivered: Callable[..., int]) -> None:
    """Great Expectations would take away under the hands of one what it finds of the other."""
    docs = settings().home / "data_docs" / "delivery" / "x"
    with ThreadPoolExecutor(1) as another:
        with alone(docs):
            judged = another.submit(judge, delivered())
            with pytest.raises(TimeoutError):
                judged.result(timeout=8)
            assert not (docs / "index.html").exists()
        assert judged.result() == "pass"
    assert (docs / "index.html").exists()


@pytest.mark.parametrize("first", ["accepted", "refused"])
def test_of_two_attempts_at_a_delivery_the_first_has_the_word(
    warehouse: Warehouse, delivered: Callable[..., int], monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    """What stands may be published by the time the other one ends."""
    number = delivered(principal=-1 if first == "accepted" else 100)

    def judged_while_another_ended(*batches: Any, **how: Any) -> list[Verdict]:
        verdicts = validate(*batches, **how)
        monkeypatch.setattr("arrears.gate.gate.validate", validate)
        warehouse.rows("update raw.loan set principal = -principal")
        if first == "accepted":
            assert judge(number) == "pass"
        else:
            with pytest.raises(Refused, match="did not pass the gate"):
                judge(number)
        return verdicts

    monkeypatch.setattr("arrears.gate.gate.validate", judged_while_another_ended)
    if first == "accepted":
        assert judge(number) == "pass"
    else:
        with pytest.raises(Refused, match="refused by the gate before"):
            judge(number)
    assert statuses(warehouse) == [first]
    assert warehouse.value("select count(*) from ops.gate_run") == 1


# ── the candidate's gate ─────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def candidate(warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Candidate:
    monkeypatch.setenv("ARREARS_EXPECTATIONS", str(tmp_path / "expectations"))
    settings.cache_clear()
    unpublished = "table: not_yet_published\nexpectations: []"
    write_suite(tmp_path / "expectations", unpublished, "publication", "not_yet_published")
    return Candidate(warehouse)


def judge_candidate(number: int) -> str:
    return gate_candidate(number, url=settings().url(Role.PUBLISHER), settings=settings()).outcome


@pytest.mark.parametrize(("severity", "outcome"), [("critical", "fail"), ("warning", "warn"), ("info", "pass")])
def test_severity_decides(candidate: Candidate, tmp_path: Path, severity: str, outcome: str) -> None:
    suite = "table: mart_x\nexpectations:" + ROWS.format(
        name="few loans", query="select lender, loans from {batch} where loans > 5", severity=severity
    )
    write_suite(tmp_path / "expectations", suite)
    number = candidate.build([A_FEB, B_FEB], gate="")
    if outcome == "fail":
        with pytest.raises(Refused, match=r"few loans \(critical, 2 rows\): lender=., loans=\d+; lender=., loans=\d+"):
            judge_candidate(number)
    else:
        assert judge_candidate(number) == outcome
    recorded = candidate.warehouse.rows(
        "select outcome, severity, success, unexpected_count from ops.gate_run join ops.gate_result using (gate_run_id)"
    )
    assert recorded == [(outcome, severity, False, 2)]
    assert candidate.warehouse.value("select status from ops.build") == ("refused" if outcome == "fail" else "built")


def test_every_expectation_of_a_suite_is_evaluated(candidate: Candidate, tmp_path: Path) -> None:
    """Great Expectations takes a second expectation of the same type for a new version of the first, if one lets it."""
    suite = "table: mart_x\nexpectations:" + "".join(
        ROWS.format(name=f"number {n}", query=f"select {n} from {{batch}} where loans = {n}", severity="info")
        for n in (7, 8, 10)
    )
    write_suite(tmp_path / "expectations", suite)
    judge_candidate(candidate.build([A_FEB, B_FEB], gate=""))
    found = candidate.warehouse.rows("select expectation, success from ops.gate_result order by expectation")
    assert found == [("number 10", False), ("number 7", False), ("number 8", True)]


def test_the_warehouse_is_asked_once(candidate: Candidate, tmp_path: Path) -> None:
    """Great Expectations by itself would run the query twice: to count the rows, and to fetch them."""
    suite = "table: mart_x\nexpectations:" + ROWS.format(
        name="counting", query="select lender from {batch} where nextval('candidate.asked') < 0", severity="critical"
    )
    write_suite(tmp_path / "expectations", suite)
    number = candidate.build([A_FEB, B_FEB], gate="")
    candidate.warehouse.rows("create sequence candidate.asked")
    candidate.warehouse.rows(f"grant usage on sequence candidate.asked to {Role.PUBLISHER.login}")
    assert judge_candidate(number) == "pass"
    rows, asked = candidate.warehouse.rows(
        "select count(*), (select last_value from candidate.asked) from candidate.mart_x"
    )[0]
    assert asked == rows


@pytest.mark.parametrize(
    "query", ["select no_such_column from {batch}", "select 1 from candidate.no_such_table", "selec 1"]
)
def test_an_expectation_that_cannot_be_evaluated_has_failed(candidate: Candidate, tmp_path: Path, query: str) -> None:
    suite = "table: mart_x\nexpectations:" + ROWS.format(name="broken", query=query, severity="info")
    write_suite(tmp_path / "expectations", suite)
    with pytest.raises(Refused, match=r"broken \(critical\): not evaluated"):
        judge_candidate(candidate.build([A_FEB], gate=""))


def test_a_column_that_is_gone_has_failed(candidate: Candidate, tmp_path: Path) -> None:
    suite = """table: mart_x
expectations:
  - name: gone
    type: expect_column_values_to_not_be_null
    kwargs: {column: gone}
    severity: info
    notes: For the test.
"""
    write_suite(tmp_path / "expectations", suite)
    with pytest.raises(Refused, match=r"gone \(critical\): not evaluated"):
        judge_candidate(candidate.build([A_FEB], gate=""))


LOST = "select lender from {batch} where pg_terminate_backend(pg_backend_pid())"


def test_a_connection_lost_under_an_expectation_says_nothing_of_a_candidate(
    candidate: Candidate, tmp_path: Path
) -> None:
    """Great Expectations takes it for an expectation that did not hold; a build that is refused is not tried again."""
    held = ROWS.format(name="held", query="select 1 from {batch} where false", severity="critical")
    lost = held + ROWS.format(name="lost", query=LOST, severity="info")
    write_suite(tmp_path / "expectations", "table: mart_x\nexpectations:" + lost)
    number = candidate.build([A_FEB], gate="")
    with pytest.raises(Infrastructure, match="failed during gate"):
        judge_candidate(number)
    assert candidate.warehouse.rows(
        "select status, gate_run_id from ops.build left join ops.gate_run using (build_id)"
    ) == [("built", None)]
    write_suite(tmp_path / "expectations", "table: mart_x\nexpectations:" + held)
    assert judge_candidate(number) == "pass"


def test_a_build_that_begins_meanwhile_leaves_nothing_said(
    candidate: Candidate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes away the tables, or changes half of them, and the data would be to blame."""
    write_suite(
        tmp_path / "expectations",
        "table: mart_x\nexpectations:" + ROWS.format(name="r", query="select 1 from {batch}", severity="critical"),
    )
    number = candidate.build([A_FEB], gate="")

    def judged_while_another_began(*batches: Any, **how: Any) -> list[Verdict]:
        verdicts = validate(*batches, **how)
        candidate.build([A_FEB], gate="")
        return verdicts

    monkeypatch.setattr("arrears.gate.gate.validate", judged_while_another_began)
    with pytest.raises(Refused, match=f"Build {number + 1} began while build {number} was judged"):
        judge_candidate(number)
    assert candidate.warehouse.rows("select distinct status from ops.build") == [("built",)]
    assert candidate.warehouse.value("select count(*) from ops.gate_run") == 0


def test_what_is_said_while_somebody_goes_back_holds_for_nothing(
    candidate: Candidate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of it may be held against what was shown before, half against what is shown then."""
    url = settings().url(Role.PUBLISHER)
    nothing = ROWS.format(name="r", query="select 1 from {batch} where false", severity="critical")
    write_suite(tmp_path / "expectations", "table: mart_x\nexpectations:" + nothing)
    candidate.publish([A_FEB])
    candidate.publish([B_FEB])
    number = candidate.build([A_FEB, B_FEB], gate="")

    def judged_while_somebody_went_back(*batches: Any, **how: Any) -> list[Verdict]:
        verdicts = validate(*batches, **how)
        rollback(1, url=url, by="Bo", reason="wrong file")
        return verdicts

    with monkeypatch.context() as patch:
        patch.setattr("arrears.gate.gate.validate", judged_while_somebody_went_back)
        assert judge_candidate(number) == "pass"
    with pytest.raises(Refused, match="held against publication 2, and the marts show publication 3 now"):
        publish(number, url=url)
    assert judge_candidate(number) == "pass"
    assert publish(number, url=url).publication_id == 4


def test_of_what_is_published_it_says_what_it_said(candidate: Candidate, tmp_path: Path) -> None:
    suite = "table: mart_x\nexpectations:" + ROWS.format(
        name="few loans", query="select lender from {batch} where loans > 5", severity="warning"
    )
    write_suite(tmp_path / "expectations", suite)
    number = candidate.build([A_FEB], gate="")
    said = gate_candidate(number, url=settings().url(Role.PUBLISHER), settings=settings())
    publish(number, url=settings().url(Role.PUBLISHER), approved_by="Mei")
    assert gate_candidate(number, url=settings().url(Role.PUBLISHER), settings=settings()) == said
    assert (said.outcome, said.evaluated, len(said.failed)) == ("warn", 1, 1)


def test_a_connection_lost_under_an_expectation_that_is_no_query_says_nothing_either(
    candidate: Candidate, tmp_path: Path
) -> None:
    """Those Great Expectations asks by itself."""
    suite = """table: mart_x
expectations:
  - name: there
    type: expect_column_values_to_not_be_null
    kwargs: {column: lender}
    severity: info
    notes: For the test.
"""
    write_suite(tmp_path / "expectations", suite)
    number = candidate.build([A_FEB], gate="")
    run = candidate.warehouse.rows
    run("alter table candidate.mart_x rename to mart_x_kept", role=Role.BUILDER)
    run(
        "create view candidate.mart_x as select * from candidate.mart_x_kept "
        "where pg_terminate_backend(pg_backend_pid())", role=Role.BUILDER,
    )  # fmt: skip
    run(f"grant select on candidate.mart_x to {Role.PUBLISHER.login}", role=Role.BUILDER)
    with pytest.raises(Infrastructure, match="failed during gate"):
        judge_candidate(number)
    assert run("select status from ops.build") == [("built",)]


def test_a_connection_lost_under_an_expectation_says_nothing_of_a_delivery(
    warehouse: Warehouse, delivered: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = "table: loan\nexpectations:" + ROWS.format(name="lost", query=LOST, severity="critical")
    write_suite(tmp_path / "expectations", lost, "delivery", "loan")
    number = delivered()
    with monkeypatch.context() as patch:
        patch.setenv("ARREARS_EXPECTATIONS", str(tmp_path / "expectations"))
        settings.cache_clear()
        with pytest.raises(Infrastructure, match="failed during gate"):
            judge(number)
    settings.cache_clear()
    assert statuses(warehouse) == ["loaded"]
    assert judge(number) == "pass"


def test_data_docs_are_written(candidate: Candidate, tmp_path: Path) -> None:
    suite = "table: mart_x\nexpectations:" + ROWS.format(
        name="ok", query="select 1 from {batch} where false", severity="info"
    )
    write_suite(tmp_path / "expectations", suite)
    judge_candidate(candidate.build([A_FEB], gate=""))
    assert (settings().home / "data_docs" / "candidate" / "index.html").exists()


# ── against the publication before ───────────────────────────────────────────────────────────────────────


def hold_to(folder: Path, query: str, severity: str) -> None:
    """A candidate suite that finds nothing, and a publication suite of one query."""
    nothing = ROWS.format(name="nothing", query="select 1 from {batch} where false", severity="critical")
    write_suite(folder, "table: mart_x\nexpectations:" + nothing)
    drift = ROWS.format(name="drift", query=query, severity=severity)
    write_suite(folder, "table: mart_x\nexpectations:" + drift, "publication")


GONE = "select lender, loans from {previous} where (lender, month_end) not in (select lender, month_end from {batch})"


def test_lenders_are_held_against_the_deliveries_that_the_build_is_made_from(candidate: Candidate) -> None:
    """What is accepted while dbt runs is for the next build, and a lender of which nothing was accepted is stale."""
    run, number = candidate.warehouse.rows, candidate.build([("a", FEBRUARY, 1, None)], MARCH, as_of=FEBRUARY)
    for lender in "abc":
        run("insert into ops.lender values (%s, 'X', null, 'CNY', 'UTC', 'daily', '06:00', '2020-01-01', '')", lender)
    sent = "insert into ops.delivery (lender, business_date, version, content_hash, status) values (%s, %s, 1, '', %s)"
    for lender, day, became in (
        ("a", FEBRUARY, "accepted"), ("a", MARCH, "accepted"), ("b", MARCH, "accepted"), ("c", MARCH, "refused"),
    ):  # fmt: skip
        run(sent, lender, day, became)
    run("insert into ops.delivery_in_build values ((select min(delivery_id) from ops.delivery), %s, null)", number)
    run("alter table candidate.dim_lender add days_stale integer, add days_missing integer default 0")
    run("update candidate.dim_lender set is_stale = true, days_stale = 31")
    run("insert into candidate.dim_lender values ('c', null, true, 0)")
    run("create table candidate.mart_data_quality_daily (lender text, business_date date, delivery_status text)")
    run("create table candidate.dim_date as select date '2024-03-31' as date, true as is_month_end")
    (suite,) = [suite for suite in suites(SOURCE_ROOT / "expectations", "candidate") if suite.table == "dim_lender"]
    queries = [rows_query(Batch(suite, "select * from candidate.dim_lender"), one.name) for one in suite.expectations]
    asked = [query for query in queries if query]
    assert len(asked) == 4
    assert [row for query in asked for row in run(query)] == []


def test_what_was_never_published_is_held_against_nothing(candidate: Candidate, tmp_path: Path) -> None:
    hold_to(tmp_path / "expectations", GONE, "critical")
    number = candidate.build([A_FEB, B_FEB], gate="")
    assert judge_candidate(number) == "pass"
    runs = "select boundary, outcome, count(suite) from ops.gate_run left join ops.gate_result using (gate_run_id) "
    assert candidate.warehouse.rows(runs + "group by 1, 2 order by 1") == [
        ("candidate", "pass", 1), ("publication", "pass", 0),
    ]  # fmt: skip


def test_a_candidate_is_held_against_what_is_published(candidate: Candidate, tmp_path: Path) -> None:
    hold_to(tmp_path / "expectations", GONE, "critical")
    candidate.publish([A_FEB, A_MAR])
    number = candidate.build([A_MAR], gate="")
    with pytest.raises(Refused, match=r"mart_x: drift \(critical, 1 rows\): lender=a, loans=10"):
        judge_candidate(number)
    assert [row["loans"] for row in all_rows("mart_x", "drift", Role.PUBLISHER)] == [10]
    with pytest.raises(Refused, match="refused"):
        publish(number, url=settings().url(Role.PUBLISHER))
    assert len(candidate.read()) == 2


def test_a_warning_about_drift_asks_for_approval(candidate: Candidate, tmp_path: Path) -> None:
    url = settings().url(Role.PUBLISHER)
    hold_to(tmp_path / "expectations", GONE, "warning")
    candidate.publish([A_FEB, B_FEB])
    number = candidate.build([A_FEB], gate="")
    assert judge_candidate(number) == "warn"
    with pytest.raises(Refused, match="somebody has to approve"):
        publish(number, url=url)
    stands = status(url)["gate"]
    assert (stands["outcome"], stands["evaluated"]) == ("warn", 2)
    assert [(v["boundary"], v["expectation"]) for v in stands["failed"]] == [("publication", "drift")]
    approve(number, url=url, by="Mei", reason="b has left us")
    assert publish(number, url=url).outcome == "published"


# ── suite files ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("table: [", "is not YAML"),
        ("table: other\nexpectations: []", "its table is 'other'"),
        ("table: mart_x\nexpectations: [{name: a}]", "type: Field required"),
        (
            "table: mart_x\nexpectations:" + 2 * ROWS.format(name="a", query="select 1", severity="info"),
            "the expectation 'a' stands twice",
        ),
        ("table: mart_x\nexpectations:" + ROWS.format(name="a", query="select 1", severity="fatal"), "severity"),
    ],
)
def test_a_wrong_suite_is_refused(tmp_path: Path, text: str, says: str) -> None:
    write_suite(tmp_path, text)
    with pytest.raises(Refused, match=says):
        suites(tmp_path, "candidate")


def test_a_gate_without_suites_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="lets everything through"):
        suites(tmp_path, "candidate")


def test_there_is_a_suite_for_every_mart() -> None:
    marts = {path.stem for path in (SOURCE_ROOT / "dbt_project" / "models" / "marts").glob("*.sql")}
    assert {suite.table for suite in suites(SOURCE_ROOT / "expectations", "candidate")} == marts


# ── the rows behind a verdict ────────────────────────────────────────────────────────────────────────────


def all_rows(table: str, expectation: str, role: Role, delivery: int | None = None) -> list[dict[str, Any]]:
    return list(
        unexpected(table, expectation, url=settings().url(role), settings=settings(), delivery_id=delivery)
    )  # fmt: skip


def test_a_refusal_shows_the_first_rows_and_how_to_see_all(candidate: Candidate, tmp_path: Path) -> None:
    suite = "table: mart_x\nexpectations:" + ROWS.format(
        name="nobody's loans", query="select lender, month_end, loans from {batch} where loans > 0", severity="critical"
    )
    write_suite(tmp_path / "expectations", suite)
    number = candidate.build([("a", dt.date(2020, 1, 1) + dt.timedelta(days=n), n, None) for n in range(25)], gate="")
    with pytest.raises(Refused) as refused:
        judge_candidate(number)
    (reason,) = refused.value.reasons
    assert "mart_x: nobody's loans (critical, 24 rows): lender=a, month_end=2020-01-02, loans=1; " in reason
    assert reason.count("lender=a") == 20
    assert reason.endswith("; all of them: arrears unexpected mart_x 'nobody'\"'\"'s loans'")
    found = all_rows("mart_x", "nobody's loans", Role.PUBLISHER)
    assert sorted(row["loans"] for row in found) == list(range(1, 25))


def test_rows_of_an_expectation_that_is_no_query_have_their_key(
    warehouse: Warehouse, delivered: Callable[..., int]
) -> None:
    number = delivered(principal=-1)
    with pytest.raises(Refused) as refused:
        judge(number)
    assert "(critical, 1 rows): line_no=1, loan_id=L1, principal=-1" in refused.value.reasons[0]
    (row,) = all_rows("loan", "no loan has a negative principal", Role.LOADER, number)
    assert (row["line_no"], row["loan_id"], row["principal"]) == (1, "L1", -1)
    assert all_rows("loan", "a term is 1 to 600 months", Role.LOADER, number) == []


def test_personal_data_is_masked_wherever_rows_are_shown(candidate: Candidate, tmp_path: Path) -> None:
    suite = "table: mart_x\nexpectations:" + ROWS.format(
        name="no clear text", query="select lender, '11010519491231002X' as identity_hash from {batch}",
        severity="critical",
    )  # fmt: skip
    write_suite(tmp_path / "expectations", suite)
    number = candidate.build([A_FEB], gate="")
    with pytest.raises(Refused, match="identity_hash=•••"):
        judge_candidate(number)
    assert all_rows("mart_x", "no clear text", Role.PUBLISHER) == [{"lender": "a", "identity_hash": "•••"}]
    assert candidate.warehouse.value("select count(*) from ops.gate_result where observed ~ '11010519'") == 0


def test_what_has_no_rows_to_show_says_so(candidate: Candidate, tmp_path: Path) -> None:
    write_suite(
        tmp_path / "expectations",
        "table: mart_x\nexpectations:\n  - {name: many, type: expect_table_row_count_to_be_between, "
        "kwargs: {min_value: 5}, severity: critical, notes: n}\n",
    )
    candidate.build([A_FEB], gate="")
    with pytest.raises(Usage, match="as a whole: it saw 1"):
        all_rows("mart_x", "many", Role.PUBLISHER)
    with pytest.raises(Usage, match=r"no expectation 'few'\. It has: many"):
        all_rows("mart_x", "few", Role.PUBLISHER)
    with pytest.raises(Usage, match=r"no suite for 'mart_y' here\. There are: mart_x"):
        all_rows("mart_y", "many", Role.PUBLISHER)
