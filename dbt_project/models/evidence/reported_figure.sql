-- What lenders reported of known loans, and for which days.
select
    positions.lender,
    positions.loan_id,
    positions.as_of,
    positions.dpd,
    positions.outstanding_principal
from {{ ref('stg_reported_position') }} as positions
inner join {{ ref('stg_loan') }} as loans
    on positions.lender = loans.lender and positions.loan_id = loans.loan_id
