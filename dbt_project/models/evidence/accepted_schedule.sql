-- From which day on lenders say that each schedule version of a known loan holds; the lowest does from the beginning.
select
    instalments.lender,
    instalments.loan_id,
    instalments.schedule_version,
    coalesce(min(instalments.effective_on), min(instalments.version_from)) as starts_on
from {{ ref('stg_instalment') }} as instalments
inner join {{ ref('stg_loan') }} as loans
    on instalments.lender = loans.lender and instalments.loan_id = loans.loan_id
group by instalments.lender, instalments.loan_id, instalments.schedule_version
