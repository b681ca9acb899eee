"""What stands: per lender and over all, read from the pipeline's own records."""

from __future__ import annotations

from typing import Any

from psycopg2.extras import RealDictCursor

from arrears.gate.judgement import JUDGEMENT
from arrears.warehouse import locks
from arrears.warehouse.connect import connect

LENDERS = """
select
    l.lender,
    accepted.business_date as data_as_of,
    newest.business_date as last_delivery,
    newest.status as last_delivery_status,
    newest.rows_rejected as rejected_rows,
    newest.reasons,
    array(
        select d.business_date from ops.delivery as d
        where d.lender = l.lender and d.business_date > accepted.business_date - 31
        group by d.business_date
        having bool_or(d.status = 'refused') and not bool_or(d.status in ('accepted', 'loaded'))
        order by d.business_date
    ) as refused_days,
    coalesce(stale.is_stale, true) as is_stale
from (select distinct lender from ops.delivery) as l
left join lateral (
    select d.business_date from ops.delivery as d
    where d.lender = l.lender and d.status = 'accepted' order by d.business_date desc limit 1
) as accepted on true
left join lateral (
    select d.business_date, d.status, d.rows_rejected, d.reasons from ops.delivery as d
    where d.lender = l.lender order by d.received_at desc, d.delivery_id desc limit 1
) as newest on true
left join ops.publication_lender as stale
    on stale.lender = l.lender and stale.publication_id = (select max(publication_id) from ops.publication)
order by l.lender
"""
PUBLICATION = """
select p.publication_id, p.business_date, p.published_at, p.gate_status, p.approved_by, p.rows_added, p.rows_closed
from ops.publication as p order by p.publication_id desc limit 1
"""
PUBLICATIONS = """
select
    p.publication_id, p.business_date, p.published_at, p.gate_status, p.rows_added, p.rows_closed,
    (
        select count(distinct (c.mart, c.lender, c.period)) from ops.publication_change as c
        where c.publication_id = p.publication_id and c.is_restatement
    ) as restated,
    (
        select string_agg(l.lender, ', ' order by l.lender) from ops.publication_lender as l
        where l.publication_id = p.publication_id and l.is_stale
    ) as stale_lenders,
    p.restores, p.approved_by, p.reason, p.code_version,
    (select b.engine from ops.build as b where b.build_id = p.build_id) as engine,
    not exists (select from ops.publication_let_go as gone where gone.publication_id = p.publication_id) as is_kept
from ops.publication as p order by p.publication_id
"""
EVALUATED = "select count(*) as evaluated from ops.gate_result where gate_run_id = any(%s)"
APPROVED = "select max(approved_by) as approved_by from ops.approval where gate_run_id = any(%s)"
FAILED = """
select g.boundary, r.suite, r.expectation, r.severity, r.unexpected_count, r.observed
from ops.gate_result as r join ops.gate_run as g on g.gate_run_id = r.gate_run_id
where r.gate_run_id = any(%s) and not r.success order by r.severity, g.boundary, r.suite, r.expectation
"""
# Its own step is the first to end after it did, both by the server's clock: those that wait for it in vain end before.
BUILD = """
select b.build_id, b.business_date, b.status, s.detail
from ops.build as b left join lateral (
    select detail from ops.step_run where step = 'build' and outcome <> 'done' and finished_at >= b.finished_at
    order by step_run_id limit 1
) as s on b.status = 'failed'
order by b.build_id desc limit 1
"""
STEPS = """
select step, lender, business_date, outcome, rows,
    cast(extract(epoch from finished_at - started_at) as double precision) as seconds, finished_at
from (
    select r.*, row_number() over (partition by step, lender order by step_run_id desc) as newest_first
    from ops.step_run as r
) as runs
where newest_first = 1 order by finished_at
"""


def status(url: str) -> dict[str, Any]:
    """Lenders (refused_days: of the last month, where nothing was accepted in their place), the newest build, what the
    gate said of it, the current publication (None where there is none), and how each step went last.

    A build that is running on record, and that nobody is at, has the status `cut off`.
    """
    with (
        connect(url, "status") as connection,
        connection.cursor(cursor_factory=RealDictCursor) as cursor,
        connection.cursor() as plain,
    ):

        def rows(query: str, parameters: Any = None) -> list[dict[str, Any]]:
            cursor.execute(query, parameters)
            return [dict(row) for row in cursor.fetchall()]

        judged = rows("select max(build_id) as build_id from ops.gate_run")[0]
        gate = next((judged | judgement for judgement in rows(JUDGEMENT, judged)), None)
        if gate is not None:
            gate_runs = gate.pop("gate_runs")
            gate |= rows(EVALUATED, [gate_runs])[0] | rows(APPROVED, [gate_runs])[0]
            gate["failed"] = rows(FAILED, [gate_runs])
        build = next(iter(rows(BUILD)), None)
        if build and build["status"] == "running" and locks.holder(plain, "arrears.candidate") is None:
            build["status"] = "cut off"
        return {
            "lenders": rows(LENDERS),
            "build": build,
            "gate": gate,
            "publication": next(iter(rows(PUBLICATION)), None),
            "steps": rows(STEPS),
        }


def publications(url: str) -> list[dict[str, Any]]:
    """Every publication, the oldest first: its numbers, the lenders that were stale, who approved it or had it rolled
    back. restated: marts, lenders and months of history already published that it changed."""
    with connect(url, "publications") as connection, connection.cursor(cursor_factory=RealDictCursor) as cursor:
        cursor.execute(PUBLICATIONS)
        return [dict(row) for row in cursor.fetchall()]
