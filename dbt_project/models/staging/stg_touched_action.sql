-- Collection actions of which a delivery spoke that came or went since the build before. Where actions come as
-- snapshots, a delivery speaks of those that it leaves out, too.
{%- set base_build = this_build()['base_build'] %}
with

changed_deliveries as (
    select deliveries.delivery_id, deliveries.lender
    from {{ source('ops', 'delivery_in_build') }} as known
    inner join {{ source('ops', 'delivery') }} as deliveries on known.delivery_id = deliveries.delivery_id
    where
        {% if base_build is none -%}
        false
        {%- else -%}
        known.from_build > {{ base_build | int }} or known.until_build > {{ base_build | int }}
        {%- endif %}
    group by deliveries.delivery_id, deliveries.lender
),

changed_lenders as (
    select lender from changed_deliveries group by lender
),

spoken_of as (
    select actions.lender, actions.action_id
    from {{ source('raw', 'collection_action') }} as actions
    inner join changed_deliveries on actions.delivery_id = changed_deliveries.delivery_id
    union all
    select actions.lender, actions.action_id
    from {{ source('raw', 'collection_action') }} as actions
    inner join {{ source('ops', 'lender_entity') }} as entities
        on
            actions.lender = entities.lender
            and entities.entity = 'collection_action'
            and entities.mode = 'snapshot'
    inner join changed_lenders on actions.lender = changed_lenders.lender
)

select lender, action_id from spoken_of group by lender, action_id
