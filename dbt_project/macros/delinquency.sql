{#- Rules that more than one model applies, said once. -#}

{#- The components of an instalment; in what order money covers them is a convention. -#}
{% macro components() %}{{ return(['penalty', 'fee', 'interest', 'principal']) }}{% endmacro %}

{#- Whole months from `earlier` to `later`: the largest number that, added to the earlier day, does not pass the later.
    The 31st plus a month is that month's last day. -#}
{% macro whole_months(earlier, later) -%}
    (
        {{ months_between(earlier, later) }}
        - case when {{ add_months(earlier, months_between(earlier, later)) }} > {{ later }} then 1 else 0 end
    )
{%- endmacro %}

{#- A day on the calendar of 360 days a year, in which the 31st is a 30th. -#}
{% macro day_of_360(day) -%}
    cast(
        extract(year from {{ day }}) * 360 + extract(month from {{ day }}) * 30 + least(extract(day from {{ day }}), 30)
        as integer
    )
{%- endmacro %}

{#- What a clock that started on `started_on` shows at the close of `day`, before it is cut off at 0. -#}
{% macro days_counted(started_on, day, first_day, day_count) -%}
    case {{ day_count }}
        when 'days' then {{ days_between(started_on, day) }} + {{ first_day }}
        when '30_360' then {{ day_of_360(day) }} - {{ day_of_360(started_on) }} + {{ first_day }}
        when 'ots' then 30 * {{ whole_months(started_on, day) }}
        when 'mba' then 30 * {{ whole_months(started_on, add_days(day, 1)) }}
    end
{%- endmacro %}

{#- Days past due at the close of `day`, for a row of int_loan_state (or one with the same clock). A clock that stands
    still goes on showing what it showed when it stopped. `clock` chooses between the two that a row carries. -#}
{% macro dpd_on(day, states, clock='') -%}
    coalesce(
        {{ states }}.{{ clock }}dpd_fixed,
        greatest(
            {{ days_counted(
                states ~ '.' ~ clock ~ 'clock_from',
                ('coalesce(' ~ states ~ '.clock_stopped_on, ' ~ day ~ ')') if not clock else day,
                states ~ '.first_day', states ~ '.day_count'
            ) }},
            0
        ),
        0
    )
{%- endmacro %}

{#- Whether a row with `dpd` and the conventions of its day stands in a row of dpd_buckets. Grace moves the bucket, not the
    days past due. -#}
{% macro is_in_bucket(standing, buckets) -%}
    {{ standing }}.scheme = {{ buckets }}.scheme
        and greatest({{ standing }}.dpd - {{ standing }}.grace_days, 0) >= {{ buckets }}.min_dpd
        and greatest({{ standing }}.dpd - {{ standing }}.grace_days, 0) <= coalesce({{ buckets }}.max_dpd, 2147483647)
{%- endmacro %}

{#- The first day at whose close a row of int_loan_state shows at least `dpd` (1 or more) days past due; null if it never
    does. It may lie outside the row's interval. A clock that stands still shows it from the row's first day, or never. -#}
{% macro first_day_at_dpd(states, dpd) -%}
    case
        when {{ states }}.dpd_fixed is not null or {{ states }}.clock_stopped_on is not null
            then case when {{ dpd_on(states ~ '.valid_from', states) }} >= {{ dpd }} then {{ states }}.valid_from end
        when {{ states }}.day_count = 'days'
            then {{ add_days(states ~ '.clock_from', dpd ~ ' - ' ~ states ~ '.first_day') }}
        when {{ states }}.day_count = '30_360'
            then {{ first_day_of_360(day_of_360(states ~ '.clock_from') ~ ' + ' ~ dpd ~ ' - ' ~ states ~ '.first_day') }}
        when {{ states }}.day_count = 'ots'
            then {{ add_months(states ~ '.clock_from', whole_quotient(dpd ~ ' + 29', '30')) }}
        when {{ states }}.day_count = 'mba'
            then {{ add_days(add_months(states ~ '.clock_from', whole_quotient(dpd ~ ' + 29', '30')), -1) }}
    end
{%- endmacro %}

{#- The first day whose number on the calendar of 360 days is not below `number`. A 30th that February does not have is
    reached on 1 March. -#}
{% macro first_day_of_360(number) -%}
    {%- set month = add_months("cast('0001-01-01' as date)", 'cast(' ~ whole_quotient('(' ~ number ~ ' - 1)', '30') ~ ' - 13 as integer)') -%}
    {%- set day_in_month = 'cast((' ~ number ~ ' - 1) % 30 as integer)' -%}
    least({{ add_days(month, day_in_month) }}, {{ add_months(month, 1) }})
{%- endmacro %}

{#- How much of each component of an instalment is covered by `amount`, once money has covered, in the order of ranks, the
    `room` of the components before it. -#}
{% macro poured(amount, component, room) -%}
    least(
        greatest(
            {{ amount }}
            {%- for other in components() if other != component %}
            - case when {{ other }}_rank < {{ component }}_rank then {{ room }}{{ other }} else 0 end
            {%- endfor %},
            0
        ),
        {{ room }}{{ component }}
    )
{%- endmacro %}

{#- How much of one component of an instalment is covered once `paid` in all has gone down the waterfall. -#}
{% macro covered(paid, instalment, component) -%}
    least(greatest({{ paid }} - {{ instalment }}.{{ component }}_starts_at, 0), {{ instalment }}.{{ component }}_due)
{%- endmacro %}

{#- How much of one component `paid` in all covers of a loan that is paid off: principal first, then what had fallen due of
    fees and penalties; the rest is interest. -#}
{% macro covered_by_payoff(paid, component) -%}
    {%- set room = {'principal': 'principal_total', 'fee': 'fee_accrued', 'penalty': 'penalty_accrued',
        'interest': 'interest_total'} -%}
    {%- set ahead = {'principal': [], 'fee': ['principal'], 'penalty': ['principal', 'fee'],
        'interest': ['principal', 'fee', 'penalty']} -%}
    least(
        greatest({{ paid }}{% for other in ahead[component] %} - {{ room[other] }}{% endfor %}, 0),
        {{ room[component] }}
    )
{%- endmacro %}

{#- What kind of debt a row is, by its state, its days past due and what is paid on its oldest short instalment. The gravest
    kind that holds; null where no day is past due. -#}
{% macro debt_type(rows) -%}
    case
        when {{ rows }}.dpd > {{ rows }}.default_dpd or {{ rows }}.state = 'written_off' then 'default'
        when {{ rows }}.dpd > 0 and {{ rows }}.paid_on_oldest > 0 then 'partial'
        when {{ rows }}.dpd > 0 then 'overdue_unpaid'
    end
{%- endmacro %}

{#- The IFRS 9 stage of a row by its days past due, which have found its row of ifrs9_stages; what its lender takes for a
    default is credit-impaired, however many days that is. -#}
{% macro ifrs9_stage(rows, stages) %}case when {{ rows }}.dpd > {{ rows }}.default_dpd then 3 else {{ stages }}.stage end{% endmacro %}

{#- Money leaves a model as numeric(18, 2), counts as bigint, rates as fractions, changes as percentage points. -#}
{% macro money(expression) %}cast({{ expression }} as numeric(18, 2)){% endmacro %}

{#- Ends of intervals that have none. -#}
{% macro first_day_ever() %}cast('0001-01-01' as date){% endmacro %}
{% macro last_day_ever() %}cast('9999-12-31' as date){% endmacro %}
