-- From the opening balance of the newest month to its closing balance, step by step.
with

bridges as (
    select
        lender,
        month_end,
        sum(opening) as opening,
        sum(disbursed) as disbursed,
        -sum(scheduled_principal) as scheduled_principal,
        -sum(prepaid) as prepaid,
        -sum(waived) as waived,
        -sum(written_off) as written_off,
        -sum(transferred) as transferred,
        sum(corrections) as corrections,
        sum(closing) as closing
    from mart_balance_bridge_monthly
    where (lender, month_end) in (
        select lender, max(month_end) from mart_balance_bridge_monthly group by lender
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
    (1, 'opening', bridges.opening, true),
    (2, 'disbursed', bridges.disbursed, false),
    (3, 'scheduled_principal', bridges.scheduled_principal, false),
    (4, 'prepaid', bridges.prepaid, false),
    (5, 'waived', bridges.waived, false),
    (6, 'written_off', bridges.written_off, false),
    (7, 'transferred', bridges.transferred, false),
    (8, 'corrections', bridges.corrections, false),
    (9, 'closing', bridges.closing, true)
) as steps (sort_order, step, amount, is_level)
window so_far as (partition by bridges.lender order by steps.sort_order)
order by bridges.lender, steps.sort_order
