-- Loans more than 180 days late at the newest month-end, and at the one a year before with what came in on them since.
with

-- of the lender: this mart has no row of a month-end at which no loan is so
newest as (
    select
        lender,
        cast(date_trunc('month', cast(data_as_of + 1 as timestamp)) as date) - 1 as month_end
    from dim_lender
)

select
    bands.lender,
    bands.month_end,
    bands.dpd_band,
    cast(sum(bands.loans) as bigint) as loans,
    sum(bands.outstanding_principal) as outstanding_principal,
    sum(bands.overdue_amount) as overdue_amount,
    sum(bands.recovered_next_12m) as recovered_next_12m,
    bool_and(bands.is_complete) as is_complete
from mart_long_overdue_monthly as bands
inner join newest
    on
        bands.lender = newest.lender
        and bands.month_end in (
            newest.month_end,
            cast(date_trunc('month', newest.month_end - interval '1 year') + interval '1 month' as date) - 1
        )
group by bands.lender, bands.month_end, bands.dpd_band
order by bands.lender, bands.month_end desc, bands.dpd_band
