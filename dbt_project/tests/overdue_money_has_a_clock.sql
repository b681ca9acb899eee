-- Money is overdue without a clock in one case only: what fell due inside a pause, while the pause lasts.
select
    states.lender,
    states.loan_id,
    states.valid_from,
    states.overdue_amount
from {{ ref('int_loan_state') }} as states
left join {{ ref('int_pause') }} as pauses
    on
        states.lender = pauses.lender
        and states.loan_id = pauses.loan_id
        and states.valid_from >= pauses.paused_from
        and states.valid_from < coalesce(pauses.paused_until, {{ last_day_ever() }})
where
    states.overdue_amount > 0
    and states.clock_from is null
    and states.dpd_fixed is null
    and pauses.loan_id is null
