"""Columns of the marts, each made to say something else in all rows: whether the gate sees it.

Mutants show that an expectation can fail. These show what none looks at: a column of which nobody holds what it says is
in unseen.yaml, with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg2
from psycopg2.extensions import cursor as Cursor
from ruamel.yaml import YAML

from arrears.gate.validate import Batch, rows_query

from .mutant import rows_breaking

UNSEEN = Path(__file__).with_name("unseen.yaml")

# What a column says instead; and where that is what it says already, something else again.
INSTEAD = {
    "number": ("0", "1"),
    "boolean": ("not {column}", "false"),
    "date": ("{column} + 1", "date '2000-01-01'"),
    "timestamp": ("{column} + interval '1 day'", "timestamp '2000-01-01'"),
    "text": ("(select min({column}) from candidate.{mart})", "'something else'"),
}


@dataclass(frozen=True)
class Column:
    """A column of a mart that is not in its key. kind: one of INSTEAD."""

    mart: str
    name: str
    kind: str

    def __str__(self) -> str:
        return f"{self.mart}-{self.name}"


def columns(models: Path) -> list[Column]:
    """The columns of all marts, as their contracts have them."""
    found = []
    for path in sorted(models.glob("*.yml")):
        for mart in YAML(typ="safe").load(path.read_text(encoding="utf-8")).get("models", []):
            keys = [rule["columns"] for rule in mart["constraints"] if rule["type"] == "primary_key"]
            found += [
                Column(mart["name"], column["name"], _kind(column["data_type"]))
                for column in mart["columns"]
                if column["name"] not in keys[0]
            ]
    return found


def _kind(data_type: str) -> str:
    word = re.split(r"[ (]", data_type)[0]
    return "number" if word in ("bigint", "integer", "numeric") else word


def unseen() -> dict[str, str]:
    """Why nobody sees what a column says, by `<mart>-<column>`."""
    said: dict[str, dict[str, str]] = YAML(typ="safe").load(UNSEEN.read_text(encoding="utf-8"))
    return {f"{mart}-{column}": reason for mart, of_mart in said.items() for column, reason in of_mart.items()}


class Watch:
    """The expectations that stop a candidate, and how many rows break each as it is."""

    def __init__(self, cursor: Cursor, batches: Sequence[Batch]) -> None:
        self._cursor = cursor
        self._watching = [(batch, one.name) for batch in batches for one in batch.suite.expectations
                          if one.severity != "info"]  # fmt: skip
        self._before = {self._named(batch, name): rows_breaking(cursor, batch, name) for batch, name in self._watching}
        cursor.execute("select pg_get_viewdef('candidate.plain_loan'::regclass)")
        ((self._evidence,),) = cursor.fetchall()

    def sees(self, column: Column) -> bool:
        """Whether more rows break an expectation once the column says something else. That is taken back."""
        self._cursor.execute("savepoint other_column")
        try:
            self._change(column)
            return any(self._breaks(batch, name) for batch, name in self._likeliest_first(column))
        finally:
            self._cursor.execute("rollback to savepoint other_column")

    def _likeliest_first(self, column: Column) -> list[tuple[Batch, str]]:
        """Of the expectations that read the column's mart those that name the column, and those that are about it."""
        asked = [(batch, name) for batch, name in self._watching if self._reads(batch, name, column.mart)]
        return sorted(asked, key=lambda of: (column.name not in _query(*of), of[0].suite.table != column.mart))

    def _reads(self, batch: Batch, name: str, mart: str) -> bool:
        """Whether an expectation reads a mart, by itself or as evidence that is made of marts."""
        query, named = _query(batch, name), re.compile(rf"\b{mart}\b")
        return bool(named.search(query) or ("candidate.plain_loan" in query and named.search(self._evidence)))

    def _breaks(self, batch: Batch, name: str) -> bool:
        try:
            return rows_breaking(self._cursor, batch, name) > self._before[self._named(batch, name)]
        except psycopg2.DataError:
            return True  # as in the gate: what cannot be evaluated has failed

    def _change(self, column: Column) -> None:
        # what is null stays null if anything else can change: where a value is allowed is another question
        for differs, instead in zip(("<>", "is distinct from"), INSTEAD[column.kind], strict=True):
            value = instead.format(column=column.name, mart=column.mart)
            self._cursor.execute(
                f"update candidate.{column.mart} set {column.name} = {value} where {column.name} {differs} {value}"
            )
            if self._cursor.rowcount:
                return
        raise AssertionError(f"{column} has no row to change")

    @staticmethod
    def _named(batch: Batch, name: str) -> tuple[str, str]:
        return batch.suite.table, name


def _query(batch: Batch, name: str) -> str:
    """What an expectation asks, or the table that it is about."""
    return rows_query(batch, name) or batch.query
