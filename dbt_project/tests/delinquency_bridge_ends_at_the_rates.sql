-- What a month closes with the next one opens with, and the closing balance is the one whose rate is published.
with

bridge as (
    select
        *,
        lag(closing_30) over (partition by lender, product order by month_end) as closing_before
    from {{ ref('mart_delinquency_bridge_monthly') }}
),

by_lender as (
    select
        lender,
        month_end,
        sum(closing_30) as closing_30,
        sum(case when opening_30 <> coalesce(closing_before, 0) then 1 else 0 end) as torn_openings
    from bridge
    group by lender, month_end
)

select
    coalesce(by_lender.lender, rates.lender) as lender,
    coalesce(by_lender.month_end, rates.month_end) as month_end,
    by_lender.torn_openings,
    by_lender.closing_30,
    rates.balance_overdue_30
from by_lender
full outer join {{ ref('mart_overdue_rate_monthly') }} as rates
    on by_lender.lender = rates.lender and by_lender.month_end = rates.month_end
where
    coalesce(by_lender.torn_openings, 0) <> 0
    or coalesce(by_lender.closing_30, 0) <> coalesce(rates.balance_overdue_30, 0)
