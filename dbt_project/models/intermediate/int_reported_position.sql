-- What lenders say about known loans, day by day as reported.
select
    positions.lender,
    positions.loan_id,
    positions.as_of,
    positions.outstanding_principal,
    positions.overdue_principal,
    positions.dpd,
    positions.status
from {{ ref('stg_reported_position') }} as positions
inner join {{ ref('stg_loan') }} as loans
    on positions.lender = loans.lender and positions.loan_id = loans.loan_id
