"""The report of a large book: time, and memory of the process that writes it.

A report reads no loan, only marts. So a small book is published, and its marts are made as large as those of so many
loans: so many products, with all their days, buckets and cohorts, and a warning for one loan in ten. Then the report
is written from it, several times, each in a process of its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from psycopg2.sql import SQL, Identifier

from .grown import multiply
from .place import LAST, Place, place
from .table import Figure

LOANS, MONTHS = 200, 12  # of each lender, before the marts are made larger
PRODUCTS = 12  # of each lender's products, so many alike
WARNINGS = "mart_early_warning"
OF_PRODUCTS = """
select table_name from information_schema.columns
where table_schema = 'published' and table_name like 'mart\\_%' and column_name = 'product'
"""
STANDING = "select count(*) from published.{} where superseded_in is null"


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
    grown = [mart for (mart,) in there.own(OF_PRODUCTS)]
    for mart in grown:
        multiply(there, "published", mart, PRODUCTS, varied=("product",))
    times = 1 + loans // 10 // max(1, _standing(there, WARNINGS))
    multiply(there, "published", WARNINGS, times, varied=("loan_id",))
    there.own("vacuum analyze")
    return sum(_standing(there, mart) for mart in (*grown, WARNINGS))


def _standing(there: Place, mart: str) -> int:
    return int(there.own(SQL(STANDING).format(Identifier(mart)))[0][0])
