-- The overdue part of each book by bucket, every seventh day back from the newest for two years.
with

buckets as (
    select distinct
        bucket,
        sort_order
    from dim_dpd_bucket
    where not is_terminal and min_dpd > 0
)

select
    daily.lender,
    daily.as_of_date,
    daily.bucket,
    buckets.sort_order,
    cast(sum(daily.loans) as bigint) as loans,
    sum(daily.outstanding_principal) as outstanding_principal
from mart_delinquency_daily as daily
inner join dim_lender as lenders on daily.lender = lenders.lender
inner join buckets on daily.bucket = buckets.bucket
where
    (lenders.data_as_of - daily.as_of_date) % 7 = 0
    and daily.as_of_date > lenders.data_as_of - interval '2 years'
group by daily.lender, daily.as_of_date, daily.bucket, buckets.sort_order
order by daily.lender, daily.as_of_date, buckets.sort_order
