-- Every accepted loan with its terms, as its lender sent it last; of its scores, the first.
select
    lender,
    loan_id,
    product,
    purpose,
    channel,
    funder,
    currency,
    principal,
    annual_rate,
    term_months,
    disbursed_on,
    first_due_on,
    maturity_on,
    score_at_disbursement as credit_score,
    risk_grade
from {{ ref('stg_loan') }}
