{{ config(materialized='cells', meta={
    'cells': 'int_reconciliation_cell', 'cell': ['lender', 'as_of_date']
}) }}
-- The lender's own figures against ours on every day for which it sent some, by what may explain the difference; loans
-- on which both agree are the rows `none`.
with

judged as (
    select
        breaks.lender,
        breaks.as_of,
        breaks.our_outstanding_principal,
        breaks.reported_outstanding_principal,
        breaks.broken_since,
        -- what stands at the close of the day after is not known on the last day
        case
            when breaks.as_of < lenders.data_as_of then breaks.break_type
            else breaks.break_type_on_the_day
        end as break_type
    from {{ in_cells(
        'int_position_break', 'int_reconciliation_cell', on={'lender': 'lender', 'as_of': 'as_of_date'}
    ) }} as breaks
    inner join {{ ref('int_lender') }} as lenders on breaks.lender = lenders.lender
    where breaks.as_of <= lenders.data_as_of
)

select
    lender,
    as_of as as_of_date,
    break_type,
    count(*) as loans,
    {{ money('sum(our_outstanding_principal)') }} as our_amount,
    -- a lender that sends no balance says nothing against ours
    {{ money('sum(coalesce(reported_outstanding_principal, our_outstanding_principal))') }} as reported_amount,
    min(broken_since) as oldest_break_on
from judged
group by lender, as_of, break_type
