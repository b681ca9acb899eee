-- Every loan of the book at a month-end is somewhere at the next: what left each state is what stood in it.
with

rolled as (
    select
        lender,
        product,
        from_month_end,
        from_state,
        sum(loans) as loans,
        sum(opening_principal) as principal
    from {{ ref('mart_roll_rate_monthly') }}
    group by lender, product, from_month_end, from_state
),

cohorts as (
    select
        months.lender,
        months.product,
        months.month_end as from_month_end,
        case when months.state = 'unknown' then months.state else months.bucket end as from_state,
        count(*) as loans,
        sum(months.outstanding_principal) as principal
    from {{ ref('fct_loan_month') }} as months
    inner join {{ ref('loan_states') }} as states on months.state = states.state and not states.is_terminal
    inner join {{ ref('dim_lender') }} as lenders on months.lender = lenders.lender
    where {{ month_end(add_months('months.month_end', 1)) }} <= lenders.data_as_of
    group by
        months.lender, months.product, months.month_end,
        case when months.state = 'unknown' then months.state else months.bucket end
)

select
    coalesce(rolled.lender, cohorts.lender) as lender,
    coalesce(rolled.product, cohorts.product) as product,
    coalesce(rolled.from_month_end, cohorts.from_month_end) as from_month_end,
    coalesce(rolled.from_state, cohorts.from_state) as from_state,
    rolled.loans as loans_rolled,
    cohorts.loans as loans_in_cohort,
    rolled.principal as principal_rolled,
    cohorts.principal as principal_in_cohort
from rolled
full outer join cohorts
    on
        rolled.lender = cohorts.lender
        and rolled.product = cohorts.product
        and rolled.from_month_end = cohorts.from_month_end
        and rolled.from_state = cohorts.from_state
where rolled.loans is distinct from cohorts.loans or rolled.principal is distinct from cohorts.principal
