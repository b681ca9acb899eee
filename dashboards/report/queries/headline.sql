-- The book of each lender on its newest day, and of all lenders of a currency together, each against itself a month
-- and a year before. A stale lender is as of its own newest day in the sum, too.
with

days as (
    select
        lenders.lender,
        lenders.currency,
        lenders.data_as_of,
        shifts.at,
        -- a month's last day is held against last days: a balance reported at month-ends stands until the next one
        case
            when extract(day from lenders.data_as_of + 1) = 1
                then cast(lenders.data_as_of + 1 - shifts.back as date) - 1
            else cast(lenders.data_as_of - shifts.back as date)
        end as day
    from dim_lender as lenders
    cross join (
        values ('now', interval '0'), ('month', interval '1 month'), ('year', interval '1 year')
    ) as shifts (at, back)
),

-- a book of one product is bounded by the buckets of its scheme: 30 is the first day past 30 in one, 30 itself in another
buckets as (
    select distinct
        bucket,
        min_dpd
    from dim_dpd_bucket
    where not is_terminal
),

books as (
    select
        days.lender,
        days.currency,
        days.at,
        max(days.data_as_of) as as_of,
        sum(daily.loans) as loans,
        sum(daily.outstanding_principal) as outstanding_principal,
        coalesce(sum(daily.outstanding_principal) filter (where buckets.min_dpd > 0), 0) as balance_overdue_1,
        coalesce(sum(daily.outstanding_principal) filter (where buckets.min_dpd >= 30), 0) as balance_overdue_30,
        coalesce(sum(daily.outstanding_principal) filter (where buckets.min_dpd >= 90), 0) as balance_overdue_90
    from days
    inner join mart_delinquency_daily as daily on days.lender = daily.lender and days.day = daily.as_of_date
    inner join buckets on daily.bucket = buckets.bucket
    group by days.lender, days.currency, days.at
),

-- lenders of a currency together, where there are several; a sum of the past is of those that had a book then
totals as (
    select
        cast(null as text) as lender,
        currency,
        at,
        max(as_of) as as_of,
        sum(loans) as loans,
        sum(outstanding_principal) as outstanding_principal,
        sum(balance_overdue_1) as balance_overdue_1,
        sum(balance_overdue_30) as balance_overdue_30,
        sum(balance_overdue_90) as balance_overdue_90
    from books
    where currency in (select currency from dim_lender group by currency having count(*) > 1)
    group by currency, at
),

rates as (
    select
        *,
        balance_overdue_1 / nullif(outstanding_principal, 0) as overdue_rate,
        balance_overdue_30 / nullif(outstanding_principal, 0) as par30_rate,
        balance_overdue_90 / nullif(outstanding_principal, 0) as par90_rate
    from (select * from books union all select * from totals) as both_kinds
)

select
    now.lender,
    now.currency,
    now.as_of,
    cast(now.loans as bigint) as loans,
    now.outstanding_principal,
    now.balance_overdue_1,
    now.balance_overdue_30,
    now.balance_overdue_90,
    round(now.overdue_rate, 6) as overdue_rate,
    round(now.par30_rate, 6) as par30_rate,
    round(now.par90_rate, 6) as par90_rate,
    round(now.loans / nullif(month.loans, 0) - 1, 6) as loans_month,
    round(now.loans / nullif(year.loans, 0) - 1, 6) as loans_year,
    round(now.outstanding_principal / nullif(month.outstanding_principal, 0) - 1, 6) as outstanding_month,
    round(now.outstanding_principal / nullif(year.outstanding_principal, 0) - 1, 6) as outstanding_year,
    round(100 * (now.overdue_rate - month.overdue_rate), 4) as overdue_rate_month_pp,
    round(100 * (now.overdue_rate - year.overdue_rate), 4) as overdue_rate_year_pp,
    round(100 * (now.par30_rate - month.par30_rate), 4) as par30_rate_month_pp,
    round(100 * (now.par30_rate - year.par30_rate), 4) as par30_rate_year_pp,
    round(100 * (now.par90_rate - month.par90_rate), 4) as par90_rate_month_pp,
    round(100 * (now.par90_rate - year.par90_rate), 4) as par90_rate_year_pp
from rates as now
left join rates as month
    on
        now.lender is not distinct from month.lender
        and now.currency = month.currency
        and month.at = 'month'
left join rates as year
    on
        now.lender is not distinct from year.lender
        and now.currency = year.currency
        and year.at = 'year'
where now.at = 'now'
order by now.lender is not null, now.currency, now.lender
