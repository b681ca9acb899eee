-- Every accepted event of a known loan, as its lender sent it, with what its kind means.
select
    events.lender,
    events.loan_id,
    events.event_on,
    events.kind,
    kinds.state,
    kinds.is_restructuring as is_relief,
    events.amount
from {{ ref('stg_loan_event') }} as events
inner join {{ ref('event_kinds') }} as kinds on events.kind = kinds.kind
inner join {{ ref('stg_loan') }} as loans on events.lender = loans.lender and events.loan_id = loans.loan_id
