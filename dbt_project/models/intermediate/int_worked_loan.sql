-- Loans of which this build looks anew at what collectors did and at what warns of them: all loans of the borrowers of
-- whom one was touched, or of whom an action was sent, came to its day, or brought a promise whose days are over now. A
-- debtor's day of contact is one over all loans, and a loan elsewhere is a warning. Empty for a build of everything.
with

worked_loans as (
    select lender, loan_id from {{ ref('stg_worked_loan') }}
    union
    select actions.lender, actions.loan_id
    from {{ standing('stg_collection_action') }} as actions
    inner join {{ ref('int_lender') }} as lenders on actions.lender = lenders.lender
    inner join {{ ref('int_passage') }} as passage
        on
            lenders.lender = passage.lender
            and {{ local_date('actions.acted_at', 'lenders.timezone') }} > passage.passed_from
            and {{ local_date('actions.acted_at', 'lenders.timezone') }} <= passage.passed_until
    {%- if build_goes_on() %}
    union
    select promises.lender, promises.loan_id
    from {{ left_by_the_build_before('intermediate', 'int_promise') }} as promises
    inner join {{ ref('int_passage') }} as passage
        on
            promises.lender = passage.lender
            and promises.judged_on > passage.passed_from
            and promises.judged_on <= passage.passed_until
    {%- endif %}
),

borrowers as (
    select loans.borrower_key
    from {{ ref('int_loan') }} as loans
    inner join worked_loans on loans.lender = worked_loans.lender and loans.loan_id = worked_loans.loan_id
    group by loans.borrower_key
)

select lender, loan_id from worked_loans
union
select lender, loan_id from {{ ref('int_borrower_loan') }}
union
select loans.lender, loans.loan_id
from {{ ref('int_loan') }} as loans
inner join borrowers on loans.borrower_key = borrowers.borrower_key
