"""Building day by day gives what building everything gives, row for row, over a simulated year with corrections.

A build goes on from the one before it and recomputes the loans that something happened to. Here a year is built step by
step: deliveries that come in time, one that comes months late, days sent again with corrections, days on which nothing
comes, a build that fails half-way, and a build for a day gone by. At the end everything is built anew beside it.
"""

from __future__ import annotations

import calendar
import datetime as dt
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from arrears import pipeline
from arrears.build import dbt_environment
from arrears.errors import Refused
from arrears.load import registry
from arrears.settings import Role, settings
from arrears.simulate import layouts, simulate
from arrears.simulate.faults import Order, inject
from arrears.simulate.writers import Landing
from arrears.warehouse.connect import connect

from ..conftest import Warehouse

LENDERS = ["jike", "lakala", "xiaodangjia"]  # changes, snapshots, upserts and appends
LOANS, SEED = 25, 11
MONTH_ENDS = [dt.date(2023, month, calendar.monthrange(2023, month)[1]) for month in range(1, 13)]
JANUARY, MARCH, MAY, JUNE = MONTH_ENDS[0], MONTH_ENDS[2], MONTH_ENDS[4], MONTH_ENDS[5]
LATE, LATE_DAY = "jike", MONTH_ENDS[3]
# What one build needs to know of the build before, and nobody else reads.
OF_THE_BUILD = (
    "stg_touched_", "stg_changed_", "stg_known_before", "int_reviewed_loan", "int_closing_loan", "build_to_go_on_from",
)  # fmt: skip

Row = tuple[object, ...]


@dataclass
class Year:
    """A warehouse in which a simulated year lies ready to be loaded and built."""

    warehouse: Warehouse
    landing: Path
    aside: Path

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

    def correct(self, day: dt.date, *lenders: str) -> None:
        """Send a day again with a correction to a payment or a loan, and load it."""
        for lender in lenders:
            place = {lender: (Landing(str(self.landing), lender), layouts.find(lender).FORMAT)}
            inject([Order("resent_changed", lender, day)], landings=place, seed=SEED, withheld=self.aside)
            self.load(day, lender)

    def build(self, day: dt.date) -> None:
        pipeline.build(day, url=self.warehouse.url(Role.BUILDER))

    def went_on(self) -> bool:
        """Whether the last build went on from the one before."""
        return bool(self.warehouse.value("select base_build is not null from ops.build order by build_id desc limit 1"))

    def touched(self) -> set[Row]:
        return set(self.warehouse.rows("select lender, loan_id from staging.stg_touched_loan"))

    def fail_half_way(self, day: dt.date) -> None:
        """A build that the database stops in a model which most others need: the ones before it are done."""
        self.warehouse.rows("alter table intermediate.int_shortage add constraint stop check (seq < 0) not valid")
        with pytest.raises(Refused) as refused:
            self.build(day)
        assert any("int_shortage" in reason for reason in refused.value.reasons)
        self.warehouse.rows("alter table intermediate.int_shortage drop constraint stop")

    def tables(self) -> list[str]:
        found = self.warehouse.rows(
            "select table_schema || '.' || table_name from information_schema.tables "
            "where table_schema in ('staging', 'intermediate', 'candidate') order by 1"
        )
        return [name for (name,) in found if not name.split(".")[1].startswith(OF_THE_BUILD)]

    def content(self) -> dict[str, list[Row]]:
        return {name: sorted(self.warehouse.rows(f"select * from {name}"), key=repr) for name in self.tables()}

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


@dataclass
class Story:
    """What was there at the end of some days of the year."""

    year: Year
    january: dict[str, list[Row]]
    january_again: dict[str, list[Row]]
    december: dict[str, list[Row]]


@pytest.fixture(scope="module")
def story(shared_warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Story:
    landing = Path(settings().landing)
    simulate(
        start=dt.date(2023, 1, 1), end=MONTH_ENDS[-1], loans=LOANS, seed=SEED, lenders=LENDERS, every="month",
        landing=landing, truth=tmp_path_factory.mktemp("truth"), workers=1,
    )  # fmt: skip
    year = Year(shared_warehouse, landing, tmp_path_factory.mktemp("aside"))

    year.load_months(JANUARY)
    year.build(JANUARY)
    assert not year.went_on(), "there was nothing to go on from"
    january = year.content()

    year.load_months(*MONTH_ENDS[1:3])
    year.build(MARCH)
    year.build(MARCH + dt.timedelta(days=12))
    assert (year.went_on(), year.touched()) == (True, set()), "nobody has delivered: nothing is recomputed"

    year.load(MONTH_ENDS[3], "xiaodangjia")
    year.build(MONTH_ENDS[3])
    assert {lender for lender, _ in year.touched()} == {"xiaodangjia"}
    assert year.touched() < set(year.warehouse.rows("select lender, loan_id from staging.stg_loan"))

    year.load_months(*MONTH_ENDS[3:6])
    year.fail_half_way(JUNE)
    year.correct(MARCH, *LENDERS)
    year.build(JUNE)
    year.build(JANUARY)
    january_again = year.content()

    year.load(LATE_DAY, LATE)
    year.correct(MAY, *LENDERS)
    year.load_months(*MONTH_ENDS[6:])
    year.build(MONTH_ENDS[-1])
    assert year.went_on()
    return Story(year, january, january_again, year.content())


def test_a_day_gone_by_is_built_as_on_the_day_itself(story: Story) -> None:
    """Nothing of January was corrected: its own run and the run of June's warehouse for it see the same deliveries."""
    assert differences(story.january, story.january_again) == []


def test_a_year_step_by_step_is_the_year_at_once(story: Story) -> None:
    story.year.build_everything(MONTH_ENDS[-1])
    assert story.december["candidate.fct_loan_month"], "there is something to compare"
    assert differences(story.december, story.year.content()) == []


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
