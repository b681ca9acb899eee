-- Events of loans as last sent.
with

newest as (
    {{ newest_rows('loan_event') | indent(4) }}
)

select
    newest.lender,
    newest.loan_id,
    newest.event_on,
    newest.kind,
    newest.amount,
    newest.detail,
    newest.business_date,
    newest.delivery_id,
    newest.file_id,
    newest.line_no
from newest
