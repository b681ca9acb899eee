-- Loans of which facts alone say what marts have to hold: in the book from their disbursement on by a balance that we
-- compute, on one schedule that repays them and with due dates that stay where they are, by conventions that have not
-- changed since and without days of grace; no money ever went back, and nobody says that one left the book but by being
-- settled.
with

schedules as (
    select
        lender,
        loan_id,
        min(due_on) as first_due_on,
        sum(principal_due) as principal
    from {{ ref('fct_instalment') }}
    group by lender, loan_id
    having max(schedule_version) = min(schedule_version)
),

gone_back as (
    select lender, loan_id from {{ ref('fct_payment') }} where amount < 0 group by lender, loan_id
)

select
    loans.lender,
    loans.loan_id,
    loans.product,
    loans.disbursed_on,
    loans.principal,
    standing.state
from {{ ref('dim_loan') }} as loans
inner join {{ ref('fct_loan_current') }} as standing
    on loans.lender = standing.lender and loans.loan_id = standing.loan_id
inner join {{ ref('int_loan') }} as told
    on
        loans.lender = told.lender
        and loans.loan_id = told.loan_id
        and told.terminal_on is null
inner join {{ ref('int_convention') }} as conventions
    on
        loans.lender = conventions.lender
        and loans.product = conventions.product
        and loans.disbursed_on >= conventions.in_force_from
inner join schedules
    on
        loans.lender = schedules.lender
        and loans.loan_id = schedules.loan_id
        and loans.disbursed_on < schedules.first_due_on
        and loans.principal = schedules.principal
left join gone_back on loans.lender = gone_back.lender and loans.loan_id = gone_back.loan_id
where
    standing.state in ('active', 'unknown', 'settled')
    and gone_back.loan_id is null
    and conventions.in_force_until = {{ last_day_ever() }}
    and conventions.outstanding = 'computed'
    and conventions.allocation = 'waterfall'
    and conventions.non_working_day = 'none'
    and conventions.grace_days = 0
    and conventions.principal_counts = 1
    and conventions.interest_counts = 1
    and conventions.fee_counts = 1
    and conventions.penalty_counts = 0
