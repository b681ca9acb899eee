-- One row per lender: how far its data reaches, and whether all of it is there.
with

holes as (
    select days.lender, count(*) as days_missing
    from {{ ref('int_delivery_day') }} as days
    inner join {{ ref('int_lender') }} as lenders on days.lender = lenders.lender
    where days.business_date < lenders.data_as_of and days.delivery_status <> 'accepted'
    group by days.lender
)

select
    lenders.lender,
    lenders.name_en,
    lenders.name_zh,
    lenders.currency,
    lenders.timezone,
    lenders.data_as_of,
    lenders.last_delivery_at,
    lenders.is_stale,
    lenders.days_stale,
    cast(coalesce(holes.days_missing, 0) as integer) as days_missing
from {{ ref('int_lender') }} as lenders
left join holes on lenders.lender = holes.lender
