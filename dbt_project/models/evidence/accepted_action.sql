-- Every accepted action of collection on a known loan, as its lender sent it last.
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
    actions.complaint
from {{ ref('stg_collection_action') }} as actions
inner join {{ ref('stg_loan') }} as loans on actions.lender = loans.lender and actions.loan_id = loans.loan_id
