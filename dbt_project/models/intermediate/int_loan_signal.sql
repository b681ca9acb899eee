-- Warnings that a loan's own life gives, as intervals [raised_on, lowered_on) (lowered_on null: it stands), and what
-- was seen. One that is still to come is here as it will be if nothing happens: who asks, asks up to data_as_of, and
-- only of loans in the book. What it takes other loans or collectors to know is in int_signal.
{%- set text = dbt.type_string() %}
with

states as (
    select *, coalesce(valid_to, {{ last_day_ever() }}) as valid_until
    from {{ touched('int_loan_state') }}
),

{{ overdue_runs(condition='states.paid_on_oldest > 0') }},

partly_paid as (
    select
        lender,
        loan_id,
        min(overdue_from) as raised_on,
        nullif(max(valid_until), {{ last_day_ever() }}) as lowered_on,
        max(paid_on_oldest) as paid_on_oldest
    from runs
    group by lender, loan_id, spell_no
),

-- each instalment, and the two before it
in_a_row as (
    select
        lender,
        loan_id,
        due_on,
        settled_on,
        lag(due_on, 2) over schedule as first_due_on,
        lag(due_on) over schedule as second_due_on,
        greatest({{ days_between('lag(due_on, 2) over schedule', 'lag(settled_on, 2) over schedule') }}, 0)
            as first_days_late,
        greatest({{ days_between('lag(due_on) over schedule', 'lag(settled_on) over schedule') }}, 0)
            as second_days_late,
        lag(settled_on, 2) over schedule is not null and lag(settled_on) over schedule is not null as are_settled,
        lead(due_on) over schedule as next_due_on
    from {{ touched('int_settled_instalment') }}
    window schedule as (partition by lender, loan_id order by due_on, instalment_no)
),

-- later than the one before, which was later than the one before that: known the day after it has taken as long
lengthening as (
    select
        *,
        {{ add_days('due_on', 'second_days_late + 1') }} as raised_on,
        {{ add_days('next_due_on', 1) }} as lowered_on
    from in_a_row
    where are_settled and first_days_late < second_days_late
),

reliefs as (
    select lender, loan_id, event_on as relieved_on
    from {{ touched('int_loan_event') }}
    where is_restructuring
    group by lender, loan_id, event_on
),

-- relief ends when something falls due again
first_dues as (
    select reliefs.lender, reliefs.loan_id, reliefs.relieved_on, min(instalments.due_on) as due_on
    from reliefs
    inner join {{ touched('int_instalment') }} as instalments
        on
            reliefs.lender = instalments.lender
            and reliefs.loan_id = instalments.loan_id
            and reliefs.relieved_on >= instalments.in_force_from
            and reliefs.relieved_on < instalments.in_force_until
            and reliefs.relieved_on < instalments.due_on
    group by reliefs.lender, reliefs.loan_id, reliefs.relieved_on
)

select
    lender, loan_id, 'first_missed_payment' as signal, entered_on as raised_on, exited_on as lowered_on,
    'past due for the first time, since ' || cast(entered_on as {{ text }}) as detail
from {{ touched('int_spell') }}
where spell_no = 1
union all
select
    lender, loan_id, 'partial_payment' as signal, raised_on, lowered_on,
    'of the oldest instalment overdue only a part is paid, ' || cast(paid_on_oldest as {{ text }}) as detail
from partly_paid
union all
select
    lender, loan_id, 'days_late_lengthening' as signal, raised_on, lowered_on,
    'instalment of ' || cast(first_due_on as {{ text }}) || ' paid ' || cast(first_days_late as {{ text }})
    || ' days late, of ' || cast(second_due_on as {{ text }}) || ' ' || cast(second_days_late as {{ text }})
    || ', of ' || cast(due_on as {{ text }}) || ' later still' as detail
from lengthening
where
    coalesce(settled_on >= raised_on, true)
    and coalesce(raised_on < lowered_on, true)
union all
select
    lender, loan_id, 'relief_ended' as signal, paused_until as raised_on,
    {{ add_days('paused_until', 90) }} as lowered_on,
    'a pause ended on ' || cast(paused_until as {{ text }}) as detail
from {{ touched('int_pause') }}
where paused_until is not null
union all
select
    lender, loan_id, 'relief_ended' as signal, due_on as raised_on, {{ add_days('due_on', 90) }} as lowered_on,
    'first due date after the relief of ' || cast(relieved_on as {{ text }}) || ' was '
    || cast(due_on as {{ text }}) as detail
from first_dues
