"""Finding contracts: one folder per lender, in it one contract per layout the lender has had."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

from arrears.contract.model import Contract, DeliveryRules
from arrears.contract.read import read_contract
from arrears.errors import Refused, Usage

PATTERN = "datapackage*.yaml"


@dataclass(frozen=True)
class LenderSummary:
    """What scheduling needs to know of a lender. Times are local to `timezone`, on the day after the business date.

    `problem` says why its contract cannot be read; what else is said of such a lender are the defaults. Its own runs
    fail with that reason, and no other lender notices. `since`: the first day its contracts reach back to.
    """

    lender: str
    name_en: str
    name_zh: str | None
    timezone: str
    calendar: str
    cutoff: dt.time
    deadline: dt.time
    since: dt.date = dt.date.min
    problem: str | None = None

    def is_due(self, business_date: dt.date) -> bool:
        """Whether the lender delivers for this day: every day, or the last day of a month, since its first contract."""
        is_its_day = self.calendar != "month_end" or (business_date + dt.timedelta(days=1)).day == 1
        return is_its_day and business_date >= self.since


@lru_cache(maxsize=256)
def _read(path: Path, modified_ns: int) -> Contract:
    return read_contract(path)


def contracts(root: Path, lender: str) -> list[Contract]:
    """All contracts of a lender, oldest first. Raises Refused when one is wrong or two begin on the same day."""
    found = [_read(path, path.stat().st_mtime_ns) for path in sorted((root / lender).glob(PATTERN))]
    found.sort(key=lambda contract: contract.arrears.effective_from)
    for earlier, later in pairwise(found):
        if earlier.arrears.effective_from == later.arrears.effective_from:
            raise Refused(
                f"Two contracts of {lender} are effective from {later.arrears.effective_from}. "
                "Give the newer layout the date of its first delivery."
            )
    dates = tuple(contract.arrears.effective_from for contract in found)
    return [contract.model_copy(update={"effective_dates": dates}) for contract in found]


def contract_for(root: Path, lender: str, business_date: dt.date) -> Contract:
    """The contract in force for a business date.

    Raises:
        Usage: there is no such lender, or none of its contracts reaches back that far.
        Refused: the contract is wrong.
    """
    found = contracts(root, lender) if lender in lender_names(root) else []
    if not found:
        known = ", ".join(lender_names(root)) or "none"
        raise Usage(f"There is no lender '{lender}' under {root}. Known lenders: {known}.")
    in_force = [contract for contract in found if contract.arrears.effective_from <= business_date]
    if not in_force:
        first = found[0].arrears.effective_from
        raise Usage(f"The first contract of {lender} is effective from {first}, after {business_date}.")
    return in_force[-1]


def lender_names(root: Path) -> list[str]:
    """Names of all lenders that have a contract, in alphabetical order."""
    return sorted({path.parent.name for path in root.glob(f"*/{PATTERN}")})


def lenders(root: Path | None = None, *, only: str | None = None) -> list[LenderSummary]:
    """All lenders, as their newest contracts describe them; with `only`, no other contract is read."""
    if root is None:
        from arrears.settings import settings

        root = settings().lenders
    return [_summary(root, name) for name in lender_names(root) if only in (None, name)]


def _summary(root: Path, name: str) -> LenderSummary:
    try:
        found = contracts(root, name)
    except Refused as refused:
        due = DeliveryRules()
        return LenderSummary(name, name, None, "UTC", "daily", due.cutoff, due.deadline, problem=str(refused))
    newest = found[-1]
    rules = newest.arrears
    return LenderSummary(
        lender=newest.lender,
        name_en=rules.names.en,
        name_zh=rules.names.zh,
        timezone=rules.timezone,
        calendar=rules.calendar,
        cutoff=rules.delivery.cutoff,
        deadline=rules.delivery.deadline,
        since=found[0].arrears.effective_from,
    )
