-- When each schedule version of a loan is in force: [in_force_from, in_force_until). The lowest from the start of the
-- loan; another from its effective date, or, where it names none, from the day it was first delivered; each until a
-- version with a higher number starts. Of versions that start on one day, or out of order, only the highest counts.
with

starts as (
    select
        instalments.lender,
        instalments.loan_id,
        instalments.schedule_version,
        min(instalments.version_from) as known_from,
        coalesce(min(instalments.effective_on), min(instalments.version_from)) as starts_on,
        row_number() over (
            partition by instalments.lender, instalments.loan_id order by instalments.schedule_version
        ) as version_rank
    from {{ touched('stg_instalment') }} as instalments
    inner join {{ touched('stg_loan') }} as loans
        on instalments.lender = loans.lender and instalments.loan_id = loans.loan_id
    group by instalments.lender, instalments.loan_id, instalments.schedule_version
)

select
    lender,
    loan_id,
    schedule_version,
    version_rank = 1 as is_original,
    known_from,
    case when version_rank = 1 then {{ first_day_ever() }} else starts_on end as in_force_from,
    coalesce(
        min(starts_on) over (
            partition by lender, loan_id order by schedule_version
            rows between 1 following and unbounded following
        ),
        {{ last_day_ever() }}
    ) as in_force_until
from starts
