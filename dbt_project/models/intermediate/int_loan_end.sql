-- Loans that are out of the book at their lender's data_as_of, and since when.
select
    lender,
    loan_id,
    state,
    valid_from as ended_on
from {{ ref('int_loan_state') }}
where valid_to is null and is_terminal
