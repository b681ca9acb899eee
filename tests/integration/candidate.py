"""A candidate written by hand, as the builder and the gate would leave it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field

from arrears.publish import PublishResult, publish
from arrears.settings import Role

from ..conftest import Warehouse

FEBRUARY, MARCH = dt.date(2024, 2, 29), dt.date(2024, 3, 31)
COLUMNS = "lender text not null, month_end date not null, loans bigint, rate numeric(9,6)"


@dataclass
class Candidate:
    """A candidate of two marts: one of history by month, and the lenders."""

    warehouse: Warehouse
    columns: str = COLUMNS
    builds: list[int] = field(default_factory=list)

    def build(
        self,
        rows: Iterable[tuple[object, ...]],
        day: dt.date = MARCH,
        *,
        gate: str = "pass",
        as_of: dt.date | None = None,
    ) -> int:
        """Write a candidate as the builder does, and judge it as the gate does. Returns the build's number."""
        run = self.warehouse.rows
        run("drop table if exists candidate.mart_x, candidate.dim_lender cascade", role=Role.BUILDER)
        run(f"create table candidate.mart_x ({self.columns}, primary key (lender, month_end))", role=Role.BUILDER)
        run("comment on column candidate.mart_x.loans is 'Loans (贷款笔数)'", role=Role.BUILDER)
        run(
            "create table candidate.dim_lender (lender text primary key, data_as_of date, is_stale boolean)",
            role=Role.BUILDER,
        )
        for row in rows:
            run(f"insert into candidate.mart_x values ({', '.join(['%s'] * len(row))})", *row, role=Role.BUILDER)
        run(
            "insert into candidate.dim_lender select distinct lender, %s::date, false from candidate.mart_x",
            as_of or day, role=Role.BUILDER,
        )  # fmt: skip
        (number,) = self.warehouse.rows(
            "insert into ops.build (business_date, status, code_version) values (%s, 'built', 't') returning build_id",
            day, role=Role.BUILDER,
        )[0]  # fmt: skip
        for mart, key, period in (("mart_x", ["lender", "month_end"], "month_end"), ("dim_lender", ["lender"], None)):
            run(
                "insert into ops.build_mart values (%s, %s, %s, %s, 'A mart (表)')", number, mart, key, period,
                role=Role.BUILDER,
            )  # fmt: skip
        if gate:
            self.warehouse.judge(number, gate)
        self.builds.append(number)
        return int(number)

    def go_on(self, rows: Iterable[tuple[object, ...]], *changed: tuple[object, ...], base: int | None = None) -> int:
        """Write a candidate as a builder that goes on from a build, which by default is the one before, and says which
        rows of mart_x it has changed since. Returns the build's number."""
        base = base or self.builds[-1]
        number = self.build(rows)
        run = self.warehouse.rows
        run("update ops.build set base_build = %s where build_id = %s", base, number)
        run("update ops.build_mart set keeps_changes = mart = 'mart_x' where build_id = %s", number)
        run(
            "create table if not exists candidate.mart_x_changed "
            "(lender text, month_end date, base_build bigint not null)", role=Role.BUILDER,
        )  # fmt: skip
        for lender, month_end, *_ in changed:
            run("insert into candidate.mart_x_changed values (%s, %s, %s)", lender, month_end, base, role=Role.BUILDER)
        return number

    def publish(
        self, rows: Iterable[tuple[object, ...]], day: dt.date = MARCH, *, as_of: dt.date | None = None
    ) -> PublishResult:
        return publish(self.build(rows, day, as_of=as_of), url=self.warehouse.url(Role.PUBLISHER))

    def read(
        self, query: str = "select lender, month_end, loans, rate from mart_x order by 1, 2"
    ) -> list[tuple[object, ...]]:
        return self.warehouse.rows(query, role=Role.READER)
