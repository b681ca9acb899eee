-- From the attempt to the money, the newest three whole months together.
with

performance as (
    select performance.*
    from mart_collection_performance_monthly as performance
    inner join dim_lender as lenders on performance.lender = lenders.lender
    where
        performance.month_end <= lenders.data_as_of
        and performance.month_end > date_trunc('month', cast(lenders.data_as_of + 1 as timestamp)) - interval '3 months 1 day'
),

sums as (
    select
        lender,
        sum(actions) as actions,
        sum(connected) as connected,
        sum(right_party) as right_party,
        sum(promises_due) as promises_due,
        sum(promises_kept) as promises_kept
    from performance
    group by lender
)

select
    sums.lender,
    steps.step,
    cast(steps.number as bigint) as number,
    round(steps.number / nullif(steps.of_number, 0), 6) as share
from sums
cross join lateral (
    values
    (1, 'actions', sums.actions, sums.actions),
    (2, 'connected', sums.connected, sums.actions),
    (3, 'right_party', sums.right_party, sums.actions),
    (4, 'promises_due', sums.promises_due, null),
    (5, 'promises_kept', sums.promises_kept, sums.promises_due)
) as steps (sort_order, step, number, of_number)
order by sums.lender, steps.sort_order
