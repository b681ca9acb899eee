-- Every loan a lender ever sent and did not delete, as last sent. Where loans come as snapshots, the date of that last
-- row is the last day on which the lender listed the loan.
with

newest as (
    {{ newest_rows(
        'loan', ['lender', 'loan_id'],
        [
            'loan_id', 'borrower_id', 'product', 'purpose', 'channel', 'funder', 'currency', 'principal',
            'annual_rate', 'term_months', 'repayment_method', 'disbursed_on', 'first_due_on', 'maturity_on',
            'credit_score', 'risk_grade',
        ]
    ) | indent(4) }}
),

modes as (
    select lender, mode from {{ source('ops', 'lender_entity') }} where entity = 'loan'
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
    newest.delivery_id,
    newest.file_id,
    newest.line_no,
    case when modes.mode = 'snapshot' then newest.business_date end as last_listed_on
from newest
left join modes on newest.lender = modes.lender
