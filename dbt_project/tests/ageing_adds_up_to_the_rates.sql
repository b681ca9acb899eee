-- The buckets of a quarter-end add up to the book that the quarter's overdue rates are over.
with

ageing as (
    select
        lender,
        quarter_end,
        sum(loans) as loans,
        sum(outstanding_principal) as outstanding_principal
    from {{ ref('mart_ageing_quarterly') }}
    group by lender, quarter_end
)

select
    coalesce(ageing.lender, rates.lender) as lender,
    coalesce(ageing.quarter_end, rates.quarter_end) as quarter_end,
    ageing.loans,
    rates.active_loans,
    ageing.outstanding_principal as outstanding_by_bucket,
    rates.outstanding_principal as outstanding_of_the_book
from ageing
full outer join {{ ref('mart_overdue_rate_quarterly') }} as rates
    on ageing.lender = rates.lender and ageing.quarter_end = rates.quarter_end
where
    ageing.loans is distinct from rates.active_loans
    or ageing.outstanding_principal is distinct from rates.outstanding_principal
