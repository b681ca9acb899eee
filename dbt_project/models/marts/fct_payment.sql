select
    lender,
    payment_id,
    loan_id,
    value_on,
    posted_on,
    kind,
    amount,
    principal,
    interest,
    fee,
    penalty,
    unallocated,
    is_reversed
from {{ ref('int_payment_allocation') }}
