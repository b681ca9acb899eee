-- From 181 days on every number of days past due falls into exactly one band, about_one_year apart, which overlaps the
-- others on purpose.
with

ordered as (
    select
        dpd_band,
        min_dpd,
        max_dpd,
        lag(max_dpd) over (order by min_dpd) as max_dpd_before,
        row_number() over (order by min_dpd) as place,
        row_number() over (order by min_dpd desc) as place_from_end
    from {{ ref('long_overdue_bands') }}
    where dpd_band <> 'about_one_year'
)

select *
from ordered
where
    (place = 1 and min_dpd <> 181)
    or (place > 1 and coalesce(max_dpd_before + 1 <> min_dpd, true))
    or (place_from_end = 1 and max_dpd is not null)
    or max_dpd < min_dpd
