-- The book by bucket at the newest quarter-end and a year before, with the sums that must tie: past due, past 90, all.
with

buckets as (
    select distinct
        bucket,
        sort_order,
        min_dpd
    from dim_dpd_bucket
    where not is_terminal
),

quarters as (
    select
        lender,
        max(quarter_end) as quarter_end
    from mart_ageing_quarterly
    group by lender
),

-- of both ends of the year; a quarter-end is the last day of its month
dated as (
    select
        ageing.lender,
        quarters.quarter_end,
        ageing.quarter_end = quarters.quarter_end as is_newest,
        ageing.bucket,
        buckets.sort_order,
        buckets.min_dpd,
        ageing.loans,
        ageing.outstanding_principal
    from mart_ageing_quarterly as ageing
    inner join quarters on ageing.lender = quarters.lender
    inner join buckets on ageing.bucket = buckets.bucket
    where
        ageing.quarter_end = quarters.quarter_end
        or ageing.quarter_end = cast(quarters.quarter_end - interval '1 year' as date)
),

-- every line of the table, with the buckets that it adds up
lines as (
    select
        bucket,
        sort_order,
        bucket as of_bucket
    from buckets
    union all
    select
        sums.bucket,
        sums.sort_order,
        buckets.bucket as of_bucket
    from buckets
    inner join (
        values ('past_due', 200, 1), ('past_90', 201, 90), ('book', 202, 0)
    ) as sums (bucket, sort_order, from_dpd)
        on buckets.min_dpd >= sums.from_dpd
),

summed as (
    select
        dated.lender,
        dated.quarter_end,
        lines.bucket,
        lines.sort_order,
        sum(dated.loans) filter (where dated.is_newest) as loans,
        sum(dated.outstanding_principal) filter (where dated.is_newest) as outstanding_principal,
        sum(dated.outstanding_principal) filter (where not dated.is_newest) as outstanding_year_before
    from dated
    inner join lines on dated.bucket = lines.of_bucket
    group by dated.lender, dated.quarter_end, lines.bucket, lines.sort_order
)

select
    summed.lender,
    summed.quarter_end,
    summed.bucket,
    cast(summed.loans as bigint) as loans,
    summed.outstanding_principal,
    round(summed.outstanding_principal / nullif(book.outstanding_principal, 0), 6) as share,
    summed.outstanding_year_before,
    round(summed.outstanding_year_before / nullif(book.outstanding_year_before, 0), 6) as share_year_before
from summed
inner join summed as book on summed.lender = book.lender and book.bucket = 'book'
order by summed.lender, summed.sort_order
