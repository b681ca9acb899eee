-- Days of which a build recomputes the reconciliation: a loan held against the lender's figures has changed, or they
-- have passed, or are no longer the last: what explains a break on the day after was not known on the day itself.
with

days as (
    select lender, as_of as as_of_date, true as is_changed from {{ changed('int_position_break') }} as breaks
    union all
    select lender, as_of as as_of_date, false as is_changed from {{ standing('int_position_break') }} as breaks
)

select
    days.lender,
    days.as_of_date
from days
inner join {{ ref('int_passage') }} as passage
    on
        days.lender = passage.lender
        and days.as_of_date <= passage.passed_until
        and (days.is_changed or (days.as_of_date >= passage.passed_from and passage.passed_from < passage.passed_until))
group by days.lender, days.as_of_date
