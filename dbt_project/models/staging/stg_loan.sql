-- Every loan a lender ever sent and did not delete, as last sent. Where loans come as snapshots, one that the newest
-- does not list is still here: stg_loan_absence says since when it has been missing.
with

newest as (
    {{ newest_rows('loan') | indent(4) }}
)

select
    newest.lender,
    newest.loan_id,
    newest.borrower_id,
    newest.product,
    newest.purpose,
    newest.channel,
    newest.funder,
    newest.currency,
    newest.principal,
    newest.annual_rate,
    newest.term_months,
    newest.repayment_method,
    newest.disbursed_on,
    newest.first_due_on,
    newest.maturity_on,
    newest.credit_score,
    newest.risk_grade,
    newest.business_date,
    newest.delivery_id,
    newest.file_id,
    newest.line_no
from newest
