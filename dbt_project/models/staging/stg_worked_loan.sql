-- Loans for which touched collection actions were ever sent: of an action that is sent again for another loan, both.
select actions.lender, actions.loan_id
from {{ source('raw', 'collection_action') }} as actions
inner join {{ ref('stg_touched_action') }} as touched_actions
    on actions.lender = touched_actions.lender and actions.action_id = touched_actions.action_id
group by actions.lender, actions.loan_id
