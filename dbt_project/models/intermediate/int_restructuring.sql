-- The days on which a borrower was given relief: by an event that says so, or by a new schedule that nothing else
-- explains.
select lender, loan_id, event_on as relieved_on
from {{ touched('int_loan_event') }}
where is_restructuring
union
select lender, loan_id, relieved_on
from {{ touched('int_new_terms') }}
