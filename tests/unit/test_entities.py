"""The canonical entities in Python and the raw tables of the migrations are the same."""

from __future__ import annotations

import re

import psycopg2
import pytest

from arrears.contract.entities import ENTITIES, EVENT_KINDS, PAYMENT_KINDS, Kind
from arrears.settings import Settings

# What every raw row carries beside its entity's own fields.
ORIGIN = [
    ("lender", "text", True),
    ("business_date", "date", True),
    ("delivery_id", "bigint", True),
    ("file_id", "bigint", True),
    ("line_no", "bigint", True),
    ("change_op", "character(1)", False),
    ("changed_at", "timestamp with time zone", False),
]
TYPES = {Kind.INSTANT: "timestamp with time zone"}


@pytest.fixture(scope="module")
def tables(server: Settings) -> dict[str, list[tuple[str, str, bool]]]:
    """Name, type and not-null of the columns of every partitioned table in raw."""
    connection = psycopg2.connect(server.owner().url())
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "select c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull from pg_class as c "
                "join pg_attribute as a on a.attrelid = c.oid where c.relnamespace = 'raw'::regnamespace "
                "and c.relkind = 'p' and a.attnum > 0 and not a.attisdropped order by c.relname, a.attnum"
            )
            found: dict[str, list[tuple[str, str, bool]]] = {}
            for table, *column in cursor.fetchall():
                found.setdefault(table, []).append(tuple(column))
            return found
    finally:
        connection.close()


def test_every_entity_has_its_table(tables: dict[str, list[tuple[str, str, bool]]]) -> None:
    assert set(tables) == set(ENTITIES)


@pytest.mark.parametrize("name", ENTITIES)
def test_a_table_has_the_fields_of_its_entity(name: str, tables: dict[str, list[tuple[str, str, bool]]]) -> None:
    """Only the key is never null: a row that deletes has no more."""
    entity = ENTITIES[name]
    expected = [
        (field, TYPES.get(rule.kind, rule.kind.value), field in entity.key) for field, rule in entity.fields.items()
    ]
    assert tables[name] == [*ORIGIN, *expected]


@pytest.mark.parametrize("name", ENTITIES)
def test_a_row_that_does_not_delete_has_what_its_entity_must_have(name: str, server: Settings) -> None:
    entity = ENTITIES[name]
    needed = [field for field, rule in entity.fields.items() if rule.required and field not in entity.key]
    connection = psycopg2.connect(server.owner().url())
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "select pg_get_constraintdef(oid) from pg_constraint where contype = 'c' and conrelid = %s::regclass",
                [f"raw.{name}"],
            )
            checks = [row[0] for row in cursor.fetchall()]
    finally:
        connection.close()
    assert len(checks) == (1 if needed else 0)
    for check in checks:
        assert re.findall(r"(\w+) IS NOT NULL", check) == needed
        assert "OR (NOT (change_op IS DISTINCT FROM 'D'" in check


@pytest.mark.parametrize("name", ENTITIES)
def test_keys_are_required_fields(name: str) -> None:
    entity = ENTITIES[name]
    assert entity.key
    assert all(entity.fields[field].required for field in entity.key)


def test_closed_lists_are_those_of_the_design() -> None:
    assert ENTITIES["payment"].fields["kind"].allowed == PAYMENT_KINDS
    assert ENTITIES["loan_event"].fields["kind"].allowed == EVENT_KINDS
    assert len(set(PAYMENT_KINDS)) == 9
    assert len(set(EVENT_KINDS)) == 7
