-- Every loan at the close of every day on which something may have changed: its state and its amounts. Days on which
-- nothing did in the end are here too; int_loan_state drops them.
{%- set conventions = ['scheme', 'grace_days', 'first_day', 'day_count', 'default_dpd', 'risk_regime'] %}
with

in_book as (
    select
        days.lender,
        days.loan_id,
        days.day,
        days.overdue_amount,
        days.overdue_principal,
        days.snapshots_missing,
        days.instalments_short,
        plans.plan_no,
        plans.outstanding,
        plans.basis,
        totals.balance_tolerance,
        {% for convention in conventions -%}
        plans.{{ convention }},
        {% endfor -%}
        loans.terminal_on,
        loans.terminal_state,
        loans.settled_claimed_on,
        payoffs.loan_id is not null as is_paid_off,
        pauses.loan_id is not null as is_paused,
        {{ add_days('pauses.paused_from', -1) }} as eve_of_pause,
        case
            when payoffs.loan_id is not null then loans.principal - payoffs.principal_total
            when plans.outstanding = 'reported' and days.reported_principal is not null
                then days.reported_principal
            else loans.principal - (totals.principal_due - days.scheduled_principal_left)
        end as principal_left
    from {{ touched('int_loan_day') }} as days
    inner join {{ touched('int_loan') }} as loans
        on days.lender = loans.lender and days.loan_id = loans.loan_id
    inner join {{ touched('int_plan_total') }} as totals
        on
            days.lender = totals.lender
            and days.loan_id = totals.loan_id
            and days.plan_in_turn = totals.plan_in_turn
    inner join {{ touched('int_plan') }} as plans
        on
            totals.lender = plans.lender
            and totals.loan_id = plans.loan_id
            and totals.plan_no = plans.plan_no
    left join {{ touched('int_payoff') }} as payoffs
        on
            days.lender = payoffs.lender
            and days.loan_id = payoffs.loan_id
            and days.day >= payoffs.paid_off_on
            and days.day < coalesce(payoffs.paid_off_until, {{ last_day_ever() }})
    left join {{ touched('int_pause') }} as pauses
        on
            days.lender = pauses.lender
            and days.loan_id = pauses.loan_id
            and days.day >= pauses.paused_from
            and days.day < coalesce(pauses.paused_until, {{ last_day_ever() }})
),

-- Settled is what we find, not what we are told: nothing short on any instalment and no principal left. The lender's
-- word counts in one case: where its own balance is the balance, is nil, and it calls the loan settled.
judged as (
    select
        *,
        principal_left <= balance_tolerance
        and (
            instalments_short = 0
            or is_paid_off
            or (outstanding = 'reported' and coalesce(day >= settled_claimed_on, false))
        ) as is_repaid
    from in_book
)

select
    lender,
    loan_id,
    day,
    case
        when day >= terminal_on then terminal_state
        when is_repaid then 'settled'
        when snapshots_missing > 0 then 'unknown'
        else 'active'
    end as state,
    is_repaid,
    terminal_on,
    plan_no,
    {% for convention in conventions -%}
    {{ convention }},
    {% endfor -%}
    is_paused,
    eve_of_pause,
    is_paid_off,
    {{ money('principal_left') }} as principal_left,
    {{ money('case when is_paid_off then 0 else overdue_amount end') }} as overdue_amount,
    {{ money('case when is_paid_off then 0 else overdue_principal end') }} as overdue_principal
from judged
