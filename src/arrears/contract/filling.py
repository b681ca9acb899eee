"""What fills the canonical entities: columns, constants and derived values that fit, and nothing needed left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from arrears.contract.entities import ENTITIES, Entity, Kind
from arrears.contract.model import Contract, Derivation, Derived, Resource, TableField
from arrears.contract.problem import Place, Problem, a, is_literal, unknown

OPEN = "???"  # what a drafted contract holds where a person has to decide

_TYPES_FOR: dict[Kind, tuple[str, ...]] = {
    Kind.TEXT: ("string", "integer", "number", "boolean", "date"),
    Kind.INTEGER: ("integer",),
    Kind.MONEY: ("number", "integer"),
    Kind.RATE: ("number", "integer"),
    Kind.SCORE: ("number", "integer"),
    Kind.DATE: ("date", "datetime"),
    Kind.INSTANT: ("datetime",),
    Kind.FLAG: ("boolean",),
}


def filling_problems(place: Place, resource: Resource) -> Iterator[Problem]:
    """What is wrong with the entity of a file and with those derived from its rows."""
    rules = resource.arrears
    here = (*place, "arrears")
    columns = {column.name: column for column in resource.table.columns()}
    if rules.entity not in ENTITIES:
        yield (*here, "entity"), unknown("an entity", rules.entity, ENTITIES)
    else:
        yield from _mapping_problems(place, resource, ENTITIES[rules.entity])
    for number, derivation in enumerate(rules.derives):
        yield from _derivation_problems((*here, "derives", number), derivation, resource, columns)


def _mapping_problems(place: Place, resource: Resource, entity: Entity) -> Iterator[Problem]:
    filled: dict[str, str] = {}
    for where, field in _placed_columns((*place, "schema", "fields"), resource):
        target = field.arrears.field
        here = (*where, "arrears", "field")
        if target is None:
            continue
        if target not in entity.fields:
            yield here, unknown(f"a field of {resource.arrears.entity}", target, entity.fields)
        elif target in filled:
            yield here, f"'{target}' is already filled by column '{filled[target]}'"
        else:
            yield from _type_problems(here, field, target, entity)
        filled.setdefault(target, field.name)
    for name, value in resource.arrears.constants.items():
        here = (*place, "arrears", "constants", name)
        if name not in entity.fields:
            yield here, unknown(f"a field of {resource.arrears.entity}", name, entity.fields)
        elif name in filled:
            yield here, f"'{name}' is already filled by column '{filled[name]}'"
        else:
            yield from _literal_problems(here, name, value, entity)
        filled.setdefault(name, "a constant")
    yield from _missing_problems((*place, "arrears", "entity"), resource.arrears.entity, entity, filled)


def _placed_columns(place: Place, resource: Resource) -> Iterator[tuple[Place, TableField]]:
    """Every column with its place in the contract."""
    for number, field in enumerate(resource.table.fields):
        for part, column in enumerate(field.columns()):
            inside = ("arrears", "parts", part) if field.type == "object" else ()
            yield (*place, number, *inside), column


def _missing_problems(place: Place, name: str, entity: Entity, filled: Iterable[str]) -> Iterator[Problem]:
    needed = {field for field, rule in entity.fields.items() if rule.required and rule.default is None}
    missing = sorted(needed - set(filled))
    if missing:
        yield place, f"nothing fills {', '.join(missing)}, which every {name} must have"


def _type_problems(place: Place, field: TableField, target: str, entity: Entity) -> Iterator[Problem]:
    rule = entity.fields[target]
    if field.arrears.values is None and field.type not in _TYPES_FOR[rule.kind]:
        takes = " or ".join(_TYPES_FOR[rule.kind])
        yield place, f"{a(field.type)} cannot fill {target}, which is {rule.kind.value}; it takes {takes}"
    if field.arrears.pii is not None and rule.kind is not Kind.TEXT:
        yield place, f"a hash cannot fill {target}, which is {rule.kind.value}"
    if rule.hashed and field.arrears.pii != "hash":
        yield place, f"{target} is never kept in clear: give the column pii: hash"
    for value in (field.arrears.values or {}).values():
        yield from _literal_problems(place, target, value, entity)


def _literal_problems(place: Place, target: str, value: str, entity: Entity) -> Iterator[Problem]:
    """A value that the contract itself gives to a field."""
    rule = entity.fields[target]
    if value == OPEN:
        choice = f"one of {', '.join(rule.allowed)}" if rule.allowed else "its value"
        yield place, f"{target} is still open: put {choice} in place of {OPEN}"
    elif rule.hashed:
        yield place, f"nothing fills {target} but a column with pii: hash"
    elif rule.allowed and value not in rule.allowed:
        yield place, unknown(f"a value of {target}", value, rule.allowed)
    elif not is_literal(value, rule.kind):
        yield place, f"'{value}' cannot fill {target}, which is {rule.kind.value}"


def _derivation_problems(
    place: Place, derivation: Derivation, resource: Resource, columns: dict[str, TableField]
) -> Iterator[Problem]:
    if derivation.entity not in ENTITIES:
        yield (*place, "entity"), unknown("an entity", derivation.entity, ENTITIES)
        return
    entity = ENTITIES[derivation.entity]
    if derivation.mode == "changes" and resource.arrears.mode != "changes":
        yield (*place, "mode"), f"rows of a file in mode '{resource.arrears.mode}' carry no changes"
    yield from _cumulative_problems((*place, "cumulative"), derivation)
    for column in derivation.where:
        if column not in columns:
            yield (*place, "where", column), unknown("a column of this file", column, columns)
    for target, source in derivation.fields.items():
        here = (*place, "fields", target)
        if target not in entity.fields:
            yield here, unknown(f"a field of {derivation.entity}", target, entity.fields)
        else:
            origin = Derived(column=source) if isinstance(source, str) else source
            yield from _source_problems(here, target, origin, entity, columns)
    yield from _missing_problems((*place, "entity"), derivation.entity, entity, derivation.fields)


def _cumulative_problems(place: Place, derivation: Derivation) -> Iterator[Problem]:
    if not derivation.cumulative:
        return
    if derivation.entity != "payment":
        yield place, f"only payments come as running totals, not {a(derivation.entity)}"
    elif "instalment_no" not in derivation.fields:
        yield place, "a running total is of one instalment: instalment_no has to be filled"
    if derivation.mode != "append":
        yield place, f"running totals are taken apart day by day, which needs mode 'append', not '{derivation.mode}'"


def _source_problems(
    here: Place, target: str, source: Derived, entity: Entity, columns: dict[str, TableField]
) -> Iterator[Problem]:
    used = [*([source.column] if source.column is not None else []), *(source.join or []), *source.plus, *source.minus]
    missing = [column for column in used if column not in columns]
    dropped = [column for column in used if column in columns and columns[column].arrears.pii == "drop"]
    for column in missing:
        yield here, unknown("a column of this file", column, columns)
    for column in dropped:
        yield here, f"'{column}' is dropped on the way in, so that it fills nothing"
    if missing or dropped:
        return
    yield from _shape_of_source_problems(here, source)
    rule = entity.fields[target]
    if source.business_date and rule.kind is not Kind.DATE:
        yield here, f"a business date cannot fill {target}, which is {rule.kind.value}"
    if source.column is not None and source.values is None:
        yield from _type_problems(here, columns[source.column], target, entity)
    for value in [source.value] if source.value is not None else (source.values or {}).values():
        yield from _literal_problems(here, target, value, entity)
    if source.join is not None and (rule.kind is not Kind.TEXT or rule.allowed or rule.hashed):
        what = "a closed list" if rule.allowed else "a hash" if rule.hashed else rule.kind.value
        yield here, f"a joined text cannot fill {target}, which is {what}"
    if source.plus or source.minus:
        yield from _sum_problems(here, target, rule.kind, [columns[name] for name in used])


def _shape_of_source_problems(here: Place, source: Derived) -> Iterator[Problem]:
    given = [source.column is not None, source.value is not None, source.business_date is not None,
             source.join is not None, bool(source.plus or source.minus)]  # fmt: skip
    dated_column = source.column is not None and source.business_date is not None and source.values is None
    if sum(given) != 1 and not (dated_column and sum(given) == 2):
        yield here, "give exactly one of column, value, business_date, join, plus with minus"
    if "separator" in source.model_fields_set and source.join is None:
        yield here, "a separator stands between joined texts alone"


def _sum_problems(here: Place, target: str, kind: Kind, columns: list[TableField]) -> Iterator[Problem]:
    if kind not in (Kind.MONEY, Kind.RATE, Kind.SCORE, Kind.INTEGER):
        yield here, f"a sum cannot fill {target}, which is {kind.value}"
    for column in columns:
        if column.type not in ("integer", "number"):
            yield here, f"'{column.name}' is {a(column.type)}, not a number that can be added"
        elif column.arrears.pii is not None or column.arrears.values is not None:
            yield here, f"'{column.name}' is hashed or mapped, so that it cannot be added"


def mode_problems(contract: Contract) -> Iterator[Problem]:
    """Entities that come in one way here and in another there."""
    modes: dict[str, str] = {}
    totals: dict[str, bool] = {}
    for number, resource in enumerate(contract.resources):
        rules = resource.arrears
        ways = [
            (rules.entity, rules.mode, False), *((d.entity, d.mode, d.cumulative) for d in rules.derives),
        ]  # fmt: skip
        for entity, mode, cumulative in ways:
            place = ("resources", number, "arrears")
            if modes.setdefault(entity, mode) != mode:
                yield place, f"{entity} is '{modes[entity]}' in another file and '{mode}' here"
            if totals.setdefault(entity, cumulative) != cumulative:
                yield place, f"{entity} comes both as running totals (cumulative) and one by one: one way for all"
