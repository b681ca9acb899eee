-- What a month closes with the next one opens with, and the closing balance is that of the loans themselves.
with

bridge as (
    select
        *,
        lag(closing) over (partition by lender, product order by month_end) as closing_before
    from {{ ref('mart_balance_bridge_monthly') }}
),

book as (
    select lender, product, month_end, sum(outstanding_principal) as outstanding_principal
    from {{ ref('fct_loan_month') }}
    group by lender, product, month_end
)

select bridge.*
from bridge
left join book
    on bridge.lender = book.lender and bridge.product = book.product and bridge.month_end = book.month_end
where
    coalesce(bridge.closing_before, 0) <> bridge.opening
    or bridge.closing <> coalesce(book.outstanding_principal, 0)
