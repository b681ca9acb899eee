-- Month-ends of which a build recomputes a lender's rates: something about a loan has changed there or in the year
-- before.
with

cells as (
    select lender, month_end from {{ ref('int_loan_month_cell') }}
    union
    select lender, {{ month_end(add_months('month_end', 12)) }} as month_end from {{ ref('int_loan_month_cell') }}
)

select
    lender,
    month_end,
    {{ month_end(add_months('month_end', -12)) }} as year_before
from cells
