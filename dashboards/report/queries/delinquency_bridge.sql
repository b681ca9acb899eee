-- The same of the part of the book that is 30+.
with

bridges as (
    select
        lender,
        month_end,
        sum(opening_30) as opening_30,
        sum(rolled_in) as rolled_in,
        -sum(cured) as cured,
        -sum(paid_down) as paid_down,
        -sum(written_off) as written_off,
        sum(other) as other,
        sum(closing_30) as closing_30
    from mart_delinquency_bridge_monthly
    where (lender, month_end) in (
        select lender, max(month_end) from mart_delinquency_bridge_monthly group by lender
    )
    group by lender, month_end
)

select
    bridges.lender,
    bridges.month_end,
    steps.step,
    steps.amount,
    case when steps.is_level then 0 else sum(steps.amount) over so_far - steps.amount end as starts_at,
    case when steps.is_level then steps.amount else sum(steps.amount) over so_far end as ends_at
from bridges
cross join lateral (
    values
    (1, 'opening_30', bridges.opening_30, true),
    (2, 'rolled_in', bridges.rolled_in, false),
    (3, 'cured', bridges.cured, false),
    (4, 'paid_down', bridges.paid_down, false),
    (5, 'written_off', bridges.written_off, false),
    (6, 'other', bridges.other, false),
    (7, 'closing_30', bridges.closing_30, true)
) as steps (sort_order, step, amount, is_level)
window so_far as (partition by bridges.lender order by steps.sort_order)
order by bridges.lender, steps.sort_order
