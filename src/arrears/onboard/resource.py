"""One file, or one sheet, as the contract describes it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from ruamel.yaml.comments import CommentedMap

from arrears.contract.entities import ENTITIES
from arrears.onboard import names
from arrears.onboard.commented import OPEN, counted, decide, flow, guess
from arrears.onboard.fields import field_documents
from arrears.onboard.habits import Habits, money_columns
from arrears.onboard.meaning import POSITION, ColumnMeaning, TableMeaning, is_of_the_day
from arrears.onboard.place import dated
from arrears.onboard.sample import ManifestSeen, MarkerSeen
from arrears.onboard.types import date_of

MEDIA_TYPES = {
    "csv": "text/csv",
    "jsonl": "application/jsonl",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "parquet": "application/vnd.apache.parquet",
}
NAMES = {
    "loan": "loans", "borrower": "borrowers", "instalment": "plan", "payment": "payments", "loan_event": "events",
    "collection_action": "collections", "reported_position": "positions",
}  # fmt: skip
OPERATIONS = {
    "I": "i insert inserted a add c create 新增 插入",
    "U": "u update updated m modify 修改 更新",
    "D": "d delete deleted 删除",
}


def resource_document(
    table: TableMeaning, taken: Sequence[str], habits: Habits, day: dt.date | None, currency: str,
    control: ManifestSeen | MarkerSeen | None,
) -> CommentedMap:  # fmt: skip
    """A resource of the contract.

    Args:
        table: what the file means.
        taken: names of the resources before it.
        habits: how the lender writes dates and amounts.
        day: the business date of the samples, if their path tells.
        currency: the lender's.
        control: what vouches for all files.
    """
    sample = table.sample
    made = CommentedMap(name=_name(table, taken))
    made["path"] = _undated(_pattern(table))
    made["type"], made["format"], made["mediatype"] = "table", sample.format, MEDIA_TYPES[sample.format]
    if sample.doubts:
        decide(made, "path", "; ".join(sample.doubts))
    if sample.format == "csv":
        made["encoding"] = sample.encoding
        if sample.encoding_is_sure:
            guess(made, "encoding", "by the bytes of the sample")
        else:
            decide(made, "encoding", "the likeliest one by the bytes of the sample: ask the lender")
    if sample.format in ("csv", "xlsx"):
        made["dialect"] = flow(_dialect(table))
        guess(made, "dialect", "with this the rows have the header's number of columns")
    changes = _changes(table)
    made["schema"] = _schema(table, habits, changes)
    made["arrears"] = _rules(table, day, currency, control, changes)
    return made


def _name(table: TableMeaning, taken: Sequence[str]) -> str:
    stem = (dated(table.sample.path.name) or (table.sample.path.name, None))[0].partition("{")[0]
    plain = re.sub(r"[^a-z0-9]+", "-", stem.partition(".")[0].lower()).strip("-")
    wanted = [NAMES.get(table.entity or "", plain), plain, f"{plain or 'table'}-{len(taken) + 1}"]
    return next(name for name in wanted if name and name not in taken)


def _pattern(table: TableMeaning) -> str:
    name = table.sample.path.name
    found = dated(name)
    return name.replace("{", "{{").replace("}", "}}") if found is None else found[0]


def _undated(pattern: str) -> str:
    """The name without its date: how a sample of the file would be called."""
    name = re.sub(r"[_-]?\{date:[^}]*\}", "", pattern)
    return f"data{name}" if name.startswith(".") else name


def _dialect(table: TableMeaning) -> dict[str, Any]:
    sample = table.sample
    dialect: dict[str, Any] = {}
    if sample.format == "csv":
        dialect["delimiter"] = sample.delimiter
        if sample.quote is None:
            dialect["quoteChar"] = None
    dialect["header"] = sample.header_row > 0
    if sample.header_row > 1:
        dialect["headerRows"] = flow([sample.header_row])
    if sample.sheet is not None:
        dialect["sheetName"] = sample.sheet
    return dialect


# ── the schema ───────────────────────────────────────────────────────────────────────────────────────────


def _schema(table: TableMeaning, habits: Habits, changes: CommentedMap | None) -> CommentedMap:
    schema = CommentedMap()
    missing = list(dict.fromkeys(["", *(token for column in table.columns for token in column.typed.missing)]))
    schema["missingValues"] = flow(missing)
    if len(missing) > 1:
        guess(schema, "missingValues", "found among the values")
    key, is_unique = _key(table, changes)
    if key:
        schema["primaryKey"] = flow(key)
        if is_unique:
            guess(schema, "primaryKey", f"not twice in {counted(table.sample.rows, 'row')}")
        else:
            decide(schema, "primaryKey", "several rows of the sample have the same: what makes a row unique?")
    schema["fields"] = field_documents(table, habits)
    return schema


def _key(table: TableMeaning, changes: CommentedMap | None) -> tuple[list[str], bool]:
    """The columns of the entity's key, and whether no two rows have the same."""
    if table.entity is None:
        return [], True
    filled = table.filled()
    needed = ENTITIES[table.entity].key
    columns = [filled[name] for name in needed if name in filled]
    if len(columns) < sum(ENTITIES[table.entity].fields[name].default is None for name in needed):
        return [], True
    if changes is not None:
        columns.append(table.find(changes["at"]))
    rows = list(zip(*(column.column.values for column in columns), strict=True))
    return [column.name for column in columns], len(set(rows)) == len(rows)


# ── what it is to us ─────────────────────────────────────────────────────────────────────────────────────


def _rules(
    table: TableMeaning, day: dt.date | None, currency: str, control: ManifestSeen | MarkerSeen | None,
    changes: CommentedMap | None,
) -> CommentedMap:  # fmt: skip
    rules = CommentedMap(file=_pattern(table))
    constants = _constants(table, currency)
    _put_entity(rules, table, constants)
    _put_mode(rules, table, changes)
    dates = [column for column in table.columns if _is_business_date(column, day)]
    if dates:
        rules["business_date"] = dates[0].name
        guess(rules, "business_date", "by its name, and it is one day")
    _put_control(rules, table, control)
    if changes is not None:
        rules["change"] = changes
    if constants:
        rules["constants"] = flow(constants)
        _comment_constants(rules, table)
    if table.position:
        rules["derives"] = [_position(table, dates)]
        guess(rules, "derives", "the lender's own position, by the names of its columns")
    return rules


def _put_entity(rules: CommentedMap, table: TableMeaning, constants: dict[str, str]) -> None:
    rules["entity"] = table.entity or OPEN
    missing = [name for name in table.missing() if name not in constants]
    if table.entity is None:
        decide(rules, "entity", f"which of {', '.join(ENTITIES)}? or leave the file out")
    elif missing:
        example = f"{{{missing[0]}: …}}"
        decide(
            rules,
            "entity",
            f"nothing fills {', '.join(missing)}: map columns, give constants: {example}, or another entity?",
        )
    else:
        guess(rules, "entity", "by the fields that its columns fill")


def _put_mode(rules: CommentedMap, table: TableMeaning, changes: CommentedMap | None) -> None:
    if table.entity is None:
        rules["mode"] = OPEN
        decide(rules, "mode", "snapshot, upsert, append or changes?")
    elif changes is not None:
        rules["mode"] = "changes"
        guess(rules, "mode", "there are columns of an operation and its time")
    elif table.entity == "loan" and table.position:
        rules["mode"] = "snapshot"
        guess(rules, "mode", "with balances: every loan of the book, every day? else upsert")
    elif table.entity in ("loan", "borrower", "instalment"):
        rules["mode"] = "upsert"
        guess(rules, "mode", "new and changed ones; where a file is the whole book, snapshot")
    else:
        rules["mode"] = "append"
        guess(rules, "mode", "what has happened since the delivery before")


def _is_business_date(column: ColumnMeaning, day: dt.date | None) -> bool:
    if not is_of_the_day(column, day):
        return False
    formats = column.typed.formats or (column.typed.format or "%Y-%m-%d",)
    days = {date_of(value, pattern) for value in column.typed.values for pattern in formats} - {None}
    return day is None or days <= {day}


def _constants(table: TableMeaning, currency: str) -> dict[str, str]:
    """What every row has and no column says."""
    missing, constants = table.missing(), {}
    if "currency" in missing:
        constants["currency"] = currency
    if "kind" in missing:
        constants["kind"] = OPEN
    return constants


def _comment_constants(rules: CommentedMap, table: TableMeaning) -> None:
    if rules["constants"].get("kind") == OPEN and table.entity is not None:
        kinds = ", ".join(ENTITIES[table.entity].fields["kind"].allowed)
        decide(rules, "constants", f"no column says the kind: which of {kinds}?")
    elif rules["constants"].get("currency") == OPEN:
        decide(rules, "constants", "no column says it: the lender's currency, as above")
    else:
        guess(rules, "constants", "no column says it")


def _position(table: TableMeaning, dates: Sequence[ColumnMeaning]) -> CommentedMap:
    fields: dict[str, Any] = {}
    if "loan_id" in table.filled():
        fields["loan_id"] = table.filled()["loan_id"].name
    fields["as_of"] = dates[0].name if dates else flow({"business_date": True})
    return CommentedMap(entity=POSITION, mode="append", fields=CommentedMap(fields | table.position))


# ── what vouches for it ──────────────────────────────────────────────────────────────────────────────────


def _put_control(rules: CommentedMap, table: TableMeaning, control: ManifestSeen | MarkerSeen | None) -> None:
    trailer = table.sample.trailer
    if trailer is not None:
        rules["control"] = flow({"kind": "trailer", "mark": trailer.mark})
        if trailer.total is not None:
            rules["control"]["sum"] = column = _summed(table, trailer.total) or OPEN
            if column == OPEN:
                decide(rules, "control", "the trailer has a sum: of which column?")
                return
        guess(rules, "control", f"the last line begins with {trailer.mark}")
    elif control is not None:
        kind = "manifest" if isinstance(control, ManifestSeen) else "ok"
        found = dated(control.path.name)
        rules["control"] = flow({"kind": kind, "file": found[0] if found else control.path.name})
        if isinstance(control, ManifestSeen):
            rules["control"].update(_manifest_keys(control))
        guess(rules, "control", f"{control.path.name} lies beside the samples")


def _manifest_keys(seen: ManifestSeen) -> dict[str, str]:
    """The keys that are not called as a contract expects them; those not found are a person's to find."""
    keys = {"list": seen.list, "name": seen.name, "rows": seen.rows, "sha256": seen.sha256,
            "business_date": seen.business_date}  # fmt: skip
    expected = {"list": "files"}
    return {name: key or OPEN for name, key in keys.items() if key != expected.get(name, name)}


def _summed(table: TableMeaning, total: str) -> str | None:
    """The column that the trailer adds up, as far as the sample is the whole file."""
    try:
        claimed = Decimal(total.replace(",", ""))
    except InvalidOperation:
        return None
    if not table.sample.whole or not table.sample.rows:
        return None
    amounts = [column.name for column in money_columns(table)]
    numeric = [column for column in table.columns if column.typed.type in ("integer", "number")]
    for column in sorted(numeric, key=lambda column: column.name not in amounts):
        plain = [value.replace(column.typed.group_char or "\0", "") for value in column.typed.values]
        try:
            if sum((Decimal(value.replace(column.typed.decimal_char, ".")) for value in plain), Decimal(0)) == claimed:
                return column.name
        except InvalidOperation:
            continue
    return None


# ── changes ──────────────────────────────────────────────────────────────────────────────────────────────


def _changes(table: TableMeaning) -> CommentedMap | None:
    """Where rows say what they change and when; None where they do not."""
    ops = [column for column in table.columns if names.is_among(column.name, names.CHANGE_OPERATIONS)]
    times = [
        column for column in table.columns
        if names.is_among(column.name, names.CHANGE_TIMES) and column.typed.type in ("date", "datetime")
    ]  # fmt: skip
    if not ops or not times or ops[0].personal or len(set(ops[0].typed.values)) > len(OPERATIONS):
        return None
    change: dict[str, Any] = {"op": ops[0].name, "at": times[0].name}
    values = {value: _operation(value) for value in sorted(set(ops[0].typed.values))}
    if any(value != meant for value, meant in values.items()):
        change["values"] = flow(values)
    return flow(change) if OPEN not in values.values() else _undecided(change)


def _operation(value: str) -> str:
    return next((ours for ours, theirs in OPERATIONS.items() if names.is_among(value, theirs)), OPEN)


def _undecided(change: dict[str, Any]) -> CommentedMap:
    made = CommentedMap(change)
    decide(made, "values", "which of I (inserted), U (updated), D (deleted)?")
    return made
