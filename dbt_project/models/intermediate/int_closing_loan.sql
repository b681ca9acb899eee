-- Loans that need months: those that this build recomputes, all of them (months_after is null), and every loan of a
-- lender whose data has passed a month-end since the build before, the months after that.
with

passing as (
    select states.lender, states.loan_id, known_before.data_as_of
    from {{ ref('int_loan_state') }} as states
    inner join {{ ref('stg_known_before') }} as known_before on states.lender = known_before.lender
    inner join {{ ref('int_lender') }} as lenders on states.lender = lenders.lender
    where
        states.valid_to is null
        and {{ month_end(add_days('known_before.data_as_of', 1)) }} <= lenders.data_as_of
)

select
    touched_loans.lender,
    touched_loans.loan_id,
    cast(null as date) as months_after
from {{ ref('stg_touched_loan') }} as touched_loans
union all
select
    passing.lender,
    passing.loan_id,
    passing.data_as_of as months_after
from passing
left join {{ ref('stg_touched_loan') }} as touched_loans
    on passing.lender = touched_loans.lender and passing.loan_id = touched_loans.loan_id
where touched_loans.loan_id is null
