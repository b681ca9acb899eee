"""How a loan is classified: by risk category, with observation of restructured loans, and by stage of IFRS 9.

Rules on Risk Classification of Financial Assets of Commercial Banks (2023), articles 19 to 24.
"""

from __future__ import annotations

import datetime as dt

from . import seeds
from .dates import DAY, add_months, days
from .delinquency import Day, Life
from .schedule import Version

OBSERVED_MONTHS = 12
BEST_UNDER_OBSERVATION = "special_mention"

Observation = tuple[dt.date, dt.date | None]


def rules(life: Life, day: dt.date) -> seeds.RiskRules | None:
    """The rules that classify a loan on a day; None before the first of its regime."""
    return seeds.risk_rules(life.ledger.conventions(day).risk_regime, day)


def risk_category(life: Life, day: Day) -> str | None:
    """The category of a loan in the book at the close of a day; None outside it and before the first rules."""
    in_force = rules(life, day.day)
    if in_force is None or not day.is_in_book:
        return None
    since = observed_since(life, day.day)
    if since is None:
        return in_force.category(day.dpd)
    worst = max(_dpd(life, past) for past in days(since - DAY, day.day))
    return in_force.worse(in_force.category(worst), BEST_UNDER_OBSERVATION)


def ifrs9_stage(life: Life, day: Day) -> int | None:
    """The stage of a loan in the book at the close of a day; the last one also for a loan in default."""
    if not day.is_in_book:
        return None
    return 3 if day.dpd > life.ledger.conventions(day.day).default_dpd else seeds.ifrs9_stage(day.dpd)


def _dpd(life: Life, day: dt.date) -> int:
    """Days past due at the close of a day: none before the loan enters the book and after it has left."""
    found = life.on(day)
    return 0 if found is None else found.dpd


# Observation


def observed_since(life: Life, day: dt.date) -> dt.date | None:
    """The first day of the unbroken observation in which a day lies; None where it lies in none."""
    observed = observations(life)
    if not _is_observed(observed, day):
        return None
    while _is_observed(observed, day - DAY):
        day -= DAY
    return day


def _is_observed(observed: list[Observation], day: dt.date) -> bool:
    return any(since <= day and (until is None or day < until) for since, until in observed)


def observations(life: Life) -> list[Observation]:
    """Of every day of relief the days [it, the end of its observation); None: not over at data_as_of."""
    return [(day, _observed_until(life, day)) for day in life.relief_days if day <= life.data_as_of]


def _observed_until(life: Life, relieved_on: dt.date) -> dt.date | None:
    """A year after the first due date since the relief at the soonest, and not before two periods are paid on time."""
    version = life.ledger.version(relieved_on)
    first_due = min((day for day in _due_days(version) if day > relieved_on), default=relieved_on)
    for day in days(add_months(first_due, OBSERVED_MONTHS), life.data_as_of):
        if all(_dpd(life, past) == 0 for past in days(_clean_since(life, relieved_on, day), day)):
            return day
    return None


def _clean_since(life: Life, relieved_on: dt.date, day: dt.date) -> dt.date:
    """From when on a loan must not have been past due to leave observation: the last due date but one."""
    fallen_due = [due_on for due_on in _due_days(life.ledger.version(day)) if due_on <= day]
    return relieved_on if len(fallen_due) < 2 else fallen_due[-2]


def _due_days(version: Version | None) -> list[dt.date]:
    """The days on which anything falls due, each once."""
    return [] if version is None else sorted({instalment.due_on for instalment in version.instalments})
