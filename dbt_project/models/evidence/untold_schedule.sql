-- From which days on known loans have another schedule of which nothing tells: no event of relief since the one before
-- began, and no prepayment of that day.
with

schedules as (
    select
        lender,
        loan_id,
        schedule_version,
        coalesce(min(effective_on), min(version_from)) as starts_on
    from {{ ref('stg_instalment') }}
    group by lender, loan_id, schedule_version
),

versions as (
    select
        lender,
        loan_id,
        starts_on,
        row_number() over (partition by lender, loan_id order by schedule_version) as turn,
        lag(starts_on) over (partition by lender, loan_id order by schedule_version) as starts_before
    from schedules
),

replaced as (
    select
        lender,
        loan_id,
        starts_on,
        case when turn = 2 then {{ first_day_ever() }} else starts_before end as starts_before
    from versions
    where turn > 1
),

relief as (
    select events.lender, events.loan_id, events.event_on
    from {{ ref('stg_loan_event') }} as events
    inner join {{ ref('event_kinds') }} as kinds on events.kind = kinds.kind and kinds.is_restructuring
)

select
    replaced.lender,
    replaced.loan_id,
    replaced.starts_on
from replaced
inner join {{ ref('stg_loan') }} as loans on replaced.lender = loans.lender and replaced.loan_id = loans.loan_id
left join relief
    on
        replaced.lender = relief.lender
        and replaced.loan_id = relief.loan_id
        and replaced.starts_before < relief.event_on
        and replaced.starts_on >= relief.event_on
left join {{ ref('fct_payment') }} as prepayments
    on
        replaced.lender = prepayments.lender
        and replaced.loan_id = prepayments.loan_id
        and replaced.starts_on = prepayments.value_on
        and prepayments.kind = 'prepayment'
where relief.loan_id is null and prepayments.loan_id is null
group by replaced.lender, replaced.loan_id, replaced.starts_on
