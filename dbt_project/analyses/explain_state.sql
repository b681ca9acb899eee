-- Every loan at the close of the day asked about: its state and since when, its days past due, and what they stand on.
{%- set day = "cast(current_setting('arrears.as_of') as date)" %}
with

states as (
    select
        *,
        lag(state) over (partition by lender, loan_id order by valid_from) as state_before
    from {{ ref('int_loan_state') }}
),

-- an interval ends with every change; a state begins where it is another one than before
with_begin as (
    select
        *,
        max(case when state is distinct from state_before then valid_from end) over (
            partition by lender, loan_id order by valid_from
        ) as state_since
    from states
)

select
    states.lender,
    states.loan_id,
    states.state,
    states.state_since,
    states.is_terminal,
    case when states.is_terminal then states.state else segments.bucket end as bucket,
    states.scheme,
    states.grace_days,
    plans.basis,
    plans.day_count,
    plans.first_day,
    plans.schedule_version,
    {{ dpd_on(day, 'states') }} as dpd,
    {{ dpd_on(day, 'states', 'contractual_') }} as contractual_dpd,
    states.clock_from,
    states.clock_stopped_on,
    states.outstanding_principal,
    states.overdue_principal,
    states.overdue_amount,
    plans.outstanding as outstanding_is,
    pauses.paused_from,
    pauses.paused_until,
    absences.missing_from,
    payoffs.paid_off_on,
    payoffs.paid_off_at
from with_begin as states
left join {{ ref('int_bucket_segment') }} as segments
    on
        states.lender = segments.lender
        and states.loan_id = segments.loan_id
        and segments.starts_on <= {{ day }}
        and coalesce(segments.ends_on, {{ last_day_ever() }}) > {{ day }}
left join {{ ref('int_plan') }} as plans
    on
        states.lender = plans.lender
        and states.loan_id = plans.loan_id
        and plans.in_force_from <= {{ day }}
        and plans.in_force_until > {{ day }}
left join {{ ref('int_pause') }} as pauses
    on
        states.lender = pauses.lender
        and states.loan_id = pauses.loan_id
        and pauses.paused_from <= {{ day }}
        and coalesce(pauses.paused_until, {{ last_day_ever() }}) > {{ day }}
left join {{ ref('int_loan_absence') }} as absences
    on
        states.lender = absences.lender
        and states.loan_id = absences.loan_id
        and absences.missing_from <= {{ day }}
        and coalesce(absences.listed_again_on, {{ last_day_ever() }}) > {{ day }}
left join {{ ref('int_payoff') }} as payoffs
    on
        states.lender = payoffs.lender
        and states.loan_id = payoffs.loan_id
        and payoffs.paid_off_on <= {{ day }}
        and coalesce(payoffs.paid_off_until, {{ last_day_ever() }}) > {{ day }}
where states.valid_from <= {{ day }} and coalesce(states.valid_to, {{ last_day_ever() }}) > {{ day }}
