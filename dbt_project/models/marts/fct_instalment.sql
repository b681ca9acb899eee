-- Every instalment of every schedule version, with what had been paid on it by the lender's data_as_of, or by the end
-- of the version where a newer one is in force.
with

instalments as (
    select
        instalments.*,
        loans.data_as_of,
        case
            when instalments.in_force_until <= loans.data_as_of then {{ add_days('instalments.in_force_until', -1) }}
            else loans.data_as_of
        end as judged_on,
        instalments.in_force_until <= loans.data_as_of as is_replaced
    from {{ ref('int_instalment') }} as instalments
    inner join {{ ref('int_loan') }} as loans
        on instalments.lender = loans.lender and instalments.loan_id = loans.loan_id
),

versions as (
    select lender, loan_id, schedule_version, judged_on
    from instalments
    group by lender, loan_id, schedule_version, judged_on
),

-- what had been paid in all at the close of every day with a payment, per version up to the day it is judged on
paid_days as (
    select
        versions.lender,
        versions.loan_id,
        versions.schedule_version,
        payments.value_on,
        sum(payments.effect) as effect,
        max(case when payments.is_cash and payments.effect > 0 then 1 else 0 end) as has_cash
    from versions
    inner join {{ ref('int_payment') }} as payments
        on
            versions.lender = payments.lender
            and versions.loan_id = payments.loan_id
            and versions.judged_on >= payments.value_on
    where payments.effect <> 0
    group by versions.lender, versions.loan_id, versions.schedule_version, payments.value_on
),

paid_to_date as (
    select
        *,
        sum(effect) over (
            partition by lender, loan_id, schedule_version order by value_on
            rows between unbounded preceding and current row
        ) as paid
    from paid_days
),

paid_in_the_end as (
    select lender, loan_id, schedule_version, sum(effect) as paid
    from paid_days
    group by lender, loan_id, schedule_version
),

-- A reversal re-opens what it had settled, so a day counts with the least that was ever paid from then on.
paid_for_good as (
    select
        lender, loan_id, schedule_version, value_on, has_cash,
        min(paid) over (
            partition by lender, loan_id, schedule_version order by value_on
            rows between current row and unbounded following
        ) as kept
    from paid_to_date
),

-- Settled on the first day from which the threshold was kept: thresholds and days sorted together, the next day by
-- amount is the first one, as what is kept never falls.
settled as (
    select
        lender, loan_id, schedule_version, seq, settled_on
    from (
        select
            lender, loan_id, schedule_version, seq,
            min(value_on) over (
                partition by lender, loan_id, schedule_version order by amount, step
                rows between current row and unbounded following
            ) as settled_on
        from (
            select lender, loan_id, schedule_version, kept as amount, 1 as step, value_on, null as seq
            from paid_for_good
            union all
            select lender, loan_id, schedule_version, settle_at as amount, 0 as step, null as value_on, seq
            from instalments
            where owed > tolerance
        ) as merged
    ) as looked_ahead
    where seq is not null
),

ends as (
    select lender, loan_id, state, ended_on from {{ ref('int_loan_end') }}
),

-- An instalment that owes next to nothing is settled the day it falls due. A settled loan leaves nothing open: what the
-- payoff made void was settled with it.
judged as (
    select
        instalments.*,
        ends.state as end_state,
        case
            when instalments.owed <= instalments.tolerance
                then case when instalments.due_on <= instalments.judged_on then instalments.due_on end
            when settled.settled_on is not null then settled.settled_on
            when ends.state = 'settled' and not instalments.is_replaced then ends.ended_on
        end as settled_on,
        greatest(coalesce(paid_in_the_end.paid, 0), 0) as paid
    from instalments
    left join settled
        on
            instalments.lender = settled.lender
            and instalments.loan_id = settled.loan_id
            and instalments.schedule_version = settled.schedule_version
            and instalments.seq = settled.seq
    left join paid_in_the_end
        on
            instalments.lender = paid_in_the_end.lender
            and instalments.loan_id = paid_in_the_end.loan_id
            and instalments.schedule_version = paid_in_the_end.schedule_version
    left join ends on instalments.lender = ends.lender and instalments.loan_id = ends.loan_id
),

with_kind as (
    select
        judged.*,
        coalesce(paid_for_good.has_cash = 0, false) as is_settled_by_waiver
    from judged
    left join paid_for_good
        on
            judged.lender = paid_for_good.lender
            and judged.loan_id = paid_for_good.loan_id
            and judged.schedule_version = paid_for_good.schedule_version
            and judged.settled_on = paid_for_good.value_on
)

select
    lender,
    loan_id,
    schedule_version,
    instalment_no,
    due_on,
    principal_due,
    interest_due,
    fee_due,
    {% for component in ['principal', 'interest', 'fee'] -%}
    {{ money(covered('paid', 'with_kind', component)) }} as {{ component }}_paid,
    {% endfor -%}
    settled_on,
    case
        when settled_on is not null then greatest({{ days_between('due_on', 'settled_on') }}, 0)
        when not is_replaced and end_state is null then greatest({{ days_between('due_on', 'data_as_of') }}, 0)
    end as days_late,
    case
        when settled_on is not null and is_settled_by_waiver then 'waived'
        when settled_on > due_on then 'paid_late'
        when settled_on is not null then 'paid'
        when is_replaced then 'replaced'
        when end_state is not null then 'written_off'
        when {{ overdue_from('due_on', 'first_day') }} > data_as_of then 'not_due'
        when {{ covered_owed('paid', 'with_kind') }} > 0 then 'partial'
        else 'overdue'
    end as status
from with_kind
