-- Deliveries that came or went since the build that this one goes on from. Empty for a build of everything.
--
-- only_newer: of this lender nothing but later days came than were known, and they came with this build. Then what they
-- say can be held against what stands. In any other case (a day sent again, one that comes late or goes, a build that
-- failed in between and left its tables half-way) it cannot.
{%- set base_build = this_build()['base_build'] %}
with

changes as (
    select
        deliveries.delivery_id,
        deliveries.lender,
        deliveries.business_date,
        max(case
            when
                known.from_build = {{ this_build()['build_id'] | int }}
                and known.until_build is null
                and deliveries.business_date > coalesce(known_before.data_as_of, {{ first_day_ever() }})
                then 0
            else 1
        end) as is_odd
    from {{ source('ops', 'delivery_in_build') }} as known
    inner join {{ source('ops', 'delivery') }} as deliveries on known.delivery_id = deliveries.delivery_id
    left join {{ ref('stg_known_before') }} as known_before on deliveries.lender = known_before.lender
    where
        {% if base_build is none -%}
        false
        {%- else -%}
        known.from_build > {{ base_build | int }} or known.until_build > {{ base_build | int }}
        {%- endif %}
    group by deliveries.delivery_id, deliveries.lender, deliveries.business_date
)

select
    delivery_id,
    lender,
    business_date,
    max(is_odd) over (partition by lender) = 0 as only_newer
from changes
