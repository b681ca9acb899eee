{{ config(materialized='cells', meta={
    'cells': 'int_recovery_cell', 'cell': ['lender', 'product', 'entry_month']
}) }}
-- What was collected, within some days, from the loans that fell into a bucket in a month, against what they were
-- behind with when they did. Only loans for which those days are over count, on both sides.
select
    outcomes.lender,
    outcomes.product,
    outcomes.entry_month,
    outcomes.bucket as entry_bucket,
    outcomes.window_days,
    count(*) as entered_loans,
    {{ money('sum(outcomes.overdue_principal)') }} as entry_overdue_principal,
    {{ money('sum(outcomes.collected_principal)') }} as collected_principal,
    cast(sum(case when outcomes.is_cured then 1 else 0 end) as bigint) as cured_loans,
    cast(sum(case when outcomes.is_redefaulted then 1 else 0 end) as bigint) as redefaulted_90d_loans,
    cast(sum(case when outcomes.cure_followed_until <= lenders.data_as_of then 1 else 0 end) as bigint)
        as followed_cured_loans,
    cast(
        sum(
            case when outcomes.is_redefaulted and outcomes.cure_followed_until <= lenders.data_as_of then 1 else 0 end
        ) as bigint
    ) as followed_redefaulted_loans
from {{ in_cells(
    'int_entry_outcome', 'int_recovery_cell',
    on={'lender': 'lender', 'product': 'product', 'entry_month': 'entry_month'}
) }} as outcomes
inner join {{ ref('int_lender') }} as lenders
    on outcomes.lender = lenders.lender and outcomes.judged_on <= lenders.data_as_of
group by outcomes.lender, outcomes.product, outcomes.entry_month, outcomes.bucket, outcomes.window_days
