-- Working days only for the years whose official holiday arrangement is in the seed: a guess would look like a fact.
select
    calendar.date,
    calendar.month_end,
    calendar.quarter_end,
    cast(extract(year from calendar.date) as integer) as year,
    cast(extract(month from calendar.date) as integer) as month,
    calendar.is_month_end,
    calendar.is_quarter_end,
    working_days.is_working_day as is_working_day_cn
from {{ ref('int_calendar') }} as calendar
left join {{ ref('int_working_day') }} as working_days on calendar.date = working_days.date
