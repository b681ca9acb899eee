-- Expected against received: of what fell due in each of the newest twelve months, the share collected by months since.
select
    curve.lender,
    curve.due_month,
    curve.months_since_due,
    sum(curve.amount_due) as amount_due,
    sum(curve.amount_collected_to_date) as amount_collected_to_date,
    round(sum(curve.amount_collected_to_date) / nullif(sum(curve.amount_due), 0), 6) as collected_share
from mart_collection_curve as curve
inner join dim_lender as lenders on curve.lender = lenders.lender
where curve.due_month > date_trunc('month', cast(lenders.data_as_of + 1 as timestamp)) - interval '12 months 1 day'
group by curve.lender, curve.due_month, curve.months_since_due
order by curve.lender, curve.due_month, curve.months_since_due
