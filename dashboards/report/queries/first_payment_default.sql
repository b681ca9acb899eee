-- First-payment default by the month in which the first instalment fell due and the days since, the newest two years. Of a
-- month that is not mature only the loans whose days are over are in it.
with

newest as (
    select
        lender,
        max(due_month) as due_month
    from mart_first_payment_default
    group by lender
)

select
    defaults.lender,
    defaults.due_month,
    defaults.window_days,
    cast(sum(defaults.eligible_loans) as bigint) as eligible_loans,
    cast(sum(defaults.short_loans) as bigint) as short_loans,
    round(sum(defaults.short_loans) / nullif(sum(defaults.eligible_loans), 0), 6) as default_rate,
    defaults.due_month + defaults.window_days <= lenders.data_as_of as is_mature
from mart_first_payment_default as defaults
inner join newest on defaults.lender = newest.lender
inner join dim_lender as lenders on defaults.lender = lenders.lender
where
    defaults.instalment_no = 1
    and defaults.due_month > date_trunc('month', cast(newest.due_month as timestamp)) - interval '23 months 1 day'
group by defaults.lender, defaults.due_month, defaults.window_days, lenders.data_as_of
order by defaults.lender, defaults.due_month, defaults.window_days
