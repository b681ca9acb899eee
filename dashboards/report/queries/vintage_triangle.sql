-- Ever 30+ of the newest eighteen vintage months by months on book, up to twelve: a cell is there once its month-end is.
with

newest as (
    select
        lender,
        max(vintage_month) as vintage_month
    from mart_vintage
    group by lender
)

select
    vintage.lender,
    vintage.vintage_month,
    vintage.mob,
    cast(sum(vintage.loans) as bigint) as loans,
    sum(vintage.disbursed_principal) as disbursed_principal,
    sum(vintage.ever_principal) as ever_principal,
    round(sum(vintage.ever_principal) / nullif(sum(vintage.disbursed_principal), 0), 6) as ever30_rate
from mart_vintage as vintage
inner join newest on vintage.lender = newest.lender
where
    vintage.threshold_dpd = 30
    and vintage.mob <= 12
    and vintage.vintage_month > date_trunc('month', cast(newest.vintage_month as timestamp)) - interval '17 months 1 day'
group by vintage.lender, vintage.vintage_month, vintage.mob
order by vintage.lender, vintage.vintage_month, vintage.mob
