"""The stage: one file copied as text into an unlogged table, judged row by row, and inserted into raw.

The table lives for the length of the loading transaction: it is dropped before the commit, and rolled back with
everything else if the process dies.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

import psycopg2
from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable, Composed, Identifier, Literal

from arrears.contract.entities import ENTITIES, EntityField
from arrears.contract.model import Derivation, Resource, TableField
from arrears.contract.model import Derived as DerivedValue
from arrears.delivery.fault import MASKED, SHOWN_CHARACTERS, Fault
from arrears.delivery.files import DeliveryFile
from arrears.delivery.text import BrokenFile, TextStream
from arrears.load.columns import Column, cleaned, column, is_needed, readable
from arrears.warehouse.connect import first, one

# Characters that no text file holds: they stand for "no quote character" and "no null marker" in COPY.
NO_QUOTE, NO_NULL = "\x08", "\x02"
WRONG_SHAPE = "22P04"  # SQLSTATE bad_copy_file_format
FAULTS_SHOWN = 1000


@dataclass(frozen=True)
class Source:
    """Whose rows these are: what every raw row carries."""

    lender: str
    business_date: dt.date
    delivery_id: int
    file_id: int


@dataclass(frozen=True)
class Derived:
    """A further entity in the rows of a file: which rows carry it, its values, and the columns they come from."""

    entity: str
    where: Composable
    values: dict[str, Composable]
    columns: tuple[Column, ...]


class Stage:
    """One file in the stage."""

    def __init__(
        self, cursor: Cursor, file: DeliveryFile, business_date: dt.date, delivery_id: int, number: int
    ) -> None:
        self.cursor = cursor
        self.file = file
        self.business_date = business_date
        self.resource: Resource = file.resource
        # A name of the delivery's own: two lenders' loads would else wait for each other's table to go.
        self.table = Identifier("raw", f"stage_{delivery_id}_{number}")
        self.rows = 0
        self.header_lines = 1 if self.resource.dialect.header else 0
        entity = ENTITIES[self.resource.arrears.entity]
        self.columns = {
            field.name: self._column(field, entity.fields.get(field.arrears.field or ""))
            for field in self.resource.table.fields
        }
        self.derivations = [self._derivation(derivation) for derivation in self.resource.arrears.derives]

    def _number_of(self, field: TableField) -> int:
        return 1 + self.resource.table.fields.index(field)

    def _column(self, field: TableField, target: EntityField | None, values: dict[str, str] | None = None) -> Column:
        text = SQL("s.{}").format(Identifier(f"t{self._number_of(field)}"))
        return column(field, text, target, self.business_date, values)

    def _rows(self) -> Composed:
        """The stage with every text cleaned once (t1, t2 …) beside what arrived (c1, c2 …)."""
        schema = self.resource.table
        texts = [
            SQL("{} as {}").format(cleaned(field, schema, Identifier(f"c{number}")), Identifier(f"t{number}"))
            for number, field in enumerate(schema.fields, start=1)
        ]
        # offset 0 keeps the planner from pulling the expressions up and repeating them at every use
        return SQL("(select *, {} from {} offset 0) as s").format(SQL(", ").join(texts), self.table)

    def _derivation(self, derivation: Derivation) -> Derived:
        conditions = [
            SQL("coalesce({} in ({}), false)").format(self.columns[name].text, SQL(", ").join(map(Literal, allowed)))
            for name, allowed in derivation.where.items()
        ]
        where = SQL("({})").format(SQL(" and ").join(conditions)) if conditions else SQL("true")
        values: dict[str, Composable] = {}
        columns: list[Column] = []
        for name, origin in derivation.fields.items():
            target = ENTITIES[derivation.entity].fields[name]
            source = DerivedValue(column=origin) if isinstance(origin, str) else origin
            if source.column is None:
                constant = self.business_date if source.business_date else source.value
                values[name] = SQL("cast({} as {})").format(Literal(constant), SQL(target.kind.value))
                continue
            field = next(field for field in self.resource.table.fields if field.name == source.column)
            columns.append(self._column(field, target, source.values))
            values[name] = columns[-1].value
        return Derived(derivation.entity, where, values, tuple(columns))

    # ── copy ─────────────────────────────────────────────────────────────────────────────────────────────

    def copy(self, stream: TextStream) -> None:
        """Copy the file's rows as text. Raises BrokenFile when the file cannot be read to its end."""
        names = [Identifier(f"c{number + 1}") for number in range(len(self.resource.table.fields))]
        texts = SQL(", ").join(SQL("{} text").format(name) for name in names)
        self.cursor.execute(
            SQL("create unlogged table {} (line_no bigint generated always as identity (cache 1000), {})").format(
                self.table, texts
            )
        )
        dialect = self.resource.dialect
        copy = SQL(
            "copy {} ({}) from stdin with (format csv, delimiter {}, quote {}, null {}, encoding 'UTF8')"
        ).format(
            self.table, SQL(", ").join(names), Literal(dialect.delimiter),
            Literal(dialect.quote_char or NO_QUOTE), Literal(NO_NULL),
        )  # fmt: skip
        try:
            self.cursor.copy_expert(copy.as_string(self.cursor), stream)
        except psycopg2.DataError as error:
            raise BrokenFile(self._copy_fault(error)) from error
        except psycopg2.errors.QueryCanceled:
            # psycopg2 reports an exception of the stream as a cancelled COPY; the cause is what we want to show.
            if stream.broken is not None:
                raise stream.broken from None
            raise
        self.rows = self.cursor.rowcount

    def _copy_fault(self, error: psycopg2.DataError) -> Fault:
        message = re.sub(r'"c(\d+)"', self._named, (error.diag.message_primary or str(error)).strip())
        place = re.search(r"line (\d+)", error.diag.context or "")
        if error.pgcode == WRONG_SHAPE:
            message += f"; the header has {len(self.resource.table.fields)} columns"
        return Fault(
            self.file.path,
            message,
            line=int(place.group(1)) + self.header_lines if place else None,
        )

    def _named(self, match: re.Match[str]) -> str:
        fields = self.resource.table.fields
        number = int(match.group(1)) - 1
        return f"'{fields[number].name}'" if number < len(fields) else match.group(0)

    # ── faults of the whole file ─────────────────────────────────────────────────────────────────────────

    def control_faults(self, stream: TextStream) -> Iterator[Fault]:
        """Where the trailer disagrees with the number of rows or with the sum."""
        control, trailer = self.resource.arrears.control, stream.trailer
        if control is None or trailer is None:
            return
        counted = trailer.rows.isascii() and trailer.rows.isdigit()
        if not counted or int(trailer.rows) != self.rows:
            yield Fault(self.file.path, f"the trailer says {trailer.rows} rows, the file has {self.rows}")
        if control.sum is not None:
            total, unreadable = self._total(control.sum)
            # A value that cannot be read is rejected with its row; the sum then proves nothing either way.
            if not unreadable and self._claimed(control.sum, trailer.total or "") != total:
                rule = f"the trailer says that {control.sum} sums to {trailer.total}, the rows sum to {total}"
                yield Fault(self.file.path, rule, column=control.sum)

    def _total(self, name: str) -> tuple[Decimal, int]:
        """Sum of a column in the file's own unit, and the number of rows in which it cannot be read."""
        item = self.columns[name]
        value, holds = readable(item.field, item.text)
        query = SQL(
            "select coalesce(sum(case when {holds} then {value} end), 0), count(*) filter (where not {holds}) "
            "from {rows}"
        ).format(value=value, holds=holds, rows=self._rows())
        total, unreadable = one(self.cursor, query)
        return total, unreadable

    def _claimed(self, name: str, total: str) -> Decimal | None:
        """The trailer's sum, written as the column writes its numbers; None when it is not such a number."""
        value, holds = readable(self.columns[name].field, SQL("s.total"))
        # offset 0: else the planner casts the literal while it plans, whatever the condition says
        query = SQL("select case when {} then {} end from (select cast({} as text) as total offset 0) as s")
        claimed: Decimal | None = one(self.cursor, query.format(holds, value, Literal(total)))[0]
        return claimed

    def date_faults(self) -> Iterator[Fault]:
        """Rows of another business date than the delivery's: yesterday's file, sent again under today's name."""
        name = self.resource.arrears.business_date
        if name is None:
            return
        staged = self.columns[name]
        query = SQL(
            "select s.line_no, count(*) over (), {text} from {rows} "
            "where case when {verdict} is null then {value} is distinct from {day} else false end "
            "order by s.line_no limit 1"
        ).format(
            text=staged.text, rows=self._rows(), value=staged.value, verdict=staged.verdict,
            day=Literal(self.business_date),
        )  # fmt: skip
        found = first(self.cursor, query)
        if found is not None:
            line, count, value = found
            rule = f"{count} rows are not of the business date {self.business_date}"
            yield Fault(self.file.path, rule, line=line + self.header_lines, column=name, value=value)

    def duplicate_faults(self) -> Iterator[Fault]:
        """Keys that stand in the file more than once."""
        if self.resource.arrears.mode == "changes":
            return  # a key may be inserted, updated and deleted within one day
        key = self.resource.table.primary_key
        names = [key] if isinstance(key, str) else key or self._entity_key()
        if not names:
            return
        parts = SQL(", ").join(self._key_part(self.columns[name]) for name in names)
        self.cursor.execute(
            SQL(
                "select array_agg(s.line_no order by s.line_no), count(*) over () from {} where {} "
                "group by {} having count(*) > 1 order by min(s.line_no) limit 20"
            ).format(self._rows(), self._has_key(names), parts)
        )
        for lines, count in self.cursor.fetchall():
            shown = ", ".join(str(line + self.header_lines) for line in lines[:5])
            yield Fault(
                self.file.path,
                f"the same key on lines {shown} ({count} keys stand more than once)",
                line=lines[1] + self.header_lines, column=" + ".join(names),
            )  # fmt: skip

    def _key_part(self, item: Column) -> Composable:
        """What makes keys the same: 1 and 01 are one instalment. A value that cannot be read is its text."""
        if item.field.type == "string" and item.field.arrears.values is None:
            return item.text
        typed = SQL("cast({} as text)").format(item.value)
        return SQL("case when {} is null then {} else {} end").format(item.verdict, typed, item.text)

    def _has_key(self, names: list[str]) -> Composable:
        """Rows without a key value that is needed are rejected for it, and are nobody's duplicates."""
        entity = ENTITIES[self.resource.arrears.entity]
        needed = [
            SQL("{} is not null").format(item.text)
            for item in (self.columns[name] for name in names)
            if is_needed(item.field, entity.fields.get(item.field.arrears.field or "")) or len(names) == 1
        ]
        return SQL("({})").format(SQL(" and ").join(needed)) if needed else SQL("true")

    def _entity_key(self) -> list[str]:
        """The columns that carry the entity's key; none where not even its first part comes in a column."""
        carried = {field.arrears.field: field.name for field in self.resource.table.fields if field.arrears.field}
        key = ENTITIES[self.resource.arrears.entity].key
        return [carried[name] for name in key if name in carried] if key[0] in carried else []

    # ── rows ─────────────────────────────────────────────────────────────────────────────────────────────

    def _judged(self) -> list[tuple[Column, Composable]]:
        """Every column with its verdict; that of a derived entity counts where a row carries that entity."""
        judged = [(item, item.verdict) for item in self.columns.values()]
        for derived in self.derivations:
            for item in derived.columns:
                verdict = SQL("case when {} then {} end").format(derived.where, item.verdict)
                if item.verdict != self.columns[item.field.name].verdict:
                    judged.append((item, verdict))
        return judged

    def reject(self, source: Source) -> int:
        """Write one `ops.rejected_row` per value that breaks a rule. Returns the number of rows rejected."""
        judged = self._judged()
        verdicts = SQL(", ").join(
            SQL("({}, {}, {})").format(Literal(item.field.name), self._shown(item), verdict) for item, verdict in judged
        )
        self.cursor.execute(
            SQL(
                "insert into ops.rejected_row (delivery_id, file_id, line_no, column_name, value_masked, rule) "
                "select distinct {delivery}, {file}, s.line_no + {header}, v.column_name, left(v.value, {shown}), "
                "v.rule from {rows} cross join lateral (values {verdicts}) as v (column_name, value, rule) "
                "where coalesce({any}) is not null and v.rule is not null"
            ).format(
                delivery=Literal(source.delivery_id), file=Literal(source.file_id), header=Literal(self.header_lines),
                shown=Literal(SHOWN_CHARACTERS), rows=self._rows(), verdicts=verdicts,
                any=SQL(", ").join(verdict for _, verdict in judged),
            )
        )  # fmt: skip
        counted = "select count(distinct line_no) from ops.rejected_row where delivery_id = %s and file_id = %s"
        return int(one(self.cursor, counted, [source.delivery_id, source.file_id])[0])

    def _shown(self, item: Column) -> Composable:
        """The value as it arrived; personal data is not shown."""
        if item.field.arrears.pii:
            return Literal(MASKED)
        return SQL("s.{}").format(Identifier(f"c{self._number_of(item.field)}"))

    def rejected(self, source: Source) -> list[Fault]:
        """The rejected rows as faults, in the order of the file, the first thousand."""
        self.cursor.execute(
            "select line_no, column_name, value_masked, rule from ops.rejected_row "
            "where delivery_id = %s and file_id = %s order by line_no, column_name limit %s",
            [source.delivery_id, source.file_id, FAULTS_SHOWN],
        )
        return [
            Fault(self.file.path, rule, line=line, column=name, value=value, refuses=False)
            for line, name, value, rule in self.cursor.fetchall()
        ]

    def insert(self, source: Source, rejected: int) -> None:
        """Insert the accepted rows into raw: the file's own entity, then those derived from it."""
        rules = self.resource.arrears
        entity = ENTITIES[rules.entity]
        values: dict[str, Composable] = {
            name: SQL("cast({} as {})").format(Literal(value), SQL(entity.fields[name].kind.value))
            for name, value in rules.constants.items()
        }
        for item in self.columns.values():
            target = item.field.arrears.field
            if target is not None:
                values[target] = item.value
        self._insert(source, rules.entity, values, SQL("true"), rejected)
        for derived in self.derivations:
            self._insert(source, derived.entity, derived.values, derived.where, rejected)

    def _insert(
        self, source: Source, entity: str, values: dict[str, Composable], where: Composable, rejected: int
    ) -> None:
        fields = ENTITIES[entity].fields
        complete = {
            name: SQL("coalesce({}, {})").format(values[name], SQL(rule.default))
            if rule.default is not None and name in values
            else values.get(name, SQL(rule.default or "null"))
            for name, rule in fields.items()
        }
        accepted: Composable = SQL("true")
        if rejected:
            accepted = SQL(
                "not exists (select from ops.rejected_row as r where r.delivery_id = {} and r.file_id = {} "
                "and r.line_no = s.line_no + {})"
            ).format(Literal(source.delivery_id), Literal(source.file_id), Literal(self.header_lines))
        self.cursor.execute(
            SQL(
                "insert into {target} (lender, business_date, delivery_id, file_id, line_no, {names}) "
                "select {lender}, {day}, {delivery}, {file}, s.line_no + {header}, {values} "
                "from {rows} where {where} and {accepted}"
            ).format(
                target=Identifier("raw", entity), names=SQL(", ").join(map(Identifier, complete)),
                lender=Literal(source.lender), day=Literal(source.business_date),
                delivery=Literal(source.delivery_id), file=Literal(source.file_id),
                header=Literal(self.header_lines), values=SQL(", ").join(complete.values()),
                rows=self._rows(), where=where, accepted=accepted,
            )
        )  # fmt: skip

    def drop(self) -> None:
        self.cursor.execute(SQL("drop table {}").format(self.table))
