-- Instalments as last sent.
with

newest as (
    {{ newest_rows(
        'instalment', ['lender', 'loan_id', 'schedule_version', 'instalment_no'],
        [
            'loan_id', 'schedule_version', 'instalment_no', 'due_on', 'principal_due', 'interest_due',
            'fee_due', 'penalty_due', 'effective_on',
        ], of_loan=true
    ) | indent(4) }}
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
