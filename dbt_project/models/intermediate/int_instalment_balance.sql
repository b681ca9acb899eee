-- What is unsettled of every instalment of every plan, as intervals [valid_from, valid_to) of closes. The first row
-- holds from the beginning of time: nothing paid yet. Every other one begins on a day on which payments changed
-- something, and says whether it was short before them and how much of its principal they settled.
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
    having
        {% for component in components -%}
        sum({{ component }}) <> 0{{ ' or ' if not loop.last }}
        {%- endfor %}
),

chargeback_days as (
    select lender, loan_id, value_on
    from {{ touched('int_payment') }}
    where settles_instalments and effect < 0
    group by lender, loan_id, value_on
    having min(case when reopens_on = 'own_date' then 1 else 0 end) = 1
),

running as (
    select
        instalments.lender,
        instalments.loan_id,
        instalments.plan_no,
        instalments.seq,
        settled_by_day.value_on as day,
        instalments.clock_due_on,
        instalments.owed,
        instalments.tolerance,
        instalments.first_day,
        instalments.principal_counts,
        settled_by_day.principal as principal_settled,
        chargeback_days.value_on is not null as is_charged_back,
        {% for component in components -%}
        instalments.{{ component }}_due - (sum(settled_by_day.{{ component }}) over life) as {{ component }}_left,
        {% endfor -%}
        instalments.owed - (sum(settled_by_day.owed) over life) as owed_left
    from settled_by_day
    inner join {{ touched('int_instalment') }} as instalments
        on
            settled_by_day.lender = instalments.lender
            and settled_by_day.loan_id = instalments.loan_id
            and settled_by_day.plan_no = instalments.plan_no
            and settled_by_day.seq = instalments.seq
    left join chargeback_days
        on
            settled_by_day.lender = chargeback_days.lender
            and settled_by_day.loan_id = chargeback_days.loan_id
            and settled_by_day.value_on = chargeback_days.value_on
    window life as (
        partition by settled_by_day.lender, settled_by_day.loan_id, settled_by_day.plan_no, settled_by_day.seq
        order by settled_by_day.value_on rows between unbounded preceding and current row
    )
),

judged as (
    select
        *,
        {{ is_short('owed_left', 'tolerance') }} as is_short,
        {{ is_short('coalesce(lag(owed_left) over life, owed)', 'tolerance') }} as was_short,
        lead(day) over life as next_day,
        row_number() over life as payment_day_no
    from running
    window life as (partition by lender, loan_id, plan_no, seq order by day)
),

reopened as (
    select
        *,
        case when is_short and is_charged_back and not was_short then day end as charged_back_on,
        sum(case when is_short then 0 else 1 end) over (
            partition by lender, loan_id, plan_no, seq order by day rows between unbounded preceding and current row
        ) as times_settled
    from judged
),

first_days as (
    select lender, loan_id, plan_no, seq, day from judged where payment_day_no = 1
),

unpaid as (
    select
        instalments.lender,
        instalments.loan_id,
        instalments.plan_no,
        instalments.seq,
        {{ first_day_ever() }} as valid_from,
        first_days.day as valid_to,
        {% for component in components -%}
        instalments.{{ component }}_due as {{ component }}_left,
        {% endfor -%}
        instalments.owed as owed_left,
        instalments.owed,
        instalments.tolerance,
        {{ is_short('instalments.owed', 'instalments.tolerance') }} as is_short,
        cast(null as boolean) as was_short,
        cast(0 as numeric(18, 2)) as principal_settled,
        instalments.first_day,
        instalments.principal_counts,
        instalments.clock_due_on
    from {{ touched('int_instalment') }} as instalments
    left join first_days
        on
            instalments.lender = first_days.lender
            and instalments.loan_id = first_days.loan_id
            and instalments.plan_no = first_days.plan_no
            and instalments.seq = first_days.seq
),

paid_on as (
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
        was_short,
        {{ money('principal_settled') }} as principal_settled,
        first_day,
        principal_counts,
        -- the chargeback's day stands until the instalment is settled again
        greatest(
            clock_due_on,
            max(charged_back_on) over (partition by lender, loan_id, plan_no, seq, times_settled)
        ) as clock_due_on
    from reopened
)

select * from unpaid
union all
select * from paid_on
