-- Instalments as last sent. version_from: the business date of the first delivery that had anything of their version,
-- which a correction of all its rows does not move.
with

newest as (
    {{ newest_rows('instalment', of_news={
        'version_from': 'min(business_date) over (partition by lender, loan_id, schedule_version)'
    }) | indent(4) }}
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
    newest.version_from,
    newest.business_date,
    newest.delivery_id,
    newest.file_id,
    newest.line_no
from newest
