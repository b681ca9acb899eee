-- Collection actions of which a delivery spoke that came or went since the build before. Where actions come as
-- snapshots, a delivery speaks of those that it leaves out, too.
with

changed_lenders as (
    select lender from {{ ref('stg_changed_delivery') }} group by lender
),

spoken_of as (
    select actions.lender, actions.action_id
    from {{ source('raw', 'collection_action') }} as actions
    inner join {{ ref('stg_changed_delivery') }} as changed on actions.delivery_id = changed.delivery_id
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
