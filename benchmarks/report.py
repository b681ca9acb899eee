"""The report of a large book: time, and memory of the process that writes it.

A report reads no loan, only marts. So a small book is published, and its marts are made as large as those of so many
loans: so many products, with all their days, buckets and cohorts, and a warning for one loan in ten. Then the report
is written from it, several times, each in a process of its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from psycopg2.sql import SQL, Identifier, Literal

from .place import LAST, Place, place
from .table import Figure

LOANS, MONTHS = 200, 12  # of each lender, before the marts are made larger
PRODUCTS = 12  # of each lender's products, so many alike
WARNINGS = "mart_early_warning"
COLUMNS = """
select table_name, array_agg(cast(column_name as text) order by ordinal_position) from information_schema.columns
where table_schema = 'published' group by table_name
"""
STANDING = "select count(*) from published.{} where superseded_in is null"
GROWN = """
insert into published.{mart} ({columns})
select {values} from published.{mart} cross join generate_series(2, {times}) as copies (number)
where superseded_in is null
"""


def measured(loans: int, times: int) -> Iterator[Figure]:
    """The figures of the report of a book of so many loans."""
    with place() as there:
        there.history(MONTHS, LOANS)
        there.publish(LAST)
        rows = _grow(there, loans)
        seconds, memory = [], []
        for _ in range(times):
            memory.append(there.step("report").memory)
            seconds.append(there.took("report"))
    part = f"report, {rows:,} rows of marts, as of {loans:,} loans"
    yield Figure(part, "writing it", "s", seconds)
    yield Figure(part, "memory of the process", "MiB", memory)


def _grow(there: Place, loans: int) -> int:
    """Make the marts as large as those of so many loans. Returns the rows of those that grew."""
    columns = dict(there.own(COLUMNS))
    grown = [mart for mart, names in columns.items() if mart.startswith("mart_") and "product" in names]
    for mart in grown:
        _copy(there, mart, columns[mart], "product", PRODUCTS)
    _copy(there, WARNINGS, columns[WARNINGS], "loan_id", 1 + loans // 10 // max(1, _standing(there, WARNINGS)))
    there.own("vacuum analyze")
    return sum(_standing(there, mart) for mart in (*grown, WARNINGS))


def _standing(there: Place, mart: str) -> int:
    return int(there.own(SQL(STANDING).format(Identifier(mart)))[0][0])


def _copy(there: Place, mart: str, columns: list[str], varied: str, times: int) -> None:
    """The rows of a mart so many times, told apart by one column."""
    values = [
        SQL("{} || '-' || copies.number").format(Identifier(name)) if name == varied else Identifier(name)
        for name in columns
    ]
    there.own(
        SQL(GROWN).format(
            mart=Identifier(mart), columns=SQL(", ").join(map(Identifier, columns)), values=SQL(", ").join(values),
            times=Literal(times),
        )
    )  # fmt: skip
