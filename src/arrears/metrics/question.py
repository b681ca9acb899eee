"""Asking metrics of the published marts, as a reader does."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from psycopg2.extensions import adapt

from arrears.errors import Usage
from arrears.metrics.definitions import Metrics, no_such
from arrears.publish.as_known import go_to
from arrears.publish.mart import AS_KNOWN, MARTS
from arrears.settings import Settings
from arrears.warehouse.connect import connect


@dataclass(frozen=True)
class Question:
    """Which metrics, by what, of which part of the book.

    Attributes:
        by: dimensions to group by: day, month, quarter or year, lender, and those of the metrics' mart.
        where: dimension to value; rows of other values are left out on both sides of a rate.
        first, last: days between which a metric's own day must lie.
        as_known: number of a publication; None: the current one.
    """

    metrics: tuple[str, ...]
    by: tuple[str, ...] = ()
    where: dict[str, str] = field(default_factory=dict)
    first: dt.date | None = None
    last: dt.date | None = None
    as_known: int | None = None


@dataclass(frozen=True)
class Answer:
    """columns: dimensions and metrics in the order asked."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]

    def to_dict(self) -> dict[str, Any]:
        return {"columns": self.columns, "rows": self.rows}


def query(question: Question, *, settings: Settings) -> str:
    """The SELECT that answers a question, over the published views.

    Raises:
        Usage: a metric or dimension of the question does not exist, or they do not go together.
    """
    metrics = Metrics(settings, MARTS if question.as_known is None else AS_KNOWN)
    known = metrics.dimensions(*question.metrics)
    conditions = [_equals(_of(known, name), value) for name, value in question.where.items()]
    conditions += [
        f"{{{{ TimeDimension('metric_time', '{_finest(known)}') }}}} {sign} '{day.isoformat()}'"
        for sign, day in ((">=", question.first), ("<=", question.last))
        if day is not None
    ]
    return metrics.sql(list(question.metrics), [_of(known, name) for name in question.by], conditions)


def ask(question: Question, *, url: str, settings: Settings) -> Answer:
    """Compute metrics from what is published, or from what a publication said.

    Args:
        url: whose rights; BI's are enough.

    Raises:
        Usage: as `query`.
    """
    sql = query(question, settings=settings)
    with connect(url, "metrics") as connection, connection.cursor() as cursor:
        if question.as_known is not None:
            go_to(cursor, question.as_known)
        cursor.execute(sql)
        # MetricFlow prefixes a dimension's column with its mart's entity
        names = [column.name.rpartition("__")[2] for column in cursor.description or ()]
        rows = cursor.fetchall()
    columns = (*question.by, *question.metrics)
    answered = [tuple(_day(row[names.index(name)]) for name in columns) for row in rows]
    # where a metric looks back, every period of the calendar is asked: most of them have nothing to say
    said = [row for row in answered if any(value is not None for value in row[len(question.by) :])]
    return Answer(columns, said)


def _day(value: Any) -> Any:
    """A period is named by its first day; PostgreSQL's date_trunc makes a time of it."""
    return value.date() if isinstance(value, dt.datetime) else value


def _of(known: dict[str, str], name: str) -> str:
    if name not in known:
        raise Usage(no_such("dimension", name, known))
    return known[name]


def _finest(known: dict[str, str]) -> str:
    return next(name for name in known if known[name].startswith("metric_time"))


def _equals(dimension: str, value: str) -> str:
    # the condition is a template as well as SQL: a value may be neither
    if "{" in value or "}" in value:
        raise Usage(f"A value to filter by may hold no braces: {value}")
    what = "Dimension" if "__" in dimension else "Entity"
    return f"cast({{{{ {what}('{dimension}') }}}} as text) = {adapt(value).getquoted().decode()}"
