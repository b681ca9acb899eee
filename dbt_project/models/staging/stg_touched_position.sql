-- Positions that a delivery spoke of which came or went since the build before, and those of touched loans. Lenders
-- report one a day for every loan: it is no reason to compute the loan again, and reaches the marts by itself.
select changed.lender, changed.loan_id, changed.as_of
from (
    select positions.lender, positions.loan_id, positions.as_of
    from {{ source('raw', 'reported_position') }} as positions
    inner join {{ ref('stg_changed_delivery') }} as deliveries on positions.delivery_id = deliveries.delivery_id
    union all
    select positions.lender, positions.loan_id, positions.as_of
    from {{ source('raw', 'reported_position') }} as positions
    inner join {{ ref('stg_touched_loan') }} as touched_loans
        on positions.lender = touched_loans.lender and positions.loan_id = touched_loans.loan_id
) as changed
group by changed.lender, changed.loan_id, changed.as_of
