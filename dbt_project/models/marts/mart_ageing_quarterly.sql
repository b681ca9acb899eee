{{ config(materialized='cells', meta={
    'cells': 'int_ageing_cell', 'cell': ['lender', 'quarter_end']
}) }}
-- Each lender's book by bucket at each quarter-end, with the share of every bucket in the whole. Buckets without a
-- loan are rows of zeros, so that the table always has the shape of its scheme.
with

book as (
    select
        months.lender,
        months.product,
        months.month_end as quarter_end,
        months.bucket,
        count(*) as loans,
        sum(months.outstanding_principal) as outstanding_principal
    from {{ in_cells(
        'fct_loan_month', 'int_ageing_cell', on={'lender': 'lender', 'month_end': 'quarter_end'}
    ) }} as months
    inner join {{ ref('loan_states') }} as states on months.state = states.state and not states.is_terminal
    inner join {{ ref('int_calendar') }} as calendar on months.month_end = calendar.date and calendar.is_quarter_end
    group by months.lender, months.product, months.month_end, months.bucket
),

by_bucket as (
    select
        lender,
        quarter_end,
        bucket,
        sum(loans) as loans,
        sum(outstanding_principal) as outstanding_principal
    from book
    group by lender, quarter_end, bucket
),

-- products of a lender may be measured by different schemes; the table then has the buckets of each
schemes as (
    select book.lender, book.quarter_end, conventions.scheme
    from book
    inner join {{ ref('int_convention') }} as conventions
        on
            book.lender = conventions.lender
            and book.product = conventions.product
            and book.quarter_end >= conventions.in_force_from
            and book.quarter_end < conventions.in_force_until
    group by book.lender, book.quarter_end, conventions.scheme
),

grid as (
    select schemes.lender, schemes.quarter_end, buckets.bucket
    from schemes
    inner join {{ ref('dpd_buckets') }} as buckets on schemes.scheme = buckets.scheme and not buckets.is_terminal
),

ageing as (
    select
        grid.lender,
        grid.quarter_end,
        grid.bucket,
        coalesce(by_bucket.loans, 0) as loans,
        coalesce(by_bucket.outstanding_principal, 0) as outstanding_principal
    from grid
    left join by_bucket
        on
            grid.lender = by_bucket.lender
            and grid.quarter_end = by_bucket.quarter_end
            and grid.bucket = by_bucket.bucket
)

select
    lender,
    quarter_end,
    bucket,
    cast(loans as bigint) as loans,
    {{ money('outstanding_principal') }} as outstanding_principal,
    cast({{ quotient(
        'outstanding_principal', 'sum(outstanding_principal) over (partition by lender, quarter_end)'
    ) }} as numeric(9, 6)) as share_of_outstanding
from ageing
