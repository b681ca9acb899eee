{#- Rules that more than one model applies, said once. -#}

{#- Days past due at the close of `day`, given the oldest unpaid due date (null: nothing unpaid).
    The due day is day 0; where `first_day` is 1 it counts as day 1 already. -#}
{% macro dpd_at(day, oldest_unpaid_due_on, first_day) -%}
    coalesce(greatest({{ days_between(oldest_unpaid_due_on, day) }} + {{ first_day }}, 0), 0)
{%- endmacro %}

{#- The first day on which an instalment unpaid is overdue. -#}
{% macro overdue_from(due_on, first_day) -%}
    {{ add_days(due_on, '1 - ' ~ first_day) }}
{%- endmacro %}

{#- How much of one component of an instalment is covered once `paid` in all has gone down the waterfall. -#}
{% macro covered(paid, instalment, component) -%}
    least(greatest({{ paid }} - {{ instalment }}.{{ component }}_starts_at, 0), {{ instalment }}.{{ component }}_due)
{%- endmacro %}

{#- The same for what counts towards days past due: principal, interest and fee. A penalty runs on its own clock. -#}
{% macro covered_owed(paid, instalment) -%}
    (
        {{ covered(paid, instalment, 'principal') }}
        + {{ covered(paid, instalment, 'interest') }}
        + {{ covered(paid, instalment, 'fee') }}
    )
{%- endmacro %}

{#- How much of a component all instalments together have received once `paid` has gone down the waterfall and
    stopped in instalment `frontier`. -#}
{% macro covered_to_date(paid, frontier, component) -%}
    coalesce({{ frontier }}.{{ component }}_before + {{ covered(paid, frontier, component) }}, 0)
{%- endmacro %}

{#- Where in the waterfall an amount paid stands. `points` is a relation with lender, loan_id, schedule_version and
    paid_to_date; `columns` names what else of it to keep. Adds
      instalments_settled: how many instalments, oldest first, are settled within tolerance,
      frontier_no: the instalment that the money has reached (0: nothing paid can have reached any).
    One sort of thresholds and points together; no join of every instalment with every payment. -#}
{% macro waterfall_positions(points, columns) -%}
    select
        lender, loan_id, schedule_version, paid_to_date, instalments_settled, frontier_no,
        {{ columns | join(', ') }}
    from (
        select
            lender, loan_id, schedule_version, paid_to_date, step,
            {{ columns | join(', ') }},
            sum(case when step = 0 then 1 else 0 end) over steps as instalments_settled,
            sum(case when step = 1 then 1 else 0 end) over steps as frontier_no
        from (
            select
                lender, loan_id, schedule_version, greatest(paid_to_date, 0) as threshold, 2 as step, paid_to_date,
                {{ columns | join(', ') }}
            from {{ points }}
            {% for step, reached_at in [(0, 'settle_at'), (1, 'owed_before')] -%}
            union all
            select
                lender, loan_id, schedule_version, {{ reached_at }} as threshold, {{ step }} as step,
                null as paid_to_date,
                {% for column in columns %}null as {{ column }}{{ ', ' if not loop.last }}{% endfor %}
            from {{ ref('int_instalment') }}
            {% endfor -%}
        ) as merged
        window steps as (
            partition by lender, loan_id, schedule_version
            order by threshold, step
            rows between unbounded preceding and current row
        )
    ) as counted
    where step = 2
{%- endmacro %}

{#- What is covered of a component before or after a payment, in a loan that may be paid off by then. A payoff covers
    principal first, then what had fallen due of fees and penalties; the rest is interest. -#}
{% macro paid_off_cover(component, side) -%}
    {%- set ahead = {'principal': '', 'fee': ' - principal_total', 'penalty': ' - principal_total - fee_accrued',
        'interest': ' - principal_total - fee_accrued - penalty_accrued'} -%}
    {%- set demand = {'principal': 'principal_total', 'fee': 'fee_accrued', 'penalty': 'penalty_accrued',
        'interest': 'interest_total'} -%}
    case
        when is_paid_off_{{ side }} then least(greatest(paid_{{ side }}{{ ahead[component] }}, 0), {{ demand[component] }})
        else {{ component }}_{{ side }}
    end
{%- endmacro %}

{#- Money leaves a model as numeric(18, 2), counts as bigint, rates as fractions, changes as percentage points. -#}
{% macro money(expression) %}cast({{ expression }} as numeric(18, 2)){% endmacro %}
