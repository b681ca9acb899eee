"""One column of a file: the text as it arrived → a value that PostgreSQL reads, and the rules that a row breaks.

Everything is an expression of polars over the column's text, so that a block of rows is judged at once. A value stays
text all the way (`12345` fen is handed over as `12345e-2`): nothing passes through a binary fraction, and PostgreSQL,
which reads it into its typed column, has the last word.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

import polars as pl

from arrears.contract.entities import EntityField, Kind
from arrears.contract.model import TableField, TableSchema
from arrears.delivery.cell_errors import CELL_ERRORS

# Blanks around a value: space, tab, carriage return, no-break space, ideographic space.
BLANKS = " \t\r\u00a0\u3000"
CURRENCY_SIGNS = "%¥￥$€£元 "
EARLIEST = dt.date(1950, 1, 1)
# Powers of ten by which the file's unit is smaller than ours; below zero: larger.
UNIT_SHIFT = {"fen": 2, "thousand": -3, "wan": -4, "percent": 2, "permille": 3, None: 0}
LARGEST = {Kind.MONEY: 10**15, Kind.RATE: 999, Kind.SCORE: 999_999, Kind.INTEGER: 2**31 - 1}
DECIMALS = {Kind.MONEY: 2, Kind.RATE: 6, Kind.SCORE: 2, Kind.INTEGER: 0}
EMPTY = "empty where a value is required"
# What a person is known by: an identity number, with a date of birth in it (a company's code of as many digits has
# none), a mobile number, an e-mail address.
_IDENTITY = r"[1-9][0-9]{5}(19|20)[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9Xx]"
PERSONAL = rf"(\A|[^0-9A-Za-z.-])({_IDENTITY}|1[3-9][0-9]{{9}})([^0-9A-Za-z.]|\z)|[^@\s]+@[^@\s]+\.[A-Za-z]{{2,}}"
SHORTEST_PERSONAL = 6  # characters

_EXACT = pl.Decimal(38, 12)
_ABSURD = 10**20  # more than any field holds, and little enough to be scaled and added up
# Only what ISO 8601 writes: PostgreSQL itself would also take now, tomorrow, infinity and much else.
_INSTANT = (
    r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}[ T]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,6})?)?"
    r" ?(Z|[+-](0[0-9]|1[0-5])(:?[0-5][0-9])?)?\z"
)


@dataclass(frozen=True)
class Rule:
    """A condition on a text that is there and keeps all rules before it, and what to say where it does not hold."""

    holds: pl.Expr
    message: str


@dataclass(frozen=True)
class Value:
    """What a column, or several together, give to a field.

    Attributes:
        text: the text that decides whether there is a value at all; null for none.
        value: the value as PostgreSQL reads it, as text; to be used only where no rule is broken.
        rules: what the text must keep, in the order in which they are asked.
        needed: rows without it are rejected.
        plain: a condition that is cheap to ask and met by texts that keep every rule, and by almost all of those;
            None where the rules are as cheap.
    """

    text: pl.Expr
    value: pl.Expr
    rules: tuple[Rule, ...] = ()
    needed: bool = False
    plain: pl.Expr | None = None

    def plainly_holds(self) -> pl.Expr:
        """Whether a row is seen at a glance to break no rule; where it is not, `holds` has to be asked."""
        if self.plain is None:
            return self.holds()
        return self.plain.fill_null(not self.needed)

    def holds(self, excused: pl.Expr | None = None) -> pl.Expr:
        """Whether a row breaks no rule. excused: rows that may leave out what every other row must have."""
        kept = [rule.holds.fill_null(False) for rule in self.rules]
        there = pl.all_horizontal(kept) if kept else pl.lit(True)
        if not self.needed:
            return there | self.text.is_null() if kept else pl.lit(True)
        absent = self.text.is_null()
        return (~absent & there) | (absent & excused) if excused is not None else ~absent & there

    def verdict(self, excused: pl.Expr | None = None) -> pl.Expr:
        """What is wrong with a row: the message of the first broken rule, null for a good one."""
        nothing = pl.lit(None, dtype=pl.String)
        empty = pl.lit(EMPTY) if self.needed else nothing
        if self.needed and excused is not None:
            empty = pl.when(excused).then(nothing).otherwise(empty)
        broken = nothing
        for rule in reversed(self.rules):
            broken = pl.when(rule.holds.fill_null(False)).then(broken).otherwise(pl.lit(rule.message))
        return pl.when(self.text.is_null()).then(empty).otherwise(broken)


@dataclass(frozen=True)
class Day:
    """What values are judged against: the delivery's business date, and the time zone of its clocks (IANA name)."""

    business_date: dt.date
    timezone: str


def cleaned(field: TableField, schema: TableSchema, raw: pl.Expr, *, blanks: bool = True) -> pl.Expr:
    """A text as it arrived, without the blanks around it; null where the contract says that it is missing.

    blanks: whether there may be any. Where a whole block has none, looking for them is saved.
    """
    text = raw.str.strip_chars(BLANKS) if blanks else raw
    missing = list(dict.fromkeys(schema.missing_values_of(field)))
    if blanks or missing not in ([], [""]):
        text = pl.when(~text.is_in(["", *missing])).then(text)
    return text


def column(
    field: TableField,
    text: pl.Expr,
    target: EntityField | None,
    day: Day,
    values: dict[str, str] | None = None,
) -> Value:
    """A column as the value of a field.

    Args:
        field: the column in the contract.
        text: its text without blanks around it, null where the contract says that it is missing.
        target: the entity's field that it fills, or None if it is only checked.
        day: dates of things that happened may not lie after it.
        values: value map to use instead of the field's own.
    """
    values = values or field.arrears.values
    own = _own_rules(field, text, day)
    rules = [*own]
    if values is not None:
        rules.append(Rule(text.is_in(list(values)), "a value that the contract does not map"))
        value = text.replace_strict(list(values), list(values.values()), default=None)
    elif target is None:
        value = text
    else:
        value, more = _fitted(field, text, target, day)
        rules += more
    plain = _plain_amount(field, text, target, values)
    if target is not None and target.is_word and values is None and not own:
        plain = _plain_word(text)
    return Value(text, value, tuple(rules), is_needed(field, target), plain)


def is_needed(field: TableField, target: EntityField | None) -> bool:
    """Whether a row without this value is rejected. What is dropped on the way in cannot be asked for."""
    if field.arrears.pii == "drop":
        return False
    return field.constraints.required or (target is not None and _must_have(target))


def _must_have(target: EntityField) -> bool:
    return target.required and target.default is None


def no_error(field: TableField, text: pl.Expr) -> Rule:
    """What every cell of a workbook keeps: an error is no value, unless the contract says what it stands for."""
    errors = CELL_ERRORS - set(field.arrears.values or ())
    return Rule(~text.is_in(sorted(errors)), "an error of Excel, which is no value")


def change_time(field: TableField, text: pl.Expr, day: Day) -> Value:
    """The time of a change. A day's changes are collected until its cut-off, which is on the day after."""
    read = column(field, text, EntityField(Kind.INSTANT, required=True), day)
    latest = day.business_date + dt.timedelta(days=1)
    in_time = Rule(_day_of(field, text, day) <= latest, f"after {latest}, the day after the business date")
    return replace(read, rules=(*read.rules, in_time))


def joined(parts: list[pl.Expr], separator: str, target: EntityField) -> Value:
    """Texts put together; null where one of them is."""
    text = pl.concat_str(parts, separator=separator, ignore_nulls=False)
    return Value(text, text, tuple(_text_rules(text, target)), _must_have(target))


def summed(
    plus: list[tuple[TableField, pl.Expr]], minus: list[tuple[TableField, pl.Expr]], target: EntityField
) -> Value:
    """Numbers added and taken off, in canonical units; a null is 0, and all null give null.

    A number that cannot be read has rejected the row by its own column, so it counts as nothing here.
    """
    terms = [(sign, exact(field, text)) for sign, some in ((1, plus), (-1, minus)) for field, text in some]
    sent = [_type_rule(field, text).holds.fill_null(False) for field, text in (*plus, *minus)]
    small = [(counted(field, text).abs() <= _ABSURD).fill_null(False) for field, text in (*plus, *minus)]
    total = pl.sum_horizontal([(number if sign > 0 else -number).fill_null(0) for sign, number in terms])
    text = pl.when(pl.any_horizontal(sent)).then(total).cast(pl.String)
    absurd = pl.any_horizontal([is_number & ~is_small for is_number, is_small in zip(sent, small, strict=True)])
    largest, decimals = LARGEST[target.kind], DECIMALS[target.kind]
    rules = (
        Rule(~absurd & (total.abs() <= largest), f"larger than {largest}"),
        Rule(_decimals_hold(text, decimals), f"more than {decimals} decimals"),
    )
    # PostgreSQL reads 12.000000000000 as no whole number.
    value = text.str.extract(r"\A(-?[0-9]+)") if target.kind is Kind.INTEGER else text
    return Value(text, value, rules, _must_have(target))


def exact(field: TableField, text: pl.Expr) -> pl.Expr:
    """A column's number in our unit, exact to twelve decimals; null where it cannot be read, or is absurdly large."""
    number, shift = counted(field, text), UNIT_SHIFT[field.arrears.unit]
    number = pl.when(number.abs() <= _ABSURD).then(number)
    return number * pl.lit(Decimal(1).scaleb(-shift)) if shift else number


def counted(field: TableField, text: pl.Expr) -> pl.Expr:
    """A column's number in the file's own unit, for sums; null where it cannot be read."""
    return pl.when(_type_rule(field, text).holds).then(_plain_number(field, text)).cast(_EXACT, strict=False)


def comparable(field: TableField, text: pl.Expr, day: Day) -> pl.Expr:
    """What makes keys the same: 1 and 01 are one instalment. A value that cannot be read is its text."""
    if field.arrears.pii is not None or field.type == "string":
        return text
    if field.type in ("integer", "number"):
        same = counted(field, text).cast(pl.String)
    elif field.type == "date":
        same = _date(field, text).cast(pl.String)
    elif field.type == "datetime":
        same = _instant(text, day).cast(pl.String)
    else:
        same = text.is_in(field.true_values).cast(pl.String)
    return pl.coalesce(same, text)


def same_day(field: TableField, text: pl.Expr, day: Day) -> pl.Expr:
    """Whether a date is the business date; null where it cannot be read."""
    return _date(field, text) == day.business_date


# ── rules of the column itself: can it be read, and does it keep the contract's constraints ──────────────


def _own_rules(field: TableField, text: pl.Expr, day: Day) -> list[Rule]:
    if field.arrears.pii is not None:
        return []  # the contract describes the value as sent, and here is its hash
    rules = [_type_rule(field, text)] if field.type != "string" else []
    limits = field.constraints
    if limits.enum is not None:
        allowed = [str(value) for value in limits.enum]
        rules.append(Rule(_in_enum(field, text, allowed), f"not one of {', '.join(allowed)}"))
    if limits.pattern is not None:
        rules.append(Rule(text.str.contains(rf"\A(?:{limits.pattern})\z"), f"does not match {limits.pattern}"))
    length = text.str.len_chars()
    if limits.max_length is not None:
        rules.append(Rule(length <= limits.max_length, f"longer than {limits.max_length} characters"))
    if limits.min_length is not None:
        rules.append(Rule(length >= limits.min_length, f"shorter than {limits.min_length} characters"))
    return rules + _bound_rules(field, text, day)


def _bound_rules(field: TableField, text: pl.Expr, day: Day) -> list[Rule]:
    limits, number = field.constraints, _ordered(field, text, day)
    rules: list[Rule] = []
    if limits.minimum is not None:
        rules.append(Rule(number >= _bound(field, limits.minimum, ROUND_CEILING), f"less than {limits.minimum}"))
    if limits.maximum is not None:
        rules.append(Rule(number <= _bound(field, limits.maximum, ROUND_FLOOR), f"greater than {limits.maximum}"))
    if limits.exclusive_minimum is not None:
        bound = limits.exclusive_minimum
        rules.append(Rule(number > _bound(field, bound, ROUND_FLOOR), f"not greater than {bound}"))
    if limits.exclusive_maximum is not None:
        bound = limits.exclusive_maximum
        rules.append(Rule(number < _bound(field, bound, ROUND_CEILING), f"not less than {bound}"))
    return rules


def _ordered(field: TableField, text: pl.Expr, day: Day) -> pl.Expr:
    """The text as something that can be compared with a bound."""
    if field.type == "integer":
        return _plain_number(field, text).cast(pl.Int64, strict=False)
    if field.type == "number":
        return _plain_number(field, text).cast(_EXACT, strict=False)
    if field.type == "date":
        return _date(field, text)
    return _instant(text, day)


def _bound(field: TableField, bound: object, whole: str) -> pl.Expr:
    """A bound as a literal. Whole numbers are compared as such: at least 0.5 is at least 1."""
    if field.type == "integer":
        return pl.lit(int(Decimal(str(bound)).to_integral_value(whole)))
    if field.type == "number":
        return pl.lit(Decimal(str(bound)), dtype=_EXACT)
    if field.type == "date":
        return pl.lit(bound if isinstance(bound, dt.date) else dt.date.fromisoformat(str(bound)))
    instant = dt.datetime.fromisoformat(str(bound))
    return pl.lit(instant if instant.tzinfo else instant.replace(tzinfo=dt.UTC))


def _in_enum(field: TableField, text: pl.Expr, allowed: list[str]) -> pl.Expr:
    """Numbers are compared as numbers: 1.0 is in the enum [1]."""
    if field.type not in ("integer", "number"):
        return text.is_in(allowed)
    number = counted(field, text)
    return pl.any_horizontal([number == pl.lit(Decimal(value), dtype=_EXACT) for value in allowed])


def _type_rule(field: TableField, text: pl.Expr) -> Rule:
    if field.type == "date":
        return Rule(_date(field, text).is_not_null(), f"not a date written as {' or '.join(_date_formats(field))}")
    if field.type == "datetime":
        holds = text.str.contains(_INSTANT) & text.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False).is_not_null()
        return Rule(holds, "not a date with time written as 2024-01-31T08:30:00+08:00")
    if field.type == "boolean":
        both = [*field.true_values, *field.false_values]
        return Rule(text.is_in(both), f"not one of {', '.join(both)}")
    if field.type == "integer":
        digits = _plain_number(field, text)
        holds = digits.str.contains(r"\A-?[0-9]+\z") & digits.cast(pl.Int64, strict=False).is_not_null()
        message = "not a whole number"
    else:
        # Only digits, one decimal character and a sign: no NaN, Infinity, 1e5, 0x1F or 1_000.
        point = re.escape(field.decimal_char)
        holds = _ungrouped(field, text).str.contains(rf"\A-?(?:[0-9]+(?:{point}[0-9]*)?|{point}[0-9]+)\z")
        message = f"not a number with decimals after '{field.decimal_char}'"
    if field.group_char is not None:
        holds = holds & _grouping_holds(field, text)
    return Rule(holds, message)


# ── numbers ──────────────────────────────────────────────────────────────────────────────────────────────


def _bare(field: TableField, text: pl.Expr) -> pl.Expr:
    return text if field.bare_number else text.str.strip_chars(CURRENCY_SIGNS)


def _ungrouped(field: TableField, text: pl.Expr) -> pl.Expr:
    bare = _bare(field, text)
    return bare if field.group_char is None else bare.str.replace_all(field.group_char, "", literal=True)


def _plain_number(field: TableField, text: pl.Expr) -> pl.Expr:
    """A number that keeps its type's rule, as PostgreSQL writes numbers: no sign of a unit, no groups, a point."""
    plain = _ungrouped(field, text)
    if field.decimal_char == ".":
        return plain
    # A point is no decimal here: make it something that no number holds.
    return plain.str.replace_all(".", "x", literal=True).str.replace_all(field.decimal_char, ".", literal=True)


def _grouping_holds(field: TableField, text: pl.Expr) -> pl.Expr:
    group, point = re.escape(field.group_char or ""), re.escape(field.decimal_char)
    grouped = rf"\A-?([0-9]{{1,3}}({group}[0-9]{{3}})+|[0-9]*)({point}[0-9]*)?\z"
    return _bare(field, text).str.contains(grouped)


def _fitted_number(field: TableField, text: pl.Expr, target: EntityField) -> tuple[pl.Expr, list[Rule]]:
    """The number in our unit, and the rules of what the canonical field can hold without rounding it."""
    plain, shift = _plain_number(field, text), UNIT_SHIFT[field.arrears.unit]
    largest, decimals = LARGEST[target.kind], DECIMALS[target.kind]
    most = Decimal(largest).scaleb(shift)  # in the file's unit
    if field.type == "integer":
        within = plain.cast(pl.Int64, strict=False).is_between(-int(most), int(most))
    else:
        # What has too many digits for the type is too large, or has too many decimals and is caught by the next rule.
        number = plain.cast(_EXACT, strict=False)
        limit = pl.lit(most, dtype=_EXACT)
        within = (number <= limit) & (number >= -limit)
    rules = [Rule(within, f"larger than {largest}")]
    if field.type != "integer" or decimals < shift:
        holds = _decimals_hold(plain, decimals - shift)
        rules.append(Rule(holds, f"more than {decimals} decimals"))
    if target.kind is Kind.INTEGER and shift < 0:
        return exact(field, text).cast(pl.Int64, strict=False).cast(pl.String), rules
    if target.kind is Kind.INTEGER:
        whole = plain.str.extract(r"\A(-?[0-9]*)").cast(pl.Int64, strict=False).fill_null(0)  # .0 is 0
        return pl.when(text.is_not_null()).then((whole // 10**shift).cast(pl.String)), rules
    return (pl.concat_str(plain, pl.lit(f"e{-shift}")) if shift else plain), rules


def _plain_amount(
    field: TableField, text: pl.Expr, target: EntityField | None, values: dict[str, str] | None
) -> pl.Expr | None:
    """Whether a text is plainly a good number: digits, few enough for any field, and well above its lower bound."""
    limits = field.constraints
    others = (limits.enum, limits.pattern, limits.min_length, limits.max_length, limits.maximum)
    exclusive = (limits.exclusive_minimum, limits.exclusive_maximum)
    if field.type not in ("integer", "number") or target is None or target.kind not in LARGEST or values is not None:
        return None
    if any(limit is not None for limit in (*others, *exclusive)) or field.arrears.pii is not None:
        return None
    shift = UNIT_SHIFT[field.arrears.unit]
    decimals, digits = DECIMALS[target.kind] - shift, len(str(LARGEST[target.kind])) - 1 + min(shift, 0)
    if decimals < 0 or digits < 1 or field.group_char is not None or not field.bare_number:
        return None
    point = re.escape(field.decimal_char)
    fraction = rf"(?:{point}[0-9]{{1,{decimals}}})?" if field.type == "number" and decimals else ""
    digits_only = text.str.contains(rf"\A[0-9]{{1,{digits}}}{fraction}\z")
    if limits.minimum is None or Decimal(str(limits.minimum)) <= 0:
        return digits_only
    if field.type == "integer":
        return digits_only & (text.cast(pl.Int64, strict=False) >= _bound(field, limits.minimum, ROUND_CEILING))
    # Rounding keeps the order, so what is larger as a binary fraction is larger.
    return digits_only & (_plain_number(field, text).cast(pl.Float64, strict=False) > float(str(limits.minimum)))


def _decimals_hold(plain: pl.Expr, allowed: int) -> pl.Expr:
    """Whether a number has no more decimals than allowed, zeros at the end aside; below zero: whole tens, hundreds …"""
    if allowed >= 0:
        return plain.str.contains(rf"\A[^.]*(\.[0-9]{{0,{allowed}}}0*)?\z")
    return plain.str.contains(rf"\A-?(0*|[0-9]*0{{{-allowed}}})(\.0*)?\z")


# ── dates ────────────────────────────────────────────────────────────────────────────────────────────────


def _date_formats(field: TableField) -> list[str]:
    formats = field.arrears.formats or [field.format]
    return ["%Y-%m-%d" if pattern in ("default", "any") else pattern for pattern in formats]


def _date(field: TableField, text: pl.Expr) -> pl.Expr:
    """The date, in whichever of the column's formats; null where it is none. A month without a day is its first day."""
    found = [_date_written_as(pattern, text) for pattern in _date_formats(field)]
    return found[0] if len(found) == 1 else pl.coalesce(found)


def _date_written_as(pattern: str, text: pl.Expr) -> pl.Expr:
    order, literals = _date_parts(pattern)
    # %Y-%m-%d and %Y%m%d have all their zeros; other ways of writing may leave leading ones out.
    short = "{2}" if pattern in ("%Y-%m-%d", "%Y%m%d") else "{1,2}"
    digits = ["[0-9]{4}" if letter == "Y" else f"[0-9]{short}" for letter in order]
    shape = "".join(re.escape(lit) + part for lit, part in zip(literals, [*digits, ""], strict=True))
    whole = text if "d" in order else pl.concat_str(pl.lit("01/"), text)
    read = whole.str.to_date(pattern if "d" in order else f"%d/{pattern}", strict=False)
    return pl.when(text.str.contains(rf"\A{shape}\z")).then(read)


def _date_parts(pattern: str) -> tuple[list[str], list[str]]:
    """Directives of a strptime pattern in their order, and the literals before, between and after them."""
    pieces = re.split(r"%([Ymd])", pattern)
    return pieces[1::2], pieces[0::2]


# ── instants ─────────────────────────────────────────────────────────────────────────────────────────────


def _instant(text: pl.Expr, day: Day) -> pl.Expr:
    """An instant that keeps its type's rule, in UTC; without a zone it is on the lender's clock."""
    local, zone = _on_the_clock(text)
    here = local.dt.replace_time_zone(day.timezone, ambiguous="earliest", non_existent="null")
    skipped = local.dt.replace_time_zone("UTC")  # an hour that summer time leaves out
    return (
        pl.when(zone.is_not_null())
        .then((local - _offset(zone)).dt.replace_time_zone("UTC"))
        .otherwise(pl.coalesce(here.dt.convert_time_zone("UTC"), skipped))
    )


def _local_day(text: pl.Expr, day: Day) -> pl.Expr:
    return _instant(text, day).dt.convert_time_zone(day.timezone).dt.date()


def _day_of(field: TableField, text: pl.Expr, day: Day) -> pl.Expr:
    """The date, or the day that an instant falls on where the lender is."""
    return _date(field, text) if field.type == "date" else _local_day(text, day)


def _on_the_clock(text: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """What the clock shows, and the zone as it is written (null: none)."""
    zone = text.str.extract(r"(Z|[+-][0-9]{2}(?::?[0-9]{2})?)\z")
    # The date has its own signs, so the zone is looked for after it.
    zone = pl.when(text.str.slice(10).str.contains(r"[Z+-]")).then(zone)
    clock = text.str.slice(10).str.extract(r"\A[ T]([0-9:.]+)")
    clock = pl.when(clock.str.len_bytes() == 5).then(pl.concat_str(clock, pl.lit(":00"))).otherwise(clock)
    whole = pl.concat_str(text.str.slice(0, 10), pl.lit(" "), clock)
    return whole.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us", strict=False), zone


def _offset(zone: pl.Expr) -> pl.Expr:
    digits = zone.str.slice(1).str.replace(":", "", literal=True)
    hours = digits.str.slice(0, 2).cast(pl.Int32, strict=False).fill_null(0)
    minutes = digits.str.slice(2, 2).cast(pl.Int32, strict=False).fill_null(0)
    east = pl.when(zone.str.starts_with("-")).then(-1).otherwise(1)
    return pl.duration(minutes=east * (hours * 60 + minutes))


# ── texts ────────────────────────────────────────────────────────────────────────────────────────────────


def _text_rules(text: pl.Expr, target: EntityField) -> list[Rule]:
    if target.allowed:
        return [Rule(text.is_in(list(target.allowed)), f"not one of {', '.join(target.allowed)}")]
    rules = []
    if target.longest is not None:
        rules.append(Rule(text.str.len_bytes() <= target.longest, f"longer than {target.longest} bytes"))
    if target.is_word:
        rules.append(Rule(~text.str.contains(PERSONAL), "a person's number or address: are columns shifted?"))
    return rules


def _plain_word(text: pl.Expr) -> pl.Expr:
    """Whether a text is plainly a good word: too short for a person's number, and no error of Excel's."""
    return (text.str.len_bytes() < SHORTEST_PERSONAL) & ~text.str.starts_with("#")


# ── values: scaled, fitted to the canonical field ────────────────────────────────────────────────────────


def _fitted(field: TableField, text: pl.Expr, target: EntityField, day: Day) -> tuple[pl.Expr, list[Rule]]:
    """The value in the canonical unit, and the rules of the canonical field."""
    if target.kind is Kind.TEXT:
        return text, _text_rules(text, target)
    if target.kind is Kind.FLAG:
        return text.is_in(field.true_values).cast(pl.String), []
    if target.kind in LARGEST:
        return _fitted_number(field, text, target)
    on = _day_of(field, text, day)
    rules = [Rule(on >= EARLIEST, f"before {EARLIEST}: a placeholder, not a date")]
    if target.not_future:
        rules.append(Rule(on <= day.business_date, f"after the business date {day.business_date}"))
    if target.kind is Kind.INSTANT and field.type == "datetime":
        return text, rules
    # PostgreSQL reads these two by itself.
    read_as_is = field.type == "date" and _date_formats(field) in (["%Y-%m-%d"], ["%Y%m%d"])
    return (text if read_as_is else on.cast(pl.String)), rules
