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
    """What a column means: the canonical field it fills, its unit, its values, and whether it is personal data."""

    field: str | None = None
    unit: Literal["fen", "percent", "permille"] | None = None
    values: dict[str, str] | None = Field(default=None, min_length=1)
    pii: Literal["hash", "drop"] | None = None


class Constraints(_Standard):
    """Table Schema constraints that the loader checks on every row."""

    required: bool = False
    minimum: str | int | float | dt.date | None = None
    maximum: str | int | float | dt.date | None = None
    enum: list[str | int | float] | None = Field(default=None, min_length=1)
    pattern: str | None = None
    min_length: int | None = Field(default=None, alias="minLength")
    max_length: int | None = Field(default=None, alias="maxLength")


class TableField(_Standard):
    """One column as it arrives."""

    name: str
    type: Literal["string", "number", "integer", "boolean", "date", "datetime"] = "string"
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
    arrears: FieldMapping = FieldMapping()


class TableSchema(_Standard):
    """The columns, in the order of the file."""

    fields: list[TableField] = Field(min_length=1)
    missing_values: list[str] = Field(default=[""], alias="missingValues")
    primary_key: list[str] | str | None = Field(default=None, alias="primaryKey")

    def missing_values_of(self, field: TableField) -> list[str]:
        return self.missing_values if field.missing_values is None else field.missing_values


# ── resources ────────────────────────────────────────────────────────────────────────────────────────────


class Dialect(_Standard):
    """Table Dialect: how a delimited file is written."""

    delimiter: str = Field(default=",", min_length=1, max_length=1)
    quote_char: str | None = Field(default='"', alias="quoteChar", max_length=1)
    double_quote: bool = Field(default=True, alias="doubleQuote")
    header: bool = True


class Trailer(_Ours):
    """The last line of a file: a mark, the number of rows, and the sum of one column as it is written."""

    kind: Literal["trailer"]
    mark: str = Field(min_length=1)
    sum: str | None = None


class Derived(_Ours):
    """A derived value: a column (with its own value map), a constant, or the business date."""

    column: str | None = None
    values: dict[str, str] | None = Field(default=None, min_length=1)
    value: str | None = None
    business_date: Literal[True] | None = None


class Derivation(_Ours):
    """A further entity that the same rows carry."""

    entity: str
    mode: Mode = "append"
    where: dict[str, Annotated[list[str], Field(min_length=1)]] = {}
    fields: dict[str, str | Derived]


class ResourceRules(_Ours):
    """What a file is to us: its entity, how deliveries of it add up, and how we know that it is whole."""

    file: str
    entity: str
    mode: Mode
    required: bool = True
    business_date: str | None = None
    control: Trailer | None = None
    constants: dict[str, str] = {}
    derives: list[Derivation] = []


class Resource(_Standard):
    """One file of a delivery."""

    name: str = Field(pattern=r"^[a-z0-9._-]+$")
    path: str
    format: Literal["csv"] = "csv"
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

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: str | None = None
    arrears: LenderRules
    resources: list[Resource] = Field(min_length=1)
    digest: str = Field(default="", description="SHA-256 of the contract's file")

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
