-- Month-ends of which a build recomputes a lender's rates: a loan's month has changed, or is another borrower's, there
-- or in the year before.
with

-- whose loan it is, is not said in its months
handed_over as (
    select lender, loan_id
    from {{ changed('int_loan') }} as loans
    group by lender, loan_id, build_id
    having min(borrower_key) <> max(borrower_key)
),

changed_months as (
    select lender, month_end from {{ changed('fct_loan_month') }} as months
    union
    select months.lender, months.month_end
    from {{ standing('fct_loan_month') }} as months
    inner join handed_over on months.lender = handed_over.lender and months.loan_id = handed_over.loan_id
),

cells as (
    select lender, month_end from changed_months
    union
    select lender, {{ month_end(add_months('month_end', 12)) }} as month_end from changed_months
)

select
    lender,
    month_end,
    {{ month_end(add_months('month_end', -12)) }} as year_before
from cells
