-- Payments held out: sent under an id that stands for another payment already. One of the two ids is wrong, and only
-- the lender knows which; until it says so (a new version of one of the days) the first one counts.
{%- set content = ['loan_id', 'instalment_no', 'value_on', 'kind', 'amount', 'principal', 'interest', 'fee', 'penalty',
    'reverses_payment_id'] %}
select
    sent.lender,
    sent.payment_id,
    sent.loan_id,
    sent.value_on,
    sent.kind,
    sent.amount,
    sent.business_date,
    sent.delivery_id,
    sent.file_id,
    sent.line_no
from {{ source('raw', 'payment') }} as sent
inner join {{ ref('stg_delivery') }} as deliveries on sent.delivery_id = deliveries.delivery_id
inner join {{ source('ops', 'lender_entity') }} as entities
    on
        sent.lender = entities.lender
        and entities.entity = 'payment'
        and entities.mode = 'append'
        and not entities.is_cumulative
inner join {{ ref('stg_payment') }} as standing
    on sent.lender = standing.lender and sent.payment_id = standing.payment_id
where
    {% for column in content -%}
    sent.{{ column }} is distinct from standing.{{ column }}{{ ' or' if not loop.last }}
    {% endfor %}
