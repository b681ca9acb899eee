-- Every day from the month of the first loan to the end of the business date's year. Month-ends come from here, never
-- from the next row of a table.
with

span as (
    select
        {{ month_start('min(disbursed_on)') }} as first_day,
        make_date(cast(extract(year from {{ business_date() }}) as integer), 12, 31) as last_day
    from {{ ref('int_loan') }}
),

days as (
    {{ day_spine('span', 'span.first_day', 'span.last_day') }}
)

select
    days.date,
    {{ month_end('days.date') }} as month_end,
    {{ quarter_end('days.date') }} as quarter_end,
    days.date = {{ month_end('days.date') }} as is_month_end,
    days.date = {{ quarter_end('days.date') }} as is_quarter_end
from days
