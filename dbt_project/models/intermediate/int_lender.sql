-- One row per lender: how far its data reaches, and whether that is as far as its calendar lets expect.
with

newest_day as (
    select
        lender,
        max(business_date) as data_as_of,
        max(received_at) as last_delivery_at
    from {{ ref('stg_delivery') }}
    group by lender
),

expected as (
    select
        lender,
        case
            when calendar = 'daily' then {{ business_date() }}
            when {{ business_date() }} = {{ month_end(business_date()) }} then {{ business_date() }}
            else {{ add_days(month_start(business_date()), -1) }}
        end as expected_as_of
    from {{ ref('stg_lender') }}
)

select
    lenders.lender,
    lenders.name_en,
    lenders.name_zh,
    lenders.currency,
    lenders.timezone,
    newest_day.data_as_of,
    newest_day.last_delivery_at,
    coalesce(newest_day.data_as_of < expected.expected_as_of, true) as is_stale,
    greatest({{ days_between('newest_day.data_as_of', 'expected.expected_as_of') }}, 0) as days_stale
from {{ ref('stg_lender') }} as lenders
inner join expected on lenders.lender = expected.lender
left join newest_day on lenders.lender = newest_day.lender
