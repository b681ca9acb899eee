-- What fell into arrears of what fell due on loans that were not late, by whole month of the due day; first instalments
-- apart.
select
    inflow.lender,
    dates.month_end,
    inflow.is_first_instalment,
    cast(sum(inflow.instalments_due) as bigint) as instalments_due,
    sum(inflow.principal_due) as principal_due,
    sum(inflow.short_principal) as short_principal,
    round(sum(inflow.short_principal) / nullif(sum(inflow.principal_due), 0), 6) as inflow_rate
from mart_inflow_daily as inflow
inner join dim_date as dates on inflow.due_on = dates.date
inner join dim_lender as lenders on inflow.lender = lenders.lender
where
    dates.month_end <= lenders.data_as_of
    and dates.month_end > date_trunc('month', cast(lenders.data_as_of + 1 as timestamp)) - interval '24 months 1 day'
group by inflow.lender, dates.month_end, inflow.is_first_instalment
order by inflow.lender, inflow.is_first_instalment, dates.month_end
