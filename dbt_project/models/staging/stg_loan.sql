-- Every loan a lender ever sent and did not delete, as last sent. Where loans come as snapshots, one that the newest
-- does not list is still here: stg_loan_absence says since when it has been missing. score_at_disbursement: the first
-- score that was sent; a later one knows how the loan went.
{%- set first_score %}
first_value(credit_score) over (
            partition by lender, loan_id
            order by case when credit_score is null then 1 else 0 end, changed_at nulls first, business_date, delivery_id, file_id, line_no
        )
{%- endset %}
with

newest as (
    {{ newest_rows('loan', of_news={'score_at_disbursement': first_score | trim}) | indent(4) }}
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
    cast(newest.score_at_disbursement as numeric(9, 2)) as score_at_disbursement,
    newest.risk_grade,
    newest.business_date,
    newest.delivery_id,
    newest.file_id,
    newest.line_no
from newest
