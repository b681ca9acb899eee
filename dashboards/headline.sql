-- The headline: overdue share of outstanding principal at the newest four month-ends of every lender.
-- not_listed: loans that the lender's snapshot no longer lists and nobody explained; they stay in the book.
with

unlisted as (
    select
        lender,
        month_end,
        count(*) as loans
    from marts.fct_loan_month
    where state = 'unknown'
    group by lender, month_end
)

select
    rates.lender,
    rates.month_end,
    rates.active_loans as loans,
    coalesce(unlisted.loans, 0) as not_listed,
    round(rates.outstanding_principal, 0) as outstanding,
    round(100 * rates.overdue_rate, 2) as "overdue %",
    round(100 * rates.par30_rate, 2) as "30+ %",
    round(100 * rates.par90_rate, 2) as "90+ %",
    round(rates.overdue_rate_yoy_pp, 2) as "YoY pp"
from marts.mart_overdue_rate_monthly as rates
left join unlisted
    on rates.lender = unlisted.lender and rates.month_end = unlisted.month_end
where
    rates.month_end > (
        select max(newest.month_end) - 100
        from marts.mart_overdue_rate_monthly as newest
        where newest.lender = rates.lender
    )
order by rates.lender, rates.month_end
