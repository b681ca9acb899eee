"""What the rows of a file say and what is wrong with them: the entities they carry, what each row changes, and the
verdict on every value.

A block is read as columns c1, c2 … (the text as it arrived) and t1, t2 … (without blanks and missing values).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import polars as pl

from arrears.contract.entities import ENTITIES, EntityField, Kind
from arrears.contract.model import Derivation, Derived, Resource, TableField
from arrears.delivery.fault import MASKED, SHOWN_CHARACTERS
from arrears.load.frames import Block
from arrears.load.values import PERSONAL, Day, Value, change_time, cleaned, column, joined, no_error, summed

LINE = pl.col("line_no")
REJECTION = {"line_no": pl.Int64, "column_name": pl.String, "value_masked": pl.String, "rule": pl.String}


@dataclass(frozen=True)
class Judgement:
    """A value to be judged.

    Attributes:
        name: the column, or the columns, that it comes from.
        shown: what a person may see of it.
        value: its rules.
        where: the rows that it matters in; None for all.
        excused: the rows that may leave it out; None for none.
        dates: the column of texts, where it is one of dates.
    """

    name: str
    shown: pl.Expr
    value: Value
    where: pl.Expr | None = None
    excused: pl.Expr | None = None
    dates: str | None = None

    def plainly_holds(self) -> pl.Expr:
        return self.value.plainly_holds()

    def holds(self) -> pl.Expr:
        holds = self.value.holds(self.excused)
        return holds if self.where is None else ~self.where | holds

    def verdict(self) -> pl.Expr:
        verdict = self.value.verdict(self.excused)
        return verdict if self.where is None else pl.when(self.where).then(verdict)


@dataclass(frozen=True)
class Carried:
    """An entity in the rows of a file: the rows that carry it (None: all), and the columns of its raw table."""

    entity: str
    where: pl.Expr | None
    values: dict[str, pl.Expr]


@dataclass(frozen=True)
class Judged:
    """A judged block.

    Attributes:
        rows: how many rows it has.
        entities: per entity the accepted rows that carry it, as PostgreSQL reads them, with `line_no`.
        rejected: line_no, column_name, value_masked, rule: one row for each value that rejects its row.
        rejected_rows: how many rows those are.
        texts: the block itself, with the cleaned texts.
    """

    rows: int
    entities: list[tuple[str, pl.DataFrame]]
    rejected: pl.DataFrame
    rejected_rows: int
    texts: pl.DataFrame


class Judge:
    """Judges the rows of one file.

    Args:
        resource: the file in the contract.
        day: what its values are judged against.

    Attributes:
        fields: its columns by name, in their order.
    """

    def __init__(self, resource: Resource, day: Day) -> None:
        self.resource = resource
        self.day = day
        self.fields = {field.name: field for field in resource.table.columns()}
        self._numbers = {name: number for number, name in enumerate(self.fields, start=1)}
        self._judgements: list[Judgement] = []
        self._deletes: pl.Expr | None = None
        self._changes = self._change()
        own = resource.arrears.entity
        self._own_values = {
            name: self._judged_column(field, own, field.arrears.field) for name, field in self.fields.items()
        }
        self._entities = [self._own(), *(self._derived(derivation) for derivation in resource.arrears.derives)]

    def judge(self, block: Block, *, accept: bool = True) -> Judged:
        """Judge a block. accept: whether the accepted rows are wanted, or only what is wrong with the others."""
        texts = block.frame.with_columns(
            cleaned(field, self.resource.table, pl.col(f"c{number}"), blanks=block.blanks).alias(f"t{number}")
            for number, field in enumerate(self.fields.values(), start=1)
        )
        good, bad = self._parted(texts)
        entities = [(carried.entity, self._rows_of(carried, good)) for carried in self._entities] if accept else []
        rejected = self._rejections(bad)
        return Judged(texts.height, entities, rejected, bad.height, texts)

    def text(self, name: str) -> pl.Expr:
        """The cleaned text of a column."""
        return pl.col(f"t{self._numbers[name]}")

    def is_there(self, name: str) -> pl.Expr:
        """Whether a column has a value, and no error of a workbook."""
        text = self.text(name)
        there = text.is_not_null()
        return there & no_error(self.fields[name], text).holds if self.resource.format == "xlsx" else there

    def own_value(self, name: str) -> Value:
        """A column as the value of what it fills in the file's own entity."""
        return self._own_values[name]

    def _parted(self, texts: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """The rows that break no rule, and those that do. Every rule is asked only where it is not plain."""
        asked = [judgement for judgement in self._judgements if not _holds_for_all(judgement, texts)]
        plainly = _all(texts, [judgement.plainly_holds() for judgement in asked])
        if plainly.all():
            return texts, texts.clear()
        holds = _all(texts.filter(~plainly), [judgement.holds() for judgement in asked])
        good = plainly.to_numpy(writable=True)
        good[~good] = holds.to_numpy()
        kept = pl.Series(good)
        return texts.filter(kept), texts.filter(~kept)

    def _rows_of(self, carried: Carried, good: pl.DataFrame) -> pl.DataFrame:
        rows = good.lazy() if carried.where is None else good.lazy().filter(carried.where)
        return rows.select(LINE, **carried.values).collect()

    def _rejections(self, bad: pl.DataFrame) -> pl.DataFrame:
        if bad.is_empty():
            return pl.DataFrame(schema=REJECTION)
        found = [
            bad.lazy().select(
                LINE, column_name=pl.lit(judgement.name), value_masked=judgement.shown, rule=judgement.verdict()
            )
            for judgement in self._judgements
        ]  # fmt: skip
        whole = pl.concat(found).filter(pl.col("rule").is_not_null())
        return whole.unique(maintain_order=True).sort("line_no", maintain_order=True).collect()

    # ── columns ──────────────────────────────────────────────────────────────────────────────────────────

    def _judged_column(self, field: TableField, entity: str, name: str | None) -> Value:
        target = ENTITIES[entity].fields.get(name or "")
        value = column(field, self.text(field.name), target, self.day)
        if self.resource.format == "xlsx":
            value = replace(value, rules=(no_error(field, value.text), *value.rules))
        self._put([field], value, excused=self._excused(entity, name))
        return value

    def _excused(self, entity: str, name: str | None) -> pl.Expr | None:
        """Rows that delete name what they delete, and need no more."""
        return None if name in ENTITIES[entity].key else self._deletes

    def _change(self) -> dict[str, pl.Expr]:
        """What a row of changes does and when it was done, as columns of the raw table."""
        rules = self.resource.arrears.change
        if rules is None:
            return {}
        op, at = self.fields[rules.op], self.fields[rules.at]
        deleting = [sent for sent, meant in rules.values.items() if meant == "D"]
        self._deletes = self._among(op, deleting)
        required = EntityField(Kind.TEXT, required=True)
        done = column(op, self.text(rules.op), required, self.day, {**rules.values})
        when = change_time(at, self.text(rules.at), self.day)
        self._put([op], done)
        self._put([at], when)
        return {"change_op": done.value, "changed_at": when.value}

    def _among(self, field: TableField, values: list[str]) -> pl.Expr:
        return self.text(field.name).is_in(values).fill_null(False)

    def _put(
        self, parts: list[TableField], value: Value, *, where: pl.Expr | None = None, excused: pl.Expr | None = None
    ) -> None:
        """Put a value on the list of what is judged, unless nothing can be wrong with it."""
        if not value.rules and not value.needed:
            return
        shown: pl.Expr = pl.lit(MASKED)
        if not any(part.arrears.pii for part in parts):
            arrived = [pl.col(f"c{self._numbers[part.name]}") for part in parts]
            shown = pl.concat_str(arrived, separator=" + ", ignore_nulls=True) if len(arrived) > 1 else arrived[0]
            shown = shown.fill_null("")
            # Where columns are shifted a person's number stands in one that has none.
            shown = pl.when(shown.str.contains(PERSONAL)).then(pl.lit(MASKED)).otherwise(shown)
            shown = shown.str.slice(0, SHOWN_CHARACTERS)
        name = " + ".join(part.name for part in parts)
        dates = f"t{self._numbers[name]}" if len(parts) == 1 and parts[0].type == "date" else None
        self._judgements.append(Judgement(name, shown, value, where, excused, dates))

    # ── entities ─────────────────────────────────────────────────────────────────────────────────────────

    def _own(self) -> Carried:
        rules = self.resource.arrears
        values: dict[str, pl.Expr] = {name: pl.lit(value) for name, value in rules.constants.items()}
        for name, field in self.fields.items():
            if field.arrears.field is not None:
                values[field.arrears.field] = self._own_values[name].value
        return self._carried(rules.entity, None, values, changes=rules.mode == "changes")

    def _derived(self, derivation: Derivation) -> Carried:
        where = self._where(derivation)
        values = {}
        for name, source in derivation.fields.items():
            origin = Derived(column=source) if isinstance(source, str) else source
            values[name] = self._derived_value(derivation.entity, name, origin, where)
        return self._carried(derivation.entity, where, values, changes=derivation.mode == "changes")

    def _where(self, derivation: Derivation) -> pl.Expr | None:
        conditions = [self._among(self.fields[name], allowed) for name, allowed in derivation.where.items()]
        if self._deletes is not None and derivation.mode != "changes":
            conditions.append(~self._deletes)
        return pl.all_horizontal(conditions) if conditions else None

    def _derived_value(self, entity: str, name: str, origin: Derived, where: pl.Expr | None) -> pl.Expr:
        """A derived value; it is put on the list of what is judged where rows carry the entity."""
        target, excused = ENTITIES[entity].fields[name], self._excused(entity, name)
        if origin.join is not None:
            value = joined([self.text(part) for part in origin.join], origin.separator, target)
            self._put([self.fields[part] for part in origin.join], value, where=where, excused=excused)
            return value.value
        if origin.plus or origin.minus:
            plus, minus = (
                [(self.fields[part], self.text(part)) for part in side] for side in (origin.plus, origin.minus)
            )
            value = summed(plus, minus, target)
            self._put([field for field, _ in [*plus, *minus]], value, where=where, excused=excused)
            return value.value
        if origin.column is None:
            return self._business_date if origin.business_date else pl.lit(origin.value)
        field = self.fields[origin.column]
        value = column(field, self.text(origin.column), target, self.day, origin.values)
        self._put([field], value, where=where, excused=pl.lit(True) if origin.business_date else excused)
        return value.value.fill_null(self._business_date) if origin.business_date else value.value

    @cached_property
    def _business_date(self) -> pl.Expr:
        return pl.lit(self.day.business_date.isoformat())

    def _carried(self, entity: str, where: pl.Expr | None, values: dict[str, pl.Expr], *, changes: bool) -> Carried:
        complete: dict[str, pl.Expr] = {}
        for name, rule in ENTITIES[entity].fields.items():
            default = pl.lit(rule.default, dtype=pl.String)
            complete[name] = values.get(name, default)
            if name in values and rule.default is not None:
                complete[name] = values[name].fill_null(default)
        return Carried(entity, where, complete | (self._changes if changes else {}))


def _holds_for_all(judgement: Judgement, texts: pl.DataFrame) -> bool:
    """Whether no row breaks the rule, found by asking each date once: a file of payments has few of them."""
    if judgement.dates is None or judgement.excused is not None:
        return False
    different = texts.select(pl.col(judgement.dates).unique())
    return different.height < texts.height // 4 and bool(_all(different, [judgement.value.holds()]).all())


def _all(rows: pl.DataFrame, conditions: list[pl.Expr]) -> pl.Series:
    """Whether a row meets every condition."""
    return rows.lazy().select(met=pl.all_horizontal([pl.lit(True), *conditions])).collect()["met"]
