-- How far each lender's data reached in the build that this one goes on from. Empty for a build of everything.
{%- set base_build = this_build()['base_build'] %}
select
    deliveries.lender,
    max(deliveries.business_date) as data_as_of
from {{ source('ops', 'delivery') }} as deliveries
inner join {{ source('ops', 'delivery_in_build') }} as known
    on deliveries.delivery_id = known.delivery_id
where
    {% if base_build is none -%}
    false
    {%- else -%}
    known.from_build <= {{ base_build | int }}
    and (known.until_build is null or known.until_build > {{ base_build | int }})
    {%- endif %}
group by deliveries.lender
