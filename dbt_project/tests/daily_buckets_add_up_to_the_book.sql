-- The daily mart comes from summed changes, the loan months from the states themselves: at each month-end both must
-- show the same loans and the same money in each bucket.
with

by_day as (
    select
        lender, product, as_of_date as month_end, bucket, loans, outstanding_principal, overdue_principal,
        overdue_amount
    from {{ ref('mart_delinquency_daily') }}
    where as_of_date in (select date from {{ ref('dim_date') }} where is_month_end) and loans <> 0
),

by_loan as (
    select
        months.lender,
        months.product,
        months.month_end,
        months.bucket,
        count(*) as loans,
        sum(months.outstanding_principal) as outstanding_principal,
        sum(months.overdue_principal) as overdue_principal,
        sum(months.overdue_amount) as overdue_amount
    from {{ ref('fct_loan_month') }} as months
    inner join {{ ref('loan_states') }} as states on months.state = states.state and not states.is_terminal
    group by months.lender, months.product, months.month_end, months.bucket
)

select
    coalesce(by_day.lender, by_loan.lender) as lender,
    coalesce(by_day.product, by_loan.product) as product,
    coalesce(by_day.month_end, by_loan.month_end) as month_end,
    coalesce(by_day.bucket, by_loan.bucket) as bucket,
    by_day.loans as loans_by_day,
    by_loan.loans as loans_by_loan,
    by_day.outstanding_principal as outstanding_by_day,
    by_loan.outstanding_principal as outstanding_by_loan
from by_day
full outer join by_loan
    on
        by_day.lender = by_loan.lender
        and by_day.product = by_loan.product
        and by_day.month_end = by_loan.month_end
        and by_day.bucket = by_loan.bucket
where
    by_day.loans is distinct from by_loan.loans
    or by_day.outstanding_principal is distinct from by_loan.outstanding_principal
    or by_day.overdue_principal is distinct from by_loan.overdue_principal
    or by_day.overdue_amount is distinct from by_loan.overdue_amount
