-- The same at quarter-ends: a quarter is what stood at its last day, never an average of months.
select
    months.lender,
    months.month_end as quarter_end,
    months.active_loans,
    months.active_borrowers,
    months.outstanding_principal,
    months.overdue_loans,
    months.overdue_borrowers,
    months.overdue_principal,
    months.overdue_amount,
    months.balance_overdue_1,
    months.balance_overdue_30,
    months.balance_overdue_60,
    months.balance_overdue_90,
    months.balance_restructured,
    months.overdue_rate,
    months.par30_rate,
    months.par60_rate,
    months.par90_rate,
    months.overdue_rate_yoy_pp,
    months.par30_rate_yoy_pp
from {{ ref('mart_overdue_rate_monthly') }} as months
inner join {{ ref('dim_date') }} as dates on months.month_end = dates.date and dates.is_quarter_end
