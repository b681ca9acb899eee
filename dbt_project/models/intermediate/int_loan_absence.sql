-- When a loan was missing from its lender's snapshots.
select
    absences.lender,
    absences.loan_id,
    absences.missing_from,
    absences.listed_again_on
from {{ touched('stg_loan_absence') }} as absences
inner join {{ touched('stg_loan') }} as loans
    on absences.lender = loans.lender and absences.loan_id = loans.loan_id
