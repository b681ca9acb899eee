-- The stretches [short_from, short_until) in which an instalment is overdue, on each of three tracks:
--   current      the plan in force,
--   contractual  the original schedule, as if nothing had been granted since,
--   handover     the plan that was replaced, on the day it was replaced: would the loan still have been overdue?
-- Most instalments are settled when they fall due and have no row here.
with

tracks as (
    select lender, loan_id, plan_no, 'current' as track, in_force_from as track_from, in_force_until as track_until
    from {{ touched('int_plan') }}
    where in_force_from < in_force_until
    union all
    select lender, loan_id, plan_no, 'contractual' as track, era_from as track_from, era_until as track_until
    from {{ touched('int_plan') }}
    where is_original
    union all
    select
        lender, loan_id, plan_no, 'handover' as track, in_force_until as track_from,
        {{ add_days('in_force_until', 1) }} as track_until
    from {{ touched('int_plan') }}
    where in_force_from < in_force_until and in_force_until < {{ last_day_ever() }}
),

short as (
    select
        balances.*,
        {{ add_days('balances.clock_due_on', '1 - balances.first_day') }} as overdue_from
    from {{ touched('int_instalment_balance') }} as balances
    where
        balances.is_short
        and (
            balances.valid_to is null
            or balances.valid_to > {{ add_days('balances.clock_due_on', '1 - balances.first_day') }}
        )
),

clipped as (
    select
        short.lender,
        short.loan_id,
        tracks.track,
        short.plan_no,
        short.seq,
        greatest(short.overdue_from, short.valid_from, tracks.track_from) as short_from,
        least(coalesce(short.valid_to, {{ last_day_ever() }}), tracks.track_until) as short_until,
        short.clock_due_on,
        short.overdue_from,
        short.owed,
        short.tolerance,
        short.owed_left,
        {{ money('short.principal_left * short.principal_counts') }} as principal_left
    from short
    inner join tracks
        on short.lender = tracks.lender and short.loan_id = tracks.loan_id and short.plan_no = tracks.plan_no
)

select * from clipped where short_from < short_until
