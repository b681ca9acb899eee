-- What each payment was for: what all payments together have covered of each component after it, less what they had
-- covered before it, on the schedule in force on its value date.
{%- set components = ['principal', 'interest', 'fee', 'penalty'] %}
with

versions as (
    select lender, loan_id, schedule_version, in_force_from, in_force_until
    from {{ ref('int_instalment') }}
    group by lender, loan_id, schedule_version, in_force_from, in_force_until
),

settling as (
    select
        payments.lender,
        payments.loan_id,
        payments.payment_id,
        payments.value_on,
        payments.posted_on,
        payments.paid_before,
        payments.paid_after,
        versions.schedule_version,
        payoffs.paid_off_on,
        payoffs.paid_off_at,
        payoffs.principal_total,
        payoffs.interest_total,
        payoffs.fee_accrued,
        payoffs.penalty_accrued
    from {{ ref('int_payment') }} as payments
    inner join versions
        on
            payments.lender = versions.lender
            and payments.loan_id = versions.loan_id
            and payments.value_on >= versions.in_force_from
            and payments.value_on < versions.in_force_until
    left join {{ ref('int_payoff') }} as payoffs
        on payments.lender = payoffs.lender and payments.loan_id = payoffs.loan_id
    where payments.settles_instalments
),

points as (
    select lender, loan_id, payment_id, schedule_version, 'before' as side, paid_before as paid_to_date from settling
    union all
    select lender, loan_id, payment_id, schedule_version, 'after' as side, paid_after as paid_to_date from settling
),

positioned as (
    {{ waterfall_positions('points', ['payment_id', 'side']) | indent(4) }}
),

covered as (
    select
        positioned.lender,
        positioned.loan_id,
        positioned.payment_id,
        {% for side in ['before', 'after'] -%}
        {% for component in components -%}
        max(
            case
                when positioned.side = '{{ side }}'
                    then {{ covered_to_date('positioned.paid_to_date', 'frontier', component) }}
            end
        ) as {{ component }}_{{ side }}{{ ',' if not (loop.last and side == 'after') }}
        {% endfor -%}
        {% endfor %}
    from positioned
    left join {{ ref('int_instalment') }} as frontier
        on
            positioned.lender = frontier.lender
            and positioned.loan_id = frontier.loan_id
            and positioned.schedule_version = frontier.schedule_version
            and positioned.frontier_no = frontier.seq
    group by positioned.lender, positioned.loan_id, positioned.payment_id
),

-- While a loan is paid off, the money has covered all principal and what had fallen due beside it; the rest went to
-- interest, as far as the schedule knows any. Before the payment that pays it off, the waterfall stands.
sides as (
    select
        settling.lender,
        settling.loan_id,
        settling.payment_id,
        covered.principal_before,
        covered.interest_before,
        covered.fee_before,
        covered.penalty_before,
        covered.principal_after,
        covered.interest_after,
        covered.fee_after,
        covered.penalty_after,
        settling.paid_after,
        settling.principal_total,
        settling.interest_total,
        settling.fee_accrued,
        settling.penalty_accrued,
        settling.paid_before,
        settling.value_on,
        settling.posted_on,
        coalesce(settling.value_on >= settling.paid_off_on and settling.paid_after >= settling.paid_off_at, false)
            as is_paid_off_after
    from settling
    inner join covered
        on
            settling.lender = covered.lender
            and settling.loan_id = covered.loan_id
            and settling.payment_id = covered.payment_id
),

in_order as (
    select
        *,
        coalesce(
            lag(is_paid_off_after) over (partition by lender, loan_id order by value_on, posted_on, payment_id), false
        ) as is_paid_off_before
    from sides
),

allocated as (
    select
        lender,
        loan_id,
        payment_id,
        {% for component in components -%}
        {{ paid_off_cover(component, 'after') }}
        - {{ paid_off_cover(component, 'before') }} as {{ component }}{{ ',' if not loop.last }}
        {% endfor %}
    from in_order
),

-- Money that settles no instalment (recoveries, compensation) keeps the lender's split if it adds up.
as_split as (
    select
        payments.lender,
        payments.loan_id,
        payments.payment_id,
        {% for component in components -%}
        coalesce(payments.{{ component }}, 0) as {{ component }}{{ ',' if not loop.last }}
        {% endfor %}
    from {{ ref('int_payment') }} as payments
    where
        not payments.settles_instalments
        and payments.amount = {% for component in components -%}
            coalesce(payments.{{ component }}, 0){{ ' + ' if not loop.last }}
        {%- endfor %}
)

select
    payments.lender,
    payments.loan_id,
    payments.payment_id,
    payments.value_on,
    payments.posted_on,
    payments.kind,
    payments.is_cash,
    payments.is_reversed,
    payments.settles_instalments,
    payments.bridge_column,
    payments.amount,
    {% for component in components -%}
    cast(coalesce(allocated.{{ component }}, as_split.{{ component }}, 0) as numeric(18, 2)) as {{ component }},
    {% endfor -%}
    cast(
        payments.amount
        {%- for component in components %}
        - coalesce(allocated.{{ component }}, as_split.{{ component }}, 0)
        {%- endfor %}
        as numeric(18, 2)
    ) as unallocated,
    payments.principal as principal_as_sent
from {{ ref('int_payment') }} as payments
left join allocated
    on
        payments.lender = allocated.lender
        and payments.loan_id = allocated.loan_id
        and payments.payment_id = allocated.payment_id
left join as_split
    on
        payments.lender = as_split.lender
        and payments.loan_id = as_split.loan_id
        and payments.payment_id = as_split.payment_id
