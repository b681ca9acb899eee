-- What positions of a month-end are held against is what the month-end shows, to the cent and the day.
select
    breaks.lender,
    breaks.loan_id,
    breaks.as_of,
    breaks.our_outstanding_principal,
    breaks.our_dpd,
    months.outstanding_principal,
    months.dpd
from {{ ref('int_position_break') }} as breaks
inner join {{ ref('fct_loan_month') }} as months
    on
        breaks.lender = months.lender
        and breaks.loan_id = months.loan_id
        and breaks.as_of = months.month_end
where
    breaks.our_outstanding_principal <> months.outstanding_principal
    or breaks.our_dpd <> months.dpd
