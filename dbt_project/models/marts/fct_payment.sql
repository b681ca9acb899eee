{{ config(meta={'recomputed': 'int_reviewed_loan', 'recomputed_in': 'intermediate', 'tracks_changes': true}) }}
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
from {{ touched('int_payment_allocation', 'int_reviewed_loan') }}
