{{ config(materialized='cells', meta={
    'cells': 'int_inflow_cell', 'cell': ['lender', 'due_on']
}) }}
-- Of the instalments due on a day whose loan was not overdue the day before, those short at its close.
with

due as (
    select
        due.lender,
        due.product,
        due.clock_due_on as due_on,
        due.instalment_no = 1 as is_first_instalment,
        due.principal_due,
        case when shortages.lender is not null then 1 else 0 end as is_short
    from {{ in_cells(
        'int_due_instalment', 'int_inflow_cell', on={'lender': 'lender', 'clock_due_on': 'due_on'}
    ) }} as due
    inner join {{ ref('int_lender') }} as lenders on due.lender = lenders.lender
    left join {{ ref('int_due_shortage') }} as shortages
        on
            due.lender = shortages.lender
            and due.loan_id = shortages.loan_id
            and due.instalment_no = shortages.instalment_no
            and shortages.window_days = 0
    where due.is_clean and due.clock_due_on <= lenders.data_as_of
)

select
    lender,
    product,
    due_on,
    is_first_instalment,
    count(*) as instalments_due,
    {{ money('sum(principal_due)') }} as principal_due,
    cast(sum(is_short) as bigint) as short_instalments,
    {{ money('sum(is_short * principal_due)') }} as short_principal
from due
group by lender, product, due_on, is_first_instalment
