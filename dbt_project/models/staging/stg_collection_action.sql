{{ config(meta={'recomputed': 'stg_touched_action', 'recomputed_by': ['lender', 'action_id']}) }}
-- What collectors did, as last sent: the outcome of a call or a complaint about it may become known later. Actions
-- are told apart by their own id, and touch no loan: nothing that is owed or paid follows from them.
with

newest as (
    {{ newest_rows(
        'collection_action', touched_by='stg_touched_action', touched_key=['lender', 'action_id']
    ) | indent(4) }}
)

select
    newest.lender,
    newest.action_id,
    newest.loan_id,
    newest.acted_at,
    newest.channel,
    newest.agency,
    newest.connected,
    newest.party,
    newest.outcome,
    newest.promised_amount,
    newest.promised_on,
    newest.complaint,
    newest.business_date,
    newest.delivery_id,
    newest.file_id,
    newest.line_no
from newest
