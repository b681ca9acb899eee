-- Working days around holidays as the State Council arranged them: a make-up Saturday is one, the Friday of a bridge is
-- not.
with

given as (
    select cast('2020-05-01' as date) as day, cast('2020-05-06' as date) as expected
    union all
    select cast('2024-09-30' as date) as day, cast('2024-09-30' as date) as expected
    union all
    select cast('2024-10-01' as date) as day, cast('2024-10-08' as date) as expected
    union all
    select cast('2024-10-12' as date) as day, cast('2024-10-12' as date) as expected
    union all
    select cast('2024-10-13' as date) as day, cast('2024-10-14' as date) as expected
)

select
    given.day,
    given.expected,
    working_days.next_working_day
from given
left join {{ ref('int_working_day') }} as working_days on given.day = working_days.date
where working_days.next_working_day is distinct from given.expected
