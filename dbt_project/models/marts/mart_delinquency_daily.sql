{{ config(materialized='cells', meta={
    'cells': 'int_delinquency_cell', 'cell': ['lender', 'product'], 'cell_from': 'as_of_date'
}) }}
-- The book by bucket on every day: changes at the starts and ends of segments, summed over the calendar.
{%- set measures = ['loans', 'outstanding_principal', 'overdue_principal', 'overdue_amount'] %}
with

-- days before the first one that is recomputed stay as they are: what had begun by then, begins on it
segments as (
    select
        segments.*,
        greatest(segments.starts_on, cells.as_of_date) as counts_from
    from {{ ref('int_bucket_segment') }} as segments
    inner join {{ ref('int_delinquency_cell') }} as cells
        on
            segments.lender = cells.lender
            and segments.product = cells.product
            and (segments.ends_on is null or segments.ends_on > cells.as_of_date)
),

changes as (
    select
        lender, product, scheme, bucket, counts_from as day,
        1 as loans, outstanding_principal, overdue_principal, overdue_amount
    from segments
    union all
    select
        lender, product, scheme, bucket, ends_on as day,
        -1 as loans, -outstanding_principal as outstanding_principal, -overdue_principal as overdue_principal,
        -overdue_amount as overdue_amount
    from segments
    where ends_on is not null
),

daily_changes as (
    select
        lender, product, scheme, bucket, day,
        {% for measure in measures -%}
        sum({{ measure }}) as {{ measure }}{{ ',' if not loop.last }}
        {% endfor %}
    from changes
    group by lender, product, scheme, bucket, day
),

products as (
    select daily_changes.lender, daily_changes.product, daily_changes.scheme, min(daily_changes.day) as first_day
    from daily_changes
    group by daily_changes.lender, daily_changes.product, daily_changes.scheme
),

-- every bucket of the product's scheme on every day, so that a change has a day to land on
grid as (
    select
        products.lender,
        products.product,
        products.scheme,
        buckets.bucket,
        calendar.date as as_of_date
    from products
    inner join {{ ref('int_lender') }} as lenders on products.lender = lenders.lender
    inner join {{ ref('dpd_buckets') }} as buckets on products.scheme = buckets.scheme and not buckets.is_terminal
    inner join {{ ref('int_calendar') }} as calendar
        on products.first_day <= calendar.date and lenders.data_as_of >= calendar.date
),

stock as (
    select
        grid.lender,
        grid.product,
        grid.scheme,
        grid.as_of_date,
        grid.bucket,
        {% for measure in measures -%}
        sum(coalesce(daily_changes.{{ measure }}, 0)) over to_date as {{ measure }}{{ ',' if not loop.last }}
        {% endfor %}
    from grid
    left join daily_changes
        on
            grid.lender = daily_changes.lender
            and grid.product = daily_changes.product
            and grid.scheme = daily_changes.scheme
            and grid.bucket = daily_changes.bucket
            and grid.as_of_date = daily_changes.day
    window to_date as (
        partition by grid.lender, grid.product, grid.scheme, grid.bucket order by grid.as_of_date
        rows between unbounded preceding and current row
    )
),

-- the buckets of a day are those of the scheme in force on it
in_force as (
    select
        stock.*,
        sum(stock.loans) over (partition by stock.lender, stock.product, stock.as_of_date) as book_loans
    from stock
    inner join {{ ref('int_convention') }} as conventions
        on
            stock.lender = conventions.lender
            and stock.product = conventions.product
            and stock.scheme = conventions.scheme
            and stock.as_of_date >= conventions.in_force_from
            and stock.as_of_date < conventions.in_force_until
)

select
    lender,
    product,
    as_of_date,
    bucket,
    cast(loans as bigint) as loans,
    {{ money('outstanding_principal') }} as outstanding_principal,
    {{ money('overdue_principal') }} as overdue_principal,
    {{ money('overdue_amount') }} as overdue_amount
from in_force
where book_loans > 0
