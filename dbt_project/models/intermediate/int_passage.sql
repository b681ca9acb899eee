-- The days that pass for each lender in this build: after passed_from, until passed_until. Days that come undone pass
-- as well: those after the data's end where it reaches less far than before.
select
    lenders.lender,
    case
        when known_before.data_as_of is null or lenders.data_as_of is null then {{ first_day_ever() }}
        when known_before.data_as_of < lenders.data_as_of then known_before.data_as_of
        else lenders.data_as_of
    end as passed_from,
    greatest(
        coalesce(known_before.reached_farthest, {{ first_day_ever() }}),
        coalesce(lenders.data_as_of, {{ first_day_ever() }})
    ) as passed_until
from {{ ref('int_lender') }} as lenders
left join {{ ref('stg_known_before') }} as known_before on lenders.lender = known_before.lender
