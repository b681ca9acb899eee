{{ config(materialized='cells', meta={
    'cells': 'int_score_cell', 'cell': ['lender', 'product', 'vintage_quarter']
}) }}
-- Whether the score put loans in order: by quarter of disbursement and score band, how many were more than 30 days past
-- due by the end of their sixth month on book. A quarter is here once its youngest month is old enough; a loan counts
-- if it had entered the book by the end of its own sixth month, for who comes later is not seen from the start.
with

loans as (
    select
        loans.lender,
        loans.loan_id,
        loans.product,
        loans.principal,
        loans.score_band,
        known.entered_on,
        lenders.data_as_of,
        {{ quarter_end('loans.disbursed_on') }} as vintage_quarter,
        {{ month_end(add_months('loans.disbursed_on', 6)) }} as judged_on
    from {{ in_cells(
        'dim_loan', 'int_score_cell',
        on={'lender': 'lender', 'product': 'product', quarter_end('disbursed_on'): 'vintage_quarter'}
    ) }} as loans
    inner join {{ ref('int_loan') }} as known on loans.lender = known.lender and loans.loan_id = known.loan_id
    inner join {{ ref('int_lender') }} as lenders on loans.lender = lenders.lender
),

judged as (
    select
        loans.lender,
        loans.product,
        loans.vintage_quarter,
        loans.principal,
        coalesce(loans.score_band, 'unknown') as score_band,
        case when crossings.loan_id is not null then 1 else 0 end as is_ever30_mob6
    from loans
    left join {{ ref('int_threshold_crossing') }} as crossings
        on
            loans.lender = crossings.lender
            and loans.loan_id = crossings.loan_id
            and crossings.threshold_dpd = 30
            and loans.judged_on >= crossings.crossed_on
    where
        loans.entered_on <= loans.judged_on
        and {{ month_end(add_months('loans.vintage_quarter', 6)) }} <= loans.data_as_of
)

select
    lender,
    product,
    vintage_quarter,
    score_band,
    count(*) as loans,
    cast(sum(is_ever30_mob6) as bigint) as ever30_mob6_loans,
    {{ money('sum(principal)') }} as disbursed_principal,
    {{ money('sum(case when is_ever30_mob6 = 1 then principal else 0 end)') }} as ever30_mob6_principal
from judged
group by lender, product, vintage_quarter, score_band
