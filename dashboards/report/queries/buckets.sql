-- Buckets and other states in their order; names are shared by all schemes that have them.
select
    bucket,
    min(sort_order) as sort_order
from dim_dpd_bucket
group by bucket
union all
select
    'unknown' as bucket,
    99 as sort_order
order by sort_order, bucket
