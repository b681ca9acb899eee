-- Every row held out of the marts because what it belongs to is not there (yet): it joins by itself when that arrives.
-- A row that was sent again belongs to the delivery that sent it last.
{%- set of_loan = [('instalment', 'stg_instalment'), ('payment', 'stg_payment'), ('loan_event', 'stg_loan_event'),
    ('reported_position', 'stg_reported_position'), ('collection_action', 'stg_collection_action')] %}
{% for entity, model in of_loan -%}
select
    entity_rows.lender, '{{ entity }}' as entity, 'unknown_loan' as reason, entity_rows.loan_id,
    entity_rows.delivery_id
from {{ ref(model) }} as entity_rows
left join {{ ref('stg_loan') }} as loans
    on entity_rows.lender = loans.lender and entity_rows.loan_id = loans.loan_id
where loans.loan_id is null
union all
{% endfor -%}
-- these stay in fct_payment, without effect on any instalment
select
    reversals.lender, 'payment' as entity, 'reverses_unknown_payment' as reason, reversals.loan_id,
    reversals.delivery_id
from {{ ref('stg_payment') }} as reversals
inner join {{ ref('stg_loan') }} as loans
    on reversals.lender = loans.lender and reversals.loan_id = loans.loan_id
left join {{ ref('stg_payment') }} as originals
    on
        reversals.lender = originals.lender
        and reversals.reverses_payment_id = originals.payment_id
        and reversals.loan_id = originals.loan_id
where reversals.reverses_payment_id is not null and originals.payment_id is null
union all
-- another payment under a number that stands already
select
    conflicts.lender, 'payment' as entity, 'conflicting_payment_id' as reason, conflicts.loan_id,
    conflicts.delivery_id
from {{ ref('stg_payment_conflict') }} as conflicts
