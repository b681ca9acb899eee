-- Loans whose lender has a say of them to be held against ours: those that this build recomputes, with all of their
-- positions (positions_after is null), and those of which a position came or went, from the first of these on. A
-- position alone is no reason to compute a loan again, and what was said before it stands.
select
    touched_loans.lender,
    touched_loans.loan_id,
    cast(null as date) as positions_after
from {{ ref('stg_touched_loan') }} as touched_loans
union all
select
    positions.lender,
    positions.loan_id,
    {{ add_days('min(positions.as_of)', -1) }} as positions_after
from {{ ref('stg_touched_position') }} as positions
left join {{ ref('stg_touched_loan') }} as touched_loans
    on positions.lender = touched_loans.lender and positions.loan_id = touched_loans.loan_id
where touched_loans.loan_id is null
group by positions.lender, positions.loan_id
