{{ config(meta={'recomputed': 'int_worked_loan', 'recomputed_in': 'intermediate'}) }}
-- Collection actions of known loans, by the calendar and the clock of their lender.
with

by_local_time as (
    select
        actions.lender,
        actions.action_id,
        actions.loan_id,
        loans.borrower_key,
        loans.product,
        actions.acted_at,
        {{ local_date('actions.acted_at', 'lenders.timezone') }} as acted_on,
        {{ local_time('actions.acted_at', 'lenders.timezone') }} as acted_at_local_time,
        actions.channel,
        actions.agency,
        actions.connected,
        actions.party,
        actions.outcome,
        actions.promised_amount,
        actions.promised_on,
        actions.complaint,
        lenders.data_as_of
    from {{ touched('stg_collection_action', 'int_worked_loan') }} as actions
    inner join {{ touched('int_loan', 'int_worked_loan') }} as loans
        on actions.lender = loans.lender and actions.loan_id = loans.loan_id
    inner join {{ ref('int_lender') }} as lenders on actions.lender = lenders.lender
)

select
    lender,
    action_id,
    loan_id,
    borrower_key,
    product,
    acted_at,
    acted_on,
    acted_at_local_time,
    channel,
    agency,
    connected,
    party,
    outcome,
    promised_amount,
    promised_on,
    complaint
from by_local_time
where acted_on <= data_as_of
