"""What a sample means: the entity that its columns fill best, and the field of each column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from arrears.contract.entities import ENTITIES, EntityField, Kind
from arrears.onboard import names
from arrears.onboard.personal import PersonalKind, personal_kind
from arrears.onboard.sample import Column, Sample
from arrears.onboard.types import Typed, fitted, typed

# What a constant may say where no column does.
CONSTANTS = {"product", "currency", "kind"}
POSITION = "reported_position"
_NAMED_BY_FILE = 4.0


@dataclass
class ColumnMeaning:
    """A column with what has been found out about it.

    Attributes:
        field: the canonical field it fills. why: what tells.
        personal: what personal data it holds.
        doubt: what a person has to look at.
    """

    column: Column
    typed: Typed
    field: str | None = None
    why: str = ""
    personal: PersonalKind | None = None
    doubt: str | None = None

    @property
    def name(self) -> str:
        return self.column.name


@dataclass
class TableMeaning:
    """A sample with the entity it fills (None: not found out), and its columns in their order."""

    sample: Sample
    columns: list[ColumnMeaning]
    entity: str | None = None
    position: dict[str, str] = field(default_factory=dict)
    """Fields of the lender's own position that a file of loans carries besides, by column."""

    def filled(self) -> dict[str, ColumnMeaning]:
        return {column.field: column for column in self.columns if column.field is not None}

    def missing(self) -> list[str]:
        """Fields that the entity must have and nothing fills."""
        if self.entity is None:
            return []
        return [name for name in _needed(self.entity) if name not in self.filled()]

    def find(self, name: str) -> ColumnMeaning:
        return next(column for column in self.columns if column.name == name)


def _needed(entity: str) -> list[str]:
    return [name for name, rule in ENTITIES[entity].fields.items() if rule.required and rule.default is None]


def understand(samples: Sequence[Sample]) -> list[TableMeaning]:
    """What each sample means, seen together: one file of an entity, and keys that are found again elsewhere."""
    tables = [_looked_at(sample) for sample in samples]
    ranked = [_candidates(table) for table in tables]
    for table, candidates in zip(tables, ranked, strict=True):
        table.entity = candidates[0] if candidates else None
    _part_rivals(tables, ranked)
    for table in tables:
        if table.entity is not None:
            _fill(table)
        if table.entity == "loan" and POSITION not in {other.entity for other in tables}:
            _fill_position(table)
    _find_keys_again(tables)
    return tables


def _looked_at(sample: Sample) -> TableMeaning:
    columns = []
    for column in sample.all_columns():
        found = typed(column)
        personal = personal_kind(column.name, found.values if found.type in ("string", "integer") else ())
        if personal is not None and found.type != "string":
            found = Typed("string", found.values, found.empty, missing=found.missing)
        columns.append(ColumnMeaning(column, found, personal=personal, doubt=found.doubt))
    return TableMeaning(sample, columns)


# ── entities ─────────────────────────────────────────────────────────────────────────────────────────────


def _candidates(table: TableMeaning) -> list[str]:
    """The entities that the sample may fill, the likeliest first."""
    scores = {entity: _score(table, entity) for entity in ENTITIES}
    return sorted((entity for entity, score in scores.items() if score > 0), key=lambda entity: -scores[entity])


def _score(table: TableMeaning, entity: str) -> float:
    filled = _assigned(table, entity)
    needed = set(_needed(entity)) - CONSTANTS
    score = len(filled) + sum(name in filled for name in needed) - 3.0 * sum(name not in filled for name in needed)
    called = names.normalised(table.sample.sheet or table.sample.path.name)
    return score + _NAMED_BY_FILE * any(names.normalised(hint) in called for hint in names.FILES[entity].split())


def _part_rivals(tables: list[TableMeaning], ranked: list[list[str]]) -> None:
    """Of two files of one entity, one that fills another entity whole is probably of that one."""
    for table, candidates in zip(tables, ranked, strict=True):
        rivals = [other for other in tables if other.entity == table.entity and other is not table]
        taken = {other.entity for other in tables}
        for second in candidates[1:]:
            if rivals and second not in taken and set(_needed(second)) <= set(_assigned(table, second)):
                table.entity = second
                break


def _assigned(table: TableMeaning, entity: str) -> dict[str, ColumnMeaning]:
    """The column with the best name for each field of an entity."""
    found: list[tuple[int, int, str, ColumnMeaning]] = []
    for position, column in enumerate(table.columns):
        for name, rule in ENTITIES[entity].fields.items():
            rank = names.rank(entity, name, column.name)
            if rank is not None and _may_fill(column, name, rule):
                found.append((rank, position, name, column))
    assigned: dict[str, ColumnMeaning] = {}
    used: set[str] = set()
    for _, _, name, column in sorted(found, key=lambda item: item[:2]):
        if name not in assigned and column.name not in used:
            assigned[name] = column
            used.add(column.name)
    return assigned


def _may_fill(column: ColumnMeaning, name: str, rule: EntityField) -> bool:
    if column.personal is not None:
        return name == "identity_hash" or (rule.kind is Kind.TEXT and name.endswith("_id"))
    return name != "identity_hash" or column.personal is not None


# ── fields ───────────────────────────────────────────────────────────────────────────────────────────────


def _fill(table: TableMeaning) -> None:
    entity = table.entity
    assert entity is not None
    for name, column in _assigned(table, entity).items():
        _give(column, name, ENTITIES[entity].fields[name].kind, "by its name")
    if entity == "borrower" and "identity_hash" not in table.filled():
        numbers = [column for column in table.columns if column.personal == "identity number" and not column.field]
        if numbers:
            numbers[0].field, numbers[0].why = "identity_hash", "by its values"
    _fill_closed_lists(table, entity)


def _give(column: ColumnMeaning, name: str, kind: Kind, why: str) -> None:
    """Let a column fill a field, if its values can."""
    found = fitted(column.typed, kind)
    if found is None:
        column.doubt = column.doubt or f"its name says {name}, but it is a {column.typed.type}, which cannot fill it"
        return
    column.field, column.typed, column.why = name, found, why


def _fill_closed_lists(table: TableMeaning, entity: str) -> None:
    """A column whose every value is of a closed list that the table of names knows."""
    for name, rule in ENTITIES[entity].fields.items():
        if not rule.allowed or name in table.filled():
            continue
        for column in table.columns:
            values = set(column.typed.values)
            if column.field is None and values and all(names.meaning(entity, name, value) for value in values):
                _give(column, name, rule.kind, "by its values")
                break


def _fill_position(table: TableMeaning) -> None:
    """The lender's own position in a file of loans: derived, and the columns read as what they fill there."""
    assigned = _assigned(table, POSITION)
    if "loan_id" not in table.filled() or not assigned.keys() & {"outstanding_principal", "overdue_principal", "dpd"}:
        return
    for name, column in assigned.items():
        found = fitted(column.typed, ENTITIES[POSITION].fields[name].kind)
        if name not in ("loan_id", "as_of") and column.field is None and found is not None and not column.personal:
            column.typed, table.position[name] = found, column.name


def _find_keys_again(tables: list[TableMeaning]) -> None:
    """A column whose values are loan or borrower numbers of another file fills them, whatever it is called."""
    for name, home in (("loan_id", "loan"), ("borrower_id", "borrower")):
        known = {
            value for table in tables if table.entity == home and name in table.filled()
            for value in table.filled()[name].typed.values
        }  # fmt: skip
        for table in tables:
            if table.entity is None or name in table.filled() or name not in ENTITIES[table.entity].fields:
                continue
            for column in table.columns:
                seen = set(column.typed.values)
                known_again = len(seen) >= 3 and len(seen & known) >= 0.9 * len(seen)
                if column.field is None and column.personal is None and known_again:
                    _give(column, name, Kind.TEXT, f"its values are {name}s of another file")
                    break


def is_of_the_day(column: ColumnMeaning, day: object) -> bool:
    """Whether a column of dates is named as the business date, and every value of it is that day."""
    found = column.typed
    if found.type != "date" or column.personal or not names.is_among(column.name, names.BUSINESS_DATES):
        return False
    return len(set(found.values)) <= 1 or day is None
