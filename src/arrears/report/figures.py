"""Every figure of a report, read in one snapshot of what a publication said, as BI's role reads it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg2.extensions import cursor as Cursor

from arrears.errors import Usage
from arrears.publish.as_known import go_to
from arrears.warehouse.connect import connect

OF_THE_WHOLE = ("publication", "buckets")  # queries without a lender


@dataclass(frozen=True)
class Table:
    """The answer to one query: columns in its order, rows in its order."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (dict(zip(self.columns, row, strict=True)) for row in self.rows)

    def of(self, lender: str | None) -> Table:
        """The rows of one lender."""
        place = self.columns.index("lender")
        return Table(self.columns, tuple(row for row in self.rows if row[place] == lender))


@dataclass(frozen=True)
class Figures:
    """What a report shows: every number in it is a cell of one of these tables.

    Attributes:
        lender: the only lender it is about; None: all.
        tables: by name of their query.
    """

    publication_id: int
    lender: str | None
    tables: dict[str, Table]

    @property
    def publication(self) -> dict[str, Any]:
        return next(iter(self.tables["publication"]))

    @property
    def lenders(self) -> list[dict[str, Any]]:
        return list(self.tables["lenders"])

    def to_dict(self) -> dict[str, Any]:
        return {
            "publication_id": self.publication_id,
            "lender": self.lender,
            "tables": {
                name: {"columns": table.columns, "rows": table.rows} for name, table in sorted(self.tables.items())
            },
        }


def read(publication_id: int | None, *, url: str, queries: Path, lender: str | None = None) -> Figures:
    """The figures of a publication.

    Args:
        publication_id: None: the current one.
        url: whose rights; BI's are enough, and a reader bound to lenders reads those alone.
        queries: the folder of them.
        lender: leave out all others.

    Raises:
        Usage: no such publication, no longer kept, or no such lender in it.
    """
    with connect(url, "report") as connection:
        # One snapshot: a publication that comes meanwhile changes nothing.
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        with connection.cursor() as cursor:
            number = go_to(cursor, publication_id)
            cursor.execute("set local search_path = marts_as_known")
            tables = {path.stem: _ask(cursor, path) for path in sorted(queries.glob("*.sql"))}
    if lender is not None:
        tables = {name: table if name in OF_THE_WHOLE else table.of(lender) for name, table in tables.items()}
        if not tables["lenders"].rows:
            raise Usage(f"Publication {number} knows no lender {lender}: `arrears status` lists them.")
    return Figures(number, lender, tables)


def _ask(cursor: Cursor, path: Path) -> Table:
    cursor.execute(path.read_text(encoding="utf-8"))
    return Table(tuple(column.name for column in cursor.description or ()), tuple(map(tuple, cursor.fetchall())))
