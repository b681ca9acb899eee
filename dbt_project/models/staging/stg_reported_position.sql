{{ config(meta={'recomputed': 'stg_touched_position', 'recomputed_by': ['lender', 'loan_id', 'as_of']}) }}
-- What lenders say about their loans. Every day that was ever reported is kept: a snapshot speaks about its own day.
with

newest as (
    {{ newest_rows(
        'reported_position', touched_by='stg_touched_position', touched_key=['lender', 'loan_id', 'as_of']
    ) | indent(4) }}
)

select
    newest.lender,
    newest.loan_id,
    newest.as_of,
    newest.outstanding_principal,
    newest.overdue_principal,
    newest.dpd,
    newest.status,
    newest.business_date,
    newest.delivery_id,
    newest.file_id,
    newest.line_no
from newest
