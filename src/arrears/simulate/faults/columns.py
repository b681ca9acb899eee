"""Faults of a file's columns: another name, one more, one less, another place, twice; no rows beneath them."""

from __future__ import annotations

from arrears.simulate.faults.form import Table
from arrears.simulate.faults.spoiler import Injection, Spoiler, fault

_NEW = "备注"
"""The name of a column that no contract knows."""


def _loans(delivery: Spoiler) -> Table:
    """The loans, of which there must be one at least: without rows, some formats have no columns."""
    table = delivery.table(delivery.roles.loans)
    if not table.rows:
        raise delivery.impossible(f"{delivery.name(delivery.roles.loans)} has no row")
    return table


def _put(delivery: Spoiler, table: Table, **what: str) -> list[Injection]:
    name = delivery.roles.loans
    delivery.put(name, table)
    header = table.first_line - 1
    return [delivery.done(name, lines=[header] if header else [], **what)]


@fault()
def wrong_header(delivery: Spoiler) -> list[Injection]:
    """A column of the loan file has another name."""
    old, new = delivery.roles.renamed
    table = _loans(delivery)
    table.header[table.column(old)] = new
    return _put(delivery, table, column=old, value=new)


@fault()
def column_added(delivery: Spoiler) -> list[Injection]:
    """The loan file has a column more, at its end."""
    table = _loans(delivery)
    table.header.append(_NEW)
    for row in table.rows:
        row.append("无")
    return _put(delivery, table, column=_NEW, detail="a new column")


@fault("number")
def column_dropped(delivery: Spoiler) -> list[Injection]:
    """A column of the loan file is gone."""
    gone = delivery.roles.number
    table = _loans(delivery)
    at = table.column(gone)
    for row in [table.header, *table.rows]:
        del row[at]
    return _put(delivery, table, column=gone, detail="the column is gone")


@fault("number")
def column_moved(delivery: Spoiler) -> list[Injection]:
    """A column of the loan file stands last. Where columns are told by name, that is no harm."""
    moved = delivery.roles.number
    table = _loans(delivery)
    at = table.column(moved)
    for row in [table.header, *table.rows]:
        row.append(row.pop(at))
    return _put(delivery, table, column=moved, detail=f"column {at + 1} is now the last")


@fault("number")
def column_duplicated(delivery: Spoiler) -> list[Injection]:
    """A column of the loan file is there twice."""
    twice = delivery.roles.number
    table = _loans(delivery)
    at = table.column(twice)
    for row in [table.header, *table.rows]:
        row.insert(at, row[at])
    return _put(delivery, table, column=twice, detail="twice")


@fault()
def header_only(delivery: Spoiler) -> list[Injection]:
    """The loan file has no rows."""
    table = _loans(delivery)
    before, table.rows = len(table.rows), []
    delivery.put(delivery.roles.loans, table)
    return [delivery.done(delivery.roles.loans, detail=f"no rows, not {before}")]
