-- The day from which on a build recomputes the daily book of a product: the earliest on which what changed makes a
-- difference, or the first that has passed. In a build of everything the first of all days.
{%- set measures = ['loans', 'outstanding_principal', 'overdue_principal', 'overdue_amount'] %}
with

segments as (
    select
        lender, product, scheme, bucket, starts_on, ends_on, build_id,
        case when is_fresh then 1 else -1 end as loans,
        case when is_fresh then outstanding_principal else -outstanding_principal end as outstanding_principal,
        case when is_fresh then overdue_principal else -overdue_principal end as overdue_principal,
        case when is_fresh then overdue_amount else -overdue_amount end as overdue_amount
    from {{ changed('int_bucket_segment') }} as segments
),

-- a segment that ends sooner than it was to end has changed from its end on
differences as (
    select lender, product, day
    from (
        select
            lender, product, scheme, bucket, build_id, starts_on as day,
            {{ measures | join(', ') }}
        from segments
        union all
        select
            lender, product, scheme, bucket, build_id, ends_on as day,
            {% for measure in measures -%}
            -{{ measure }} as {{ measure }}{{ ',' if not loop.last }}
            {% endfor %}
        from segments
        where ends_on is not null
    ) as changes
    group by lender, product, scheme, bucket, build_id, day
    having
        {% for measure in measures -%}
        sum({{ measure }}) <> 0{{ ' or ' if not loop.last }}
        {% endfor %}
),

days as (
    select lender, product, day from differences
    union all
    select
        products.lender,
        products.product,
        {% if not execute or build_goes_on() -%}
        {{ add_days('passage.passed_from', 1) }} as day
        {%- else -%}
        {{ first_day_ever() }} as day
        {%- endif %}
    from {{ ref('int_convention') }} as products
    inner join {{ ref('int_passage') }} as passage on products.lender = passage.lender
)

select
    days.lender,
    days.product,
    min(days.day) as as_of_date
from days
inner join {{ ref('int_passage') }} as passage on days.lender = passage.lender and days.day <= passage.passed_until
group by days.lender, days.product
