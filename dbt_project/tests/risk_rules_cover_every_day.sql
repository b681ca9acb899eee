-- Every number of days past due from 0 on falls into exactly one category of each version of a regime, and the
-- categories come in the order of their days.
with

ordered as (
    select
        regime,
        effective_from,
        category,
        sort_order,
        min_dpd,
        max_dpd,
        lag(max_dpd) over version_of_regime as max_dpd_before,
        lag(sort_order) over version_of_regime as sort_order_before,
        row_number() over version_of_regime as place,
        lead(min_dpd) over version_of_regime as min_dpd_after
    from {{ ref('risk_categories') }}
    window version_of_regime as (partition by regime, effective_from order by min_dpd)
)

select *
from ordered
where
    (place = 1 and min_dpd <> 0)
    or (place > 1 and coalesce(max_dpd_before + 1 <> min_dpd, true))
    or (min_dpd_after is null and max_dpd is not null)
    or max_dpd < min_dpd
    or sort_order <= sort_order_before
