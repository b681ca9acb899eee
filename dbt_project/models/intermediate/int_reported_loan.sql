-- Loans whose lender has a say of them to be held against ours: those that this build recomputes, and those of which a
-- position came or went. A position alone is no reason to compute a loan again, but what it says of it is new.
select lender, loan_id from {{ ref('stg_touched_loan') }}
union
select lender, loan_id from {{ ref('stg_touched_position') }}
