-- From which days on known loans have another schedule of which nothing tells: no event of relief since the one before
-- began, and no prepayment of that day.
with

versions as (
    select
        lender,
        loan_id,
        schedule_version,
        starts_on,
        row_number() over (partition by lender, loan_id order by schedule_version) as turn,
        lag(starts_on) over (partition by lender, loan_id order by schedule_version) as starts_before
    from {{ ref('accepted_schedule') }}
),

replaced as (
    select
        lender,
        loan_id,
        starts_on,
        case when turn = 2 then {{ first_day_ever() }} else starts_before end as starts_before
    from versions
    where turn > 1
)

select
    replaced.lender,
    replaced.loan_id,
    replaced.starts_on
from replaced
left join {{ ref('accepted_event') }} as events
    on
        replaced.lender = events.lender
        and replaced.loan_id = events.loan_id
        and replaced.starts_before < events.event_on
        and replaced.starts_on >= events.event_on
        and events.is_relief
left join {{ ref('fct_payment') }} as prepayments
    on
        replaced.lender = prepayments.lender
        and replaced.loan_id = prepayments.loan_id
        and replaced.starts_on = prepayments.value_on
        and prepayments.kind = 'prepayment'
where events.loan_id is null and prepayments.loan_id is null
group by replaced.lender, replaced.loan_id, replaced.starts_on
