"""Something critical is wrong with one lender: it keeps what was published of it, and the others are published."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path
from typing import Any

import pytest

from arrears import pipeline
from arrears.errors import Refused
from arrears.explain import explain
from arrears.gate import GateResult, gate_candidate
from arrears.monitor import problems
from arrears.publish import publish
from arrears.settings import SOURCE_ROOT, Role, settings
from arrears.simulate import simulate
from arrears.status import status

from ..conftest import Warehouse
from .candidate import FEBRUARY, MARCH, Candidate
from .command_line import CommandLine
from .test_gate import ROWS, write_suite

A_FEB, A_MAR, B_FEB, B_MAR = (
    ("a", FEBRUARY, 10, 0.5),
    ("a", MARCH, 11, 0.4),
    ("b", FEBRUARY, 7, 0.1),
    ("b", MARCH, 8, 0.1),
)
FEW = "select lender, month_end, loans from {batch} where loans > 90"


@pytest.fixture
def candidate(warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Candidate:
    monkeypatch.setenv("ARREARS_EXPECTATIONS", str(tmp_path / "expectations"))
    settings.cache_clear()
    write_suite(tmp_path / "expectations", "table: unknown\nexpectations: []", "publication", "unknown")
    expect(tmp_path, ("few loans", FEW, "critical"))
    return Candidate(warehouse)


def expect(folder: Path, *expectations: tuple[str, str, str]) -> None:
    listed = "".join(ROWS.format(name=name, query=query, severity=severity) for name, query, severity in expectations)
    write_suite(folder / "expectations", "table: mart_x\nexpectations:" + listed)


def judge(number: int) -> GateResult:
    return gate_candidate(number, url=settings().url(Role.PUBLISHER), settings=settings())


def publish_anyway(number: int) -> None:
    publish(number, url=settings().url(Role.PUBLISHER))


FRESHNESS = "select lender, data_as_of, is_stale from publication_lender where publication_id = %s order by 1"


def test_the_others_are_published(candidate: Candidate) -> None:
    candidate.publish([A_FEB, B_FEB], FEBRUARY)
    number = candidate.build([("a", FEBRUARY, 99, 0.9), A_MAR, B_FEB, B_MAR], MARCH, gate="")
    judged = judge(number)
    assert (judged.outcome, judged.held, len(judged.failed)) == ("pass", ("a",), 1)
    assert "mart_x: few loans (critical, 1 rows): lender=a, month_end=2024-02-29, loans=99" in str(
        judged.holding_back()
    )
    publish_anyway(number)
    assert [row[:3] for row in candidate.read()] == [A_FEB[:3], B_FEB[:3], B_MAR[:3]]
    run = candidate.warehouse.rows
    assert run(FRESHNESS, 2, role=Role.READER) == [("a", FEBRUARY, True), ("b", MARCH, False)]
    assert run("select lender, is_stale from dim_lender order by 1", role=Role.READER) == [("a", True), ("b", False)]

    said = status(candidate.warehouse.url(Role.PUBLISHER))
    assert (said["gate"]["outcome"], said["gate"]["held"]) == ("pass", ["a"])
    run("insert into ops.delivery (lender, business_date, version, content_hash, status) values "
        "('a', %s, 1, 'x', 'accepted')", MARCH)  # fmt: skip
    told = problems(status(candidate.warehouse.url(Role.PUBLISHER)))
    assert told == ["a: held back by the gate; what was published of it stands."]


def test_once_it_is_right_it_is_published_again(candidate: Candidate) -> None:
    candidate.publish([A_FEB, B_FEB], FEBRUARY)
    number = candidate.build([("a", FEBRUARY, 99, 0.9), B_FEB], MARCH, gate="")
    judge(number)
    publish_anyway(number)
    number = candidate.build([("a", FEBRUARY, 12, 0.9), A_MAR, B_FEB], MARCH, gate="")
    assert judge(number).held == ()
    publish_anyway(number)
    assert [row[:3] for row in candidate.read()] == [("a", FEBRUARY, 12), A_MAR[:3], B_FEB[:3]]
    assert candidate.warehouse.rows(FRESHNESS, 3, role=Role.READER) == [("a", MARCH, False), ("b", MARCH, False)]
    restated = candidate.read("select lender, period, is_restatement from publication_change "
                              "where publication_id = 3 and mart = 'mart_x' order by 2")  # fmt: skip
    assert restated == [("a", FEBRUARY, True), ("a", MARCH, False)]  # March is new to what was published of it


def test_a_lender_that_was_never_published_does_not_appear(candidate: Candidate) -> None:
    number = candidate.build([("a", FEBRUARY, 99, 0.9), B_FEB], MARCH, gate="")
    assert judge(number).held == ("a",)
    publish_anyway(number)
    assert [row[0] for row in candidate.read()] == ["b"]
    assert candidate.read("select lender from dim_lender") == [("b",)]


def test_nothing_is_published_where_nobody_would_be_left(candidate: Candidate) -> None:
    number = candidate.build([("a", FEBRUARY, 99, 0.9), ("b", FEBRUARY, 98, 0.9)], MARCH, gate="")
    with pytest.raises(Refused, match="did not pass the gate"):
        judge(number)
    assert candidate.warehouse.value("select count(*) from ops.gate_held") == 0


@pytest.mark.parametrize(
    "query",
    [
        "select month_end from {batch} where loans > 90",  # no lender
        "select nullif(lender, 'a') as lender from {batch} where loans > 90",
        "select lender, no_such_column from {batch}",
    ],
)
def test_what_names_no_lender_stops_all(candidate: Candidate, tmp_path: Path, query: str) -> None:
    expect(tmp_path, ("few loans", FEW, "critical"), ("of all", query, "critical"))
    with pytest.raises(Refused, match="of all"):
        judge(candidate.build([("a", FEBRUARY, 99, 0.9), B_FEB], MARCH, gate=""))


def test_an_expectation_that_is_no_query_names_lenders_by_the_key(candidate: Candidate, tmp_path: Path) -> None:
    suite = """table: mart_x
expectations:
  - name: rates are given
    type: expect_column_values_to_not_be_null
    kwargs: {column: rate}
    severity: critical
    notes: For the test.
"""
    write_suite(tmp_path / "expectations", suite)
    rows = [("a", dt.date(2020, 1, 1) + dt.timedelta(days=n), n, None) for n in range(300)]
    assert judge(candidate.build([*rows, B_FEB], MARCH, gate="")).held == ("a",)
    rows_are_many = suite.replace("expect_column_values_to_not_be_null", "expect_table_row_count_to_be_between")
    write_suite(tmp_path / "expectations", rows_are_many.replace("{column: rate}", "{min_value: 1000}"))
    with pytest.raises(Refused):
        judge(candidate.build([*rows, B_FEB], MARCH, gate=""))


def test_a_warning_about_lenders_held_asks_nobody(candidate: Candidate, tmp_path: Path) -> None:
    odd = "select lender, rate from {batch} where rate > 0.8"
    expect(tmp_path, ("few loans", FEW, "critical"), ("odd rate", odd, "warning"))
    number = candidate.build([("a", FEBRUARY, 99, 0.9), B_FEB], MARCH, gate="")
    assert (judge(number).outcome, judge(number).held) == ("pass", ("a",))
    number = candidate.build([("a", FEBRUARY, 99, 0.9), ("b", FEBRUARY, 7, 0.9)], MARCH, gate="")
    assert (judge(number).outcome, judge(number).held) == ("warn", ("a",))
    with pytest.raises(Refused, match="somebody has to approve"):
        publish_anyway(number)


def test_a_lender_that_is_gone_from_the_candidate_keeps_its_rows(candidate: Candidate, tmp_path: Path) -> None:
    gone = "select lender from {previous} where lender not in (select lender from {batch})"
    write_suite(
        tmp_path / "expectations",
        "table: mart_x\nexpectations:" + ROWS.format(name="gone", query=gone, severity="critical"), "publication",
    )  # fmt: skip
    candidate.publish([A_FEB, B_FEB], FEBRUARY)
    number = candidate.build([A_FEB, A_MAR], MARCH, gate="")
    assert judge(number).held == ("b",)
    publish_anyway(number)
    assert [row[0] for row in candidate.read()] == ["a", "a", "b"]
    assert candidate.warehouse.rows(FRESHNESS, 2, role=Role.READER) == [("a", MARCH, False), ("b", FEBRUARY, True)]


# ── a day of three lenders ───────────────────────────────────────────────────────────────────────────────

LENDERS = ["jike", "lakala", "paipai"]
FIRST, SECOND = dt.date(2024, 3, 30), dt.date(2024, 3, 31)
ODD = """  - name: lakala ends in March
    type: unexpected_rows_expectation
    kwargs:
      unexpected_rows_query: >-
        select lender, as_of_date from {batch} where lender = 'lakala' and as_of_date > '2024-03-30'
    severity: critical
    notes: For the test.
"""


@pytest.fixture
def arrears(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    return CommandLine(capsys, monkeypatch)


@pytest.mark.usefixtures("models_alone")
def test_a_day_with_a_lender_held_back(
    arrears: CommandLine, warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = settings()
    simulate(
        start=FIRST, end=SECOND, loans=60, seed=11, lenders=LENDERS, landing=Path(own.landing), truth=tmp_path / "truth"
    )
    run = ["run", "--approved-by", "a tester"] + [word for lender in LENDERS for word in ("--lender", lender)]
    first = arrears(*run, "--date", f"{FIRST}")
    assert first.code == 0, first.err
    before = _marts(warehouse, "lakala")

    with monkeypatch.context() as patch:
        shutil.copytree(SOURCE_ROOT / "expectations", tmp_path / "expectations")
        with (tmp_path / "expectations" / "candidate" / "fct_loan_current.yaml").open("a") as suite:
            suite.write(ODD)
        patch.setenv("ARREARS_EXPECTATIONS", str(tmp_path / "expectations"))
        settings.cache_clear()
        second = arrears(*run, "--date", f"{SECOND}")
    settings.cache_clear()
    assert second.code == 1
    assert "publication 2 for 2024-03-31" in second.out
    assert "Held back: lakala. What was published of them stands" in second.err
    assert "fct_loan_current: lakala ends in March (critical, " in second.err
    held = _marts(warehouse, "lakala")
    assert _freshness(warehouse) == {
        "jike": (SECOND, False, 0), "lakala": (FIRST, True, 1), "paipai": (SECOND, False, 0),
    }  # fmt: skip
    assert {mart for mart in before if before[mart] != held[mart]} == {"dim_lender"}
    page = Path(own.reports_address) / "2" / "report.html"
    assert "stale" in page.read_text(encoding="utf-8")
    assert {lender: _is_said_to_be_held(warehouse, lender) for lender in LENDERS} == {
        "jike": False, "lakala": True, "paipai": False,
    }  # fmt: skip

    built = pipeline.build(SECOND, url=warehouse.url(Role.BUILDER))
    assert pipeline.gate_candidate(built.build_id, url=warehouse.url(Role.PUBLISHER)).held == ()
    pipeline.publish(built.build_id, url=warehouse.url(Role.PUBLISHER), approved_by="a tester")
    assert _freshness(warehouse)["lakala"] == (SECOND, False, 0)
    for lender in LENDERS:
        assert _marts(warehouse, lender) == _marts(warehouse, lender, "candidate")


def _is_said_to_be_held(warehouse: Warehouse, lender: str) -> bool:
    """By the explanation of a loan as known to the second publication."""
    loan = warehouse.value("select min(loan_id) from fct_loan_current where lender = %s", lender, role=Role.READER)
    notes = explain(lender, loan, FIRST, 2, settings=settings()).reservations
    return any(f"The gate held {lender} back of publication 2" in note for note in notes)


def _freshness(warehouse: Warehouse) -> dict[str, tuple[Any, ...]]:
    rows = warehouse.rows("select lender, data_as_of, is_stale, days_stale from dim_lender", role=Role.READER)
    return {lender: tuple(rest) for lender, *rest in rows if lender in LENDERS}


def _marts(warehouse: Warehouse, lender: str, schema: str = "marts") -> dict[str, str]:
    """Of every mart with a lender, a hash of that lender's rows."""
    marts = warehouse.rows(
        "select table_name, string_agg(format('%I', column_name), ', ' order by ordinal_position) "
        "from information_schema.columns where table_schema = 'candidate' and table_name in "
        "(select mart from ops.build_mart) group by 1 having bool_or(column_name = 'lender')"
    )
    return {
        mart: warehouse.value(
            f"select md5(string_agg(r::text, '' order by r::text)) from (select {columns} from {schema}.{mart} "
            "where lender = %s) as r", lender,
        )
        for mart, columns in marts
    }  # fmt: skip
