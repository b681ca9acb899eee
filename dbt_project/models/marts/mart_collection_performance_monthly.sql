-- The actions of a month and what came of them: also the money and the promises are those of the month's actions,
-- whenever they come.
{%- set counts = ['actions', 'connected', 'right_party', 'promises_due', 'promises_kept', 'promises_partly_kept'] %}
with

collected as (
    select lender, action_id, sum(principal) as principal
    from {{ ref('int_payment_attribution') }}
    where action_id is not null
    group by lender, action_id
),

outcomes as (
    select
        actions.lender,
        coalesce(actions.agency, 'in_house') as agency,
        actions.channel,
        {{ month_end('actions.acted_on') }} as month_end,
        actions.loan_id,
        1 as actions,
        case when actions.connected then 1 else 0 end as connected,
        case when actions.connected and actions.party = 'debtor' then 1 else 0 end as right_party,
        case when promises.promise_kept in ('kept', 'partly_kept', 'broken') then 1 else 0 end as promises_due,
        case when promises.promise_kept = 'kept' then 1 else 0 end as promises_kept,
        case when promises.promise_kept = 'partly_kept' then 1 else 0 end as promises_partly_kept,
        case when actions.complaint then 1 else 0 end as complaints,
        coalesce(collected.principal, 0) as collected_principal
    from {{ ref('int_collection_action') }} as actions
    left join {{ ref('int_promise') }} as promises
        on actions.lender = promises.lender and actions.action_id = promises.action_id
    left join collected on actions.lender = collected.lender and actions.action_id = collected.action_id
)

select
    lender,
    agency,
    channel,
    month_end,
    {% for measure in counts -%}
    cast(sum({{ measure }}) as bigint) as {{ measure }},
    {% endfor -%}
    count(distinct loan_id) as loans_worked,
    {{ money('sum(collected_principal)') }} as collected_principal_7d,
    cast(sum(complaints) as bigint) as complaints
from outcomes
group by lender, agency, channel, month_end
