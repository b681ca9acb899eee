-- The month from which on a build recomputes the bridges of a product: the earliest in which a loan's month, a flow or
-- the end of a spell has changed, or the first that is over now and was not before. A bridge opens with what the month
-- before closed with.
with

months as (
    select lender, product, month_end from {{ changed('fct_loan_month') }} as months
    union all
    select lender, product, month_end from {{ changed('int_balance_flow') }} as flows
    union all
    select
        spells.lender,
        loans.product,
        {{ month_end('spells.exited_on') }} as month_end
    from {{ changed('fct_delinquency_spell') }} as spells
    inner join {{ ref('int_loan') }} as loans on spells.lender = loans.lender and spells.loan_id = loans.loan_id
    where spells.exited_on is not null
    union all
    select
        products.lender,
        products.product,
        {{ month_end(add_days('passage.passed_from', 1)) }} as month_end
    from {{ standing('int_convention') }} as products
    inner join {{ ref('int_passage') }} as passage on products.lender = passage.lender
)

select
    months.lender,
    months.product,
    min(months.month_end) as month_end,
    {{ month_end(add_months('min(months.month_end)', -1)) }} as opens_on
from months
inner join {{ ref('int_passage') }} as passage
    on months.lender = passage.lender and months.month_end <= passage.passed_until
group by months.lender, months.product
