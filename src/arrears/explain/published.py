"""What a publication says of the loan and the day, beside what the explanation found."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Identifier

from arrears.warehouse.connect import connect, first, one

# The marts that describe a loan on a day, and which day.
MARTS = {"fct_loan_current": "as_of_date", "fct_loan_month": "month_end"}
FIGURES = (
    "state", "bucket", "dpd", "contractual_dpd", "outstanding_principal", "overdue_principal", "overdue_amount",
)  # fmt: skip


@dataclass(frozen=True)
class Comparison:
    """A mart's row of the loan and day. differences: by figure, what was published and what was found."""

    mart: str
    differences: dict[str, tuple[Any, Any]]

    def to_dict(self) -> dict[str, Any]:
        return {
            "mart": self.mart,
            "agrees": not self.differences,
            "differences": [
                {"figure": name, "published": published, "found": found}
                for name, (published, found) in self.differences.items()
            ],
        }


def compare(
    publication_id: int, lender: str, loan_id: str, as_of: dt.date, found: Mapping[str, Any], *, url: str
) -> list[Comparison]:
    """Compare the state found with what the publication shows; with nothing where it does not show that day, or can
    no longer be shown.

    Args:
        found: a row with the `FIGURES`. url: libpq URL of the reader, who sees what BI sees.
    """
    with connect(url, "explain") as connection, connection.cursor() as cursor:
        if not one(cursor, "select is_kept from marts.publication where publication_id = %s", [publication_id])[0]:
            return []
        cursor.execute("select set_config('arrears.publication', %s, true)", [str(publication_id)])
        rows = {mart: _row(cursor, mart, column, [lender, loan_id, as_of]) for mart, column in MARTS.items()}
    return [
        Comparison(mart, {name: (row[name], found[name]) for name in FIGURES if row[name] != found[name]})
        for mart, row in rows.items()
        if row is not None
    ]


def _row(cursor: Cursor, mart: str, day_column: str, place: list[Any]) -> dict[str, Any] | None:
    if one(cursor, "select to_regclass(%s)", [f"marts_as_known.{mart}"])[0] is None:
        return None  # nothing published has had it yet
    query = SQL("select {} from {} where lender = %s and loan_id = %s and {} = %s").format(
        SQL(", ").join(map(Identifier, FIGURES)), Identifier("marts_as_known", mart), Identifier(day_column)
    )
    row = first(cursor, query, place)
    return None if row is None else dict(zip(FIGURES, row, strict=True))
