-- What lenders say about known loans, day by day as reported.
select
    positions.lender,
    positions.loan_id,
    positions.as_of,
    positions.outstanding_principal,
    positions.overdue_principal,
    positions.dpd,
    positions.status
from {{ touched('stg_reported_position') }} as positions
inner join {{ touched('stg_loan') }} as loans
    on positions.lender = loans.lender and positions.loan_id = loans.loan_id
