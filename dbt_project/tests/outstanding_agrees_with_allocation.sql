-- Where we compute the balance and the schedule was never replaced: what is left is what was lent less the principal
-- that payments were allocated to. The engine of states and the allocation of payments reach it by two ways. Not of a
-- loan that is paid off and still in the book, for its schedule repays less than was lent: what was paid before the
-- payoff stays split as it was.
with

allocated as (
    select payments.lender, payments.loan_id, sum(payments.principal) as principal
    from {{ ref('int_payment_allocation') }} as payments
    inner join {{ ref('int_lender') }} as lenders on payments.lender = lenders.lender
    where payments.settles_instalments and payments.value_on <= lenders.data_as_of
    group by payments.lender, payments.loan_id
),

replanned as (
    select lender, loan_id from {{ ref('int_plan') }} group by lender, loan_id having count(*) > 1
),

paid_off as (
    select lender, loan_id from {{ ref('int_payoff') }} where paid_off_until is null group by lender, loan_id
)

select
    standing.lender,
    standing.loan_id,
    loans.principal,
    standing.outstanding_principal,
    allocated.principal as principal_allocated
from {{ ref('fct_loan_current') }} as standing
inner join {{ ref('int_loan') }} as loans on standing.lender = loans.lender and standing.loan_id = loans.loan_id
inner join {{ ref('loan_states') }} as states on standing.state = states.state and not states.is_terminal
left join allocated on standing.lender = allocated.lender and standing.loan_id = allocated.loan_id
left join replanned on standing.lender = replanned.lender and standing.loan_id = replanned.loan_id
left join paid_off on standing.lender = paid_off.lender and standing.loan_id = paid_off.loan_id
where
    not loans.enters_as_reported
    and replanned.loan_id is null
    and paid_off.loan_id is null
    and abs(loans.principal - coalesce(allocated.principal, 0) - standing.outstanding_principal) > 0.01
