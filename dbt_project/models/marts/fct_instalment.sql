{{ config(meta={'recomputed': 'int_reviewed_loan', 'recomputed_in': 'intermediate', 'tracks_changes': true}) }}
-- Every instalment of every schedule version, with what had been paid on it by the lender's data_as_of, or by the end
-- of the version where a newer one is in force.
{%- set components = ['principal', 'interest', 'fee'] %}
with

{{ judged_balances(by='int_reviewed_loan') }},

ends as (
    select lender, loan_id, state, ended_on from {{ touched('int_loan_end', 'int_reviewed_loan') }}
),

waiver_days as (
    select lender, loan_id, value_on
    from {{ touched('int_payment', 'int_reviewed_loan') }}
    where effect > 0
    group by lender, loan_id, value_on
    having max(case when is_cash then 1 else 0 end) = 0
),

-- what a payoff made void was settled with the loan
judged as (
    select
        instalments.*,
        at_judgement.judged_on,
        at_judgement.is_replaced,
        at_judgement.data_as_of,
        at_judgement.owed_left,
        -- what a chargeback re-opened falls due again on its day
        {{ add_days('at_judgement.clock_due_on', '1 - at_judgement.first_day') }} as overdue_again_from,
        {% for component in components -%}
        at_judgement.{{ component }}_left,
        {% endfor -%}
        -- a loan may be written off without ever having been reported
        coalesce(
            ends.state,
            case when loans.terminal_on <= at_judgement.data_as_of then loans.terminal_state end
        ) as end_state,
        {{ settled_on('at_judgement', 'instalments', 'ends') }} as settled_on
    from at_judgement
    inner join {{ touched('int_instalment', 'int_reviewed_loan') }} as instalments
        on
            at_judgement.lender = instalments.lender
            and at_judgement.loan_id = instalments.loan_id
            and at_judgement.plan_no = instalments.plan_no
            and at_judgement.seq = instalments.seq
    inner join {{ touched('int_loan', 'int_reviewed_loan') }} as loans
        on at_judgement.lender = loans.lender and at_judgement.loan_id = loans.loan_id
    left join ends on at_judgement.lender = ends.lender and at_judgement.loan_id = ends.loan_id
)

select
    judged.lender,
    judged.loan_id,
    judged.schedule_version,
    judged.instalment_no,
    judged.due_on,
    judged.principal_due,
    judged.interest_due,
    judged.fee_due,
    {% for component in components -%}
    {{ money('judged.' ~ component ~ '_due - judged.' ~ component ~ '_left') }} as {{ component }}_paid,
    {% endfor -%}
    judged.settled_on,
    case
        when judged.settled_on is not null then greatest({{ days_between('judged.due_on', 'judged.settled_on') }}, 0)
        when not judged.is_replaced and judged.end_state is null
            then greatest({{ days_between('judged.due_on', 'judged.data_as_of') }}, 0)
    end as days_late,
    case
        when judged.settled_on is not null and waiver_days.value_on is not null then 'waived'
        when judged.settled_on > judged.due_on then 'paid_late'
        when judged.settled_on is not null then 'paid'
        when judged.is_replaced then 'replaced'
        when judged.end_state is not null then 'written_off'
        when judged.overdue_again_from > judged.data_as_of then 'not_due'
        when judged.owed_left < judged.owed then 'partial'
        else 'overdue'
    end as status
from judged
left join waiver_days
    on
        judged.lender = waiver_days.lender
        and judged.loan_id = waiver_days.loan_id
        and judged.settled_on = waiver_days.value_on
