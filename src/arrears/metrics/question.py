"""Asking metrics of the published marts, as a reader does."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from psycopg2.errors import CardinalityViolation, UndefinedTable

from arrears.errors import Usage
from arrears.metrics.definitions import COARSE, GRAINS, Metrics, no_such
from arrears.publish.as_known import go_to
from arrears.publish.mart import AS_KNOWN, MARTS
from arrears.settings import Settings
from arrears.warehouse.connect import connect

LENGTHS = dict(zip(GRAINS, ("1 day", "1 month", "3 months", "1 year"), strict=True))
# more than one row is an error: amounts of several currencies do not add up
ONE_CURRENCY = """(
        select distinct currency from {schema}.dim_lender where data_as_of is not null
    ) is not null"""


@dataclass(frozen=True)
class Question:
    """Which metrics, by what, of which part of the book.

    Attributes:
        by: dimensions to group by: day, month, quarter or year, lender, and those of the metrics' mart. A period is
            named by its last day, as in the marts.
        where: dimension to value; rows of other values are left out on both sides of a rate.
        first, last: days between which a metric's own day must lie; that of a month or quarter is its last.
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

    Of amounts over several lenders it fails where these have several currencies (PostgreSQL's error 21000).

    Raises:
        Usage: a metric or dimension of the question does not exist, or they do not go together.
            Or a metric that looks back is not asked by month: until a longer period is over, months would be held
            against each other that are not so far apart.
    """
    schema = MARTS if question.as_known is None else AS_KNOWN
    metrics = Metrics(settings, schema)
    known = metrics.dimensions(*question.metrics)
    finest = _finest(known)
    own_day = _last_day(f"{{{{ TimeDimension('metric_time', '{finest}') }}}}", finest)
    conditions = [
        f"{own_day} {sign} '{day.isoformat()}'"
        for sign, day in ((">=", question.first), ("<=", question.last))
        if day is not None
    ]
    dimensions = [_of(known, name) for name in dict.fromkeys((*question.by, *question.where))]
    grains = {name.rpartition("__")[2] for name in dimensions}
    if "month" not in grains or grains & {*COARSE}:
        for name in filter(metrics.looks_back, question.metrics):
            raise Usage(f"{name} looks back from month to month: ask it by month.")
    kept = [f"{known[name]} is not null" for name in question.by]
    if not {"lender", "currency"} & {*question.by, *question.where} and any(map(metrics.is_money, question.metrics)):
        kept.append(ONE_CURRENCY.format(schema=schema))
    return _kept(metrics.sql(list(question.metrics), dimensions, conditions), question, known, kept)


def _kept(sql: str, question: Question, known: dict[str, str], conditions: list[str]) -> str:
    """Of an answer by every dimension of the question the rows and columns that are asked for.

    A condition of MetricFlow's own comes before it takes the newest day of a stock: that would be the newest on which
    there is something of the value. Where a metric looks back, every period of the calendar is asked, and of a stock
    every month-end: most of them have nothing to say.
    """
    columns = [*(f"{_told(known[name])} as {name}" for name in question.by), *question.metrics]
    lines = [f"select {', '.join(columns)}", "from (", sql, ") as answered"]
    lines.append(f"where num_nonnulls({', '.join(question.metrics)}) > 0")
    lines += [f"    and {one}" for one in conditions]
    lines += [f"    and {_equals(known[name], value)}" for name, value in question.where.items()]
    if question.by:
        lines.append("order by " + ", ".join(known[name] for name in question.by))
    return "\n".join(lines)


def ask(question: Question, *, url: str, settings: Settings) -> Answer:
    """Compute metrics from what is published, or from what a publication said.

    Args:
        url: whose rights; BI's are enough.

    Raises:
        Usage: as `query`; or nothing has been published yet.
    """
    sql = query(question, settings=settings)
    with connect(url, "metrics") as connection, connection.cursor() as cursor:
        if question.as_known is not None:
            go_to(cursor, question.as_known)
        try:
            cursor.execute(sql)
        except UndefinedTable as found:
            missing = found.diag.message_primary
            raise Usage(f"Nothing of this has been published yet ({missing}): `arrears run --date D`.") from found
        except CardinalityViolation as found:
            raise Usage(
                f"{', '.join(question.metrics)}: the lenders have several currencies, which do not add up. "
                "Ask by lender or currency (`--by currency`), or of one (`--where currency=…`)."
            ) from found
        answered = cursor.fetchall()
    return Answer((*question.by, *question.metrics), answered)


def _of(known: dict[str, str], name: str) -> str:
    if name not in known:
        raise Usage(no_such("dimension", name, known))
    return known[name]


def _finest(known: dict[str, str]) -> str:
    return next(name for name in known if known[name].startswith("metric_time"))


def _equals(column: str, value: str) -> str:
    quoted = value.replace("'", "''")
    return f"cast({_told(column)} as text) = '{quoted}'"


def _told(column: str) -> str:
    """A dimension's value as it is asked for and answered."""
    grain = column.rpartition("__")[2]
    return _last_day(column, grain) if grain in LENGTHS else column


def _last_day(begin: str, grain: str) -> str:
    """The last day of a period, which MetricFlow has by its begin."""
    return f"cast({begin} + interval '{LENGTHS[grain]}' as date) - 1"
