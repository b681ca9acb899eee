"""Building day by day gives what building everything gives, row for row, over a simulated year with corrections.

A build goes on from the one before it and recomputes the loans that something happened to. Here a year is built step by
step: deliveries that come in time, one that comes months late, days sent again with corrections, days on which nothing
comes, builds that fail half-way (one among the first facts; one among the sums, when most of the year has been written,
and next comes a build for a day long gone by), and last, when no day passes, corrections of what seldom changes. At the
end everything is built anew beside it.
"""

from __future__ import annotations

import calendar
import datetime as dt
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from arrears import pipeline
from arrears.dbt import dbt_environment
from arrears.errors import Refused
from arrears.load import registry
from arrears.settings import Role, settings
from arrears.simulate import layouts, simulate
from arrears.simulate.faults import Order, inject
from arrears.simulate.writers import Landing
from arrears.warehouse.connect import connect

from ..conftest import Warehouse
from . import corrected_books
from .looked_up import looking_up
from .test_load import Lender

LENDERS = ["jike", "lakala", "xiaodangjia"]  # changes, snapshots, upserts and appends
LOANS, SEED = 25, 11
# some months more than a year, which are held against the year before
MONTHS = [(2023, month) for month in range(1, 13)] + [(2024, month) for month in range(1, 4)]
MONTH_ENDS = [dt.date(year, month, calendar.monthrange(year, month)[1]) for year, month in MONTHS]
JANUARY, FEBRUARY, MARCH, MAY, JUNE = (MONTH_ENDS[month] for month in (0, 1, 2, 4, 5))
LATE, LATE_DAY = "jike", MONTH_ENDS[3]
CORRECTED = "xiaodangjia"
# What one build needs to know of the build before, and nobody else reads.
OF_THE_BUILD = (
    "stg_touched_", "stg_changed_", "stg_known_before", "int_passage", "int_reviewed_loan", "int_closing_loan",
    "int_borrower_loan", "int_reported_loan", "stg_worked_loan", "int_worked_loan", "build_to_go_on_from",
)  # fmt: skip
OF_THE_BUILD_TOO = ("_cell", "_changed")

# Sums that are built cell by cell.
SUMS = [
    "mart_ageing_quarterly", "mart_balance_bridge_monthly", "mart_borrower_segment_monthly", "mart_collection_curve",
    "mart_collection_performance_monthly", "mart_contact_compliance_daily", "mart_debt_type_monthly",
    "mart_delinquency_bridge_monthly", "mart_delinquency_daily", "mart_early_warning_backtest",
    "mart_first_payment_default", "mart_forbearance_monthly", "mart_inflow_daily", "mart_long_overdue_monthly",
    "mart_overdue_rate_monthly", "mart_reconciliation_daily", "mart_recovery_monthly",
    "mart_risk_classification_monthly", "mart_roll_rate_monthly", "mart_score_calibration", "mart_vintage",
]  # fmt: skip

Row = tuple[object, ...]

pytestmark = pytest.mark.timeout(1200)  # eleven builds, which share two cores with other tests


@dataclass
class Year:
    """A warehouse in which a simulated year lies ready to be loaded and built."""

    warehouse: Warehouse
    landing: Path
    aside: Path
    by_hand: list[Lender] = field(default_factory=list)

    def load(self, day: dt.date, *lenders: str) -> None:
        """Load, and accept without the gate, which others test."""
        with connect(self.warehouse.url(Role.LOADER), "test") as connection, connection.cursor() as cursor:
            for lender in lenders:
                loaded = pipeline.load(lender, day, url=self.warehouse.url(Role.LOADER))
                registry.accept(cursor, loaded.delivery_id)
                connection.commit()

    def load_months(self, *days: dt.date) -> None:
        for day in days:
            self.load(day, *[lender for lender in LENDERS if (lender, day) != (LATE, LATE_DAY)])
            for lender in self.by_hand:
                corrected_books.deliver(lender, day)

    def correct(self, day: dt.date, *lenders: str) -> None:
        """Send a day again with a correction to a payment or a loan, and load it."""
        for lender in lenders:
            place = {lender: (Landing(str(self.landing), lender), layouts.find(lender).FORMAT)}
            inject([Order("resent_changed", lender, day)], landings=place, seed=SEED, withheld=self.aside)
            self.load(day, lender)

    def build(self, day: dt.date) -> None:
        """Build, and publish where the marts show no later day. The gate is left out, which others test."""
        build_id = pipeline.build(day, url=self.warehouse.url(Role.BUILDER)).build_id
        if day < (self.warehouse.value("select max(business_date) from ops.publication") or day):
            return
        self.warehouse.judge(build_id)
        pipeline.publish(build_id, url=self.warehouse.url(Role.PUBLISHER))
        self.assert_candidate_is_published()

    def assert_candidate_is_published(self) -> None:
        """Also where the publisher has looked at nothing but what the build said it had changed."""
        for (mart,) in self.warehouse.rows("select distinct mart from ops.build_mart"):
            columns = ", ".join(name for (name,) in self.warehouse.rows(
                "select column_name::text from information_schema.columns where table_schema = 'candidate' "
                "and table_name = %s", mart,
            ))  # fmt: skip
            either = [
                f"select {columns} from candidate.{mart}",
                f"select {columns} from published.{mart} where superseded_in is null",
            ]
            only_one = [f"({one} except {other})" for one, other in (either, either[::-1])]
            assert self.warehouse.rows(" union all ".join(only_one)) == [], mart

    def published_what_changed(self) -> bool:
        """Whether any publication was made of a build that goes on from the one that was shown before."""
        return bool(self.warehouse.value(
            "select bool_or(builds.base_build = before.build_id) from ops.publication as publications "
            "inner join ops.publication as before on publications.publication_id = before.publication_id + 1 "
            "inner join ops.build as builds on publications.build_id = builds.build_id"
        ))  # fmt: skip

    def went_on(self) -> bool:
        """Whether the last build went on from the one before."""
        return bool(self.warehouse.value("select base_build is not null from ops.build order by build_id desc limit 1"))

    def touched(self) -> set[Row]:
        return set(self.warehouse.rows("select lender, loan_id from staging.stg_touched_loan"))

    def fail_half_way(self, day: dt.date, table: str, refused: str) -> None:
        """A build that the database stops in one model: those before it are done, and those that do without it."""
        self.warehouse.rows(f"alter table {table} add constraint stop check (not ({refused})) not valid")
        with pytest.raises(Refused) as failure:
            self.build(day)
        assert any(table.split(".")[1] in reason for reason in failure.value.reasons)
        self.warehouse.rows(f"alter table {table} drop constraint stop")

    def tables(self) -> list[str]:
        found = self.warehouse.rows(
            "select table_schema || '.' || table_name from information_schema.tables "
            "where table_schema in ('staging', 'intermediate', 'candidate') order by 1"
        )
        names = [name.split(".") for (name,) in found]
        return [
            f"{schema}.{name}" for schema, name in names
            if not name.startswith(OF_THE_BUILD) and not name.endswith(OF_THE_BUILD_TOO)
        ]  # fmt: skip

    def content(self) -> dict[str, list[Row]]:
        return {name: sorted(self.warehouse.rows(f"select * from {name}"), key=repr) for name in self.tables()}

    def sums(self) -> dict[str, dict[Row, Row]]:
        """Of every mart of sums: where each row lies and since which transaction, and what it says."""
        return {
            mart: {row[:2]: row[2:] for row in self.warehouse.rows(f"select ctid, xmin::text, * from candidate.{mart}")}
            for mart in SUMS
        }

    def cells(self) -> dict[str, list[Row]]:
        """What the last build recomputed of the sums, where it was anything."""
        names = [name for (name,) in self.warehouse.rows(
            "select table_name from information_schema.tables "
            "where table_schema = 'intermediate' and table_name like '%\\_cell'"
        )]  # fmt: skip
        found = {name: self.warehouse.rows(f"select * from intermediate.{name}") for name in names}
        return {name: rows for name, rows in found.items() if rows}

    def build_everything(self, day: dt.date) -> None:
        self.warehouse.rows("drop table intermediate.build_to_go_on_from")
        self.build(day)
        assert not self.went_on()


def differences(one: dict[str, list[Row]], other: dict[str, list[Row]]) -> list[str]:
    """What differs, with the first rows of each table that only one of them has."""
    said = []
    for name in sorted(one.keys() | other.keys()):
        ours, theirs = one.get(name, []), other.get(name, [])
        if ours != theirs:
            only_ours, only_theirs = set(ours) - set(theirs), set(theirs) - set(ours)
            said.append(f"{name}: {sorted(only_ours, key=repr)[:3]} against {sorted(only_theirs, key=repr)[:3]}")
    return said


def assert_only_differences_are_written(before: dict[str, dict[Row, Row]], after: dict[str, dict[Row, Row]]) -> None:
    """A row that says what it said lies where it lay."""
    for mart in SUMS:
        written = {place: row for place, row in after[mart].items() if place not in before[mart]}
        assert not set(written.values()) & set(before[mart].values()), mart


def rewritten(before: dict[str, dict[Row, Row]], after: dict[str, dict[Row, Row]]) -> set[str]:
    """The marts of which a row that was there went."""
    return {mart for mart in SUMS if before[mart].keys() - after[mart].keys()}


@dataclass
class Story:
    """What was there at the end of some days of the year. rewritten: marts that had said something else before the last
    corrections, with which no day passed."""

    year: Year
    january: dict[str, list[Row]]
    january_again: dict[str, list[Row]]
    at_last: dict[str, list[Row]]
    rewritten: set[str]


@pytest.fixture(scope="module")
def found_in_turns(shared_warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Every other build looks the rows of touched loans up, and the others read whole tables. As small a book as this
    would never be looked up in."""
    project = looking_up(tmp_path_factory.mktemp("project"), "0 if this_build()['build_id'] | int % 2 else 1000000000")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ARREARS_DBT_PROJECT", str(project))
        settings.cache_clear()
        yield
    settings.cache_clear()


@pytest.fixture(scope="module")
def story(
    models_alone: None, found_in_turns: None, shared_warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory
) -> Story:
    landing = Path(settings().landing)
    simulate(
        start=dt.date(2023, 1, 1), end=MONTH_ENDS[-1], loans=LOANS, seed=SEED, lenders=LENDERS, every="month",
        landing=landing, truth=tmp_path_factory.mktemp("truth"), workers=1,
    )  # fmt: skip
    by_hand = corrected_books.lenders(shared_warehouse)
    year = Year(shared_warehouse, landing, tmp_path_factory.mktemp("aside"), by_hand)

    year.load_months(JANUARY)
    year.build(JANUARY)
    assert not year.went_on(), "there was nothing to go on from"
    january = year.content()

    year.load_months(*MONTH_ENDS[1:3])
    year.build(MARCH)
    sums = year.sums()
    year.build(MARCH + dt.timedelta(days=12))
    assert (year.went_on(), year.touched()) == (True, set()), "nobody has delivered: nothing is recomputed"
    assert (year.cells(), year.sums()) == ({}, sums)

    year.load(MONTH_ENDS[3], "xiaodangjia")
    year.build(MONTH_ENDS[3])
    assert {lender for lender, _ in year.touched()} == {"xiaodangjia"}
    assert year.touched() < set(year.warehouse.rows("select lender, loan_id from staging.stg_loan"))
    assert {row[0] for rows in year.cells().values() for row in rows} == {"xiaodangjia"}
    assert_only_differences_are_written(sums, year.sums())

    year.load_months(*MONTH_ENDS[3:6])
    year.fail_half_way(JUNE, "intermediate.int_shortage", "seq > 0")
    year.correct(MARCH, *LENDERS)
    year.build(JUNE)

    year.load(LATE_DAY, LATE)
    year.correct(MAY, *LENDERS)
    year.load_months(*MONTH_ENDS[6:])
    year.fail_half_way(MONTH_ENDS[-1], "candidate.mart_inflow_daily", "instalments_due > 0")
    year.build(JANUARY)
    assert year.went_on()
    january_again = year.content()
    year.build(MONTH_ENDS[-1])
    assert year.went_on()

    sums = year.sums()
    year.correct(FEBRUARY, CORRECTED)
    corrected_books.correct(year.by_hand)
    year.build(MONTH_ENDS[-1])
    due_days = {(lender, due_on) for lender, _, due_on, *_ in sums["mart_inflow_daily"].values()}
    assert 0 < len(year.cells()["int_inflow_cell"]) < len(due_days) / 2
    corrected = year.sums()
    assert_only_differences_are_written(sums, corrected)
    return Story(year, january, january_again, year.content(), rewritten(sums, corrected))


def test_a_day_gone_by_is_built_as_on_the_day_itself(story: Story) -> None:
    """Nothing of January was corrected: its own run and the run of June's warehouse for it see the same deliveries."""
    assert differences(story.january, story.january_again) == []


def test_a_year_step_by_step_is_the_year_at_once(story: Story) -> None:
    story.year.build_everything(MONTH_ENDS[-1])
    assert story.at_last["candidate.fct_loan_month"], "there is something to compare"
    assert differences(story.at_last, story.year.content()) == []


def test_what_changed_is_what_was_published(story: Story) -> None:
    """What is published is the candidate after every build of the story, and not by comparing all of it each time."""
    assert story.year.published_what_changed()


def test_every_sum_has_said_something_else_before(story: Story) -> None:
    """Days that pass recompute much of a mart; with these corrections only what has changed says which cells."""
    assert story.rewritten == set(SUMS)


def test_models_run_by_hand_are_not_gone_on_from(story: Story) -> None:
    """They leave tables that no recorded build made."""
    assert story.year.warehouse.value("select to_regclass('intermediate.build_to_go_on_from') is not null")
    environment = os.environ | dbt_environment(story.year.warehouse.url(Role.BUILDER))
    project = str(settings().dbt_project)
    subprocess.run(
        [
            sys.executable, "-m", "dbt.cli.main", "run", "--select", "int_calendar", "--project-dir", project,
            "--profiles-dir", project, "--target-path", str(story.year.aside / "dbt"), "--log-path",
            str(story.year.aside), "--vars", f"{{business_date: {MONTH_ENDS[-1]}}}",
        ],
        env=environment, check=True, capture_output=True,
    )  # fmt: skip
    assert story.year.warehouse.value("select to_regclass('intermediate.build_to_go_on_from') is null")
