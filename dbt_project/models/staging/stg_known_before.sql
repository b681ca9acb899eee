-- How far each lender's data reached in the build that this one goes on from. Builds that failed since may have looked
-- at other days: the tables are partly theirs, so the least and the farthest count. Empty for a build of everything.
{%- set base_build = this_build()['base_build'] %}
with

builds as (
    select build_id
    from {{ source('ops', 'build') }}
    where
        {% if base_build is none -%}
        false
        {%- else -%}
        build_id >= {{ base_build | int }} and build_id < {{ this_build()['build_id'] | int }}
        {%- endif %}
),

reaches as (
    select
        builds.build_id,
        deliveries.lender,
        max(deliveries.business_date) as reached
    from builds
    inner join {{ source('ops', 'delivery_in_build') }} as known
        on
            builds.build_id >= known.from_build
            and (known.until_build is null or builds.build_id < known.until_build)
    inner join {{ source('ops', 'delivery') }} as deliveries on known.delivery_id = deliveries.delivery_id
    group by builds.build_id, deliveries.lender
)

select
    lender,
    case
        when count(*) = (select count(*) from builds) then min(reached) else {{ first_day_ever() }}
    end as data_as_of,
    max(reached) as reached_farthest
from reaches
group by lender
