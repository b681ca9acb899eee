-- Ever 30+ by months on book, the vintages of a quarter together. Where only some months of a quarter have come that far the
-- curve goes on with those, and is not mature. The newest eight quarters in which the lender disbursed.
with

cells as (
    select
        lender,
        cast(date_trunc('quarter', vintage_month) + interval '3 months' as date) - 1 as vintage_quarter,
        vintage_month,
        mob,
        sum(disbursed_principal) as disbursed_principal,
        sum(ever_principal) as ever_principal
    from mart_vintage
    where threshold_dpd = 30
    group by lender, vintage_month, mob
),

newest as (
    select
        lender,
        max(vintage_quarter) as vintage_quarter
    from cells
    group by lender
),

quarters as (
    select
        cells.lender,
        cells.vintage_quarter,
        count(distinct cells.vintage_month) as months,
        bool_and(cells.vintage_quarter <= lenders.data_as_of) as is_over
    from cells
    inner join dim_lender as lenders on cells.lender = lenders.lender
    inner join newest on cells.lender = newest.lender
    where cells.vintage_quarter > newest.vintage_quarter - interval '2 years'
    group by cells.lender, cells.vintage_quarter
)

select
    cells.lender,
    cells.vintage_quarter,
    cells.mob,
    sum(cells.disbursed_principal) as disbursed_principal,
    sum(cells.ever_principal) as ever_principal,
    round(sum(cells.ever_principal) / nullif(sum(cells.disbursed_principal), 0), 6) as ever30_rate,
    quarters.is_over and count(*) = quarters.months as is_mature
from cells
inner join quarters on cells.lender = quarters.lender and cells.vintage_quarter = quarters.vintage_quarter
group by cells.lender, cells.vintage_quarter, cells.mob, quarters.is_over, quarters.months
order by cells.lender, cells.vintage_quarter, cells.mob
