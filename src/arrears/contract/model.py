"""The shape of a contract: a Data Package (v2) descriptor with our own properties under `arrears:`.

Data Package's own properties are read as that standard defines them, and ones we do not use are left alone.
Under `arrears:` everything is ours, so an unknown property is a typing error and refused.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

Mode = Literal["snapshot", "upsert", "append", "changes"]


class _Standard(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True, populate_by_name=True)


class _Ours(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


def _clock(value: object) -> object:
    # YAML 1.1 readers take 06:00 for a sexagesimal number; a quoted "06:00" is what a contract should hold.
    if isinstance(value, int):
        raise ValueError('write the time in quotes: "06:00"')
    return value


Clock = Annotated[dt.time, BeforeValidator(_clock)]


# ── fields ───────────────────────────────────────────────────────────────────────────────────────────────


class FieldMapping(_Ours):
    """What a column means.

    Attributes:
        field: the canonical field it fills.
        unit: what its numbers count, where that is not the canonical unit: hundredths (fen), thousands or ten thousands
            (wan, 万) of the currency, per cent or per mille of a rate.
        values: what its values mean; any other value rejects the row.
        pii: personal data, hashed or dropped on the way in.
        formats: the ways in which one column writes its dates; its `format` is then `any`.
        parts: the members of an object that we read, one level deep.
    """

    field: str | None = None
    unit: Literal["fen", "thousand", "wan", "percent", "permille"] | None = None
    values: dict[str, str] | None = Field(default=None, min_length=1)
    pii: Literal["hash", "drop"] | None = None
    formats: list[str] | None = Field(default=None, min_length=1)
    parts: list[TableField] | None = Field(default=None, min_length=1)


class Constraints(_Standard):
    """Table Schema constraints that the loader checks, on every row or (`unique`) on the whole file."""

    required: bool = False
    unique: bool = False
    minimum: str | int | float | dt.date | None = None
    maximum: str | int | float | dt.date | None = None
    exclusive_minimum: str | int | float | dt.date | None = Field(default=None, alias="exclusiveMinimum")
    exclusive_maximum: str | int | float | dt.date | None = Field(default=None, alias="exclusiveMaximum")
    enum: list[str | int | float] | None = Field(default=None, min_length=1)
    pattern: str | None = None
    min_length: int | None = Field(default=None, alias="minLength")
    max_length: int | None = Field(default=None, alias="maxLength")


class TableField(_Standard):
    """One column as it arrives."""

    name: str
    type: Literal["string", "number", "integer", "boolean", "date", "datetime", "object"] = "string"
    format: str = "default"
    title: str | None = None
    description: str | None = None
    constraints: Constraints = Constraints()
    decimal_char: str = Field(default=".", alias="decimalChar", min_length=1, max_length=1)
    group_char: str | None = Field(default=None, alias="groupChar", min_length=1, max_length=1)
    bare_number: bool = Field(default=True, alias="bareNumber")
    true_values: list[str] = Field(default=["true", "True", "TRUE", "1"], alias="trueValues", min_length=1)
    false_values: list[str] = Field(default=["false", "False", "FALSE", "0"], alias="falseValues", min_length=1)
    missing_values: list[str] | None = Field(default=None, alias="missingValues")
    arrears: FieldMapping = Field(default_factory=FieldMapping)

    def columns(self) -> list[TableField]:
        """The field itself, or the parts of an object: those of `terms` are `terms.principal` and so on."""
        if self.type != "object":
            return [self]
        parts = self.arrears.parts or []
        return [part.model_copy(update={"name": f"{self.name}.{part.name}"}) for part in parts]


class TableSchema(_Standard):
    """The fields, in the order of the file."""

    fields: list[TableField] = Field(min_length=1)
    missing_values: list[str] = Field(default=[""], alias="missingValues")
    primary_key: list[str] | str | None = Field(default=None, alias="primaryKey")
    unique_keys: list[Annotated[list[str], Field(min_length=1)]] = Field(default=[], alias="uniqueKeys")

    def columns(self) -> list[TableField]:
        """What a row brings, objects taken apart: one column each, in this order."""
        return [column for field in self.fields for column in field.columns()]

    def keys(self) -> list[list[str]]:
        """The primary key, if there is one, and all that else may stand in a file only once."""
        key = self.primary_key
        keys = [[key]] if isinstance(key, str) else [key] if key else []
        unique = [[column.name] for column in self.columns() if column.constraints.unique]
        return [list(names) for names in dict.fromkeys(map(tuple, [*keys, *unique, *self.unique_keys]))]

    def missing_values_of(self, field: TableField) -> list[str]:
        return self.missing_values if field.missing_values is None else field.missing_values


# ── resources ────────────────────────────────────────────────────────────────────────────────────────────


class Dialect(_Standard):
    """Table Dialect: how a delimited file is written, or where in a workbook the table stands."""

    delimiter: str = Field(default=",", min_length=1, max_length=1)
    quote_char: str | None = Field(default='"', alias="quoteChar", max_length=1)
    double_quote: bool = Field(default=True, alias="doubleQuote")
    header: bool = True
    header_rows: list[int] | None = Field(default=None, alias="headerRows")
    sheet_name: str | None = Field(default=None, alias="sheetName", min_length=1)


class Trailer(_Ours):
    """The last line of a file: a mark, the number of rows, and the sum of one column as it is written."""

    kind: Literal["trailer"]
    mark: str = Field(min_length=1)
    sum: str | None = None


class Manifest(_Ours):
    """A JSON file beside the data that lists every file; all but `file` are the keys it uses.

    Attributes:
        file: path pattern, as that of a resource.
        list: where the list of files stands; in each of its entries `name`, `rows` and `sha256`.
        business_date: where the business date stands, beside the list.
    """

    kind: Literal["manifest"]
    file: str
    list: str = "files"
    name: str = "name"
    rows: str = "rows"
    sha256: str = "sha256"
    business_date: str = "business_date"


class OkFile(_Ours):
    """A file, empty or not, that a lender writes once the others are whole."""

    kind: Literal["ok"]
    file: str


Control = Annotated[Trailer | Manifest | OkFile, Field(discriminator="kind")]


class Change(_Ours):
    """Where a file of changes says what each row does and when it was done.

    Attributes:
        op: the column of the operation; `values` says which of its values insert, update and delete.
        at: the column of the time of the change: of two changes of a row, the later one holds.
    """

    op: str
    at: str
    values: dict[str, Literal["I", "U", "D"]] = Field(default={"I": "I", "U": "U", "D": "D"}, min_length=1)


class Derived(_Ours):
    """A derived value, from exactly one source.

    Attributes:
        column: a column, with its own value map if `values` is given. With `business_date`, that date where the
            column is empty.
        value: a constant.
        business_date: the business date.
        join: texts put together with `separator` between them; empty where one of them is.
        plus, minus: numbers added and taken off, in canonical units; an empty one is 0, and all empty give nothing.
    """

    column: str | None = None
    values: dict[str, str] | None = Field(default=None, min_length=1)
    value: str | None = None
    business_date: Literal[True] | None = None
    join: list[str] | None = Field(default=None, min_length=2)
    separator: str = "-"
    plus: list[str] = []
    minus: list[str] = []


class Derivation(_Ours):
    """A further entity that the same rows carry.

    Attributes:
        cumulative: payments whose amounts are what has been paid on the instalment up to the business date.
    """

    entity: str
    mode: Mode = "append"
    cumulative: bool = False
    where: dict[str, Annotated[list[str], Field(min_length=1)]] = {}
    fields: dict[str, str | Derived]


class ResourceRules(_Ours):
    """What a file is to us: its entity, how deliveries of it add up, and how we know that it is whole.

    Attributes:
        least_rows: a file with fewer refuses its delivery.
    """

    file: str
    entity: str
    mode: Mode
    required: bool = True
    business_date: str | None = None
    control: Control | None = None
    least_rows: int = Field(default=0, ge=0)
    change: Change | None = None
    constants: dict[str, str] = {}
    derives: list[Derivation] = []


class Resource(_Standard):
    """One file of a delivery."""

    name: str = Field(pattern=r"^[a-z0-9._-]+$")
    path: str
    format: Literal["csv", "jsonl", "xlsx", "parquet"] = "csv"
    encoding: str = "utf-8"
    dialect: Dialect = Dialect()
    table: TableSchema = Field(alias="schema")
    arrears: ResourceRules


# ── the package ──────────────────────────────────────────────────────────────────────────────────────────


class Names(_Ours):
    en: str
    zh: str | None = None


class DeliveryRules(_Ours):
    """Where a day's files lie, and when they are due. Times are local, on the day after the business date."""

    folder: str = "{date:%Y-%m-%d}"
    cutoff: Clock = dt.time(0, 0)
    deadline: Clock = dt.time(6, 0)


class ProductConvention(_Ours):
    product: str | None = None
    convention: str
    value: str
    effective_from: dt.date | None = None


class Limits(_Ours):
    """Past these a delivery is refused whole.

    Attributes:
        rejected_share: largest share of a file's rows that may be rejected, 0 to 1.
        fall_in_rows: largest fall in a snapshot's rows against the delivery before, 0 to 1.
        rise_in_rows: largest rise in the same, as a multiple of the delivery before.
    """

    rejected_share: float = Field(default=0.01, ge=0, le=1)
    fall_in_rows: float = Field(default=0.5, ge=0, le=1)
    rise_in_rows: float = Field(default=5.0, ge=1)


class LenderRules(_Ours):
    """The lender itself."""

    effective_from: dt.date
    names: Names
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    timezone: str
    calendar: Literal["daily", "month_end"] = "daily"
    delivery: DeliveryRules = DeliveryRules()
    conventions: dict[str, str | int | float] = {}
    product_conventions: list[ProductConvention] = []
    limits: Limits = Limits()


class Contract(_Standard):
    """One lender's contract, in force from `arrears.effective_from`."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)  # a part of names that PostgreSQL cuts at 63
    title: str | None = None
    arrears: LenderRules
    resources: list[Resource] = Field(min_length=1)
    digest: str = Field(default="", description="SHA-256 of the contract's file")
    effective_dates: tuple[dt.date, ...] = Field(
        default=(), description="from when each of the lender's contracts holds"
    )

    @property
    def lender(self) -> str:
        return self.name

    def entity_modes(self) -> dict[str, Mode]:
        """How each entity is delivered, over all files."""
        modes: dict[str, Mode] = {}
        for resource in self.resources:
            modes[resource.arrears.entity] = resource.arrears.mode
            for derivation in resource.arrears.derives:
                modes[derivation.entity] = derivation.mode
        return modes

    def cumulative_entities(self) -> set[str]:
        """The entities that are delivered as running totals."""
        return {
            derivation.entity
            for resource in self.resources
            for derivation in resource.arrears.derives
            if derivation.cumulative
        }
