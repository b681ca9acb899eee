"""The reason in one sentence, from what the models found. Nothing is reckoned here."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]

LEFT_THE_BOOK = {
    "written_off": "Written off",
    "transferred": "Transferred to another creditor",
    "compensated": "Compensated by the guarantor",
    "bought_back": "Bought back by the platform",
}


def day(date: dt.date) -> str:
    """A date as people say it: 4 April 2024."""
    return f"{date.day} {date:%B %Y}"


def reason_for(as_of: dt.date, loan: Row, state: Row, instalments: Sequence[Row], oldest: Row | None) -> str:
    """Why the loan stood as it did at the close of `as_of`.

    Args:
        loan, state: rows of the analyses of these names. instalments: those of the schedule in force, oldest first.
        oldest: the one that days past due are counted from, if any.
    """
    if state["state"] in LEFT_THE_BOOK:
        left = f"{LEFT_THE_BOOK[state['state']]} on {day(loan['terminal_on'])}"
        return f"{left}: it has left the book, and no clock runs."
    if state["state"] == "settled":
        return _settled(as_of, loan, state)
    if oldest is None:
        sentence = _not_past_due(as_of, state, instalments)
    else:
        sentence = _past_due(as_of, state, oldest, instalments)
    return sentence + _granted(state) + _missing(state)


def _settled(as_of: dt.date, loan: Row, state: Row) -> str:
    since = f"Settled since {day(state['state_since'])}: "
    if state["outstanding_is"] == "reported":
        claimed = loan["settled_claimed_on"] is not None and loan["settled_claimed_on"] <= as_of
        return (
            since
            + f"the lender's own balance is nil, and {'it calls the loan settled' if claimed else 'nothing is short'}."
        )
    if state["paid_off_on"] is not None:
        return since + f"paid off on {day(state['paid_off_on'])} with all principal and what had fallen due."
    return since + "nothing is short on any instalment and no principal is left."


def _past_due(as_of: dt.date, state: Row, oldest: Row, instalments: Sequence[Row]) -> str:
    unit = "" if state["day_count"] == "days" or state["basis"] == "missed_payments" else f" ({state['day_count']})"
    counted = f"{count_of_days(state['dpd'])} past due{unit} on {day(as_of)}: "
    if state["basis"] == "missed_payments":
        return (
            f"{counted}{state['overdue_amount']} is overdue, and every whole instalment of {oldest['owed']} missed "
            "counts as 30 days."
        )
    sentence = (
        f"{counted}instalment {oldest['instalment_no']}, due {day(oldest['due_on'])}, is short by {oldest['short']} "
        f"of {oldest['owed']}"
    )
    if state["clock_from"] != oldest["due_on"]:
        sentence += f", counted from {day(state['clock_from'])}"
    if state["clock_from"] != oldest["clock_due_on"]:
        sentence += " because days of pause do not count"
    others = sum(row["is_overdue"] for row in instalments) - 1
    if others:
        sentence += f"; with {others} younger {'one' if others == 1 else 'ones'}, {state['overdue_amount']} is overdue"
    return sentence + "." + _stopped(state)


def _not_past_due(as_of: dt.date, state: Row, instalments: Sequence[Row]) -> str:
    start = f"Not past due on {day(as_of)}: "
    if not instalments:
        return start + "the loan has no instalments." + _stopped(state)
    due = [row for row in instalments if row["due_on"] <= as_of]
    short = [row for row in due if row["is_short"]]
    if not due:
        return start + f"the first instalment is due {day(instalments[0]['due_on'])}." + _stopped(state)
    if not short:
        return start + "every instalment due by then is settled." + _stopped(state)
    first = short[0]
    return (
        f"{start}instalment {first['instalment_no']}, due {day(first['due_on'])}, is short by {first['short']}, and is "
        f"overdue only {_overdue_from(first)}." + _stopped(state)
    )


def _overdue_from(instalment: Row) -> str:
    # the day that stands for "never" while a pause has no end
    if instalment["overdue_from"].year == dt.MAXYEAR:
        return "once its pause ends"
    return f"from {day(instalment['overdue_from'])} on"


def _stopped(state: Row) -> str:
    if state["paused_from"] is None:
        return ""
    return f" The clock has stood still since {day(state['paused_from'])}."


def _granted(state: Row) -> str:
    if state["contractual_dpd"] == state["dpd"]:
        return ""
    return f" By the original schedule it is {count_of_days(state['contractual_dpd'])} past due."


def _missing(state: Row) -> str:
    if state["state"] != "unknown":
        return ""
    return f" The lender's snapshots have not listed it since {day(state['missing_from'])}, so its state is unknown."


def count_of_days(number: int) -> str:
    """`1 day`, `2 days`."""
    return f"{number} day{'' if number == 1 else 's'}"
