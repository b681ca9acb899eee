-- The loans of every borrower of whom a loan was touched, or was theirs before: each is counted beside the others.
-- Empty for a build of everything.
with

touched_loans as (
    select loans.lender, loans.loan_id, loans.borrower_key
    from {{ ref('int_loan') }} as loans
    inner join {{ ref('stg_touched_loan') }} as touched_loans
        on loans.lender = touched_loans.lender and loans.loan_id = touched_loans.loan_id
),

borrowers as (
    select borrower_key from touched_loans
    union
    select borrower_key from {{ changed('int_loan') }} as loans
)

select loans.lender, loans.loan_id
from {{ ref('int_loan') }} as loans
inner join borrowers on loans.borrower_key = borrowers.borrower_key
union
select lender, loan_id from {{ ref('stg_touched_loan') }}
