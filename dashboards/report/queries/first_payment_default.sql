-- First-payment default by the month in which the first instalment fell due and the days since, for two years.
select
    defaults.lender,
    defaults.due_month,
    defaults.window_days,
    cast(sum(defaults.eligible_loans) as bigint) as eligible_loans,
    cast(sum(defaults.short_loans) as bigint) as short_loans,
    round(sum(defaults.short_loans) / nullif(sum(defaults.eligible_loans), 0), 6) as default_rate
from mart_first_payment_default as defaults
inner join dim_lender as lenders on defaults.lender = lenders.lender
where defaults.instalment_no = 1 and defaults.due_month > lenders.data_as_of - interval '2 years'
group by defaults.lender, defaults.due_month, defaults.window_days
order by defaults.lender, defaults.due_month, defaults.window_days
