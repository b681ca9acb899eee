{{ config(materialized='cells', meta={
    'cells': 'int_early_warning_cell', 'cell': ['lender', 'month_end']
}) }}
-- Whether the signals would have warned: of the loans in the book and not past 30 at a month-end, how many of those
-- with the signal standing were past 30 within 60 days, and how many of the others. A month-end whose 60 days are not
-- over has no row.
with

past_30 as (
    select scheme, min_dpd from {{ ref('overdue_thresholds') }} where threshold_dpd = 30
),

population as (
    select
        months.lender,
        months.loan_id,
        months.month_end
    from {{ in_cells(
        'fct_loan_month', 'int_early_warning_cell', on={'lender': 'lender', 'month_end': 'month_end'}
    ) }} as months
    inner join {{ ref('int_lender') }} as lenders
        on
            months.lender = lenders.lender
            and {{ add_days('months.month_end', warning_horizon_days()) }} <= lenders.data_as_of
    inner join {{ ref('loan_states') }} as states on months.state = states.state and not states.is_terminal
    inner join {{ ref('int_convention') }} as conventions
        on
            months.lender = conventions.lender
            and months.product = conventions.product
            and months.month_end >= conventions.in_force_from
            and months.month_end < conventions.in_force_until
    inner join past_30 on conventions.scheme = past_30.scheme
    where months.dpd < past_30.min_dpd
),

judged as (
    select
        population.lender,
        population.loan_id,
        population.month_end,
        case when outcomes.loan_id is not null then 1 else 0 end as is_m2_60d
    from population
    left join {{ ref('int_early_warning_outcome') }} as outcomes
        on
            population.lender = outcomes.lender
            and population.loan_id = outcomes.loan_id
            and population.month_end = outcomes.month_end
),

months as (
    select lender, month_end, count(*) as loans, sum(is_m2_60d) as m2_60d
    from judged
    group by lender, month_end
),

-- a loan counts once, however often the signal was raised
flagged_loans as (
    select
        judged.lender,
        judged.loan_id,
        judged.month_end,
        signals.signal,
        judged.is_m2_60d
    from judged
    inner join {{ ref('int_signal') }} as signals
        on
            judged.lender = signals.lender
            and judged.loan_id = signals.loan_id
            and judged.month_end >= signals.raised_on
            and coalesce(judged.month_end < signals.lowered_on, true)
    group by judged.lender, judged.loan_id, judged.month_end, signals.signal, judged.is_m2_60d
),

flagged as (
    select lender, signal, month_end, count(*) as loans, sum(is_m2_60d) as m2_60d
    from flagged_loans
    group by lender, signal, month_end
)

select
    months.lender,
    signals.signal,
    months.month_end,
    cast(coalesce(flagged.loans, 0) as bigint) as flagged_loans,
    cast(coalesce(flagged.m2_60d, 0) as bigint) as flagged_m2_60d,
    cast(months.loans - coalesce(flagged.loans, 0) as bigint) as unflagged_loans,
    cast(months.m2_60d - coalesce(flagged.m2_60d, 0) as bigint) as unflagged_m2_60d
from months
cross join {{ ref('signals') }} as signals
left join flagged
    on
        months.lender = flagged.lender
        and months.month_end = flagged.month_end
        and signals.signal = flagged.signal
