-- Every day on which it is asked whether a loan is paid off before its schedule runs out, and what that takes. A full
-- prepayment owes all principal and what has fallen due beside it; interest and fees that have not lapse. It is asked
-- on a day with a prepayment, or, once the lender calls the loan settled, on that day and on any day with a payment:
-- its word makes a prepayment of what was paid, and takes nothing off what is owed.
-- Where the lender's own balance is shown, that balance says when a loan is paid off, and nothing is worked out here.
--
-- asked_from_no: the first payment of the day that asks; 0 where the lender's word asks, whatever is paid.
-- interest_starts_at and so on: the money that covers what comes before it, principal first, then in the order of the
-- conventions.
-- is_met: all of it was there at the close of the day; met_until: the first later close at which it was not.
{%- set due_beside = components() | reject('equalto', 'principal') | list %}
with

payment_days as (
    select
        payments.lender,
        payments.loan_id,
        payments.value_on as asked_on,
        loans.settled_claimed_on,
        min(
            case
                when
                    payments.value_on > loans.settled_claimed_on
                    or (payments.bridge_column = 'prepaid' and payments.effect > 0)
                    then payments.payment_no
            end
        ) as asked_from_no
    from {{ touched('int_payment') }} as payments
    inner join {{ touched('int_loan') }} as loans
        on payments.lender = loans.lender and payments.loan_id = loans.loan_id
    where payments.settles_instalments
    group by payments.lender, payments.loan_id, payments.value_on, loans.settled_claimed_on
),

questions as (
    select lender, loan_id, asked_on, asked_from_no
    from payment_days
    where asked_from_no is not null and asked_on is distinct from settled_claimed_on
    union all
    select lender, loan_id, settled_claimed_on as asked_on, 0 as asked_from_no
    from {{ touched('int_loan') }}
    where settled_claimed_on is not null
),

demanded as (
    select
        questions.lender,
        questions.loan_id,
        questions.asked_on,
        questions.asked_from_no,
        plans.tol_abs,
        {% for component in due_beside -%}
        plans.{{ component }}_rank,
        {% endfor -%}
        sum(instalments.principal_due) as principal_total,
        sum(instalments.interest_due) as interest_total,
        {% for component in due_beside -%}
        sum(case when instalments.due_on <= questions.asked_on then instalments.{{ component }}_due else 0 end)
            as {{ component }}_accrued{{ ',' if not loop.last }}
        {% endfor %}
    from questions
    inner join {{ touched('int_plan') }} as plans
        on
            questions.lender = plans.lender
            and questions.loan_id = plans.loan_id
            and questions.asked_on >= plans.in_force_from
            and questions.asked_on < plans.in_force_until
            and plans.outstanding = 'computed'
    inner join {{ touched('int_instalment') }} as instalments
        on
            plans.lender = instalments.lender
            and plans.loan_id = instalments.loan_id
            and plans.plan_no = instalments.plan_no
    group by
        questions.lender, questions.loan_id, questions.asked_on, questions.asked_from_no, plans.tol_abs,
        {% for component in due_beside -%}
        plans.{{ component }}_rank{{ ',' if not loop.last }}
        {% endfor %}
),

thresholds as (
    select
        *,
        {% for component in due_beside -%}
        principal_total
        {%- for other in due_beside if other != component %}
        + case when {{ other }}_rank < {{ component }}_rank then {{ other }}_accrued else 0 end
        {%- endfor %} as {{ component }}_starts_at,
        {% endfor -%}
        principal_total + interest_accrued + fee_accrued + penalty_accrued - tol_abs as paid_off_at
    from demanded
),

paid as (
    select
        thresholds.lender,
        thresholds.loan_id,
        thresholds.asked_on,
        sum(case when payments.value_on <= thresholds.asked_on then payments.effect else 0 end) as paid_to_date,
        min(
            case
                when
                    payments.value_on > thresholds.asked_on
                    and payments.is_last_of_day
                    and payments.paid_after < thresholds.paid_off_at
                    then payments.value_on
            end
        ) as fell_short_on
    from thresholds
    left join {{ touched('int_payment') }} as payments
        on thresholds.lender = payments.lender and thresholds.loan_id = payments.loan_id
    group by thresholds.lender, thresholds.loan_id, thresholds.asked_on
)

select
    thresholds.lender,
    thresholds.loan_id,
    thresholds.asked_on,
    thresholds.asked_from_no,
    {{ money('thresholds.paid_off_at') }} as paid_off_at,
    {{ money('thresholds.principal_total') }} as principal_total,
    {{ money('thresholds.interest_total') }} as interest_total,
    {% for component in due_beside -%}
    {{ money('thresholds.' ~ component ~ '_accrued') }} as {{ component }}_accrued,
    {{ money('thresholds.' ~ component ~ '_starts_at') }} as {{ component }}_starts_at,
    {% endfor -%}
    greatest(coalesce(paid.paid_to_date, 0), 0) >= thresholds.paid_off_at as is_met,
    paid.fell_short_on as met_until
from thresholds
inner join paid
    on
        thresholds.lender = paid.lender
        and thresholds.loan_id = paid.loan_id
        and thresholds.asked_on = paid.asked_on
