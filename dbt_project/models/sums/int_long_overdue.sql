{{ config(meta={
    'recomputed': 'int_closing_loan', 'recomputed_in': 'intermediate',
    'recomputed_after': {'month_end': 'months_after'}, 'tracks_changes': true
}) }}
-- Every month-end at which a loan of the book has been overdue for more than half a year, once a band, with what came
-- in from it in the twelve months after. The band about_one_year overlaps the others.
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
    {%- if not execute or goes_on() %}
    inner join {{ ref('int_closing_loan') }} as closing_loans
        on
            months.lender = closing_loans.lender
            and months.loan_id = closing_loans.loan_id
            and (closing_loans.months_after is null or months.month_end > closing_loans.months_after)
    {%- endif %}
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
    inner join {{ touched('int_payment', 'int_closing_loan') }} as payments
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
    long_overdue.loan_id,
    long_overdue.product,
    long_overdue.month_end,
    long_overdue.dpd_band,
    long_overdue.followed_until,
    long_overdue.outstanding_principal,
    long_overdue.overdue_amount,
    {{ money('coalesce(recovered.recovered_next_12m, 0)') }} as recovered_next_12m
from long_overdue
left join recovered
    on
        long_overdue.lender = recovered.lender
        and long_overdue.loan_id = recovered.loan_id
        and long_overdue.month_end = recovered.month_end
        and long_overdue.dpd_band = recovered.dpd_band
