-- What was collected, within so many days, of the principal overdue when loans entered their first bucket. Of a month that
-- is not mature only the entries whose days are over are in it.
with

first_buckets as (
    select bucket
    from dim_dpd_bucket
    where sort_order = 1
)

select
    recovery.lender,
    recovery.entry_month,
    recovery.window_days,
    cast(sum(recovery.entered_loans) as bigint) as entered_loans,
    sum(recovery.entry_overdue_principal) as entry_overdue_principal,
    sum(recovery.collected_principal) as collected_principal,
    round(sum(recovery.collected_principal) / nullif(sum(recovery.entry_overdue_principal), 0), 6) as recovery_rate,
    recovery.entry_month + recovery.window_days <= lenders.data_as_of as is_mature
from mart_recovery_monthly as recovery
inner join first_buckets on recovery.entry_bucket = first_buckets.bucket
inner join dim_lender as lenders on recovery.lender = lenders.lender
where recovery.entry_month > date_trunc('month', cast(lenders.data_as_of + 1 as timestamp)) - interval '24 months 1 day'
group by recovery.lender, recovery.entry_month, recovery.window_days, lenders.data_as_of
order by recovery.lender, recovery.entry_month, recovery.window_days
