-- Month-ends of which a build recomputes a lender's segments: something about a loan has changed there, or one of its
-- borrowers has a loan more or less at another lender.
with

loans_changed as (
    select lender, loan_id, month_end
    from {{ changed('fct_loan_month') }} as months
    inner join {{ ref('loan_states') }} as states on months.state = states.state
    -- most of what changes in a month leaves the loan in the book
    group by lender, loan_id, month_end, build_id, states.is_terminal
    having count(*) = 1
),

handed_over as (
    select lender, loan_id
    from {{ changed('int_loan') }} as loans
    group by lender, loan_id, build_id, borrower_key
    having count(*) = 1
),

counted_otherwise as (
    select lender, loan_id, month_end from loans_changed
    union
    select months.lender, months.loan_id, months.month_end
    from {{ standing('fct_loan_month') }} as months
    inner join handed_over on months.lender = handed_over.lender and months.loan_id = handed_over.loan_id
),

-- whose loan it is, and whose it was
borrowers as (
    select lender, loan_id, borrower_key from {{ standing('int_loan') }} as loans
    union
    select lender, loan_id, borrower_key from {{ changed('int_loan') }} as loans
),

borrower_months as (
    select borrowers.borrower_key, counted_otherwise.month_end
    from counted_otherwise
    inner join borrowers
        on counted_otherwise.lender = borrowers.lender and counted_otherwise.loan_id = borrowers.loan_id
    group by borrowers.borrower_key, counted_otherwise.month_end
)

select lender, month_end from {{ ref('int_loan_month_cell') }}
union
select months.lender, months.month_end
from borrower_months
inner join {{ ref('int_loan') }} as loans on borrower_months.borrower_key = loans.borrower_key
inner join {{ ref('fct_loan_month') }} as months
    on
        loans.lender = months.lender
        and loans.loan_id = months.loan_id
        and borrower_months.month_end = months.month_end
