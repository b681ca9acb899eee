-- Months of which a build recomputes the collection curve: what fell due in them, or came in for it by the end of a
-- month that is over, has changed, or a month is over.
with

changes as (
    select lender, product, due_month, due_month as counts_on from {{ changed('int_due_instalment') }} as due
    union all
    select lender, product, due_month, month_end as counts_on from {{ changed('int_due_receipt') }} as receipts
    union all
    select due.lender, due.product, due.due_month, due.due_month as counts_on
    from {{ standing('int_due_instalment') }} as due
    inner join {{ ref('int_passage') }} as passage
        on
            due.lender = passage.lender
            and {{ month_end(add_days('passage.passed_from', 1)) }} <= passage.passed_until
)

select
    changes.lender,
    changes.product,
    changes.due_month
from changes
inner join {{ ref('int_passage') }} as passage
    on changes.lender = passage.lender and changes.counts_on <= passage.passed_until
group by changes.lender, changes.product, changes.due_month
