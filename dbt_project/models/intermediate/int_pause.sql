-- The stretches [paused_from, paused_until) in which a loan's clock stands still (paused_until null: it still does).
-- A pause within a pause adds nothing. What is paused and resumed on one day is at its close as it was before.
with

-- days by whose close the clock was told one thing
told as (
    select lender, loan_id, event_on, min(kind) as kind
    from {{ touched('int_loan_event') }}
    where kind in ('paused', 'resumed')
    group by lender, loan_id, event_on
    having min(kind) = max(kind)
),

pauses as (
    select
        paused.lender,
        paused.loan_id,
        paused.event_on as paused_from,
        min(resumed.event_on) as paused_until
    from told as paused
    left join told as resumed
        on
            paused.lender = resumed.lender
            and paused.loan_id = resumed.loan_id
            and resumed.kind = 'resumed'
            and paused.event_on < resumed.event_on
    where paused.kind = 'paused'
    group by paused.lender, paused.loan_id, paused.event_on
),

with_reach as (
    select
        *,
        max(coalesce(paused_until, {{ last_day_ever() }})) over (
            partition by lender, loan_id order by paused_from
            rows between unbounded preceding and 1 preceding
        ) as reach_before
    from pauses
),

stretches as (
    select
        *,
        sum(case when paused_from <= reach_before then 0 else 1 end) over (
            partition by lender, loan_id order by paused_from
            rows between unbounded preceding and current row
        ) as stretch_no
    from with_reach
)

select
    lender,
    loan_id,
    min(paused_from) as paused_from,
    nullif(max(coalesce(paused_until, {{ last_day_ever() }})), {{ last_day_ever() }}) as paused_until
from stretches
group by lender, loan_id, stretch_no
