-- The days on which a lender said everything about an entity at once, numbered one by one. A later snapshot than the
-- newest does not exist, so nothing is claimed beyond it.
{%- set names = ['loan', 'borrower', 'instalment', 'payment', 'loan_event', 'reported_position',
    'collection_action'] %}
with

days as (
    {% for name in names -%}
    select rows_sent.lender, '{{ name }}' as entity, rows_sent.business_date
    from {{ source('raw', name) }} as rows_sent
    inner join {{ ref('stg_delivery') }} as deliveries on rows_sent.delivery_id = deliveries.delivery_id
    inner join {{ source('ops', 'lender_entity') }} as entities
        on rows_sent.lender = entities.lender and entities.entity = '{{ name }}' and entities.mode = 'snapshot'
    group by rows_sent.lender, rows_sent.business_date
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

select
    lender,
    entity,
    business_date,
    row_number() over (partition by lender, entity order by business_date) as snapshot_no,
    lead(business_date) over (partition by lender, entity order by business_date) as next_snapshot_on
from days
