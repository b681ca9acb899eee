"""Conventions as a lender may set them: few or many, for all products or one, from the start or in mid-life."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from ...reference.book import Convention
from .dice import Dice

ALWAYS = dt.date(1900, 1, 1)

VALUES: dict[str, tuple[str, ...]] = {
    "allocation": ("reported", "waterfall"),
    "allocation_order": (
        "principal,interest,fee,penalty", "interest,principal,penalty,fee", "fee,penalty,principal,interest",
    ),
    "outstanding": ("reported", "computed"),
    "basis": ("missed_payments", "oldest_unpaid"),
    "day_count": ("30_360", "mba", "ots", "days"),
    "first_day": ("1", "0"),
    "tol_abs": ("1.00", "0", "0.05", "30.00"),
    "tol_pct": ("0.05", "0.2", "0"),
    "grace_days": ("3", "1", "15"),
    "scheme": ("tape29", "cn30"),
    "non_working_day": ("next", "none"),
    "components": ("principal", "principal,interest", "principal,interest,fee,penalty", "interest,fee"),
    "default_dpd": ("30", "60"),
    "risk_regime": ("cn_2023_card", "cn_2023_retail"),
    "promise_grace_days": ("3", "1"),
    "promise_kept_share": ("0.5", "0.9", "1.2"),
}  # fmt: skip

# the rules that say most come more often
NAMES = (
    "allocation", "allocation", "allocation", "allocation_order", "allocation_order", "outstanding", "basis", "basis",
    "day_count", "day_count", "first_day", "tol_abs", "tol_abs", "tol_pct", "grace_days", "scheme", "non_working_day",
    "components", "components", "default_dpd", "risk_regime", "promise_grace_days", "promise_kept_share",
)  # fmt: skip


def drawn_conventions(
    dice: Dice, products: Sequence[str], first_day: dt.date, last_day: dt.date
) -> tuple[Convention, ...]:
    """A lender's own conventions, of which one that changes does so between the two days."""
    found: dict[tuple[str, str | None, dt.date], Convention] = {}
    while len(found) < 8 and dice.chance(1, 2):
        name = dice.pick(NAMES)
        product = dice.pick(products) if dice.chance(1, 4) else None
        since = ALWAYS
        if dice.chance(1, 4):
            since = first_day + dt.timedelta(days=dice.whole(0, (last_day - first_day).days))
        found[name, product, since] = Convention(name, dice.pick(VALUES[name]), since, product)
    return tuple(found.values())
