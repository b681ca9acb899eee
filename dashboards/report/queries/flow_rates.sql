-- Flow rates, stock over stock: the balance in a bucket at a month-end over that of the bucket before it at the month-end
-- before. May exceed 1. Two years of month-ends.
with

buckets as (
    select distinct
        scheme,
        bucket,
        sort_order
    from dim_dpd_bucket
    where not is_terminal
),

stocks as (
    select
        daily.lender,
        daily.as_of_date as month_end,
        buckets.scheme,
        daily.bucket,
        buckets.sort_order,
        sum(daily.outstanding_principal) as outstanding_principal
    from mart_delinquency_daily as daily
    inner join dim_date as dates on daily.as_of_date = dates.date and dates.is_month_end
    inner join dim_lender as lenders on daily.lender = lenders.lender
    inner join buckets on daily.bucket = buckets.bucket
    where daily.as_of_date > date_trunc('month', cast(lenders.data_as_of + 1 as timestamp)) - interval '25 months 1 day'
    group by daily.lender, daily.as_of_date, buckets.scheme, daily.bucket, buckets.sort_order
)

select
    arrived.lender,
    arrived.month_end,
    arrived.bucket,
    arrived.outstanding_principal,
    came.outstanding_principal as outstanding_before,
    round(arrived.outstanding_principal / nullif(came.outstanding_principal, 0), 6) as flow_rate
from stocks as arrived
inner join dim_date as dates on arrived.month_end = dates.date
inner join stocks as came
    on
        arrived.lender = came.lender
        and arrived.scheme = came.scheme
        and arrived.sort_order = came.sort_order + 1
        and came.month_end = cast(date_trunc('month', arrived.month_end) as date) - 1
-- the last bucket is open: what is in it stays in it, and is no flow
where arrived.sort_order < (select max(buckets.sort_order) from buckets where buckets.scheme = arrived.scheme)
order by arrived.lender, arrived.month_end, arrived.sort_order
