-- What each payment was for: what it settled of the plan in force on its value date. In a loan that is paid off before
-- or after it, what all money together covers then.
{%- set components = components() %}
{%- set of_payoff = ['principal_total', 'interest_total'] %}
{%- for component in components | reject('equalto', 'principal') %}
{%- do of_payoff.extend([component ~ '_accrued', component ~ '_starts_at']) %}
{%- endfor %}
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

-- Every payment from its two sides: what stood when those ahead of it had been counted, and what stands with it. Each
-- is taken for the close of its day, as though nothing else happened on it.
sides as (
    select
        lender, loan_id, payment_id, value_on, payment_no - 1 as payments_counted, paid_before as paid, -1 as direction
    from {{ touched('int_payment') }}
    where settles_instalments
    union all
    select
        lender, loan_id, payment_id, value_on, payment_no as payments_counted, paid_after as paid, 1 as direction
    from {{ touched('int_payment') }}
    where settles_instalments
),

-- asked on the day itself, or met at every close since it was asked
payoffs as (
    select
        sides.lender,
        sides.loan_id,
        sides.payment_id,
        sides.direction,
        sides.paid,
        demands.asked_on,
        {% for column in of_payoff -%}
        demands.{{ column }}{{ ',' if not loop.last }}
        {% endfor %}
    from sides
    inner join {{ touched('int_payoff_demand') }} as demands
        on
            sides.lender = demands.lender
            and sides.loan_id = demands.loan_id
            and sides.value_on >= demands.asked_on
            and sides.payments_counted >= demands.asked_from_no
            and sides.paid >= demands.paid_off_at
            and (
                sides.value_on = demands.asked_on
                or (demands.is_met and sides.value_on <= coalesce(demands.met_until, {{ last_day_ever() }}))
            )
),

-- while an earlier payoff holds, a later one has nothing to say
first_payoffs as (
    {{ newest_per_key(
        'payoffs', ['lender', 'loan_id', 'payment_id', 'direction'], 'asked_on',
        ['lender', 'loan_id', 'payment_id', 'direction', 'paid'] + of_payoff
    ) }}
),

around_payoff as (
    select lender, loan_id, payment_id from first_payoffs group by lender, loan_id, payment_id
),

-- the other side of a payment that begins or breaks a payoff: all that was settled by then of the plan in force
not_paid_off as (
    select
        sides.lender,
        sides.loan_id,
        sides.payment_id,
        sides.direction,
        sides.payments_counted,
        plans.plan_no
    from sides
    inner join around_payoff
        on
            sides.lender = around_payoff.lender
            and sides.loan_id = around_payoff.loan_id
            and sides.payment_id = around_payoff.payment_id
    inner join {{ touched('int_plan') }} as plans
        on
            sides.lender = plans.lender
            and sides.loan_id = plans.loan_id
            and sides.value_on >= plans.in_force_from
            and sides.value_on < plans.in_force_until
    left join first_payoffs
        on
            sides.lender = first_payoffs.lender
            and sides.loan_id = first_payoffs.loan_id
            and sides.payment_id = first_payoffs.payment_id
            and sides.direction = first_payoffs.direction
    where first_payoffs.payment_id is null
),

covered as (
    select
        lender, loan_id, payment_id,
        {% for component in components -%}
        direction * {{ covered_by_payoff('paid', component) }} as {{ component }}{{ ',' if not loop.last }}
        {% endfor %}
    from first_payoffs
    union all
    select
        not_paid_off.lender, not_paid_off.loan_id, not_paid_off.payment_id,
        {% for component in components -%}
        not_paid_off.direction * settlements.{{ component }} as {{ component }}{{ ',' if not loop.last }}
        {% endfor %}
    from not_paid_off
    inner join {{ touched('int_settlement') }} as settlements
        on
            not_paid_off.lender = settlements.lender
            and not_paid_off.loan_id = settlements.loan_id
            and not_paid_off.plan_no = settlements.plan_no
            and not_paid_off.payments_counted >= settlements.payment_no
),

by_payoff as (
    select
        lender,
        loan_id,
        payment_id,
        {% for component in components -%}
        sum({{ component }}) as {{ component }}{{ ',' if not loop.last }}
        {% endfor %}
    from covered
    group by lender, loan_id, payment_id
),

-- Money that settles no instalment (recoveries, compensation) keeps the lender's split if it adds up.
allocated as (
    select
        payments.*,
        {% for component in components -%}
        case
            when payments.settles_instalments
                then coalesce(by_payoff.{{ component }}, settled.{{ component }}, 0)
            when payments.has_split then coalesce(payments.{{ component }}, 0)
            else 0
        end as {{ component }}_allocated,
        {% endfor -%}
        by_payoff.payment_id is not null as is_of_payoff
    from {{ touched('int_payment') }} as payments
    left join settled
        on
            payments.lender = settled.lender
            and payments.loan_id = settled.loan_id
            and payments.payment_id = settled.payment_id
    left join by_payoff
        on
            payments.lender = by_payoff.lender
            and payments.loan_id = by_payoff.loan_id
            and payments.payment_id = by_payoff.payment_id
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
    is_of_payoff,
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
