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

{#- CTEs `overdue` and `runs`: the stretches of a CTE `states` (rows of int_loan_state, each with the day it ends, valid_until)
    in which a loan in the book is past due, with the day they start (overdue_from), numbered by the unbroken run of
    days they belong to (spell_no). `condition` leaves rows of `states` out. -#}
{% macro overdue_runs(condition='true') -%}
-- a clock only runs forward: within an interval a loan becomes overdue and stays so
overdue as (
    select
        *,
        greatest(valid_from, reached_on) as overdue_from
    from (
        select
            states.*,
            {{ first_day_at_dpd('states', '1') }} as reached_on
        from states
        where not states.is_terminal and (states.clock_from is not null or states.dpd_fixed > 0) and {{ condition }}
    ) as on_the_clock
    where reached_on < valid_until
),

runs as (
    select
        *,
        sum(case when overdue_from = ended_before then 0 else 1 end) over (
            partition by lender, loan_id order by overdue_from rows between unbounded preceding and current row
        ) as spell_no
    from (
        select
            *,
            lag(valid_until) over (partition by lender, loan_id order by overdue_from) as ended_before
        from overdue
    ) as in_order
)
{%- endmacro %}

{#- CTEs that end in `at_judgement`: what is left of every instalment of every schedule version at the close of the lender's
    data_as_of, or of the last day of a version that a newer one has replaced (judged_on), with the last day on which it
    ceased to be short (short_until). `by` says whose loans are read, as for `touched`. -#}
{% macro judged_balances(by='stg_touched_loan') -%}
-- the plan by which each version is judged, and the day at whose close
judgements as (
    select
        lender, loan_id, plan_no, judged_on, is_replaced, data_as_of
    from (
        select
            plans.lender,
            plans.loan_id,
            plans.plan_no,
            plans.era_from,
            plans.era_until,
            plans.version_until <= lenders.data_as_of as is_replaced,
            lenders.data_as_of,
            case
                when plans.version_until <= lenders.data_as_of then {{ add_days('plans.version_until', -1) }}
                else lenders.data_as_of
            end as judged_on
        from {{ touched('int_plan', by) }} as plans
        inner join {{ ref('int_lender') }} as lenders on plans.lender = lenders.lender
    ) as plans
    where judged_on >= era_from and judged_on < era_until
),

-- Settled from the first day of the last run of closes at which nothing was short.
balances as (
    select
        balances.*,
        judgements.judged_on,
        judgements.is_replaced,
        judgements.data_as_of,
        max(case when balances.is_short then balances.valid_to end) over life as short_until
    from {{ touched('int_instalment_balance', by) }} as balances
    inner join judgements
        on
            balances.lender = judgements.lender
            and balances.loan_id = judgements.loan_id
            and balances.plan_no = judgements.plan_no
            and balances.valid_from <= judgements.judged_on
    window life as (
        partition by balances.lender, balances.loan_id, balances.plan_no, balances.seq order by balances.valid_from
        rows between unbounded preceding and current row
    )
),

at_judgement as (
    select * from balances where valid_to is null or valid_to > judged_on
)
{%- endmacro %}

{#- The day on which an instalment was settled for good, for a row of `at_judgement`, the instalment, and the end of its loan
    (int_loan_end). One that owes next to nothing is settled the day it falls due; a settled loan leaves nothing open. -#}
{% macro settled_on(balances, instalments, ends) -%}
    case
        when not {{ balances }}.is_short and {{ balances }}.short_until is not null then {{ balances }}.short_until
        when not {{ balances }}.is_short and {{ instalments }}.due_on <= {{ balances }}.judged_on
            then {{ instalments }}.due_on
        when {{ ends }}.state = 'settled' and not {{ balances }}.is_replaced then {{ ends }}.ended_on
    end
{%- endmacro %}

{#- Whether an instalment of which so much is left counts as unsettled. -#}
{% macro is_short(left, tolerance) %}({{ left }} > {{ tolerance }}){% endmacro %}

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
    the others, in the order of the conventions; what is left is interest that had not. -#}
{% macro covered_by_payoff(paid, component) -%}
    {%- if component == 'principal' -%}
        least(greatest({{ paid }}, 0), principal_total)
    {%- else -%}
        (
            least(greatest({{ paid }} - {{ component }}_starts_at, 0), {{ component }}_accrued)
            {%- if component == 'interest' %}
            + least(
                greatest({{ paid }} - principal_total - interest_accrued - fee_accrued - penalty_accrued, 0),
                interest_total - interest_accrued
            )
            {%- endif %}
        )
    {%- endif -%}
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

{#- After how many months it is asked how a loan has fared that was granted relief. -#}
{% macro forbearance_horizons() %}{{ return([3, 6, 12]) }}{% endmacro %}

{#- How many days a warning has time to come true in the backtest: until the loan is past 30. -#}
{% macro warning_horizon_days() %}60{% endmacro %}

{#- Money leaves a model as numeric(18, 2), counts as bigint, rates as fractions, changes as percentage points. -#}
{% macro money(expression) %}cast({{ expression }} as numeric(18, 2)){% endmacro %}

{#- Ends of intervals that have none. -#}
{% macro first_day_ever() %}cast('0001-01-01' as date){% endmacro %}
{% macro last_day_ever() %}cast('9999-12-31' as date){% endmacro %}
