{{ config(meta={'recomputed': 'int_reviewed_loan', 'recomputed_in': 'intermediate'}) }}
-- Every instalment of every schedule version, with what had been paid on it by the lender's data_as_of, or by the end
-- of the version where a newer one is in force.
{%- set components = ['principal', 'interest', 'fee'] %}
with

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
        from {{ touched('int_plan', 'int_reviewed_loan') }} as plans
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
    from {{ touched('int_instalment_balance', 'int_reviewed_loan') }} as balances
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
),

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

-- An instalment that owes next to nothing is settled the day it falls due. A settled loan leaves nothing open: what
-- the payoff made void was settled with it.
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
        case
            when not at_judgement.is_short and at_judgement.short_until is not null then at_judgement.short_until
            when not at_judgement.is_short and instalments.due_on <= at_judgement.judged_on then instalments.due_on
            when ends.state = 'settled' and not at_judgement.is_replaced then ends.ended_on
        end as settled_on
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
