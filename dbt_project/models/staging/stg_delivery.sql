-- The deliveries a build may look at: accepted, and not dated after the business date. `arrears build` has written
-- down which those were when it began, and says by which number; models built by hand see those that are accepted by
-- now.
{%- set build_id = this_build()['build_id'] %}
select
    deliveries.delivery_id,
    deliveries.lender,
    deliveries.business_date,
    deliveries.received_at
from {{ source('ops', 'delivery') }} as deliveries
{%- if not execute or build_id is not none %}
inner join {{ source('ops', 'delivery_in_build') }} as known
    on
        deliveries.delivery_id = known.delivery_id
        and known.from_build <= {{ build_id | int }}
        and (known.until_build is null or known.until_build > {{ build_id | int }})
where deliveries.business_date <= {{ business_date() }}
{%- else %}
where deliveries.status = 'accepted' and deliveries.business_date <= {{ business_date() }}
{%- endif %}
