-- Where the loans of each state at the newest month-end but one were at the newest, all products of a lender together.
with

-- terminal states are the same in all schemes
ranks as (
    select
        bucket as state,
        min(sort_order) as sort_order
    from dim_dpd_bucket
    group by bucket
    union all
    select
        'unknown' as state,
        99 as sort_order
),

newest as (
    select
        lender,
        max(from_month_end) as from_month_end
    from mart_roll_rate_monthly
    group by lender
),

rolls as (
    select
        rolls.lender,
        rolls.from_month_end,
        rolls.to_month_end,
        rolls.from_state,
        rolls.to_state,
        sum(rolls.loans) as loans,
        sum(rolls.opening_principal) as opening_principal
    from mart_roll_rate_monthly as rolls
    inner join newest on rolls.lender = newest.lender and rolls.from_month_end = newest.from_month_end
    group by rolls.lender, rolls.from_month_end, rolls.to_month_end, rolls.from_state, rolls.to_state
)

select
    rolls.lender,
    rolls.from_month_end,
    rolls.to_month_end,
    rolls.from_state,
    rolls.to_state,
    cast(rolls.loans as bigint) as loans,
    rolls.opening_principal,
    round(
        rolls.opening_principal / nullif(sum(rolls.opening_principal) over (
            partition by rolls.lender, rolls.from_state
        ), 0), 6
    ) as share
from rolls
inner join ranks as from_rank on rolls.from_state = from_rank.state
inner join ranks as to_rank on rolls.to_state = to_rank.state
order by rolls.lender, from_rank.sort_order, to_rank.sort_order
