-- Days of which a build recomputes the inflow: an instalment due on them, or whether it was short at their close, has
-- changed, or they have passed.
with

due_days as (
    select lender, clock_due_on as due_on, true as is_changed from {{ changed('int_due_instalment') }} as due
    union all
    select lender, judged_on as due_on, true as is_changed
    from {{ changed('int_due_shortage') }} as shortages
    where window_days = 0
    union all
    select lender, clock_due_on as due_on, false as is_changed from {{ standing('int_due_instalment') }} as due
)

select
    due_days.lender,
    due_days.due_on
from due_days
inner join {{ ref('int_passage') }} as passage
    on
        due_days.lender = passage.lender
        and due_days.due_on <= passage.passed_until
        and (due_days.is_changed or due_days.due_on > passage.passed_from)
group by due_days.lender, due_days.due_on
