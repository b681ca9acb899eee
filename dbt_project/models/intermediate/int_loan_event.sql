-- Events of known loans, with what their kind means.
select
    events.lender,
    events.loan_id,
    events.event_on,
    events.kind,
    events.amount,
    kinds.is_terminal,
    kinds.state,
    kinds.is_restructuring
from {{ touched('stg_loan_event') }} as events
inner join {{ ref('event_kinds') }} as kinds on events.kind = kinds.kind
inner join {{ touched('stg_loan') }} as loans on events.lender = loans.lender and events.loan_id = loans.loan_id
