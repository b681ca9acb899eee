-- The headline mart's denominators are the active loans of fct_loan_month, no more and no fewer.
with

book as (
    select
        months.lender,
        months.month_end,
        count(*) as loans,
        sum(months.outstanding_principal) as outstanding_principal,
        sum(months.overdue_amount) as overdue_amount
    from {{ ref('fct_loan_month') }} as months
    inner join {{ ref('loan_states') }} as states on months.state = states.state and not states.is_terminal
    group by months.lender, months.month_end
)

select
    coalesce(rates.lender, book.lender) as lender,
    coalesce(rates.month_end, book.month_end) as month_end,
    rates.active_loans,
    book.loans,
    rates.outstanding_principal,
    book.outstanding_principal as book_outstanding
from {{ ref('mart_overdue_rate_monthly') }} as rates
full outer join book on rates.lender = book.lender and rates.month_end = book.month_end
where
    rates.active_loans is distinct from book.loans
    or rates.outstanding_principal is distinct from book.outstanding_principal
    or rates.overdue_amount is distinct from book.overdue_amount
