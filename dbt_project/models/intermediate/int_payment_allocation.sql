-- What each payment was for: what it settled of the plan in force on its value date. In a loan that is paid off before
-- or after it, what all money together covers then.
{%- set components = components() %}
{%- set totals = ['principal_total', 'interest_total', 'fee_accrued', 'penalty_accrued'] %}
with

-- on the plan in force on the payment's value date
settled as (
    select
        settlements.lender,
        settlements.loan_id,
        settlements.payment_id,
        {% for component in components -%}
        sum(settlements.{{ component }}) as {{ component }}{{ ',' if not loop.last }}
        {% endfor %}
    from {{ touched('int_settlement') }} as settlements
    inner join {{ touched('int_plan') }} as plans
        on
            settlements.lender = plans.lender
            and settlements.loan_id = plans.loan_id
            and settlements.plan_no = plans.plan_no
            and settlements.value_on >= plans.in_force_from
            and settlements.value_on < plans.in_force_until
    group by settlements.lender, settlements.loan_id, settlements.payment_id
),

payoff_loans as (
    select lender, loan_id from {{ touched('int_payoff') }} group by lender, loan_id
),

-- Loans that were ever paid off: every payment with the payoff that holds after it, and the one that held on the eve.
payoff_payments as (
    select
        payments.lender,
        payments.loan_id,
        payments.payment_id,
        payments.payment_no,
        payments.value_on,
        payments.paid_before,
        payments.paid_after,
        plans.plan_no,
        coalesce(payments.paid_after >= payoffs.paid_off_at, false) as reaches_payoff,
        -- on its first day a payoff needs what it is recognised by: the lender's word, or the prepayment itself
        coalesce(payoffs.is_claimed, false) as is_claimed,
        payments.value_on > payoffs.paid_off_on as is_paid_off_already,
        sum(case when payments.bridge_column = 'prepaid' and payments.effect > 0 then 1 else 0 end) over (
            partition by payments.lender, payments.loan_id, payments.value_on order by payments.payment_no
            rows between unbounded preceding and current row
        ) as prepayments_so_far,
        coalesce(payoffs.is_claimed and payments.paid_before >= payoffs.paid_off_at, false) as is_claimed_before,
        eves.loan_id is not null as was_paid_off_on_the_eve,
        {% for total in totals -%}
        payoffs.{{ total }} as {{ total }}_after,
        eves.{{ total }} as {{ total }}_on_the_eve{{ ',' if not loop.last }}
        {% endfor %}
    from {{ touched('int_payment') }} as payments
    inner join payoff_loans on payments.lender = payoff_loans.lender and payments.loan_id = payoff_loans.loan_id
    inner join {{ touched('int_plan') }} as plans
        on
            payments.lender = plans.lender
            and payments.loan_id = plans.loan_id
            and payments.value_on >= plans.in_force_from
            and payments.value_on < plans.in_force_until
    left join {{ touched('int_payoff') }} as payoffs
        on
            payments.lender = payoffs.lender
            and payments.loan_id = payoffs.loan_id
            and payments.value_on >= payoffs.paid_off_on
            and payments.value_on < coalesce(payoffs.paid_off_until, {{ last_day_ever() }})
    left join {{ touched('int_payoff') }} as eves
        on
            payments.lender = eves.lender
            and payments.loan_id = eves.loan_id
            and payments.value_on > eves.paid_off_on
            and payments.value_on <= coalesce(eves.paid_off_until, {{ last_day_ever() }})
    where payments.settles_instalments
),

recognised as (
    select
        *,
        reaches_payoff and (is_paid_off_already or is_claimed or prepayments_so_far > 0) as is_paid_off_after
    from payoff_payments
),

covered as (
    select
        payoff_payments.lender,
        payoff_payments.loan_id,
        payoff_payments.payment_id,
        {% for component in components -%}
        coalesce(
            sum(
                case
                    when settlements.payment_no < payoff_payments.payment_no then settlements.{{ component }} else 0
                end
            ),
            0
        ) as {{ component }}_before,
        coalesce(sum(settlements.{{ component }}), 0) as {{ component }}_after{{ ',' if not loop.last }}
        {% endfor %}
    from recognised as payoff_payments
    left join {{ touched('int_settlement') }} as settlements
        on
            payoff_payments.lender = settlements.lender
            and payoff_payments.loan_id = settlements.loan_id
            and payoff_payments.plan_no = settlements.plan_no
            and payoff_payments.payment_no >= settlements.payment_no
    group by payoff_payments.lender, payoff_payments.loan_id, payoff_payments.payment_id
),

-- Before another payment of the day stands what the payment ahead of it left; before the first one the eve, unless the
-- lender's word of the day comes first.
sides as (
    select
        payoff_payments.*,
        case
            when lag(payoff_payments.value_on) over life = payoff_payments.value_on
                then lag(payoff_payments.is_paid_off_after) over life
            else payoff_payments.was_paid_off_on_the_eve or payoff_payments.is_claimed_before
        end as is_paid_off_before,
        {% for total in totals -%}
        case
            when lag(payoff_payments.value_on) over life = payoff_payments.value_on
                then lag(payoff_payments.{{ total }}_after) over life
            when payoff_payments.was_paid_off_on_the_eve then payoff_payments.{{ total }}_on_the_eve
            else payoff_payments.{{ total }}_after
        end as {{ total }}_before,
        {% endfor -%}
        {% for component in components -%}
        covered.{{ component }}_before,
        covered.{{ component }}_after{{ ',' if not loop.last }}
        {% endfor %}
    from recognised as payoff_payments
    inner join covered
        on
            payoff_payments.lender = covered.lender
            and payoff_payments.loan_id = covered.loan_id
            and payoff_payments.payment_id = covered.payment_id
    window life as (
        partition by payoff_payments.lender, payoff_payments.loan_id order by payoff_payments.payment_no
    )
),

around_payoff as (
    select
        lender,
        loan_id,
        payment_id,
        {% for component in components -%}
        {{ paid_off_cover(component, 'after') }} - {{ paid_off_cover(component, 'before') }}
            as {{ component }}{{ ',' if not loop.last }}
        {% endfor %}
    from sides
),

-- Money that settles no instalment (recoveries, compensation) keeps the lender's split if it adds up.
allocated as (
    select
        payments.*,
        {% for component in components -%}
        case
            when payments.settles_instalments
                then coalesce(around_payoff.{{ component }}, settled.{{ component }}, 0)
            when payments.has_split then coalesce(payments.{{ component }}, 0)
            else 0
        end as {{ component }}_allocated{{ ',' if not loop.last }}
        {% endfor %}
    from {{ touched('int_payment') }} as payments
    left join settled
        on
            payments.lender = settled.lender
            and payments.loan_id = settled.loan_id
            and payments.payment_id = settled.payment_id
    left join around_payoff
        on
            payments.lender = around_payoff.lender
            and payments.loan_id = around_payoff.loan_id
            and payments.payment_id = around_payoff.payment_id
)

select
    lender,
    loan_id,
    payment_id,
    payment_no,
    value_on,
    posted_on,
    kind,
    is_cash,
    is_reversed,
    settles_instalments,
    bridge_column,
    amount,
    {% for component in components | reverse -%}
    {{ money(component ~ '_allocated') }} as {{ component }},
    {% endfor -%}
    cast(
        amount
        {%- for component in components %}
        - {{ component }}_allocated
        {%- endfor %}
        as numeric(18, 2)
    ) as unallocated,
    principal as principal_as_sent
from allocated
