"""Rows as people see them: in a message, in the record of the gate, on the command line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from arrears.contract.entities import ENTITIES

# Columns in which a lender's mistake could bring a person's data in clear to where a hash belongs.
PERSONAL = frozenset(name for entity in ENTITIES.values() for name, rule in entity.fields.items() if rule.hashed)
MASK = "•••"


def masked(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row without personal data."""
    return {name: MASK if name in PERSONAL and value is not None else value for name, value in row.items()}


def told(rows: Iterable[Mapping[str, Any]]) -> str:
    """Rows in one line."""
    return "; ".join(", ".join(f"{name}={value}" for name, value in masked(row).items()) for row in rows)
