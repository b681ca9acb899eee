-- What is unsettled of every instalment of every plan, as intervals [valid_from, valid_to) of closes. The first row
-- holds from the beginning of time: nothing paid yet.
--
-- An instalment that money taken back re-opens is overdue by its original due date. One that a chargeback alone
-- re-opens (the payer's claim, often months later) falls due again on the day of the chargeback.
{%- set components = components() %}
with

-- payments of one day net at its close
settled_by_day as (
    select
        lender, loan_id, plan_no, seq, value_on,
        {% for part in components + ['owed'] -%}
        sum({{ part }}) as {{ part }}{{ ',' if not loop.last }}
        {% endfor %}
    from {{ touched('int_settlement') }}
    group by lender, loan_id, plan_no, seq, value_on
),

moves as (
    select
        lender, loan_id, plan_no, seq, {{ first_day_ever() }} as day, owed,
        {% for component in components -%}
        {{ component }}_due as {{ component }}{{ ',' if not loop.last }}
        {% endfor %}
    from {{ touched('int_instalment') }}
    union all
    select
        lender, loan_id, plan_no, seq, value_on as day, -owed as owed,
        {% for component in components -%}
        -{{ component }} as {{ component }}{{ ',' if not loop.last }}
        {% endfor %}
    from settled_by_day
    where
        {% for component in components -%}
        {{ component }} <> 0{{ ' or ' if not loop.last }}
        {%- endfor %}
),

running as (
    select
        lender, loan_id, plan_no, seq, day,
        lead(day) over (partition by lender, loan_id, plan_no, seq order by day) as next_day,
        {% for part in components + ['owed'] -%}
        sum({{ part }}) over life as {{ part }}_left{{ ',' if not loop.last }}
        {% endfor %}
    from moves
    window life as (
        partition by lender, loan_id, plan_no, seq order by day rows between unbounded preceding and current row
    )
),

chargeback_days as (
    select lender, loan_id, value_on
    from {{ touched('int_payment') }}
    where settles_instalments and effect < 0
    group by lender, loan_id, value_on
    having min(case when reopens_on = 'own_date' then 1 else 0 end) = 1
),

judged as (
    select
        running.*,
        instalments.clock_due_on,
        instalments.owed,
        instalments.tolerance,
        instalments.first_day,
        instalments.principal_counts,
        running.owed_left > instalments.tolerance as is_short,
        chargeback_days.value_on is not null as is_charged_back
    from running
    inner join {{ touched('int_instalment') }} as instalments
        on
            running.lender = instalments.lender
            and running.loan_id = instalments.loan_id
            and running.plan_no = instalments.plan_no
            and running.seq = instalments.seq
    left join chargeback_days
        on
            running.lender = chargeback_days.lender
            and running.loan_id = chargeback_days.loan_id
            and running.day = chargeback_days.value_on
),

with_opening as (
    select
        *,
        case
            when
                is_short and is_charged_back
                and not lag(is_short) over (partition by lender, loan_id, plan_no, seq order by day)
                then day
        end as charged_back_on,
        sum(case when is_short then 0 else 1 end) over (
            partition by lender, loan_id, plan_no, seq order by day rows between unbounded preceding and current row
        ) as times_settled
    from judged
)

select
    lender,
    loan_id,
    plan_no,
    seq,
    day as valid_from,
    next_day as valid_to,
    {% for part in components + ['owed'] -%}
    {{ money(part ~ '_left') }} as {{ part }}_left,
    {% endfor -%}
    owed,
    tolerance,
    is_short,
    first_day,
    principal_counts,
    -- the chargeback's day stands until the instalment is settled again
    greatest(
        clock_due_on,
        max(charged_back_on) over (partition by lender, loan_id, plan_no, seq, times_settled)
    ) as clock_due_on
from with_opening
