-- Every day of the years whose working days are known, with the first working day on or after it (null where that
-- would lie in a year that is not known).
with

span as (
    select
        make_date(min(year), 1, 1) as first_day,
        make_date(max(year), 12, 31) as last_day
    from {{ ref('cn_calendar_years') }}
),

days as (
    {{ day_spine('span', 'span.first_day', 'span.last_day') }}
),

judged as (
    select
        days.date,
        coalesce(arrangements.is_working_day, {{ iso_weekday('days.date') }} <= 5) as is_working_day
    from days
    inner join {{ ref('cn_calendar_years') }} as years on extract(year from days.date) = years.year
    left join {{ ref('cn_calendar') }} as arrangements on days.date = arrangements.date
)

select
    date,
    is_working_day,
    min(case when is_working_day then date end) over (
        order by date desc rows between unbounded preceding and current row
    ) as next_working_day
from judged
