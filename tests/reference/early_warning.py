"""Signals that a loan may be about to go bad, and a test of each against what came of the loans."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

from . import seeds
from .borrowers import Everywhere
from .collection import actions
from .dates import DAY, days, month_ends
from .delinquency import Life
from .facts import Row, instalment_rows, spells
from .portfolio import book_on, borrower, first_day_in_book

RELIEF_DAYS = 90
FORESEEN_DAYS = 60


@dataclass(frozen=True)
class Raised:
    """A signal that stands from a day to the eve of another, while the loan is in the book. until None: it is open."""

    signal: str
    on: dt.date
    until: dt.date | None

    def stands(self, day: dt.date) -> bool:
        """Whether it stands at the close of a day."""
        return self.on <= day and (self.until is None or day < self.until)


Stretch = tuple[dt.date, dt.date | None]


def raised(life: Life, known: Everywhere) -> list[Raised]:
    """Everything that was ever raised for a loan by data_as_of."""
    stretches = {name: find(life) for name, find in SIGNALS.items()}
    stretches["new_loan_elsewhere"] = _new_loan_elsewhere(life, known)
    return [
        Raised(signal, on, until) for signal, found in stretches.items() for on, until in found if on <= life.data_as_of
    ]


# The signals


def _spell_stretches(life: Life) -> list[Stretch]:
    return [(spell.entered_on, spell.exited_on) for spell in spells(life)]


def _in_spell(life: Life, day: dt.date) -> Stretch | None:
    """The spell in which a loan is at the close of a day."""
    for entered_on, exited_on in _spell_stretches(life):
        if entered_on <= day and (exited_on is None or day < exited_on):
            return entered_on, exited_on
    return None


def _first_missed_payment(life: Life) -> list[Stretch]:
    """The first spell."""
    return _spell_stretches(life)[:1]


def _partial_payment(life: Life) -> list[Stretch]:
    """While the oldest short instalment is paid in part."""
    found: list[Stretch] = []
    late_and_partial = groupby(life.days.values(), key=lambda day: day.is_in_book and day.dpd > 0 and day.has_part_paid)
    for is_partial, run in late_and_partial:
        if is_partial:
            run_days = [day.day for day in run]
            over_on = run_days[-1] + DAY
            found.append((run_days[0], None if over_on > life.data_as_of else over_on))
    return found


def _days_late_lengthening(life: Life) -> list[Stretch]:
    """From the day on which a third instalment is later than the second was, itself later than the first.

    Until the instalment after it has fallen due. On the schedule in force at data_as_of.
    """
    version = life.ledger.version(life.data_as_of)
    if version is None:
        return []
    rows = [row for row in instalment_rows(life) if row["schedule_version"] == version.number]
    rows.sort(key=lambda row: (row["due_on"], row["instalment_no"]))
    found: list[Stretch] = []
    for position in range(len(rows) - 2):
        first, second, third = rows[position : position + 3]
        if first["settled_on"] is None or second["settled_on"] is None or _late(first) >= _late(second):
            continue
        on = third["due_on"] + DAY * (_late(second) + 1)
        until = rows[position + 3]["due_on"] + DAY if position + 3 < len(rows) else None
        is_later = third["settled_on"] is None or third["settled_on"] >= on
        if is_later and (until is None or on < until):
            found.append((on, until))
    return found


def _late(row: Row) -> int:
    late: int = max((row["settled_on"] - row["due_on"]).days, 0)
    return late


def _broken_promise(life: Life) -> list[Stretch]:
    """From the day after a promise could last be kept to the end of the spell in which the loan is then."""
    found = []
    for action in actions(life):
        if action.promise_kept == "broken":
            assert action.promised_by is not None
            on = max(action.promised_by, action.acted_on) + DAY
            spell = _in_spell(life, on)
            if spell is not None:
                found.append((on, spell[1]))
    return found


def _new_loan_elsewhere(life: Life, known: Everywhere) -> list[Stretch]:
    """From the day on which the borrower takes a loan at another lender to the end of the spell in which it falls."""
    found = []
    for presence in known.get(borrower(life), ()):
        spell = _in_spell(life, presence.disbursed_on)
        if presence.lender != life.book.lender and spell is not None:
            found.append((presence.disbursed_on, spell[1]))
    return found


def _relief_ended(life: Life) -> list[Stretch]:
    """The days after a pause, and after the first due date since an extension or a restructuring."""
    ended = life.ledger.pauses.ends()
    for event in life.loan.events:
        version = life.ledger.version(event.event_on)
        if event.kind in ("extended", "restructured") and version is not None:
            ended += sorted(i.due_on for i in version.instalments if i.due_on > event.event_on)[:1]
    return [(on, on + DAY * RELIEF_DAYS) for on in ended]


SIGNALS: dict[str, Callable[[Life], list[Stretch]]] = {
    "first_missed_payment": _first_missed_payment,
    "partial_payment": _partial_payment,
    "days_late_lengthening": _days_late_lengthening,
    "broken_promise": _broken_promise,
    "relief_ended": _relief_ended,
}


# The marts


def early_warning(lives: Sequence[Life], known: Everywhere) -> list[Row]:
    """mart_early_warning without detail: every signal that stands, as last raised."""
    rows = []
    for life in lives:
        if life.in_book(life.data_as_of) is None:
            continue
        standing = [one for one in raised(life, known) if one.stands(life.data_as_of)]
        rows += [
            {
                "lender": life.book.lender,
                "loan_id": life.loan.loan_id,
                "signal": signal,
                "as_of_date": life.data_as_of,
                "raised_on": max(one.on for one in standing if one.signal == signal),
            }
            for signal in seeds.signals()
            if any(one.signal == signal for one in standing)
        ]
    return rows


def early_warning_backtest(lives: Sequence[Life], known: Everywhere) -> list[Row]:
    """mart_early_warning_backtest: of loans not yet past 30, with a signal and without it, who was soon after."""
    first = first_day_in_book(lives)
    if first is None:
        return []
    all_raised = {life.loan.loan_id: raised(life, known) for life in lives}
    rows = []
    for end in month_ends(first, lives[0].data_as_of - DAY * FORESEEN_DAYS):
        population = [life.loan.loan_id for life, day in book_on(lives, end) if not day.is_past(30)]
        bad = {life.loan.loan_id for life in lives if _goes_bad(life, end)}
        for signal in seeds.signals() if population else ():
            flagged = {loan for loan in population if _is_raised(all_raised[loan], signal, end)}
            unflagged = set(population) - flagged
            rows.append(
                {
                    "lender": lives[0].book.lender,
                    "signal": signal,
                    "month_end": end,
                    "flagged_loans": len(flagged),
                    "flagged_m2_60d": len(flagged & bad),
                    "unflagged_loans": len(unflagged),
                    "unflagged_m2_60d": len(unflagged & bad),
                }
            )
    return rows


def _is_raised(of_a_loan: Sequence[Raised], signal: str, day: dt.date) -> bool:
    return any(one.signal == signal and one.stands(day) for one in of_a_loan)


def _goes_bad(life: Life, end: dt.date) -> bool:
    """Whether the loan is more than 30 days past due on any of the days that are foreseen."""
    foreseen = (life.on(day) for day in days(end + DAY, end + DAY * FORESEEN_DAYS))
    return any(day is not None and day.is_past(30) for day in foreseen)
