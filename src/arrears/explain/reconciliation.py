"""What the lender says against what we find, in words, from what the models found. Nothing is reckoned here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from arrears.explain.reason import count_of_days, day

Row = Mapping[str, Any]


def comparison(position: Row) -> str:
    """How the lender's figures of a day compare with ours: the type of break, since when, and what explains it.

    Args:
        position: a row of the analysis of that name.
    """
    of = day(position["as_of"])
    if position["outstanding_principal"] is None and position["dpd"] is None:
        return f"Of {of} the lender sent neither a balance nor days past due: there is nothing to compare."
    if position["break_type"] is None:
        return f"On {of} the loan was not in the book yet: there is nothing to compare."
    theirs = _figures(position, "outstanding_principal", "dpd")
    if position["break_type"] == "none":
        return f"The lender's figures of {of} agree with ours: {theirs}."
    ours = _figures(position, "our_outstanding_principal", "our_dpd")
    return (
        f"On {of} the lender says {theirs}, we find {ours}: a break of type {position['break_type']} since "
        f"{day(position['broken_since'])}. {_WHY[position['break_type']](position)}"
    )


def _figures(position: Row, balance: str, days: str) -> str:
    """A side's balance and days, as far as the lender sent its own."""
    said = []
    if position["outstanding_principal"] is not None:
        said.append(f"{position[balance]} outstanding")
    if position["dpd"] is not None:
        said.append(f"{count_of_days(position[days])} past due")
    return " and ".join(said)


def _timing(position: Row) -> str:
    ours_of = position["agrees_with_ours_of"]
    books = "later" if ours_of < position["as_of"] else "earlier"
    return f"It is what we find on {day(ours_of)}: the lender books a day {books}."


def _schedule(position: Row) -> str:
    return "The money is the same; the days are counted from another due date, or in another way."


def _missing_payment(position: Row) -> str:
    if position["difference"] < 0:
        return (
            f"Its balance is higher by {-position['difference']}, the principal of our payment "
            f"{position['payment_id']} of {day(position['payment_value_on'])}: the lender does not seem to have it."
        )
    return (
        f"Its balance is lower by {position['difference']}, the principal of instalment {position['instalment_no']}, "
        f"due {day(position['instalment_due_on'])}: the lender seems to have a payment that we do not have."
    )


def _allocation(position: Row) -> str:
    return (
        f"The balances differ by {abs(position['difference'])}, no more than the {position['paid_elsewhere']} that "
        "payments put to interest, fees and penalties: the lender seems to split the money in another way."
    )


def _unexplained(position: Row) -> str:
    return (
        f"The balances differ by {abs(position['difference'])}: no payment, no instalment and no split of the "
        f"{position['paid_elsewhere']} paid to interest, fees and penalties is enough to explain it."
    )


_WHY = {
    "timing": _timing,
    "schedule": _schedule,
    "missing_payment": _missing_payment,
    "allocation": _allocation,
    "unexplained": _unexplained,
}
