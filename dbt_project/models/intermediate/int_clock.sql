-- What the clocks of a loan stand on, for every close of int_loan_close at which an instalment is overdue, on each
-- track of int_shortage: the date from which days past due are counted, or, where payments missed are counted, their
-- number.
with

-- the oldest instalment overdue on each day, on each track
overdue_days as (
    select
        days.lender,
        days.loan_id,
        days.day,
        shortages.track,
        shortages.plan_no,
        shortages.seq,
        shortages.clock_due_on,
        shortages.owed,
        shortages.tolerance,
        shortages.owed_left,
        row_number() over (
            partition by days.lender, days.loan_id, days.day, shortages.track
            order by shortages.clock_due_on, shortages.seq
        ) as oldest_first,
        sum(shortages.owed_left) over (
            partition by days.lender, days.loan_id, days.day, shortages.track
        ) as overdue_amount
    from {{ touched('int_loan_close') }} as days
    inner join {{ touched('int_shortage') }} as shortages
        on
            days.lender = shortages.lender
            and days.loan_id = shortages.loan_id
            and days.day >= shortages.short_from
            and days.day < shortages.short_until
    inner join {{ ref('loan_states') }} as states
        on days.state = states.state and (not states.is_terminal or shortages.track = 'handover')
    -- what is paid off owes nothing on any schedule
    where
        not days.is_paid_off
        -- what falls due inside a pause has no clock until the pause is over; the contract knows no pause
        and (not days.is_paused or shortages.track = 'contractual' or shortages.overdue_from <= days.eve_of_pause)
),

-- days of pause between the due date and the day described move the clock's start, in the contract they do not
paused_days as (
    select
        overdue_days.lender,
        overdue_days.loan_id,
        overdue_days.day,
        overdue_days.track,
        sum(
            greatest(
                {{ days_between(
                    'greatest(pauses.paused_from, '
                    ~ add_days('overdue_days.clock_due_on', '1 - plans.first_day') ~ ')',
                    'least(pauses.paused_until, ' ~ add_days('overdue_days.day', 1) ~ ')'
                ) }},
                0
            )
        ) as paused_days
    from overdue_days
    inner join {{ touched('int_plan') }} as plans
        on
            overdue_days.lender = plans.lender
            and overdue_days.loan_id = plans.loan_id
            and overdue_days.plan_no = plans.plan_no
    inner join {{ touched('int_pause') }} as pauses
        on
            overdue_days.lender = pauses.lender
            and overdue_days.loan_id = pauses.loan_id
            -- a pause that is still on has stopped the clock before its first day
            and overdue_days.day >= pauses.paused_until
    where overdue_days.oldest_first = 1 and overdue_days.track <> 'contractual'
    group by overdue_days.lender, overdue_days.loan_id, overdue_days.day, overdue_days.track
),

-- what was waived is settled and not paid
waived as (
    select
        overdue_days.lender,
        overdue_days.loan_id,
        overdue_days.day,
        overdue_days.track,
        sum(settlements.owed) as waived
    from overdue_days
    inner join {{ touched('int_settlement') }} as settlements
        on
            overdue_days.lender = settlements.lender
            and overdue_days.loan_id = settlements.loan_id
            and overdue_days.plan_no = settlements.plan_no
            and overdue_days.seq = settlements.seq
            and overdue_days.day >= settlements.value_on
    where overdue_days.oldest_first = 1 and not settlements.is_cash
    group by overdue_days.lender, overdue_days.loan_id, overdue_days.day, overdue_days.track
),

-- one row per close and track
clocks as (
    select
        overdue_days.lender,
        overdue_days.loan_id,
        overdue_days.day,
        overdue_days.track,
        least(
            greatest(overdue_days.owed - overdue_days.owed_left - coalesce(waived.waived, 0), 0),
            overdue_days.owed - overdue_days.owed_left
        ) as paid_on_oldest,
        plans.first_day,
        plans.day_count,
        case
            when plans.basis = 'oldest_unpaid'
                then
                    {{ add_days(
                        'overdue_days.clock_due_on', 'cast(coalesce(paused_days.paused_days, 0) as integer)'
                    ) }}
        end as clock_from,
        case
            when plans.basis = 'missed_payments'
                then
                    -- the days of more payments than that are no integer, which one engine refuses and the other wraps
                    30 * cast(least(floor({{ quotient(
                        'overdue_days.overdue_amount + overdue_days.tolerance', 'overdue_days.owed'
                    ) }}), 71582788) as integer)
        end as dpd_fixed
    from overdue_days
    inner join {{ touched('int_plan') }} as plans
        on
            overdue_days.lender = plans.lender
            and overdue_days.loan_id = plans.loan_id
            and overdue_days.plan_no = plans.plan_no
    left join paused_days
        on
            overdue_days.lender = paused_days.lender
            and overdue_days.loan_id = paused_days.loan_id
            and overdue_days.day = paused_days.day
            and overdue_days.track = paused_days.track
    left join waived
        on
            overdue_days.lender = waived.lender
            and overdue_days.loan_id = waived.loan_id
            and overdue_days.day = waived.day
            and overdue_days.track = waived.track
    where overdue_days.oldest_first = 1
)

select * from clocks
