-- New schedules that no prepayment explains: something gave the borrower other dates or other amounts. The same
-- instalments with the same principal on other days are an extension. is_told: an event since the schedule before began
-- says that the borrower was given relief.
with

in_force as (
    select
        lender,
        loan_id,
        schedule_version,
        is_original,
        in_force_from,
        lag(schedule_version) over (partition by lender, loan_id order by in_force_from) as version_before,
        lag(in_force_from) over (partition by lender, loan_id order by in_force_from) as before_from
    from {{ touched('int_schedule_version') }}
    where in_force_from < in_force_until
),

-- a part prepayment re-plans a loan and is no relief
prepayment_days as (
    select lender, loan_id, value_on as prepaid_on
    from {{ touched('int_payment') }}
    where bridge_column = 'prepaid' and settles_instalments and sign > 0
    group by lender, loan_id, value_on
),

unexplained as (
    select in_force.*
    from in_force
    left join prepayment_days
        on
            in_force.lender = prepayment_days.lender
            and in_force.loan_id = prepayment_days.loan_id
            and in_force.in_force_from = prepayment_days.prepaid_on
    where not in_force.is_original and prepayment_days.loan_id is null
),

-- each instalment of the new schedule, and of the one before with the sign turned
compared as (
    {% for version, sign in [('schedule_version', ''), ('version_before', '-')] -%}
    select
        unexplained.lender,
        unexplained.loan_id,
        unexplained.schedule_version,
        instalments.instalment_no,
        {{ sign }}coalesce(instalments.principal_due, 0) as principal_due
    from unexplained
    inner join {{ touched('stg_instalment') }} as instalments
        on
            unexplained.lender = instalments.lender
            and unexplained.loan_id = instalments.loan_id
            and unexplained.{{ version }} = instalments.schedule_version
    {% if not loop.last %}union all
    {% endif %}
    {%- endfor %}
),

other_instalments as (
    select lender, loan_id, schedule_version, instalment_no
    from compared
    group by lender, loan_id, schedule_version, instalment_no
    having count(*) <> 2 or sum(principal_due) <> 0
),

other_amounts as (
    select lender, loan_id, schedule_version from other_instalments group by lender, loan_id, schedule_version
),

told as (
    select unexplained.lender, unexplained.loan_id, unexplained.schedule_version
    from unexplained
    inner join {{ touched('int_loan_event') }} as events
        on
            unexplained.lender = events.lender
            and unexplained.loan_id = events.loan_id
            and unexplained.before_from < events.event_on
            and unexplained.in_force_from >= events.event_on
    where events.is_restructuring
    group by unexplained.lender, unexplained.loan_id, unexplained.schedule_version
)

select
    unexplained.lender,
    unexplained.loan_id,
    unexplained.schedule_version,
    unexplained.in_force_from as relieved_on,
    case when other_amounts.loan_id is null then 'extension' else 'instalment_plan' end as kind,
    told.loan_id is not null as is_told
from unexplained
left join other_amounts
    on
        unexplained.lender = other_amounts.lender
        and unexplained.loan_id = other_amounts.loan_id
        and unexplained.schedule_version = other_amounts.schedule_version
left join told
    on
        unexplained.lender = told.lender
        and unexplained.loan_id = told.loan_id
        and unexplained.schedule_version = told.schedule_version
