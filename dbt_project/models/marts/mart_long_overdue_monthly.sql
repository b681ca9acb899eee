-- Loans of the book that have been overdue for more than half a year, and what came in from them in the twelve months
-- after. The last year of cells is not over and says so. The band about_one_year overlaps the others: not to be added.
with

long_overdue as (
    select
        months.lender,
        months.loan_id,
        months.product,
        months.month_end,
        {{ month_end(add_months('months.month_end', 12)) }} as followed_until,
        bands.dpd_band,
        months.outstanding_principal,
        months.overdue_amount
    from {{ ref('fct_loan_month') }} as months
    inner join {{ ref('loan_states') }} as states on months.state = states.state and not states.is_terminal
    inner join {{ ref('long_overdue_bands') }} as bands
        on months.dpd >= bands.min_dpd and months.dpd <= coalesce(bands.max_dpd, 2147483647)
),

-- money of the borrower, returns taken off, whether the loan is still in the book or written off by then
recovered as (
    select
        long_overdue.lender,
        long_overdue.loan_id,
        long_overdue.month_end,
        long_overdue.dpd_band,
        sum(payments.amount) as recovered_next_12m
    from long_overdue
    inner join {{ ref('int_lender') }} as lenders on long_overdue.lender = lenders.lender
    inner join {{ ref('int_payment') }} as payments
        on
            long_overdue.lender = payments.lender
            and long_overdue.loan_id = payments.loan_id
            and long_overdue.month_end < payments.value_on
            and long_overdue.followed_until >= payments.value_on
            and lenders.data_as_of >= payments.value_on
    where payments.is_cash
    group by long_overdue.lender, long_overdue.loan_id, long_overdue.month_end, long_overdue.dpd_band
)

select
    long_overdue.lender,
    long_overdue.product,
    long_overdue.month_end,
    long_overdue.dpd_band,
    count(*) as loans,
    {{ money('sum(long_overdue.outstanding_principal)') }} as outstanding_principal,
    {{ money('sum(long_overdue.overdue_amount)') }} as overdue_amount,
    {{ money('coalesce(sum(recovered.recovered_next_12m), 0)') }} as recovered_next_12m,
    long_overdue.followed_until <= lenders.data_as_of as is_complete
from long_overdue
inner join {{ ref('int_lender') }} as lenders on long_overdue.lender = lenders.lender
left join recovered
    on
        long_overdue.lender = recovered.lender
        and long_overdue.loan_id = recovered.loan_id
        and long_overdue.month_end = recovered.month_end
        and long_overdue.dpd_band = recovered.dpd_band
group by
    long_overdue.lender, long_overdue.product, long_overdue.month_end, long_overdue.dpd_band,
    long_overdue.followed_until, lenders.data_as_of
