-- First-payment default by the month in which the first instalment fell due and the days since, the newest two years.
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
    round(sum(defaults.short_loans) / nullif(sum(defaults.eligible_loans), 0), 6) as default_rate
from mart_first_payment_default as defaults
inner join newest on defaults.lender = newest.lender
where defaults.instalment_no = 1 and defaults.due_month > newest.due_month - interval '2 years'
group by defaults.lender, defaults.due_month, defaults.window_days
order by defaults.lender, defaults.due_month, defaults.window_days
