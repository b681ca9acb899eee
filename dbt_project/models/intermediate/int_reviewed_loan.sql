-- Loans whose facts say how late they are today: those that this build recomputes, and those in the book with
-- something overdue, on which every day that passes tells.
select lender, loan_id from {{ ref('stg_touched_loan') }}
union
select shortages.lender, shortages.loan_id
from {{ ref('int_shortage') }} as shortages
inner join {{ ref('int_lender') }} as lenders
    on
        shortages.lender = lenders.lender
        and shortages.short_from <= lenders.data_as_of
        and shortages.short_until > lenders.data_as_of
inner join {{ ref('int_loan_state') }} as states
    on
        shortages.lender = states.lender
        and shortages.loan_id = states.loan_id
        and states.valid_to is null
        and not states.is_terminal
where shortages.track = 'current'
