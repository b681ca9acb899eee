-- First, second and third instalments still short seven days after they fell due: of all loans, and of those that had never
-- been short before. The newest twelve months of due days together.
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
    defaults.instalment_no,
    cast(sum(defaults.eligible_loans) as bigint) as eligible_loans,
    cast(sum(defaults.short_loans) as bigint) as short_loans,
    cast(sum(defaults.exclusive_short_loans) as bigint) as exclusive_short_loans,
    round(sum(defaults.short_loans) / nullif(sum(defaults.eligible_loans), 0), 6) as default_rate,
    round(sum(defaults.exclusive_short_loans) / nullif(sum(defaults.eligible_loans), 0), 6) as exclusive_default_rate
from mart_first_payment_default as defaults
inner join newest on defaults.lender = newest.lender
where
    defaults.window_days = 7
    and defaults.due_month > date_trunc('month', cast(newest.due_month as timestamp)) - interval '11 months 1 day'
group by defaults.lender, defaults.instalment_no
order by defaults.lender, defaults.instalment_no
