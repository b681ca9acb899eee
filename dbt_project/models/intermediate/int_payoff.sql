-- When loans were paid off before their schedule ran out: [paid_off_on, paid_off_until) (null: still), and what was
-- demanded. A full prepayment owes all principal and what has fallen due beside it; interest and fees that have not
-- lapse. It is recognised on a day with a prepayment, or, once the lender calls the loan settled, on any day with a
-- payment; it holds while what was demanded stays paid. Where the lender's own balance is shown, that balance says
-- when a loan is paid off, and nothing is worked out here.
with

payment_days as (
    select
        payments.lender,
        payments.loan_id,
        payments.value_on as triggered_on,
        loans.settled_claimed_on,
        max(case when payments.bridge_column = 'prepaid' and payments.effect > 0 then 1 else 0 end) as has_prepayment
    from {{ touched('int_payment') }} as payments
    inner join {{ touched('int_loan') }} as loans
        on payments.lender = loans.lender and payments.loan_id = loans.loan_id
    where payments.settles_instalments
    group by payments.lender, payments.loan_id, payments.value_on, loans.settled_claimed_on
),

triggers as (
    select lender, loan_id, triggered_on, settled_claimed_on
    from payment_days
    where has_prepayment = 1 or triggered_on >= settled_claimed_on
    union
    select lender, loan_id, settled_claimed_on as triggered_on, settled_claimed_on
    from {{ touched('int_loan') }}
    where settled_claimed_on is not null
),

demanded as (
    select
        triggers.lender,
        triggers.loan_id,
        triggers.triggered_on,
        plans.tol_abs,
        triggers.settled_claimed_on,
        sum(instalments.principal_due) as principal_total,
        sum(instalments.interest_due) as interest_total,
        {% for component in ['interest', 'fee', 'penalty'] -%}
        sum(case when instalments.due_on <= triggers.triggered_on then instalments.{{ component }}_due else 0 end)
            as {{ component }}_accrued,
        {% endfor -%}
        -- where money covers principal first, all of it may be repaid before the interest is
        coalesce(
            max(
                case
                    when instalments.principal_due > 0
                        then instalments.principal_starts_at + instalments.principal_due
                end
            ),
            0
        ) as principal_covered_at
    from triggers
    inner join {{ touched('int_plan') }} as plans
        on
            triggers.lender = plans.lender
            and triggers.loan_id = plans.loan_id
            and triggers.triggered_on >= plans.in_force_from
            and triggers.triggered_on < plans.in_force_until
            and plans.outstanding = 'computed'
    inner join {{ touched('int_instalment') }} as instalments
        on
            plans.lender = instalments.lender
            and plans.loan_id = instalments.loan_id
            and plans.plan_no = instalments.plan_no
    group by triggers.lender, triggers.loan_id, triggers.triggered_on, plans.tol_abs, triggers.settled_claimed_on
),

thresholds as (
    select
        *,
        coalesce(triggered_on >= settled_claimed_on, false) as is_claimed,
        case
            when triggered_on >= settled_claimed_on
                then least(principal_covered_at, principal_total + interest_accrued + fee_accrued + penalty_accrued)
            else principal_total + interest_accrued + fee_accrued + penalty_accrued
        end - tol_abs as paid_off_at
    from demanded
),

-- what was paid when a trigger asked, and the first day on which it was no longer enough
held as (
    select
        thresholds.lender,
        thresholds.loan_id,
        thresholds.triggered_on,
        thresholds.paid_off_at,
        thresholds.principal_total,
        thresholds.interest_total,
        thresholds.fee_accrued,
        thresholds.penalty_accrued,
        thresholds.is_claimed,
        min(
            case
                when
                    payments.value_on > thresholds.triggered_on
                    and payments.is_last_of_day
                    and payments.paid_after < thresholds.paid_off_at
                    then payments.value_on
            end
        ) as paid_off_until,
        sum(case when payments.value_on <= thresholds.triggered_on then payments.effect else 0 end) as paid_to_date
    from thresholds
    left join {{ touched('int_payment') }} as payments
        on thresholds.lender = payments.lender and thresholds.loan_id = payments.loan_id
    group by
        thresholds.lender, thresholds.loan_id, thresholds.triggered_on, thresholds.paid_off_at,
        thresholds.principal_total, thresholds.interest_total, thresholds.fee_accrued, thresholds.penalty_accrued,
        thresholds.is_claimed
),

sufficient as (
    select
        *,
        max(coalesce(paid_off_until, {{ last_day_ever() }})) over (
            partition by lender, loan_id order by triggered_on rows between unbounded preceding and 1 preceding
        ) as held_before_until
    from held
    where greatest(coalesce(paid_to_date, 0), 0) >= paid_off_at
)

-- while an earlier payoff holds, a later one has nothing to say
select
    lender,
    loan_id,
    greatest(triggered_on, held_before_until) as paid_off_on,
    paid_off_until,
    is_claimed,
    {{ money('paid_off_at') }} as paid_off_at,
    {{ money('principal_total') }} as principal_total,
    {{ money('interest_total') }} as interest_total,
    {{ money('fee_accrued') }} as fee_accrued,
    {{ money('penalty_accrued') }} as penalty_accrued
from sufficient
where held_before_until is null or held_before_until < coalesce(paid_off_until, {{ last_day_ever() }})
