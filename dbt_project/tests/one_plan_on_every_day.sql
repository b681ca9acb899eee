-- On every day of all time exactly one plan of a loan is in force: the first has no beginning, each next one starts
-- where the one before it ends, and the last has no end.
with

in_turn as (
    select
        lender,
        loan_id,
        in_force_from,
        in_force_until,
        lead(in_force_from) over (partition by lender, loan_id order by in_force_from) as next_from,
        row_number() over (partition by lender, loan_id order by in_force_from) as place
    from {{ ref('int_plan') }}
    where in_force_from < in_force_until
)

select loans.lender, loans.loan_id, in_turn.in_force_from, in_turn.in_force_until, in_turn.next_from
from {{ ref('int_loan') }} as loans
left join in_turn on loans.lender = in_turn.lender and loans.loan_id = in_turn.loan_id
where
    in_turn.loan_id is null
    or (in_turn.place = 1 and in_turn.in_force_from <> {{ first_day_ever() }})
    or in_turn.in_force_until <> coalesce(in_turn.next_from, {{ last_day_ever() }})
