-- Payments held out whenever they were: sent under a number that stands for another payment, which counts.
select
    conflicts.lender,
    conflicts.loan_id,
    conflicts.payment_id,
    conflicts.kind,
    conflicts.value_on,
    conflicts.amount,
    nullif(standing.loan_id, conflicts.loan_id) as other_loan_id,
    conflicts.file_id,
    conflicts.line_no
from {{ ref('stg_payment_conflict') }} as conflicts
inner join {{ ref('stg_payment') }} as standing
    on conflicts.lender = standing.lender and conflicts.payment_id = standing.payment_id
order by conflicts.lender, conflicts.loan_id, conflicts.delivery_id, conflicts.line_no
