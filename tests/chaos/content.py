"""What a warehouse holds, so that two of them can be held against each other."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from ..conftest import Warehouse

# When something happened and the number it was given may differ between a run that was disturbed and one that was not.
PASSING = """
select distinct attname from pg_attribute
where attrelid in (select oid from pg_class where relnamespace in ('raw'::regnamespace, 'ops'::regnamespace))
    and (attidentity <> '' or atttypid = 'timestamptz'::regtype)
"""
TABLES = "select schemaname, tablename from pg_tables where schemaname in ('raw', 'ops', 'published') order by 1, 2"


def content(warehouse: Warehouse) -> dict[str, list[Any]]:
    """Every row of what loads, gates and publications write, but for the log; columns of nulls are none."""
    passing = [name for (name,) in warehouse.rows(PASSING)]
    tables = [f"{schema}.{table}" for schema, table in warehouse.rows(TABLES) if table != "step_run"]
    rows = " union all ".join(
        f"select '{table}' as name, jsonb_strip_nulls(to_jsonb(t)) as row from only {table} as t" for table in tables
    )
    held: dict[str, list[Any]] = {}
    for table, row in warehouse.rows(f"select name, row - %s::text[] from ({rows}) as held", passing):
        held.setdefault(table, []).append(row)
    return {table: _ordered(table, rows) for table, rows in held.items()}


def _ordered(table: str, rows: list[Any]) -> list[Any]:
    ordered = sorted(rows, key=repr)
    # A judgement whose answer was lost is given again, and is on record twice.
    return [row for row, _ in groupby(ordered)] if table.startswith("ops.gate_") else ordered
