"""A loan that the known deliveries do not hold: what can be said about it all the same."""

from __future__ import annotations

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Identifier, Literal

from arrears.errors import Usage
from arrears.explain.known import Knowledge
from arrears.warehouse.connect import one

NAMING_LOANS = {"instalment": "instalments", "payment": "payments", "loan_event": "events"}
KNOWN_ROWS = """
from {} as sent
where sent.lender = {} and sent.delivery_id in (select known.delivery_id from "ops.delivery" as known)
"""


def refuse_unknown_loan(cursor: Cursor, lender: str, loan_id: str, knowledge: Knowledge) -> None:
    """Stop where no known delivery (temporary table `ops.delivery`) holds the loan.

    Raises:
        Usage: with how many loans there are, and whether rows of this one wait for it.
    """
    if _count(cursor, "loan", lender, "count(*)", loan_id):
        return
    loans = _count(cursor, "loan", lender, "count(distinct sent.loan_id)")
    held_out = {
        words: count
        for entity, words in NAMING_LOANS.items()
        if (count := _count(cursor, entity, lender, "count(*)", loan_id))
    }
    answer = f"To {knowledge}, {lender} has no loan {loan_id}; it has {loans:,} others. Is the number right?"
    if held_out:
        waiting = ", ".join(f"{words}: {count:,}" for words, count in held_out.items())
        answer += f" Rows that name it are held out until the lender delivers the loan itself ({waiting})."
    later = one(
        cursor,
        "select min(deliveries.business_date) from raw.loan as sent "
        "inner join ops.delivery as deliveries on sent.delivery_id = deliveries.delivery_id "
        "where sent.lender = %s and sent.loan_id = %s and deliveries.status = 'accepted'",
        [lender, loan_id],
    )[0]
    if later is not None:
        answer += f" It came later, with the delivery of {later}: ask for a newer publication, or build again."
    raise Usage(answer)


def _count(cursor: Cursor, entity: str, lender: str, what: str, loan_id: str | None = None) -> int:
    query = SQL(f"select {what} {KNOWN_ROWS}").format(Identifier("raw", entity), Literal(lender))
    if loan_id is not None:
        query += SQL(" and sent.loan_id = {}").format(Literal(loan_id))
    return int(one(cursor, query)[0])
