-- What every payment settled where the lender says so itself (allocation `reported`): after each payment of a loan,
-- the instalments of its plan hold
--   1. the components that payments name together with the instalment, as far as they are due,
--   2. of payments that name the instalment only, what is left of it, in the order of the waterfall,
--   3. of all other money (no number, an unknown one, more than was due) what is left of the oldest ones.
-- So an unlikely split never loses money, and the order in which a day's payments are sent makes no difference. Where
-- more was named than was paid in all, the youngest instalments give it back.
{%- set components = components() %}
with

plans as (
    select lender, loan_id, plan_no from {{ touched('int_plan') }} where allocation = 'reported'
),

instalments as (
    select instalments.*
    from {{ touched('int_instalment') }} as instalments
    inner join plans
        on
            instalments.lender = plans.lender
            and instalments.loan_id = plans.loan_id
            and instalments.plan_no = plans.plan_no
),

payments as (
    select * from {{ touched('int_payment') }} where settles_instalments and effect <> 0
),

-- every instalment after every payment
named as (
    select
        instalments.lender,
        instalments.loan_id,
        instalments.plan_no,
        instalments.seq,
        payments.payment_id,
        payments.payment_no,
        payments.value_on,
        payments.is_cash,
        payments.paid_after,
        {% for component in components -%}
        instalments.{{ component }}_due,
        instalments.{{ component }}_rank,
        instalments.{{ component }}_counts,
        sum(
            case
                when payments.instalment_no = instalments.instalment_no and payments.has_split
                    then coalesce(payments.{{ component }}, 0)
                else 0
            end
        ) over to_date as {{ component }}_named,
        {% endfor -%}
        sum(
            case
                when payments.instalment_no = instalments.instalment_no and not payments.has_split
                    then payments.effect
                else 0
            end
        ) over to_date as unsplit_named
    from instalments
    inner join payments on instalments.lender = payments.lender and instalments.loan_id = payments.loan_id
    window to_date as (
        partition by instalments.lender, instalments.loan_id, instalments.plan_no, instalments.seq
        order by payments.payment_no
        rows between unbounded preceding and current row
    )
),

by_split as (
    select
        *,
        {% for component in components -%}
        least(greatest({{ component }}_named, 0), {{ component }}_due) as {{ component }}_split,
        {{ component }}_due - least(greatest({{ component }}_named, 0), {{ component }}_due)
            as room_{{ component }}{{ ',' if not loop.last }}
        {% endfor %}
    from named
),

by_number as (
    select
        *,
        {% for component in components -%}
        {{ component }}_split + {{ poured('greatest(unsplit_named, 0)', component, 'room_') }}
            as fixed_{{ component }}{{ ',' if not loop.last }}
        {% endfor %}
    from by_split
),

in_turn as (
    select
        *,
        {% for component in components -%}
        fixed_{{ component }}{{ ' + ' if not loop.last }}
        {%- endfor %} as fixed,
        sum({% for component in components -%}
            fixed_{{ component }}{{ ' + ' if not loop.last }}
        {%- endfor %}) over oldest_first as fixed_to_here
    from by_number
    window oldest_first as (
        partition by lender, loan_id, plan_no, payment_no order by seq
        rows between unbounded preceding and current row
    )
),

-- no more than was paid in all
kept as (
    select
        *,
        {% for component in components -%}
        {{ poured('least(greatest(paid_after - fixed_to_here + fixed, 0), fixed)', component, 'fixed_') }}
            as kept_{{ component }}{{ ',' if not loop.last }}
        {% endfor %}
    from in_turn
),

with_rest as (
    select
        *,
        greatest(
            paid_after - sum(
                {% for component in components -%}
                kept_{{ component }}{{ ' + ' if not loop.last }}
                {%- endfor %}
            ) over (partition by lender, loan_id, plan_no, payment_no),
            0
        ) as rest,
        {% for component in components -%}
        {{ component }}_due - kept_{{ component }} as left_{{ component }},
        {% endfor -%}
        sum(
            {% for component in components -%}
            {{ component }}_due - kept_{{ component }}{{ ' + ' if not loop.last }}
            {%- endfor %}
        ) over (
            partition by lender, loan_id, plan_no, payment_no order by seq
            rows between unbounded preceding and current row
        ) as left_to_here
    from kept
),

settled as (
    select
        *,
        {% for component in components -%}
        kept_{{ component }} + {{ poured(
            'greatest(rest - left_to_here + left_penalty + left_fee + left_interest + left_principal, 0)',
            component, 'left_'
        ) }} as settled_{{ component }}{{ ',' if not loop.last }}
        {% endfor %}
    from with_rest
),

changes as (
    select
        *,
        {% for component in components -%}
        settled_{{ component }} - coalesce(lag(settled_{{ component }}) over payment_by_payment, 0)
            as {{ component }}{{ ',' if not loop.last }}
        {% endfor %}
    from settled
    window payment_by_payment as (
        partition by lender, loan_id, plan_no, seq order by payment_no
    )
)

select
    lender, loan_id, plan_no, seq, payment_id, payment_no, value_on, is_cash,
    {% for component in components -%}
    {{ component }}, {{ component }}_counts{{ ',' if not loop.last }}
    {% endfor %}
from changes
where
    {% for component in components -%}
    {{ component }} <> 0{{ ' or ' if not loop.last }}
    {%- endfor %}
