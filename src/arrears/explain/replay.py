"""One loan through the models: its raw rows and the models' results are temporary tables of one transaction.

Temporary tables are named `schema.name` after what they stand for. Nothing else is written, and all of them are gone
when the transaction ends.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import psycopg2
from psycopg2.extensions import cursor as Cursor
from psycopg2.extras import RealDictCursor
from psycopg2.sql import SQL, Identifier, Literal

from arrears.errors import Refused
from arrears.explain.compiled import Compiled
from arrears.warehouse.connect import one

Row = dict[str, Any]

# Beside the loan, those whose payments were sent under a number of one of its payments: which of them counts depends on
# all of them.
LOANS = """
create temporary table asked on commit drop as
select cast(%(loan)s as text) as loan_id
union
select others.loan_id
from raw.payment as own
inner join raw.payment as others on own.payment_id = others.payment_id
where
    own.lender = %(lender)s and others.lender = %(lender)s and own.loan_id = %(loan)s and others.loan_id is not null
    and own.delivery_id in (select known.delivery_id from "ops.delivery" as known)
    and others.delivery_id in (select known.delivery_id from "ops.delivery" as known)
"""
OF_LOANS = """
create temporary table {copy} on commit drop as
select sent.*
from {table} as sent
where
    sent.lender = {lender}
    and sent.delivery_id in (select known.delivery_id from "ops.delivery" as known)
    and {condition}
"""
NAMES_LOAN = "sent.loan_id in (select asked.loan_id from asked)"
# A row that deletes a payment names the payment and no loan.
NAMES_PAYMENT = """(
    sent.loan_id in (select asked.loan_id from asked)
    or sent.payment_id in (
        select own.payment_id from raw.payment as own
        where own.lender = {lender} and own.loan_id in (select asked.loan_id from asked)
    )
)"""

# Models know the days of a lender's snapshots by the rows of other loans. In place of those, every snapshot gets a row
# that deletes a loan which does not exist.
SNAPSHOT_DAYS = """
insert into {copy} (lender, business_date, delivery_id, file_id, line_no, change_op, loan_id)
select known.lender, known.business_date, known.delivery_id, 0, 0, 'D', ''
from "ops.delivery" as known
cross join lateral (
    select 1 as found from {table} as sent
    where sent.lender = {lender} and sent.delivery_id = known.delivery_id
    limit 1
) as listing
"""
SNAPSHOTS = """
select entity from ops.lender_entity where lender = %s and mode = 'snapshot' and not is_cumulative
"""


def take_rows(cursor: Cursor, raw: tuple[str, ...], lender: str, loan_id: str) -> None:
    """Copy what the known deliveries (temporary table `ops.delivery`) say about a loan into temporary tables."""
    cursor.execute(LOANS, {"lender": lender, "loan": loan_id})
    cursor.execute(SNAPSHOTS, [lender])
    snapshots = {entity for (entity,) in cursor.fetchall()}
    for entity in raw:
        names = {"copy": Identifier(f"raw.{entity}"), "table": Identifier("raw", entity), "lender": Literal(lender)}
        of_loans = _has_loans(cursor, entity)
        # Of whom the loan is makes no difference to when it was paid.
        condition = NAMES_PAYMENT if entity == "payment" else NAMES_LOAN if of_loans else "false"
        cursor.execute(SQL(OF_LOANS.replace("{condition}", condition)).format(**names))
        if of_loans and entity in snapshots:
            cursor.execute(SQL(SNAPSHOT_DAYS).format(**names))


def _has_loans(cursor: Cursor, entity: str) -> bool:
    found = one(
        cursor,
        "select exists (select from pg_attribute where attrelid = to_regclass(%s) and attname = 'loan_id')",
        [f"raw.{entity}"],
    )
    return bool(found[0])


def run_models(cursor: Cursor, compiled: Compiled) -> None:
    """Compute every model from the temporary tables.

    Raises:
        Refused: the models ask for something (a seed, a column) that the newest build has not left in the warehouse.
    """
    cursor.execute("set local jit = off")
    for name, select in compiled.models:
        try:
            cursor.execute(SQL("create temporary table {} on commit drop as ").format(Identifier(name)) + SQL(select))
        except (psycopg2.errors.UndefinedTable, psycopg2.errors.UndefinedColumn) as error:
            raise Refused(
                f"The model {name} reads what is not in the warehouse: {str(error).splitlines()[0]}. The project has "
                "changed since the newest build: run `arrears build --date D`, then ask again."
            ) from error


def ask(cursor: Cursor, compiled: Compiled, lender: str, loan_id: str, as_of: dt.date) -> dict[str, list[Row]]:
    """The answers about the loan at the close of `as_of`, by subject; their columns are those of the analyses."""
    cursor.execute("select set_config('arrears.as_of', %s, true)", [as_of.isoformat()])
    answers: dict[str, list[Row]] = {}
    with cursor.connection.cursor(cursor_factory=RealDictCursor) as reading:
        for subject, select in compiled.questions.items():
            reading.execute(select)
            answers[subject] = [
                {name: value for name, value in row.items() if name not in ("lender", "loan_id")}
                for row in reading.fetchall()
                if row["lender"] == lender and row["loan_id"] == loan_id
            ]
    return answers
