-- What every payment settled of every instalment of every plan of its loan. A plan is measured with all payments, also
-- those from before it was in force; owed is the part that counts towards days past due.
--
-- waterfall: the payment covers, of all that the plan charges, oldest instalment first, the stretch between what had
-- been paid in all before it and after it. Money taken back uncovers the stretch again.
-- reported: int_reported_settlement.
{%- set components = components() %}
with

stretches as (
    select
        lender,
        loan_id,
        payment_id,
        payment_no,
        value_on,
        is_cash,
        case when paid_after < paid_before then -1 else 1 end as direction,
        least(paid_before, paid_after) as covers_from,
        greatest(paid_before, paid_after) as covers_until
    from {{ touched('int_payment') }}
    where settles_instalments and paid_before <> paid_after
),

poured as (
    select
        stretches.lender,
        stretches.loan_id,
        instalments.plan_no,
        instalments.seq,
        stretches.payment_id,
        stretches.payment_no,
        stretches.value_on,
        stretches.is_cash,
        {% for component in components -%}
        stretches.direction * (
            {{ covered('stretches.covers_until', 'instalments', component) }}
            - {{ covered('stretches.covers_from', 'instalments', component) }}
        ) as {{ component }},
        instalments.{{ component }}_counts{{ ',' if not loop.last }}
        {% endfor %}
    from stretches
    inner join {{ touched('int_instalment') }} as instalments
        on
            stretches.lender = instalments.lender
            and stretches.loan_id = instalments.loan_id
            and stretches.covers_from < instalments.ends_at
            and stretches.covers_until > instalments.starts_at
    inner join {{ touched('int_plan') }} as plans
        on
            instalments.lender = plans.lender
            and instalments.loan_id = plans.loan_id
            and instalments.plan_no = plans.plan_no
            and plans.allocation = 'waterfall'
    union all
    select
        lender, loan_id, plan_no, seq, payment_id, payment_no, value_on, is_cash,
        {% for component in components -%}
        {{ component }}, {{ component }}_counts{{ ',' if not loop.last }}
        {% endfor %}
    from {{ touched('int_reported_settlement') }}
)

select
    lender,
    loan_id,
    plan_no,
    seq,
    payment_id,
    payment_no,
    value_on,
    is_cash,
    {% for component in components -%}
    {{ money(component) }} as {{ component }},
    {% endfor -%}
    cast(
        {% for component in components -%}
        {{ component }} * {{ component }}_counts{{ ' + ' if not loop.last }}
        {%- endfor %} as numeric(18, 2)
    ) as owed
from poured
