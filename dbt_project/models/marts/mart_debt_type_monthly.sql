{{ config(materialized='cells', meta={
    'cells': 'int_loan_month_cell', 'cell': ['lender', 'month_end']
}) }}
-- What kind of debt the overdue loans of a month-end are, and those written off since the one before: one kind a loan,
-- the gravest that holds. Who owes in two loans of a cell is one borrower.
with

indebted as (
    select
        months.lender,
        months.loan_id,
        months.month_end,
        months.product,
        months.state,
        months.dpd,
        months.outstanding_principal,
        months.overdue_amount,
        overdue.default_dpd,
        overdue.paid_on_oldest
    from {{ in_cells(
        'fct_loan_month', 'int_loan_month_cell', on={'lender': 'lender', 'month_end': 'month_end'}
    ) }} as months
    left join {{ ref('int_overdue_month') }} as overdue
        on
            months.lender = overdue.lender
            and months.loan_id = overdue.loan_id
            and months.month_end = overdue.month_end
    where months.dpd > 0 or months.state = 'written_off'
),

typed as (
    select
        indebted.*,
        loans.borrower_key,
        {{ debt_type('indebted') }} as debt_type
    from indebted
    inner join {{ ref('int_loan') }} as loans
        on indebted.lender = loans.lender and indebted.loan_id = loans.loan_id
)

select
    lender,
    product,
    month_end,
    debt_type,
    count(*) as loans,
    count(distinct borrower_key) as borrowers,
    {{ money('sum(outstanding_principal)') }} as outstanding_principal,
    {{ money('sum(overdue_amount)') }} as overdue_amount
from typed
group by lender, product, month_end, debt_type
