-- Overdue rates of each lender at its month-ends of the last three years, as the headline mart says them.
select
    rates.lender,
    rates.month_end,
    rates.active_loans,
    rates.outstanding_principal,
    rates.balance_overdue_1,
    rates.overdue_rate,
    rates.par30_rate,
    rates.par90_rate,
    rates.overdue_rate_yoy_pp
from mart_overdue_rate_monthly as rates
inner join dim_lender as lenders on rates.lender = lenders.lender
where rates.month_end > lenders.data_as_of - interval '3 years'
order by rates.lender, rates.month_end
