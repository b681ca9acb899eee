-- Every accepted payment of a known loan is in fct_payment, with its amount.
select
    payments.lender,
    payments.payment_id
from {{ ref('accepted_payment') }} as payments
left join {{ ref('fct_payment') }} as published
    on payments.lender = published.lender and payments.payment_id = published.payment_id
where published.payment_id is null or abs(published.amount) <> abs(payments.amount)
