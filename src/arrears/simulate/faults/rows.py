"""Faults of rows: twice, too early, for a loan that nobody knows, far too many, far too few."""

from __future__ import annotations

import re
from datetime import date, timedelta

from arrears.simulate.faults.form import Table
from arrears.simulate.faults.spoiler import Injection, Spoiler, fault


def other_id(text: str) -> str:
    """An id of the same form that nobody has: its last figures are nines."""
    return re.sub("[0-9]{1,7}$", lambda figures: "9" * len(figures.group()), text)


def insert(delivery: Spoiler, table: Table, row: list[str], day: date | None = None) -> int:
    """Append a row as new on that day (default: the delivery's); returns its line."""
    roles, day = delivery.roles, day or delivery.day
    if roles.change and roles.change[0] in table.header:
        op, at = (table.column(column) for column in roles.change)
        row[op] = "I"
        row[at] = day.isoformat() + row[at][10:]
    if roles.business_date in table.header:
        row[table.column(roles.business_date)] = delivery.form.date_text(day)
    table.rows.append(row)
    return table.line(len(table.rows) - 1)


def ordinary_payment(delivery: Spoiler, table: Table) -> list[str]:
    """A copy of the first ordinary payment in a table. ValueError where it has none."""
    roles = delivery.roles
    deleted = table.column(roles.change[0]) if roles.change else None
    for row in table.rows:
        if row[table.column(roles.kind)] == roles.a_payment and (deleted is None or row[deleted] != "D"):
            return list(row)
    raise delivery.impossible("there is no ordinary payment in the delivery")


@fault(modes=("snapshot", "upsert"))
def duplicate_key(delivery: Spoiler) -> list[Injection]:
    """A loan is listed twice."""
    name, column = delivery.roles.loans, delivery.roles.loan_id
    table = delivery.table(name)
    (row,) = delivery.rows(name, 1, table)
    table.rows.append(list(table.rows[row]))
    delivery.put(name, table)
    lines = [table.line(row), table.line(len(table.rows) - 1)]
    value = table.rows[row][table.column(column)]
    return [delivery.done(name, lines=lines, column=column, value=value)]


@fault("date")
def future_rows(delivery: Spoiler) -> list[Injection]:
    """A further loan is listed that will be disbursed tomorrow."""
    name, roles = delivery.roles.loans, delivery.roles
    table = delivery.table(name)
    delivery.rows(name, 1, table)
    row, value = list(table.rows[-1]), delivery.form.date_text(delivery.day + timedelta(days=1))
    at = table.column(roles.loan_id)
    row[at] = other_id(row[at])
    row[table.column(roles.date)] = value
    line = insert(delivery, table, row)
    delivery.put(name, table)
    return [delivery.done(name, lines=[line], column=roles.date, value=value)]


@fault("payment_id", "kind", "value_on")
def orphan_payment(delivery: Spoiler) -> list[Injection]:
    """A payment for a loan that nobody knows. Where the day has no payment to copy: ValueError."""
    name, roles = delivery.roles.payments, delivery.roles
    table = delivery.table(name)
    if not table.rows:
        raise delivery.impossible("there is no payment in the delivery")
    row = list(table.rows[0])
    loan = other_id(row[table.column(roles.loan_of_payment)])
    changes = {
        roles.loan_of_payment: loan,
        roles.payment_id: other_id(row[table.column(roles.payment_id)]),
        roles.kind: roles.a_payment,
        roles.reverses: "",
        roles.value_on: delivery.form.date_text(delivery.day),
        roles.posted_on: delivery.form.date_text(delivery.day),
    }
    change(table, row, changes)
    line = insert(delivery, table, row)
    delivery.put(name, table)
    return [delivery.done(name, lines=[line], column=roles.loan_of_payment, value=loan)]


@fault("plans", "planned_loan")
def orphan_instalment(delivery: Spoiler) -> list[Injection]:
    """An instalment of a loan that nobody knows."""
    name, column = delivery.roles.plans, delivery.roles.planned_loan
    table = delivery.table(name)
    delivery.rows(name, 1, table)
    row = list(table.rows[0])
    loan = row[table.column(column)] = other_id(row[table.column(column)])
    line = insert(delivery, table, row)
    delivery.put(name, table)
    return [delivery.done(name, lines=[line], column=column, value=loan)]


def change(table: Table, row: list[str], values: dict[str, str]) -> None:
    """Set some columns of a row; columns that the layout does not have are passed over."""
    for column, value in values.items():
        if column:
            row[table.column(column)] = value


@fault()
def ten_times_rows(delivery: Spoiler) -> list[Injection]:
    """Ten times as many loans: nine copies of each under other numbers."""
    name, roles = delivery.roles.loans, delivery.roles
    table = delivery.table(name)
    delivery.rows(name, 1, table)
    at, known = table.column(roles.loan_id), list(table.rows)
    for copy in range(1, 10):
        table.rows += [[*row[:at], f"{row[at]}{copy}", *row[at + 1 :]] for row in known]
    delivery.put(name, table)
    return [delivery.done(name, detail=f"{len(table.rows)} rows, not {len(known)}")]


@fault()
def one_tenth_rows(delivery: Spoiler) -> list[Injection]:
    """A tenth of the loans."""
    name = delivery.roles.loans
    table = delivery.table(name)
    before = len(table.rows)
    if before < 2:
        raise delivery.impossible(f"{delivery.name(name)} has no two rows")
    table.rows = table.rows[::10]
    delivery.put(name, table)
    return [delivery.done(name, detail=f"{len(table.rows)} rows, not {before}")]


@fault("days_late", modes=("snapshot",))
def loan_disappears(delivery: Spoiler) -> list[Injection]:
    """The latest of the loans is no longer listed, and nobody says why."""
    name, roles = delivery.roles.loans, delivery.roles
    table = delivery.table(name)
    delivery.rows(name, 1, table)
    late = table.column(roles.days_late)
    worst = max(range(len(table.rows)), key=lambda k: int(table.rows[k][late]))
    gone = table.rows.pop(worst)
    delivery.put(name, table)
    value = gone[table.column(roles.loan_id)]
    detail = f"gone from line {table.line(worst)}, {gone[late]} days late"
    return [delivery.done(name, column=roles.loan_id, value=value, detail=detail)]
