-- Working days only for the years whose official holiday arrangement is in the seed: a guess would look like a fact.
select
    calendar.date,
    calendar.month_end,
    calendar.quarter_end,
    cast(extract(year from calendar.date) as integer) as year,
    cast(extract(month from calendar.date) as integer) as month,
    calendar.is_month_end,
    calendar.is_quarter_end,
    case
        when years.year is not null
            then coalesce(arrangements.is_working_day, {{ iso_weekday('calendar.date') }} <= 5)
    end as is_working_day_cn
from {{ ref('int_calendar') }} as calendar
left join {{ ref('cn_calendar_years') }} as years on extract(year from calendar.date) = years.year
left join {{ ref('cn_calendar') }} as arrangements on calendar.date = arrangements.date
