"""Scenario seed-facts: the figures reported about these platforms, in their truth and their records."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from arrears.simulate import layouts, scenario_names, simulate
from arrears.simulate.book import Ints, Profile, day_date, day_number, draw_book
from arrears.simulate.engine import (
    EXTENDED,
    PHONE,
    SMS,
    VISIT,
    Actions,
    Day,
    MonthEnd,
    Simulation,
)
from arrears.simulate.ledger import ACTIVE, SETTLED, Bools
from arrears.simulate.records import join
from arrears.simulate.scenarios import Scenario, find

START, END = date(2023, 1, 1), date(2024, 12, 31)
FACTS = "seed-facts"


@dataclass(frozen=True)
class Told:
    """A simulated lender: its book, its days, its truth by month-end."""

    run: Simulation
    scene: Scenario
    days: list[Day]
    ends: dict[date, MonthEnd]

    def rate(self, on: date, threshold: int = 0) -> float:
        """The overdue rate."""
        end = self.ends[on]
        active = end.state == ACTIVE
        return float(end.outstanding[active & (end.dpd > threshold)].sum() / end.outstanding[active].sum())

    def late(self, on: date) -> Bools:
        end = self.ends[on]
        late: Bools = (end.state == ACTIVE) & (end.dpd > 0)
        return late

    @property
    def actions(self) -> Actions:
        return join([day.actions for day in self.days])


@cache
def _told(lender: str, loans: int = 900, seed: int = 5) -> Told:
    scene = find(FACTS, lender, layouts.find(lender).PROFILE)
    book = draw_book(
        seed=seed, lender=lender, profile=scene.profile, start=START, end=END, loans=loans, made=scene.made
    )
    run = Simulation(
        seed=seed,
        lender=lender,
        profile=scene.profile,
        book=book,
        start=START,
        end=END,
        plot=scene.plot(book, seed, lender),
    )
    days, ends = [], {}
    for day in run.run():
        days.append(day)
        if day_date(day.day + 1).day == 1:
            ends[day_date(day.day)] = run.month_end(day.day)
    return Told(run, scene, days, ends)


# ── hongchuang ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("seed", [5, 6])
@pytest.mark.parametrize(("on", "rate"), [(date(2023, 3, 31), 0.037), (date(2024, 3, 31), 0.052)])
def test_hongchuang_reaches_its_figures(seed: int, on: date, rate: float) -> None:
    assert abs(_told("hongchuang", seed=seed).rate(on) - rate) < 0.0005


def test_hongchuang_is_a_book_like_others_between_its_figures() -> None:
    told = _told("hongchuang")
    others = [told.rate(on) for on in told.ends if date(2022, 12, 1) < on]
    assert min(others) > 0.02
    assert max(others) < 0.16


def test_hongchuang_extends_a_loan_of_5000_after_illness_and_it_is_repaid() -> None:
    told = _told("hongchuang")
    book, ledger = told.run.book, told.run.ledger
    (loan,) = told.scene.plot(book, 5, "hongchuang").loans.tolist()
    assert book.principal[loan] == 500_000
    assert layouts.find("hongchuang").PROFILE.purposes[book.purpose[loan]] == "医疗"
    extended = [day.day for day in told.days if loan in day.events.loan[day.events.kind == EXTENDED]]
    assert [day_date(day) for day in extended] == [date(2023, 7, 24)]
    dpd = {on: int(end.dpd[loan]) for on, end in told.ends.items() if len(end.dpd) > loan}
    assert dpd[date(2023, 5, 31)] == 0
    assert dpd[date(2023, 6, 30)] == 25
    assert not any(dpd[on] for on in dpd if on > date(2023, 7, 24))
    assert told.ends[date(2023, 7, 31)].contractual_dpd[loan] > 50, "a cosmetic cure, until it is paid"
    assert ledger.state[loan] == SETTLED


# ── the others ──────────────────────────────────────────────────────────────────────────────────────────


def test_lakala_is_overdue_by_tens_of_thousands_and_about_a_year() -> None:
    told = _told("lakala")
    for on in (date(2023, 12, 31), date(2024, 6, 30)):
        end, late = told.ends[on], told.late(on)
        assert (end.overdue_amount[late] > 1_000_000).mean() > 0.3, "above 10,000 CNY"
        assert np.median(end.overdue_amount[late & (end.dpd > 180)]) > 1_000_000
        about_a_year = late & (end.dpd >= 331) & (end.dpd <= 395)
        assert about_a_year.sum() >= 8
        assert about_a_year.sum() / (late & (end.dpd > 180)).sum() > 0.12
        assert ((end.dpd > 180) & late).sum() > 0.3 * late.sum()


def _excess(late: Bools, active: Bools, some: Bools) -> float:
    """How many times as often loans are late where something is so as where it is not."""
    return float(late[active & some].mean() / late[active & ~some].mean())


def test_paipai_arrears_are_of_the_young_the_poor_and_small_loans() -> None:
    told = _told("paipai", loans=2_000)
    on = date(2024, 6, 30)
    end, late = told.ends[on], told.late(on)
    active, known = end.state == ACTIVE, len(end.dpd)
    book = told.run.book
    people, who = book.borrowers, book.borrower[:known]
    young = (day_number(on) - people.born[who]) < 30 * 365
    to_middle = people.income[who] <= 2
    small = book.principal[:known] < 400_000
    assert _excess(late, active, young) > 1.4
    assert _excess(late, active, to_middle) > 1.3
    assert _excess(late, active, small) > 1.15
    assert _excess(late, active, young & to_middle & small) > 1.6
    assert to_middle[late].mean() > 0.8


def test_paipai_has_the_three_types_of_debt() -> None:
    told = _told("paipai", loans=2_000)
    on = date(2024, 12, 31)
    late, end = np.flatnonzero(told.late(on)), told.ends[on]
    ledger = told.run.ledger
    rows = ledger.oldest_short(late)
    paid: Ints = sum(ledger.paid_of(rows))  # type: ignore[assignment]
    default = end.dpd[late] > 90
    assert default.sum() > 20
    assert (~default & (paid > 0)).sum() > 20
    assert (~default & (paid == 0)).sum() > 20


def test_xiaodangjia_gets_worse_every_year_with_collection_and_complaints() -> None:
    told = _told("xiaodangjia")
    for month, day in ((6, 30), (9, 30), (12, 31)):
        years = [told.rate(date(year, month, day)) for year in (2022, 2023, 2024)]
        assert years[0] < years[1] < years[2], (month, years)
    actions = told.actions
    assert {PHONE, SMS, VISIT} <= set(actions.channel.tolist())
    assert actions.complaint.sum() > 50


def test_jike_lends_to_those_who_borrow_everywhere() -> None:
    told = _told("jike")
    theirs = told.run.book.borrowers.phone
    elsewhere = set()
    for lender in set(layouts.names()) - {"jike"}:
        scene = find(FACTS, lender, layouts.find(lender).PROFILE)
        book = draw_book(seed=5, lender=lender, profile=scene.profile, start=START, end=END, loans=900)
        elsewhere.update(book.borrowers.phone.tolist())
    assert np.isin(theirs, list(elsewhere)).mean() > 0.5


def test_jike_charges_penalties_that_grow() -> None:
    told = _told("jike")
    penalties = told.run.ledger.penalty_due
    assert (penalties > 0).sum() > 50
    moved = np.concatenate([day.moved for day in told.days])
    assert np.bincount(moved).max() > 3


def test_jike_has_days_without_a_delivery(tmp_path: Path) -> None:
    landing = tmp_path / "landing"
    start, end = date(2024, 1, 1), date(2024, 3, 31)
    (written,) = simulate(
        start=start,
        end=end,
        loans=20,
        seed=5,
        lenders=["jike"],
        landing=landing,
        truth=tmp_path / "truth",
        scenario=FACTS,
    ).lenders
    days = (end - start).days + 1
    assert 0.8 * days < written.deliveries < days
    there = {path.name for path in (landing / "jike").iterdir()}
    assert {"2024-01-31", "2024-02-29", "2024-03-31"} <= there
    assert len(there) == written.deliveries


# ── scenarios as such ───────────────────────────────────────────────────────────────────────────────────


def test_a_lender_that_a_scenario_does_not_mention_is_as_it_is() -> None:
    profile = layouts.find("lakala").PROFILE
    assert find(None, "lakala", profile) == Scenario(profile)
    assert find(FACTS, "somebody", profile) == Scenario(profile)


def test_there_is_no_such_scenario() -> None:
    with pytest.raises(ValueError, match="there is: plain, seed-facts"):
        find("no-such", "lakala", layouts.find("lakala").PROFILE)


def test_a_scenario_that_sets_what_is_not_there_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "odd.yaml").write_text("lakala:\n  habits: {shok: 1}\n", encoding="utf-8")
    monkeypatch.setattr("arrears.simulate.scenarios._FOLDER", tmp_path)
    assert scenario_names() == ["odd"]
    with pytest.raises(ValueError, match="Habits does not have: shok"):
        find("odd", "lakala", layouts.find("lakala").PROFILE)


def test_every_scenario_can_be_read() -> None:
    for scenario in scenario_names():
        for lender in layouts.names():
            assert isinstance(find(scenario, lender, layouts.find(lender).PROFILE).profile, Profile)


def test_the_figures_are_in_the_truth_that_is_written(tmp_path: Path) -> None:
    simulate(
        start=date(2023, 3, 1),
        end=date(2023, 4, 10),
        loans=600,
        seed=9,
        lenders=["hongchuang"],
        landing=tmp_path / "landing",
        truth=tmp_path / "truth",
        scenario=FACTS,
        every="month",
    )
    truth = pl.read_parquet(tmp_path / "truth" / "hongchuang" / "2023-03-31.parquet").filter(
        pl.col("state") == "active"
    )
    late = truth.filter(pl.col("dpd") > 0)
    rate = float(late["outstanding_principal"].sum()) / float(truth["outstanding_principal"].sum())
    assert abs(rate - 0.037) < 0.0005


def test_a_scenario_changes_its_lender_and_nothing_else() -> None:
    profile = layouts.find("jike").PROFILE
    scene = find(FACTS, "jike", profile)
    assert scene.profile.indebted == 3.0
    assert scene.profile.habits == replace(profile.habits, common=1.0, penalty_bp=120)
    assert scene.profile.products == profile.products
