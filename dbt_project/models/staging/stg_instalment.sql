-- Instalments as last sent.
with

newest as (
    {{ newest_rows('instalment') | indent(4) }}
)

select
    newest.lender,
    newest.loan_id,
    newest.schedule_version,
    newest.instalment_no,
    newest.due_on,
    newest.principal_due,
    newest.interest_due,
    newest.fee_due,
    newest.penalty_due,
    newest.effective_on,
    newest.business_date,
    newest.delivery_id,
    newest.file_id,
    newest.line_no
from newest
