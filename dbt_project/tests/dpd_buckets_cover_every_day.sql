-- Every number of days past due from 0 on falls into exactly one bucket of a scheme: each bucket starts one day after
-- the one before it ends, the first at 0, and only the last has no end. An overlap or a gap fails the build.
with

ordered as (
    select
        scheme,
        bucket,
        min_dpd,
        max_dpd,
        lag(max_dpd) over (partition by scheme order by min_dpd) as max_dpd_before,
        row_number() over (partition by scheme order by min_dpd) as place,
        row_number() over (partition by scheme order by min_dpd desc) as place_from_end
    from {{ ref('dpd_buckets') }}
    where not is_terminal
)

select *
from ordered
where
    (place = 1 and min_dpd <> 0)
    or (place > 1 and coalesce(max_dpd_before + 1 <> min_dpd, true))
    or (place_from_end = 1 and max_dpd is not null)
    or max_dpd < min_dpd
    or min_dpd is null
