-- Every accepted instalment of a known loan, as its lender sent it last.
select
    instalments.lender,
    instalments.loan_id,
    instalments.schedule_version,
    instalments.instalment_no,
    instalments.due_on,
    instalments.principal_due,
    instalments.interest_due,
    instalments.fee_due
from {{ ref('stg_instalment') }} as instalments
inner join {{ ref('stg_loan') }} as loans
    on instalments.lender = loans.lender and instalments.loan_id = loans.loan_id
