{{ config(meta={'tracks_changes': true}) }}
-- Which instalments were short at the close of their due day (window 0), and which of a loan's first three at the
-- close of each window after it: on the plan they fell due on, also when that was replaced since. A loan that is
-- settled or paid off then is short of nothing. Closes that are still to come are here as they will be if nothing
-- happens.
with

-- few instalments are late, so the days are looked up in what was short after the due day only
late as (
    select
        due.lender,
        due.loan_id,
        due.instalment_no,
        due.clock_due_on,
        balances.valid_from as short_from,
        coalesce(balances.valid_to, {{ last_day_ever() }}) as short_until
    from {{ touched('int_due_instalment') }} as due
    inner join {{ touched('int_instalment_balance') }} as balances
        on
            due.lender = balances.lender
            and due.loan_id = balances.loan_id
            and due.plan_no = balances.plan_no
            and due.seq = balances.seq
    where balances.is_short and due.clock_due_on < coalesce(balances.valid_to, {{ last_day_ever() }})
),

windows as (
    select window_days from {{ ref('fpd_windows') }}
    union all
    select 0 as window_days
),

judged as (
    select
        late.lender,
        late.loan_id,
        late.instalment_no,
        windows.window_days,
        {{ add_days('late.clock_due_on', 'windows.window_days') }} as judged_on
    from late
    inner join windows
        on
            (windows.window_days = 0 or late.instalment_no between 1 and 3)
            and {{ add_days('late.clock_due_on', 'windows.window_days') }} >= late.short_from
            and {{ add_days('late.clock_due_on', 'windows.window_days') }} < late.short_until
)

select
    judged.lender,
    judged.loan_id,
    judged.instalment_no,
    judged.window_days,
    judged.judged_on
from judged
left join {{ touched('int_loan_state') }} as settled
    on
        judged.lender = settled.lender
        and judged.loan_id = settled.loan_id
        and settled.state = 'settled'
        and judged.judged_on >= settled.valid_from
        and judged.judged_on < coalesce(settled.valid_to, {{ last_day_ever() }})
left join {{ touched('int_payoff') }} as payoffs
    on
        judged.lender = payoffs.lender
        and judged.loan_id = payoffs.loan_id
        and judged.judged_on >= payoffs.paid_off_on
        and judged.judged_on < coalesce(payoffs.paid_off_until, {{ last_day_ever() }})
where settled.lender is null and payoffs.lender is null
