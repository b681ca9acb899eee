-- Who once was past a threshold ever was: down a vintage's months on book, and from a higher threshold to a lower one.
with

neighbours as (
    select
        lender,
        product,
        vintage_month,
        mob,
        threshold_dpd,
        ever_loans,
        ever_principal,
        lag(ever_loans) over by_month as loans_a_month_before,
        lag(ever_principal) over by_month as principal_a_month_before,
        lag(ever_loans) over by_threshold as loans_at_lower_threshold,
        lag(ever_principal) over by_threshold as principal_at_lower_threshold
    from {{ ref('mart_vintage') }}
    window
        by_month as (partition by lender, product, vintage_month, threshold_dpd order by mob),
        by_threshold as (partition by lender, product, vintage_month, mob order by threshold_dpd)
)

select * from neighbours
where
    ever_loans < loans_a_month_before
    or ever_principal < principal_a_month_before
    or ever_loans > loans_at_lower_threshold
    or ever_principal > principal_at_lower_threshold
