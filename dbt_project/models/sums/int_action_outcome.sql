{{ config(meta={'recomputed': 'int_worked_loan', 'recomputed_in': 'intermediate', 'tracks_changes': true}) }}
-- Every collection action with what came of it: the promise it was given, and the principal that followed it.
with

collected as (
    select lender, action_id, sum(principal) as principal
    from {{ touched('int_payment_attribution', 'int_worked_loan') }}
    where action_id is not null
    group by lender, action_id
)

select
    actions.lender,
    actions.action_id,
    actions.loan_id,
    coalesce(actions.agency, 'in_house') as agency,
    actions.channel,
    {{ month_end('actions.acted_on') }} as month_end,
    actions.connected,
    actions.party,
    actions.complaint,
    promises.promise_kept,
    {{ money('coalesce(collected.principal, 0)') }} as collected_principal
from {{ touched('int_collection_action', 'int_worked_loan') }} as actions
left join {{ touched('int_promise', 'int_worked_loan') }} as promises
    on actions.lender = promises.lender and actions.action_id = promises.action_id
left join collected on actions.lender = collected.lender and actions.action_id = collected.action_id
