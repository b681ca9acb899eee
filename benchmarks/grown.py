"""A table of a small book made as large as that of a large one."""

from __future__ import annotations

from collections.abc import Container

from psycopg2.sql import SQL, Identifier, Literal

from .place import Place

COLUMNS = "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0 and not attisdropped"
GROWN = """
insert into {table} ({columns})
select {values} from {table} cross join generate_series(2, {times}) as copies (number)
"""


def multiply(there: Place, schema: str, table: str, times: int, *, varied: Container[str]) -> None:
    """Copy every row until there are so many times as many, told apart by the columns that are `varied`."""
    columns = [name for (name,) in there.own(COLUMNS, [f"{schema}.{table}"])]
    values = [
        SQL("{} || '-' || copies.number").format(Identifier(name)) if name in varied else Identifier(name)
        for name in columns
    ]
    there.own(
        SQL(GROWN).format(
            table=Identifier(schema, table), columns=SQL(", ").join(map(Identifier, columns)),
            values=SQL(", ").join(values), times=Literal(times),
        )
    )  # fmt: skip
