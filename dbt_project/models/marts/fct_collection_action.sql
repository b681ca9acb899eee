{{ config(meta={'recomputed': 'int_worked_loan', 'recomputed_in': 'intermediate', 'tracks_changes': true}) }}
with

breaches as (
    select lender, action_id, rule, sort_order
    from {{ touched('int_contact_check', 'int_worked_loan') }}
    where is_breach
),

-- of the rules that an action breaks, the first
first_breaches as (
    {{ newest_per_key('breaches', ['lender', 'action_id'], 'sort_order', ['lender', 'action_id', 'rule']) }}
)

select
    actions.lender,
    actions.action_id,
    actions.loan_id,
    actions.acted_at,
    actions.channel,
    actions.agency,
    actions.connected,
    actions.party,
    actions.outcome,
    actions.promised_amount,
    actions.promised_on,
    promises.promise_kept,
    first_breaches.rule as breach_rule
from {{ touched('int_collection_action', 'int_worked_loan') }} as actions
left join {{ touched('int_promise', 'int_worked_loan') }} as promises
    on actions.lender = promises.lender and actions.action_id = promises.action_id
left join first_breaches
    on actions.lender = first_breaches.lender and actions.action_id = first_breaches.action_id
