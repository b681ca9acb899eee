"""SQL for one column: the text as it arrived → a typed value, and the rules that a row breaks.

Bad values are found at the database's speed: `pg_input_is_valid` says whether a cast would work, so that the typed
insert never fails. All names and literals are quoted by the driver.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

from psycopg2.sql import SQL, Composable, Literal

from arrears.contract.entities import EntityField, Kind
from arrears.contract.model import TableField, TableSchema

# Blanks around a value: space, tab, carriage return, no-break space, ideographic space.
BLANKS = " \t\r\u00a0\u3000"
CURRENCY_SIGNS = "%¥￥$€£元 "
EARLIEST = dt.date(1950, 1, 1)
# Multiplied, not divided by: numeric multiplication is exact, division rounds.
UNIT_FACTOR = {"fen": "0.01", "percent": "0.01", "permille": "0.001"}
# Only what ISO 8601 writes: PostgreSQL itself would also take now, tomorrow, infinity and much else.
INSTANT = r"^\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d([.]\d{1,6})?)? ?(Z|[+-]\d\d(:?\d\d)?)?$".replace(r"\d", "[0-9]")
LARGEST = {Kind.MONEY: 10**15, Kind.RATE: 999, Kind.SCORE: 999_999, Kind.INTEGER: 2**31 - 1}
DECIMALS = {Kind.MONEY: 2, Kind.RATE: 6, Kind.SCORE: 2, Kind.INTEGER: 0}


@dataclass(frozen=True)
class Rule:
    """A condition on a value that is not null and keeps all rules before it, and what to say where it is false."""

    holds: Composable
    message: str


@dataclass(frozen=True)
class Column:
    """One column of the stage, seen as one field of an entity (or as none).

    Attributes:
        field: the column in the contract.
        text: SQL of the text without blanks and missing values.
        value: SQL of the typed value; only to be evaluated where the verdict is null.
        verdict: SQL of the first rule that the value breaks, null for a good value.
    """

    field: TableField
    text: Composable
    value: Composable
    verdict: Composable


def cleaned(field: TableField, schema: TableSchema, raw: Composable) -> Composable:
    """SQL of a text as it arrived, without the blanks around it; null where the contract says that it is missing."""
    text: Composable = SQL("btrim({}, {})").format(raw, Literal(BLANKS))
    for missing in dict.fromkeys(["", *schema.missing_values_of(field)]):
        text = SQL("nullif({}, {})").format(text, Literal(missing))
    return text


def column(
    field: TableField,
    text: Composable,
    target: EntityField | None,
    business_date: dt.date,
    values: dict[str, str] | None = None,
) -> Column:
    """The SQL of a column.

    Args:
        field: the column in the contract.
        text: SQL of its cleaned text.
        target: the entity's field that it fills, or None if it is only checked.
        business_date: dates of things that happened may not lie after it.
        values: value map to use instead of the field's own.
    """
    values = values or field.arrears.values
    rules = _own_rules(field, text)
    if values is not None:
        rules.append(Rule(_among(text, list(values)), "a value that the contract does not map"))
        value = _mapped(text, values)
        if target is not None and target.kind is not Kind.TEXT:
            value = SQL("cast({} as {})").format(value, SQL(target.kind.value))
    else:
        value = _typed(field, text)
        if target is not None:
            value, more = _fitted(field, value, text, target, business_date)
            rules.extend(more)
    return Column(field, text, value, _verdict(text, rules, is_needed(field, target)))


def is_needed(field: TableField, target: EntityField | None) -> bool:
    """Whether a row without this value is rejected. What is dropped on the way in cannot be asked for."""
    if field.arrears.pii == "drop":
        return False
    return field.constraints.required or (target is not None and target.required and target.default is None)


def readable(field: TableField, text: Composable) -> tuple[Composable, Composable]:
    """SQL of a column's typed value in the file's own unit, and of whether the text can be read as one."""
    return _typed(field, text), _type_rule(field, text).holds


def _verdict(text: Composable, rules: list[Rule], needed: bool) -> Composable:
    """CASE stops at the first broken rule, so that a rule may rely on those before it."""
    empty = Literal("empty where a value is required") if needed else SQL("null")
    broken = [SQL("when not ({}) then {}").format(rule.holds, Literal(rule.message)) for rule in rules]
    return SQL("case when {} is null then {} {} end").format(text, empty, SQL(" ").join(broken))


def _among(text: Composable, values: list[str]) -> Composable:
    return SQL("{} in ({})").format(text, SQL(", ").join(map(Literal, values)))


def _mapped(text: Composable, values: dict[str, str]) -> Composable:
    cases = [SQL("when {} then {}").format(Literal(sent), Literal(meant)) for sent, meant in values.items()]
    return SQL("case {} {} end").format(text, SQL(" ").join(cases))


# ── rules of the column itself: can it be cast, and does it keep the contract's constraints ──────────────


def _own_rules(field: TableField, text: Composable) -> list[Rule]:
    if field.arrears.pii is not None:
        return []  # the contract describes the value as sent, and here is its hash
    rules = [_type_rule(field, text)] if field.type != "string" else []
    limits = field.constraints
    if limits.enum is not None:
        allowed = [str(value) for value in limits.enum]
        rules.append(Rule(_in_enum(field, text, allowed), f"not one of {', '.join(allowed)}"))
    if limits.pattern is not None:
        fits = SQL("{} ~ {}").format(text, Literal(f"^(?:{limits.pattern})$"))
        rules.append(Rule(fits, f"does not match {limits.pattern}"))
    for length, operator, word in ((limits.max_length, "<=", "longer"), (limits.min_length, ">=", "shorter")):
        if length is not None:
            fits = SQL("length({}) {} {}").format(text, SQL(operator), Literal(length))
            rules.append(Rule(fits, f"{word} than {length} characters"))
    for bound, operator, word in ((limits.minimum, ">=", "less"), (limits.maximum, "<=", "greater")):
        if bound is not None:
            within = SQL("{} {} cast({} as {})").format(
                _typed(field, text), SQL(operator), Literal(str(bound)), SQL(_sql_type(field))
            )
            rules.append(Rule(within, f"{word} than {bound}"))
    return rules


def _in_enum(field: TableField, text: Composable, allowed: list[str]) -> Composable:
    """Numbers are compared as numbers: 1.0 is in the enum [1]."""
    if field.type not in ("integer", "number"):
        return _among(text, allowed)
    numbers = SQL(", ").join(SQL("cast({} as numeric)").format(Literal(value)) for value in allowed)
    return SQL("{} in ({})").format(_typed(field, text), numbers)


def _sql_type(field: TableField) -> str:
    return {"integer": "numeric", "number": "numeric", "date": "date", "datetime": "timestamptz"}.get(
        field.type, "text"
    )


def _type_rule(field: TableField, text: Composable) -> Rule:
    if field.type == "date":
        return Rule(_date_holds(field, text), f"not a date written as {_date_format(field)}")
    if field.type == "datetime":
        holds = SQL("({} ~ {} and {})").format(text, Literal(INSTANT), _valid(text, "timestamptz"))
        return Rule(holds, "not a date with time written as 2024-01-31T08:30:00+08:00")
    if field.type == "boolean":
        both = [*field.true_values, *field.false_values]
        return Rule(_among(text, both), f"not one of {', '.join(both)}")
    digits = _plain_number(field, text)
    if field.type == "integer":
        holds = SQL("ltrim({}, '-0123456789') = '' and {}").format(digits, _valid(digits, "bigint"))
        message = "not a whole number"
    else:
        # Only digits, one point and a sign: PostgreSQL itself would also take NaN, Infinity, 1e5, 0x1F and 1_000.
        holds = SQL("ltrim({}, '-.0123456789') = '' and {}").format(digits, _valid(digits, "numeric"))
        message = f"not a number with decimals after '{field.decimal_char}'"
    if field.group_char is not None:
        holds = SQL("{} and {}").format(holds, _grouping_holds(field, text))
    return Rule(SQL("({})").format(holds), message)


def _valid(text: Composable, sql_type: str) -> Composable:
    return SQL("pg_input_is_valid({}, {})").format(text, Literal(sql_type))


def _bare(field: TableField, text: Composable) -> Composable:
    return text if field.bare_number else SQL("btrim({}, {})").format(text, Literal(CURRENCY_SIGNS))


def _plain_number(field: TableField, text: Composable) -> Composable:
    """The number as PostgreSQL writes numbers: no unit sign, no group characters, a point."""
    text = _bare(field, text)
    if field.group_char is not None:
        text = SQL("replace({}, {}, '')").format(text, Literal(field.group_char))
    if field.decimal_char != ".":
        # A point is no decimal here: make it something that no number holds.
        text = SQL("translate({}, {}, {})").format(text, Literal("." + field.decimal_char), Literal("x."))
    return text


def _grouping_holds(field: TableField, text: Composable) -> Composable:
    group, point = re.escape(field.group_char or ""), re.escape(field.decimal_char)
    grouped = rf"^-?([0-9]{{1,3}}({group}[0-9]{{3}})+|[0-9]*)({point}[0-9]*)?$"
    return SQL("{} ~ {}").format(_bare(field, text), Literal(grouped))


# ── dates ────────────────────────────────────────────────────────────────────────────────────────────────


def _date_format(field: TableField) -> str:
    return "%Y-%m-%d" if field.format in ("default", "any") else field.format


def _date_holds(field: TableField, text: Composable) -> Composable:
    pattern = _date_format(field)
    if pattern == "%Y-%m-%d":
        shape = SQL("{} like '____-__-__'").format(text)
    elif pattern == "%Y%m%d":
        shape = SQL("length({0}) = 8 and ltrim({0}, '0123456789') = ''").format(text)
    else:
        shape = SQL("{} ~ {}").format(text, Literal(_date_regex(pattern)))
    return SQL("({} and {})").format(shape, _valid(_iso_date(field, text), "date"))


def _iso_date(field: TableField, text: Composable) -> Composable:
    """The text as PostgreSQL reads dates. A month without a day is its first day."""
    pattern = _date_format(field)
    if pattern in ("%Y-%m-%d", "%Y%m%d"):
        return text
    order, literals = _date_parts(pattern)
    separators, suffix = literals[1:-1], literals[-1]
    # One separator for all, then split: a tenth of the cost of a regular expression with groups.
    even = SQL("translate({}, {}, {})").format(
        text, Literal("".join(separators) + suffix), Literal("/" * len(separators))
    )

    def part(letter: str) -> Composable:
        if letter not in order:
            return Literal("01")
        return SQL("split_part({}, '/', {})").format(even, Literal(order.index(letter) + 1))

    return SQL("({} || '-' || {} || '-' || {})").format(part("Y"), part("m"), part("d"))


def _date_parts(pattern: str) -> tuple[list[str], list[str]]:
    """Directives of a strptime pattern in their order, and the literals before, between and after them."""
    pieces = re.split(r"%([Ymd])", pattern)
    return pieces[1::2], pieces[0::2]


def _date_regex(pattern: str) -> str:
    order, literals = _date_parts(pattern)
    digits = ["[0-9]{4}" if letter == "Y" else "[0-9]{1,2}" for letter in order]
    return "^" + "".join(re.escape(lit) + part for lit, part in zip(literals, [*digits, ""], strict=True)) + "$"


# ── values: typed, scaled, fitted to the canonical field ─────────────────────────────────────────────────


def _typed(field: TableField, text: Composable) -> Composable:
    if field.type == "date":
        return SQL("cast({} as date)").format(_iso_date(field, text))
    if field.type == "datetime":
        return SQL("cast({} as timestamptz)").format(text)
    if field.type == "boolean":
        return SQL("({} in ({}))").format(text, SQL(", ").join(map(Literal, field.true_values)))
    if field.type in ("integer", "number"):
        return SQL("cast({} as numeric)").format(_plain_number(field, text))
    return text


def _fitted(
    field: TableField, value: Composable, text: Composable, target: EntityField, business_date: dt.date
) -> tuple[Composable, list[Rule]]:
    """The typed value in the canonical unit, and the rules of the canonical field."""
    if target.kind is Kind.TEXT:
        rules = [Rule(_among(text, list(target.allowed)), f"not one of {', '.join(target.allowed)}")]
        return text, rules if target.allowed else []
    if field.arrears.unit is not None:
        value = SQL("({} * {})").format(value, SQL(UNIT_FACTOR[field.arrears.unit]))
    fitted = SQL("cast({} as {})").format(value, SQL(target.kind.value))
    if target.kind in LARGEST:
        largest, decimals = LARGEST[target.kind], DECIMALS[target.kind]
        return fitted, [
            Rule(SQL("abs({}) <= {}").format(value, Literal(largest)), f"larger than {largest}"),
            Rule(SQL("min_scale({}) <= {}").format(value, Literal(decimals)), f"more than {decimals} decimals"),
        ]
    if target.kind not in (Kind.DATE, Kind.INSTANT):
        return fitted, []
    rules = [Rule(SQL("{} >= {}").format(value, Literal(EARLIEST)), f"before {EARLIEST}: a placeholder, not a date")]
    if target.not_future:
        past = SQL("cast({} as date) <= {}").format(value, Literal(business_date))
        rules.append(Rule(past, f"after the business date {business_date}"))
    return fitted, rules
