-- Of which loans their lender reported a figure, for which days, and the balance where it is one.
select
    positions.lender,
    positions.loan_id,
    positions.as_of,
    positions.outstanding_principal
from {{ ref('stg_reported_position') }} as positions
inner join {{ ref('stg_loan') }} as loans
    on positions.lender = loans.lender and positions.loan_id = loans.loan_id
where positions.outstanding_principal is not null or positions.dpd is not null
