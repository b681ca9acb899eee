-- Overdue debt of the newest month-end: nothing paid, partly paid, in default.
with

-- of the lender: this mart has no row of a month-end at which no loan is so
newest as (
    select
        lender,
        cast(date_trunc('month', cast(data_as_of + 1 as timestamp)) as date) - 1 as month_end
    from dim_lender
)

select
    types.lender,
    types.month_end,
    types.debt_type,
    cast(sum(types.loans) as bigint) as loans,
    sum(types.outstanding_principal) as outstanding_principal,
    sum(types.overdue_amount) as overdue_amount,
    round(
        sum(types.overdue_amount) / nullif(sum(sum(types.overdue_amount)) over (partition by types.lender), 0), 6
    ) as share
from mart_debt_type_monthly as types
inner join newest on types.lender = newest.lender and types.month_end = newest.month_end
group by types.lender, types.month_end, types.debt_type
order by types.lender, array_position(array['overdue_unpaid', 'partial', 'default'], types.debt_type)
