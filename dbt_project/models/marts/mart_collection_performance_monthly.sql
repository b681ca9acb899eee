{{ config(materialized='cells', meta={
    'cells': 'int_collection_cell', 'cell': ['lender', 'month_end']
}) }}
-- The actions of a month and what came of them: also the money and the promises are those of the month's actions,
-- whenever they come.
{%- set counts = {
    'actions': 'true',
    'connected': 'connected',
    'right_party': "connected and party = 'debtor'",
    'promises_due': "promise_kept in ('kept', 'partly_kept', 'broken')",
    'promises_kept': "promise_kept = 'kept'",
    'promises_partly_kept': "promise_kept = 'partly_kept'",
} %}
select
    lender,
    agency,
    channel,
    month_end,
    {% for measure, condition in counts.items() -%}
    cast(sum(case when {{ condition }} then 1 else 0 end) as bigint) as {{ measure }},
    {% endfor -%}
    count(distinct loan_id) as loans_worked,
    {{ money('sum(collected_principal)') }} as collected_principal_7d,
    cast(sum(case when complaint then 1 else 0 end) as bigint) as complaints
from {{ in_cells(
    'int_action_outcome', 'int_collection_cell', on={'lender': 'lender', 'month_end': 'month_end'}
) }}
group by lender, agency, channel, month_end
