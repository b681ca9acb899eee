-- The cells of a month hold every action of it once, with its promise.
with

months as (
    select
        lender,
        month_end,
        sum(actions) as actions,
        sum(promises_due) as promises_due,
        sum(promises_kept) as promises_kept,
        sum(promises_partly_kept) as promises_partly_kept
    from {{ ref('mart_collection_performance_monthly') }}
    group by lender, month_end
),

facts as (
    select
        actions.lender,
        {{ month_end(local_date('actions.acted_at', 'lenders.timezone')) }} as month_end,
        count(*) as actions,
        sum(case when promise_kept in ('kept', 'partly_kept', 'broken') then 1 else 0 end) as promises_due,
        sum(case when promise_kept = 'kept' then 1 else 0 end) as promises_kept,
        sum(case when promise_kept = 'partly_kept' then 1 else 0 end) as promises_partly_kept
    from {{ ref('fct_collection_action') }} as actions
    inner join {{ ref('dim_lender') }} as lenders on actions.lender = lenders.lender
    group by actions.lender, {{ month_end(local_date('actions.acted_at', 'lenders.timezone')) }}
)

select
    coalesce(months.lender, facts.lender) as lender,
    coalesce(months.month_end, facts.month_end) as month_end
from months
full outer join facts on months.lender = facts.lender and months.month_end = facts.month_end
where
    months.actions is distinct from facts.actions
    or months.promises_due is distinct from facts.promises_due
    or months.promises_kept is distinct from facts.promises_kept
    or months.promises_partly_kept is distinct from facts.promises_partly_kept
