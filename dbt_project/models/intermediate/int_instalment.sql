-- Every instalment of every plan, oldest first: what of it counts towards days past due, when it is overdue, and its
-- place in the waterfall, that is at which amount paid in all each of its components starts to be covered.
{%- set components = components() %}
with

of_plans as (
    select
        plans.lender,
        plans.loan_id,
        plans.plan_no,
        plans.schedule_version,
        plans.in_force_from,
        plans.in_force_until,
        plans.tol_abs,
        plans.tol_pct,
        plans.first_day,
        instalments.instalment_no,
        instalments.due_on,
        case
            when plans.non_working_day = 'next' then coalesce(working_days.next_working_day, instalments.due_on)
            else instalments.due_on
        end as clock_due_on,
        {% for component in components -%}
        plans.{{ component }}_rank,
        plans.{{ component }}_counts,
        instalments.{{ component }}_due,
        {% endfor -%}
        {% for component in components -%}
        instalments.{{ component }}_due * plans.{{ component }}_counts{{ ' + ' if not loop.last }}
        {%- endfor %} as owed,
        {% for component in components -%}
        instalments.{{ component }}_due{{ ' + ' if not loop.last }}
        {%- endfor %} as charged
    from {{ touched('int_plan') }} as plans
    inner join {{ touched('stg_instalment') }} as instalments
        on
            plans.lender = instalments.lender
            and plans.loan_id = instalments.loan_id
            and plans.schedule_version = instalments.schedule_version
    left join {{ ref('int_working_day') }} as working_days
        on instalments.due_on = working_days.date and plans.non_working_day = 'next'
),

numbered as (
    select
        *,
        row_number() over schedule as seq,
        (sum(charged) over schedule) - charged as charged_before
    from of_plans
    window schedule as (
        partition by lender, loan_id, plan_no
        order by due_on, instalment_no
        rows between unbounded preceding and current row
    )
)

select
    lender,
    loan_id,
    plan_no,
    cast(seq as integer) as seq,
    schedule_version,
    instalment_no,
    in_force_from,
    in_force_until,
    due_on,
    clock_due_on,
    {{ add_days('clock_due_on', '1 - first_day') }} as overdue_from,
    first_day,
    {% for component in components -%}
    {{ component }}_due,
    {{ component }}_counts,
    {{ component }}_rank,
    {% endfor -%}
    {{ money('owed') }} as owed,
    {{ money('greatest(tol_abs, round(tol_pct * ' ~ money('owed') ~ ', 2))') }} as tolerance,
    {% for component in components -%}
    cast(
        charged_before
        {%- for other in components if other != component %}
        + case when {{ other }}_rank < {{ component }}_rank then {{ other }}_due else 0 end
        {%- endfor %}
        as numeric(18, 2)
    ) as {{ component }}_starts_at,
    {% endfor -%}
    {{ money('charged_before') }} as starts_at,
    {{ money('charged_before + charged') }} as ends_at
from numbered
