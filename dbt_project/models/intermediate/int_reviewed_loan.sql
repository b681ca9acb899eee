-- Loans whose facts say how late they are today: those that this build recomputes, and those in the book with an
-- instalment that fell due and is not settled, on which every day that passes tells. (It counts days from its due date
-- on, also where the loan does not: over a holiday, or before the first balance that its lender reports.)
select lender, loan_id from {{ ref('stg_touched_loan') }}
union
select instalments.lender, instalments.loan_id
from {{ ref('int_settled_instalment') }} as instalments
inner join {{ ref('int_lender') }} as lenders
    on instalments.lender = lenders.lender and instalments.due_on < lenders.data_as_of
left join {{ ref('int_loan_state') }} as states
    on
        instalments.lender = states.lender
        and instalments.loan_id = states.loan_id
        and states.valid_to is null
where instalments.settled_on is null and not coalesce(states.is_terminal, false)
