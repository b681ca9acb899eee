"""The mart of forbearance: what was granted, and what became of the loans."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from . import seeds
from .dates import DAY, add_months, days, month_end, month_end_after
from .delinquency import Day, Life
from .facts import Row
from .money import NOTHING, cents
from .schedule import Version, due

KINDS_OF_EVENTS = {"extended": "extension", "restructured": "instalment_plan"}
PERFORMING_AFTER = (3, 6, 12)
PROBATION_MONTHS = 12


@dataclass(frozen=True)
class Grant:
    """What a loan was granted of a kind in a month. on: the first day of it; waived: of relief, the month's net."""

    life: Life
    kind: str
    on: dt.date
    waived: Decimal = NOTHING

    @property
    def before(self) -> Day | None:
        """The loan in the book as it stood before: on the eve, or on the day itself if it came into the book then."""
        entered_today = self.life.entered_on == self.on
        return self.life.in_book(self.on if entered_today else self.on - DAY)

    def is_performing(self, months: int) -> bool:
        """Whether so many months later the loan is repaid, or in the book and on time."""
        day = self.life.on(add_months(self.on, months))
        return day is not None and (day.state == "settled" or (day.state == "active" and day.dpd == 0))

    @property
    def is_redefaulted(self) -> bool:
        """Whether within the probation the loan was more than 30 days past due, having been so no longer."""
        was_better = False
        for day in days(self.on, min(add_months(self.on, PROBATION_MONTHS), self.life.data_as_of)):
            found = self.life.in_book(day)
            if found is not None and found.is_past(30) and was_better:
                return True
            was_better = was_better or (found is not None and not found.is_past(30))
        return False

    @property
    def is_cosmetic(self) -> bool:
        """Whether the loan is on time from that day, and only by the new schedule."""
        found = self.life.in_book(self.on)
        return found is not None and found.dpd == 0 and found.contractual_dpd > 0


def grants(life: Life) -> list[Grant]:
    """What a loan was granted while it was in the book: of a kind one a month."""
    found = [*_new_terms(life), *_relief(life)]
    return [grant for grant in found if grant.on <= life.data_as_of and grant.before is not None]


def _new_terms(life: Life) -> list[Grant]:
    """By events that say so, and by new schedules of which none does."""
    told = [
        (event.event_on, KINDS_OF_EVENTS[event.kind]) for event in life.loan.events if event.kind in KINDS_OF_EVENTS
    ]
    first: dict[tuple[str, dt.date], dt.date] = {}
    for day, kind in sorted([*told, *_without_a_word(life)]):
        first.setdefault((kind, month_end(day)), day)
    return [Grant(life, kind, day) for (kind, _), day in first.items()]


def _without_a_word(life: Life) -> list[tuple[dt.date, str]]:
    """The first days of schedules that neither a prepayment nor an event since the one before began explains."""
    events = [event.event_on for event in life.loan.events if event.kind in seeds.restructuring_events()]
    found = []
    for version in life.unexplained_versions:
        assert version.starts_on is not None
        before = life.ledger.version(version.starts_on - DAY)
        since = dt.date.min if before is None or before.starts_on is None else before.starts_on
        if not any(since < day <= version.starts_on for day in events):
            same = before is not None and _principal(before) == _principal(version)
            found.append((version.starts_on, "extension" if same else "instalment_plan"))
    return found


def _principal(version: Version) -> dict[int, Decimal]:
    return {instalment.instalment_no: due(instalment, "principal") for instalment in version.instalments}


def _relief(life: Life) -> list[Grant]:
    """Of every month in which more was waived than was taken back, by the first waiver."""
    waivers = [e for e in life.ledger.effects if e.settles and e.bridge_column == "waived"]
    found = []
    for month in sorted({month_end(waiver.value_on) for waiver in waivers}):
        of_the_month = [waiver for waiver in waivers if month_end(waiver.value_on) == month]
        net = sum((waiver.amount for waiver in of_the_month), NOTHING)
        if net > 0:
            first = min(waiver.value_on for waiver in of_the_month if waiver.amount > 0)
            found.append(Grant(life, "relief", first, net))
    return found


def forbearance_monthly(lives: Sequence[Life]) -> list[Row]:
    """mart_forbearance_monthly: by kind and month, with what became of the loans within a year."""
    cells: dict[tuple[str, dt.date], list[Grant]] = defaultdict(list)
    for life in lives:
        for grant in grants(life):
            cells[grant.kind, month_end(grant.on)].append(grant)
    return [
        {
            "lender": lives[0].book.lender,
            "kind": kind,
            "granted_month": month,
            "loans": len(granted),
            "outstanding_principal": cents(sum((_outstanding(grant.before) for grant in granted), NOTHING)),
            "amount_waived": cents(sum((grant.waived for grant in granted), NOTHING)),
            **{f"performing_{months}m": _performing(granted, month, months) for months in PERFORMING_AFTER},
            "redefaulted_loans": sum(grant.is_redefaulted for grant in granted),
            "cosmetic_cures": sum(grant.is_cosmetic for grant in granted),
        }
        for (kind, month), granted in cells.items()
    ]


def _outstanding(day: Day | None) -> Decimal:
    return NOTHING if day is None else day.outstanding_principal


def _performing(granted: Sequence[Grant], month: dt.date, months: int) -> int | None:
    """How many perform so many months later; None until that is known of all of the month."""
    if month_end_after(month, months) > granted[0].life.data_as_of:
        return None
    return sum(grant.is_performing(months) for grant in granted)
