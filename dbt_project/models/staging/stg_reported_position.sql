-- What lenders say about their loans. Every day that was ever reported is kept: a snapshot speaks about its own day.
with

newest as (
    {{ newest_rows(
        'reported_position', ['lender', 'loan_id', 'as_of'],
        [
            'loan_id', 'as_of', 'outstanding_principal', 'overdue_principal', 'dpd', 'status',
        ]
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
