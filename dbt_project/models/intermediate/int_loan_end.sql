-- Loans that are out of the book at their lender's data_as_of, and since when. What happens to a loan that has left (a
-- settled one is written off) does not let it leave again.
with

last_in_book as (
    select lender, loan_id, max(valid_to) as ended_on
    from {{ touched('int_loan_state') }}
    where not is_terminal
    group by lender, loan_id
),

first_days as (
    select lender, loan_id, min(valid_from) as first_day
    from {{ touched('int_loan_state') }}
    group by lender, loan_id
)

select
    states.lender,
    states.loan_id,
    states.state,
    coalesce(last_in_book.ended_on, first_days.first_day) as ended_on
from {{ touched('int_loan_state') }} as states
inner join first_days on states.lender = first_days.lender and states.loan_id = first_days.loan_id
left join last_in_book on states.lender = last_in_book.lender and states.loan_id = last_in_book.loan_id
where states.valid_to is null and states.is_terminal
