"""The marts of the models held to those of the reference: the first row of each table on which they differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, replace
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from ...reference.book import Book

Row = Mapping[str, Any]
Tables = Mapping[str, Sequence[Row]]
Key = tuple[Any, ...]

MOST_LOANS_SHOWN = 3


@dataclass(frozen=True)
class Difference:
    """How a table of the models differs from the reference's.

    rows: how many rows differ; key: of the first of them; columns: what the two have there, models first.
    """

    table: str
    rows: int
    key: dict[str, Any]
    columns: dict[str, tuple[Any, Any]]

    def __str__(self) -> str:
        where = ", ".join(f"{name}={value}" for name, value in self.key.items())
        lines = [f"{self.table}: {self.rows} rows differ. The first: {where}"]
        lines += [f"    {name}: models {ours!s}, reference {theirs!s}" for name, (ours, theirs) in self.columns.items()]
        return "\n".join(lines)


def differences(models: Tables, reference: Tables, keys: Mapping[str, tuple[str, ...]]) -> list[Difference]:
    """How the tables that the reference has differ from the models', in the reference's order of tables and columns.

    Raises:
        AssertionError: the models have no such table or column, or a side has two rows of one key.
    """
    found = []
    for table, theirs in reference.items():
        assert table in models, f"The models have no table {table}, which the reference reckons."
        differs = list(_differing(table, keys[table], models[table], theirs))
        if differs:
            key, columns = min(differs, key=lambda one: [str(part) for part in one[0]])
            found.append(Difference(table, len(differs), dict(zip(keys[table], key, strict=True)), columns))
    return found


def _differing(
    table: str, key: tuple[str, ...], models: Sequence[Row], reference: Sequence[Row]
) -> Iterator[tuple[Key, dict[str, tuple[Any, Any]]]]:
    ours, theirs = _by_key(table, key, models, "models"), _by_key(table, key, reference, "reference")
    for place in ours.keys() | theirs.keys():
        if place not in ours:
            yield place, {"row": ("has none", _shown(theirs[place]))}
        elif place not in theirs:
            yield place, {"row": (_shown(ours[place]), "has none")}
        else:
            columns = _differing_columns(table, ours[place], theirs[place])
            if columns:
                yield place, columns


def _by_key(table: str, key: tuple[str, ...], rows: Sequence[Row], whose: str) -> dict[Key, Row]:
    found = {tuple(row[column] for column in key): row for row in rows}
    assert len(found) == len(rows), f"{table} of the {whose} has several rows of one key ({', '.join(key)})."
    return found


def _differing_columns(table: str, ours: Row, theirs: Row) -> dict[str, tuple[Any, Any]]:
    lacking = theirs.keys() - ours.keys()
    assert not lacking, f"{table} of the models has no column {', '.join(sorted(lacking))}."
    return {name: (ours[name], theirs[name]) for name in theirs if ours[name] != theirs[name]}


def _shown(row: Row) -> str:
    return ", ".join(f"{name}={value}" for name, value in row.items())


def told(found: Sequence[Difference], books: Sequence[Book]) -> str:
    """A message to work with: each difference, and the loan (or, of a sum, the book) that it is about, as a case."""
    return "\n\n".join(f"{difference}\n{_about(difference, books)}" for difference in found)


def _about(difference: Difference, books: Sequence[Book]) -> str:
    book = next((book for book in books if book.lender == difference.key["lender"]), None)
    if book is None:
        return "The books have no such lender."
    loan_id = difference.key.get("loan_id") or _loan_of(book, difference.key)
    loans = [loan for loan in book.loans if loan.loan_id == loan_id] or book.loans
    if len(loans) > MOST_LOANS_SHOWN:
        return f"(a sum over {len(loans)} loans)"
    return as_code(replace(book, loans=tuple(loans)))


def _loan_of(book: Book, key: Mapping[str, Any]) -> str | None:
    """The loan whose payment or collection action has the key's id."""
    for loan in book.loans:
        ids = {payment.payment_id for payment in loan.payments} | {action.action_id for action in loan.actions}
        if ids & {key.get("payment_id"), key.get("action_id")}:
            return loan.loan_id
    return None


# ── as code ──────────────────────────────────────────────────────────────────────────────────────────────


def as_code(thing: Any, indent: str = "") -> str:
    """A book, or a part of one, as the Python that makes it, without what is the default."""
    match thing:
        case datetime() | time():
            return f'dt.{type(thing).__name__}.fromisoformat("{thing.isoformat()}")'
        case date():
            return f"dt.date({thing.year}, {thing.month}, {thing.day})"
        case Decimal():
            return f'Decimal("{thing}")'
        case tuple():
            inner = "".join(f"\n{indent}    {as_code(one, indent + '    ')}," for one in thing)
            return f"({inner}\n{indent})" if thing else "()"
        case str() | int() | None:
            return f'"{thing}"' if isinstance(thing, str) else repr(thing)
        case _:
            return f"{type(thing).__name__}({', '.join(_arguments(thing, indent))})"


def _arguments(thing: Any, indent: str) -> Iterator[str]:
    """By position as long as nothing is left out, then by name."""
    by_name = False
    for field in fields(thing):
        value = getattr(thing, field.name)
        if field.default_factory is not MISSING:
            default: Any = field.default_factory()
        else:
            default = field.default
        if default is not MISSING and value == default:
            by_name = True
            continue
        text = as_code(value, indent)
        yield f"{field.name}={text}" if by_name else text
