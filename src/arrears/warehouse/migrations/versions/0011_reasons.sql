-- Who approved or went back, and why, is said in words of all lenders: a reader bound to some is not told.
set local role arrears_publisher;
create or replace view marts.publication with (security_barrier) as
select
    publication_id, published_at, business_date,
    publication_id = (select max(newest.publication_id) from ops.publication as newest) as is_current,
    gate_status,
    case when not is_bound then approved_by end as approved_by,
    rows_added, rows_closed, code_version,
    case when not is_bound then reason end as reason,
    restores,
    not exists (
        select from ops.publication_let_go as gone where gone.publication_id = publication.publication_id
    ) as is_kept,
    (select builds.engine from ops.build as builds where builds.build_id = publication.build_id) as engine
from ops.publication
cross join lateral (
    select exists (
        select from ops.reader_lender as mine where mine.role_name in (current_user, session_user)
    ) as is_bound
) as reader;
reset role;

-- What was seen in rows is kept as long as a lender may be asked about it, wherever it is on record; how many rows there
-- were stays. A function, so that nobody who writes the record can change it.
create function ops.forget_details(older_than_days integer) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    kept_since constant timestamptz := clock_timestamp() - make_interval(days => older_than_days);
    forgotten bigint;
begin
    delete from ops.rejected_row as rejected using ops.delivery as deliveries
    where rejected.delivery_id = deliveries.delivery_id and deliveries.received_at < kept_since;
    get diagnostics forgotten = row_count;
    update ops.delivery set reasons = '[]' where received_at < kept_since and reasons <> '[]';
    update ops.gate_result as results set observed = null from ops.gate_run as runs
    where results.gate_run_id = runs.gate_run_id and runs.finished_at < kept_since and results.observed is not null;
    update ops.step_run set detail = null where finished_at < kept_since and detail is not null;
    return forgotten;
end
$$;
revoke execute on function ops.forget_details(integer) from public;
