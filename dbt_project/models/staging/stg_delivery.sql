-- The deliveries a build may look at: accepted, and not dated after the business date.
select
    delivery_id,
    lender,
    business_date,
    received_at
from {{ source('ops', 'delivery') }}
where status = 'accepted' and business_date <= {{ business_date() }}
