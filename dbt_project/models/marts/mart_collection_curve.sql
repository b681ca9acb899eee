{{ config(materialized='cells', meta={
    'cells': 'int_collection_curve_cell', 'cell': ['lender', 'product', 'due_month']
}) }}
-- Of what fell due in a month, how much cash had come in for it by each month-end since: expected against received. A
-- waiver is no cash; money that was returned comes off again.
with

amounts as (
    select
        due.lender,
        due.product,
        due.due_month,
        lenders.data_as_of,
        sum(due.owed) as amount_due
    from {{ in_cells(
        'int_due_instalment', 'int_collection_curve_cell',
        on={'lender': 'lender', 'product': 'product', 'due_month': 'due_month'}
    ) }} as due
    inner join {{ ref('int_lender') }} as lenders
        on due.lender = lenders.lender and due.due_month <= lenders.data_as_of
    where due.is_owed
    group by due.lender, due.product, due.due_month, lenders.data_as_of
),

grid as (
    select
        amounts.lender,
        amounts.product,
        amounts.due_month,
        calendar.date as month_end,
        amounts.amount_due
    from amounts
    inner join {{ ref('int_calendar') }} as calendar
        on calendar.is_month_end and amounts.due_month <= calendar.date and amounts.data_as_of >= calendar.date
),

received as (
    select lender, product, due_month, month_end, sum(amount) as amount
    from {{ in_cells(
        'int_due_receipt', 'int_collection_curve_cell',
        on={'lender': 'lender', 'product': 'product', 'due_month': 'due_month'}
    ) }}
    group by lender, product, due_month, month_end
),

parts as (
    select lender, product, due_month, month_end, amount_due, 0 as amount from grid
    union all
    select lender, product, due_month, month_end, null as amount_due, amount from received
),

-- money of a month that is not over has no cell yet
cells as (
    select lender, product, due_month, month_end, max(amount_due) as amount_due, sum(amount) as amount
    from parts
    group by lender, product, due_month, month_end
    having max(amount_due) is not null
)

select
    lender,
    product,
    due_month,
    {{ months_between('due_month', 'month_end') }} as months_since_due,
    {{ money('amount_due') }} as amount_due,
    cast(
        sum(amount) over (
            partition by lender, product, due_month order by month_end
            rows between unbounded preceding and current row
        ) as numeric(18, 2)
    ) as amount_collected_to_date
from cells
