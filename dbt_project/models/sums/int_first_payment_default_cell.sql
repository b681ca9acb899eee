-- Months of due dates of which a build recomputes first-payment default: one of the first three instalments, or whether
-- one was short, has changed, or a window is over. One that was short counts for those after it, too.
with

first_due as (
    select lender, loan_id, product, due_month, clock_due_on
    from {{ standing('int_due_instalment') }} as due
    where instalment_no between 1 and 3
),

shortages as (
    select shortages.lender, shortages.loan_id
    from (
        select lender, loan_id, judged_on, true as is_changed
        from {{ changed('int_due_shortage') }} as shortages
        where window_days > 0
        union all
        select lender, loan_id, judged_on, false as is_changed
        from {{ standing('int_due_shortage') }} as shortages
        where window_days > 0
    ) as shortages
    inner join {{ ref('int_passage') }} as passage
        on
            shortages.lender = passage.lender
            and shortages.judged_on <= passage.passed_until
            and (shortages.is_changed or shortages.judged_on > passage.passed_from)
    group by shortages.lender, shortages.loan_id
),

asked as (
    select first_due.lender, first_due.product, first_due.due_month
    from first_due
    inner join {{ ref('int_passage') }} as passage on first_due.lender = passage.lender
    inner join {{ ref('fpd_windows') }} as windows
        on
            {{ add_days('first_due.clock_due_on', 'windows.window_days') }} > passage.passed_from
            and {{ add_days('first_due.clock_due_on', 'windows.window_days') }} <= passage.passed_until
),

cells as (
    select lender, product, due_month, clock_due_on
    from {{ changed('int_due_instalment') }} as due
    where instalment_no between 1 and 3
    union all
    select first_due.lender, first_due.product, first_due.due_month, first_due.clock_due_on
    from first_due
    inner join shortages on first_due.lender = shortages.lender and first_due.loan_id = shortages.loan_id
    union all
    select lender, product, due_month, null as clock_due_on from asked
)

select
    cells.lender,
    cells.product,
    cells.due_month
from cells
inner join {{ ref('int_passage') }} as passage
    on
        cells.lender = passage.lender
        and (cells.clock_due_on is null or cells.clock_due_on <= passage.passed_until)
group by cells.lender, cells.product, cells.due_month
