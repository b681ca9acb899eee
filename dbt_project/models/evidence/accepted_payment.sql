-- Every accepted payment of a known loan, as its lender sent it.
select
    payments.lender,
    payments.payment_id,
    payments.loan_id,
    payments.value_on,
    coalesce(payments.posted_on, payments.value_on) as posted_on,
    payments.kind,
    payments.amount,
    payments.reverses_payment_id
from {{ ref('stg_payment') }} as payments
inner join {{ ref('stg_loan') }} as loans on payments.lender = loans.lender and payments.loan_id = loans.loan_id
