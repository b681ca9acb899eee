{{ config(materialized='cells', meta={
    'cells': 'int_roll_rate_cell', 'cell': ['lender', 'product', 'from_month_end']
}) }}
-- Where the loans of each state at one month-end are at the next: the cohort's own loans, followed, never one stock
-- over another. Every loan of the book starts and ends somewhere, so the rows of a state add up to its cohort.
with

-- the next month-end is the calendar's, so a month without a row is a gap and not a longer step
cohort as (
    select
        months.lender,
        months.loan_id,
        months.product,
        months.month_end as from_month_end,
        {{ month_end(add_months('months.month_end', 1)) }} as to_month_end,
        case when months.state = 'unknown' then months.state else months.bucket end as from_state,
        months.outstanding_principal as opening_principal
    from {{ in_cells(
        'fct_loan_month', 'int_roll_rate_cell',
        on={'lender': 'lender', 'product': 'product', 'month_end': 'from_month_end'}
    ) }} as months
    inner join {{ ref('loan_states') }} as states on months.state = states.state and not states.is_terminal
    inner join {{ ref('int_lender') }} as lenders
        on
            months.lender = lenders.lender
            and {{ month_end(add_months('months.month_end', 1)) }} <= lenders.data_as_of
),

followed as (
    select
        cohort.lender,
        cohort.product,
        cohort.from_month_end,
        cohort.to_month_end,
        cohort.from_state,
        case when arrived.state <> 'unknown' then arrived.bucket else 'unknown' end as to_state,
        cohort.opening_principal,
        coalesce(arrived.outstanding_principal, 0) as closing_principal
    from cohort
    left join {{ in_cells(
        'fct_loan_month', 'int_roll_rate_cell',
        on={'lender': 'lender', 'product': 'product', 'month_end': 'to_month_end'}
    ) }} as arrived
        on
            cohort.lender = arrived.lender
            and cohort.loan_id = arrived.loan_id
            and cohort.to_month_end = arrived.month_end
)

select
    lender,
    product,
    from_month_end,
    from_state,
    to_state,
    to_month_end,
    count(*) as loans,
    {{ money('sum(opening_principal)') }} as opening_principal,
    {{ money('sum(closing_principal)') }} as closing_principal
from followed
group by lender, product, from_month_end, to_month_end, from_state, to_state
