-- Ids of payments that were ever sent for a touched loan. The id may have been sent for another loan since, or before,
-- and only all rows of an id together say which one counts.
select payments.lender, payments.payment_id
from {{ source('raw', 'payment') }} as payments
inner join {{ ref('stg_touched_loan') }} as touched_loans
    on payments.lender = touched_loans.lender and payments.loan_id = touched_loans.loan_id
group by payments.lender, payments.payment_id
