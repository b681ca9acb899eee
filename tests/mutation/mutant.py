"""Mutants: changes of the data, each made so that one expectation of a suite no longer holds.

mutants/<boundary>/<table>.yaml names for every expectation of expectations/<boundary>/<table>.yaml the statements that
break it, or a list of such statements: one for each fault that it has to see. In them `{delivery}` is the number of the
delivery that is judged. An expectation that no mutant breaks is one that cannot fail: nobody is kept out by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from psycopg2.extensions import cursor as Cursor
from ruamel.yaml import YAML

from arrears.gate.suite import Boundary, ExpectationFile, SuiteFile
from arrears.gate.validate import SESSION, Batch, rows_query

MUTANTS = Path(__file__).with_name("mutants")


@dataclass(frozen=True)
class Mutant:
    """Statements that are to break an expectation of a suite."""

    boundary: Boundary
    table: str
    expectation: str
    statements: str

    def __str__(self) -> str:
        return f"{self.boundary}-{self.table}-{self.expectation}"


def mutants(boundary: Boundary, suite: SuiteFile) -> list[Mutant]:
    """The mutants of a suite: one for every expectation at least, or the test of the suites fails."""
    path = MUTANTS / boundary / f"{suite.table}.yaml"
    said: dict[str, str | list[str]] = YAML(typ="safe").load(path.read_text(encoding="utf-8")) if path.exists() else {}
    return [
        Mutant(boundary, suite.table, name, statements)
        for name, faults in said.items()
        for statements in ([faults] if isinstance(faults, str) else faults)
    ]


def drop_constraints(cursor: Cursor, schema: str) -> None:
    """Let in what the tables themselves would refuse: it is the gate that is tried."""
    cursor.execute(
        "select format('alter table %%I.%%I drop constraint %%I cascade', n.nspname, c.relname, k.conname) "
        "from pg_constraint as k join pg_class as c on c.oid = k.conrelid "
        "join pg_namespace as n on n.oid = c.relnamespace "
        "where n.nspname = %s and k.contype in ('c', 'p', 'u', 'n') and k.coninhcount = 0 "
        "order by k.contype <> 'p'",
        [schema],
    )
    for (statement,) in cursor.fetchall():
        cursor.execute(statement.replace("drop constraint", "drop constraint if exists"))


@dataclass(frozen=True)
class Broken:
    """Rows that break an expectation before and after a mutation, and the lenders of those after; None is a row's that
    names none."""

    before: int
    after: int
    lenders: frozenset[str | None]


def broken_rows(cursor: Cursor, batch: Batch, mutant: Mutant, delivery_id: int | None = None) -> Broken:
    """What breaks the expectation before and after the mutation, which is taken back."""
    before = rows_breaking(cursor, batch, mutant.expectation)
    cursor.execute("savepoint mutant")
    try:
        cursor.execute(mutant.statements.replace("{delivery}", str(delivery_id)))
        after = _breaking(cursor, batch, mutant.expectation)
    finally:
        cursor.execute("rollback to savepoint mutant")
    return Broken(before, sum(after.values()), frozenset(after))


def rows_breaking(cursor: Cursor, batch: Batch, name: str) -> int:
    """How many rows break an expectation of a batch as it stands."""
    return sum(_breaking(cursor, batch, name).values())


def _breaking(cursor: Cursor, batch: Batch, name: str) -> dict[str | None, int]:
    """How many rows of each lender break an expectation."""
    query = rows_query(batch, name)
    if query is None:
        expectation = next(item for item in batch.suite.expectations if item.name == name)
        query = _as_query(batch, expectation)
    for parameter, value in SESSION.items():  # as the gate's own sessions have it
        cursor.execute(f"set local {parameter} = '{value}'")
    # from reviewed suite files
    cursor.execute(f"select to_jsonb(broken) ->> 'lender' as lender, count(*) from ({query}) as broken group by 1")
    return dict(cursor.fetchall())


def _as_query(batch: Batch, expectation: ExpectationFile) -> str:
    """What Great Expectations' own kinds of expectation look for, for the few that the suites have.

    tests/integration/test_gate.py holds the gate itself to them; here a query can see what is not committed.
    """
    given = expectation.kwargs
    low, high = given.get("min_value"), given.get("max_value")
    if expectation.type == "expect_table_row_count_to_be_between":
        return f"select 1 from ({batch.query}) as rows having not (count(*) >= {low or 0} {_up_to('count(*)', high)})"
    column = given["column"]
    conditions = {
        "expect_column_values_to_be_between":
            f"{column} {'<=' if given.get('strict_min') else '<'} {low} or not (true {_up_to(column, high)})",
        "expect_column_values_to_not_be_null": f"{column} is null",
        "expect_column_values_to_be_in_set": f"{column} not in ({_listed(given.get('value_set', ()))})",
        "expect_column_values_to_not_be_in_set": f"{column} in ({_listed(given.get('value_set', ()))})",
    }  # fmt: skip
    return f"select * from ({batch.query}) as rows where {conditions[expectation.type]}"


def _up_to(what: str, high: object) -> str:
    return f"and {what} <= {high}" if high is not None else ""


def _listed(values: object) -> str:
    assert isinstance(values, list | tuple)
    return ", ".join("'" + str(value).lower() + "'" for value in values) or "null"
