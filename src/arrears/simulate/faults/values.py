"""Faults of single values: what cannot be typed, what breaks a rule, what is spelt in an unusual way."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from arrears.simulate.faults.form import FileFormat
from arrears.simulate.faults.spoiler import Injection, Spoiler, fault

_NEEDS_QUOTES = re.compile('["\n\r,|;\t]')
_FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")


def cell(form: FileFormat, value: str) -> str:
    """A value as it stands in a table's cell: quoted where the file is delimited text and asks for it."""
    if form.roles.medium != "text" or not _NEEDS_QUOTES.search(value):
        return value
    return '"' + value.replace('"', '""') + '"'


def no_date(form: FileFormat, day: date) -> str:
    """A February 30 in the year of a 28 February, as the files would write it."""
    return re.sub(r"28(?=\D*$)", "30", form.date_text(day))


def _set(delivery: Spoiler, resource: str, values: Sequence[tuple[str, str]]) -> list[Injection]:
    """Give rows of a resource one (column, value) each; all to one row where there are fewer."""
    table = delivery.table(resource)
    rows = delivery.rows(resource, len(values), table)
    done = []
    for k, (column, value) in enumerate(values):
        row = rows[k] if len(rows) == len(values) else rows[0]
        table.rows[row][table.column(column)] = cell(delivery.form, value)
        done.append(delivery.done(resource, lines=[table.line(row)], column=column, value=value))
    delivery.put(resource, table)
    return done


def _in_turn(delivery: Spoiler, column: str, values: Sequence[str]) -> list[Injection]:
    """Give rows of the loan file the values in turn, as many as there are rows for."""
    rows = len(delivery.table(delivery.roles.loans).rows)
    return _set(delivery, delivery.roles.loans, [(column, value) for value in values[: max(rows, 1)]])


@fault("number", "date")
def bad_rows(delivery: Spoiler) -> list[Injection]:
    """A few rows of the loan file (0.5 %, at most 5) have a date or a number that is none."""
    return _unreadable(delivery, min(max(len(delivery.table(delivery.roles.loans).rows) // 200, 1), 5))


@fault("number", "date")
def rejected_over_limit(delivery: Spoiler) -> list[Injection]:
    """A fifth of the loan file has a date or a number that is none: more than any contract lets pass."""
    return _unreadable(delivery, len(delivery.table(delivery.roles.loans).rows) // 5 + 1)


def _unreadable(delivery: Spoiler, count: int) -> list[Injection]:
    name = delivery.roles.loans
    table = delivery.table(name)
    wrong = ((delivery.roles.date, no_date(delivery.form, date(2023, 2, 28))), (delivery.roles.number, "6OO"))
    rows = delivery.rows(name, count, table)
    done = []
    for k, row in enumerate(rows):
        for column, value in wrong if len(rows) == 1 else wrong[k % 2 : k % 2 + 1]:
            table.rows[row][table.column(column)] = value
            done.append(delivery.done(name, lines=[table.line(row)], column=column, value=value))
    delivery.put(name, table)
    return done


@fault("date")
def empty_required(delivery: Spoiler) -> list[Injection]:
    """A loan has no day of disbursement."""
    return _set(delivery, delivery.roles.loans, [(delivery.roles.date, "")])


@fault("kind")
def unknown_value(delivery: Spoiler) -> list[Injection]:
    """A payment is of a kind that nobody agreed on."""
    return _set(delivery, delivery.roles.payments, [(delivery.roles.kind, "新业务")])


@fault("number")
def null_spellings(delivery: Spoiler) -> list[Injection]:
    r"""Nothing is spelt NULL, -, \N and 0 where a number is expected."""
    return _in_turn(delivery, delivery.roles.number, ("NULL", "-", r"\N", "0"))


@fault("number")
def odd_numbers(delivery: Spoiler) -> list[Injection]:
    """Numbers with groups, decimal commas, minus nothing, exponents, in an accountant's brackets."""
    return _in_turn(delivery, delivery.roles.number, ("1,234.50", "1.234,50", "-0.00", "1e5", "(5.00)"))


@fault("number")
def full_width_digits(delivery: Spoiler) -> list[Injection]:
    """A number is written in full-width digits."""
    return _set(delivery, delivery.roles.loans, [(delivery.roles.number, "612".translate(_FULL_WIDTH))])


@fault("date")
def impossible_dates(delivery: Spoiler) -> list[Injection]:
    """Dates that no calendar has, placeholders, a workbook's serial number, a day and month in another order."""
    form = delivery.form
    nothing = re.sub("2024|11|28", lambda part: "0" * len(part.group()), form.date_text(date(2024, 11, 28)))
    values = (no_date(form, date(2024, 2, 28)), nothing, form.date_text(date(1900, 1, 1)), "45296", "01/05/24")
    return _in_turn(delivery, delivery.roles.date, values)


@fault("number", "date")
def nbsp_and_spaces(delivery: Spoiler) -> list[Injection]:
    """Spaces after a loan's number and a date, a space that does not break before a number. Meant: without them."""
    name, roles = delivery.roles.loans, delivery.roles
    table = delivery.table(name)
    rows = delivery.rows(name, 3, table)
    done = []
    for k, (column, before, after) in enumerate(
        ((roles.loan_id, "", " "), (roles.number, "\u00a0", ""), (roles.date, "", "  "))
    ):
        row, at = rows[k % len(rows)], table.column(column)
        value = table.rows[row][at] = before + table.rows[row][at] + after
        done.append(delivery.done(name, lines=[table.line(row)], column=column, value=value))
    delivery.put(name, table)
    return done


@fault("text")
def quoted_line_break(delivery: Spoiler) -> list[Injection]:
    """A text has a line break, a quotation mark and a comma in it; in quotes, where rows are lines."""
    return _set(delivery, delivery.roles.loans, [(delivery.roles.text, '甲方，"乙方",\n丙方')])


@fault("text")
def injection(delivery: Spoiler) -> list[Injection]:
    """Texts that a database or a workbook might take for a command."""
    commands = ("'); drop table raw.loan; --", '=HYPERLINK("http://x","y")', "+1", "@x")
    return _in_turn(delivery, delivery.roles.text, commands)
