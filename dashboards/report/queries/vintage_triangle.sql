-- Ever 30+ of the newest eighteen vintage months by months on book, up to twelve: a cell is there once its month-end is.
select
    vintage.lender,
    vintage.vintage_month,
    vintage.mob,
    cast(sum(vintage.loans) as bigint) as loans,
    sum(vintage.disbursed_principal) as disbursed_principal,
    sum(vintage.ever_principal) as ever_principal,
    round(sum(vintage.ever_principal) / nullif(sum(vintage.disbursed_principal), 0), 6) as ever30_rate
from mart_vintage as vintage
inner join dim_lender as lenders on vintage.lender = lenders.lender
where
    vintage.threshold_dpd = 30
    and vintage.mob <= 12
    and vintage.vintage_month > lenders.data_as_of - interval '18 months'
group by vintage.lender, vintage.vintage_month, vintage.mob
order by vintage.lender, vintage.vintage_month, vintage.mob
