"""A table of a small book made as large as that of a large one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Container

from psycopg2.sql import SQL, Composable, Identifier, Literal

from arrears.contract.entities import ENTITIES

from .place import Place

COLUMNS = "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0 and not attisdropped"
GROWN = """
insert into {table} ({columns})
select {values} from {table} cross join generate_series(2, {times}) as copies (number) where {those}
"""
EVERY = SQL("true")
OLDER = """
delete from raw.{entity} as rows
where not exists (
    select from raw.loan as loans
    where loans.lender = rows.lender and loans.{key} = rows.{key} and loans.disbursed_on >= {since}
)
"""
KEYS = {"borrower": "borrower_id"}  # of what is not told of a loan
IDENTITIES = ("loan_id", "borrower_id", "identity_hash", "payment_id", "reverses_payment_id", "action_id")


def keep_lent_since(there: Place, since: dt.date) -> None:
    """Leave only what is told of loans lent on a day or after it, of which more fit than of old ones."""
    for entity in sorted(ENTITIES, key="loan".__eq__):  # loans last, for the others are known by them
        key = Identifier(KEYS.get(entity, "loan_id"))
        there.own(SQL(OLDER).format(entity=Identifier(entity), key=key, since=Literal(since)))


def multiply_received(there: Place, times: int, *, after: int = 0) -> None:
    """Tell every loan of the deliveries after a numbered one so many times, each of another person.

    What happens to a copy is what happens to its loan, so a day must be told as often as the days before it. Nobody
    has judged copies.
    """
    if times == 1:
        return  # a book as it was loaded is measured as it is, without statistics that no day takes
    for entity in ENTITIES:
        multiply(
            there, "raw", entity, times, varied=IDENTITIES, those=SQL("delivery_id > {}").format(Literal(after))
        )  # fmt: skip
    there.own("analyze")


def multiply(
    there: Place, schema: str, table: str, times: int, *, varied: Container[str], those: Composable = EVERY
) -> None:
    """Copy `those` rows until there are so many times as many, told apart by the columns that are `varied`."""
    columns = [name for (name,) in there.own(COLUMNS, [f"{schema}.{table}"])]
    values = [
        SQL("{} || '-' || copies.number").format(Identifier(name)) if name in varied else Identifier(name)
        for name in columns
    ]
    there.own(
        SQL(GROWN).format(
            table=Identifier(schema, table), columns=SQL(", ").join(map(Identifier, columns)),
            values=SQL(", ").join(values), times=Literal(times), those=those,
        )
    )  # fmt: skip
