"""What is on which page: the definitions of dashboards/report, read and held to their form."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from arrears.report.words import Text, read_yaml


class Part(BaseModel):
    """One figure of a page, with a panel for each lender. What the fields are for stands at the head of pages.yaml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["tiles", "table", "lines", "area", "matrix", "bars"]
    query: str
    title: Text
    whole: bool = False
    where: dict[str, Any] = Field(default_factory=dict)
    columns: tuple[str, ...] = ()
    x: str | None = None
    y: tuple[str, ...] | str | None = None
    series: str | None = None
    dashed: str | None = None
    points: bool = False
    floor: bool = Field(default=False, description="y need not begin at 0")
    at_most: float | None = Field(default=None, description="y ends here, or where its values do if that is less")
    rows: str | None = None
    label: str | None = None
    starts_at: str | None = None
    ends_at: str | None = None
    also: tuple[str, ...] = ()
    dated: str | None = Field(default=None, description="a column that says, in the panel's title, of when it is")
    sums: dict[str, Any] = Field(default_factory=dict, description="rows that are sums: column and values")
    nothing: Text | None = Field(default=None, description="what an empty panel says")

    @property
    def ys(self) -> tuple[str, ...]:
        return (self.y,) if isinstance(self.y, str) else self.y or ()


class Page(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    title: Text
    says: Text
    parts: tuple[Part, ...]


class Definition(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    term: Text
    means: Text


def read_pages(path: Path) -> tuple[Page, ...]:
    return TypeAdapter(tuple[Page, ...]).validate_python(read_yaml(path))


def read_definitions(path: Path) -> tuple[Definition, ...]:
    return TypeAdapter(tuple[Definition, ...]).validate_python(read_yaml(path))
