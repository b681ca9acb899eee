-- Every payment of a known loan, in order, with what it does: the signed amount, whether that settles instalments,
-- what instalment and split it names, and what has settled instalments in all before and after it.
{%- set components = components() %}
with

known as (
    select payments.*
    from {{ touched('stg_payment') }} as payments
    inner join {{ touched('stg_loan') }} as loans
        on payments.lender = loans.lender and payments.loan_id = loans.loan_id
),

reversed as (
    select lender, loan_id, reverses_payment_id as payment_id
    from known
    where reverses_payment_id is not null
    group by lender, loan_id, reverses_payment_id
),

-- A payment that undoes another does what that one did, backwards: returning a recovery leaves instalments alone.
-- One that undoes a payment we do not have waits for it without effect.
with_effect as (
    select
        known.lender,
        known.loan_id,
        known.payment_id,
        known.value_on,
        coalesce(known.posted_on, known.value_on) as posted_on,
        known.kind,
        kinds.sign,
        kinds.terminal_state,
        kinds.reopens_on,
        -- a return may be sent as 100 or as -100; it takes money away either way
        case when kinds.sign < 0 then -abs(known.amount) else known.amount end as amount,
        coalesce(original_kinds.is_cash, kinds.is_cash) as is_cash,
        coalesce(original_kinds.bridge_column, kinds.bridge_column) as bridge_column,
        reversed.payment_id is not null as is_reversed,
        known.reverses_payment_id is not null and originals.payment_id is null as waits_for_original,
        coalesce(original_kinds.settles_instalments, kinds.settles_instalments) as would_settle,
        coalesce(known.instalment_no, originals.instalment_no) as instalment_no,
        -- what undoes all of a payment undoes its split
        case
            when {% for component in components -%}
                known.{{ component }} is null and {% endfor %}abs(known.amount) = abs(originals.amount)
                then true
            else false
        end as takes_over_split,
        {% for component in components -%}
        known.{{ component }} as own_{{ component }},
        originals.{{ component }} as original_{{ component }}{{ ',' if not loop.last }}
        {% endfor %}
    from known
    inner join {{ ref('payment_kinds') }} as kinds on known.kind = kinds.kind
    left join known as originals
        on
            known.lender = originals.lender
            and known.reverses_payment_id = originals.payment_id
            and known.loan_id = originals.loan_id
    left join {{ ref('payment_kinds') }} as original_kinds on originals.kind = original_kinds.kind
    left join reversed
        on
            known.lender = reversed.lender
            and known.loan_id = reversed.loan_id
            and known.payment_id = reversed.payment_id
),

with_split as (
    select
        *,
        would_settle and not waits_for_original as settles_instalments,
        {% for component in components -%}
        case
            when sign < 0
                then -abs(case when takes_over_split then original_{{ component }} else own_{{ component }} end)
            else own_{{ component }}
        end as {{ component }}{{ ',' if not loop.last }}
        {% endfor %}
    from with_effect
),

running as (
    select
        *,
        -- a split is believed only if it adds up
        coalesce(
            not waits_for_original
            and coalesce({{ components | join(', ') }}) is not null
            and amount = {% for component in components -%}
                coalesce({{ component }}, 0){{ ' + ' if not loop.last }}
            {%- endfor %},
            false
        ) as has_split,
        case when settles_instalments then amount else 0 end as effect,
        row_number() over in_order as payment_no,
        coalesce(lead(value_on) over in_order > value_on, true) as is_last_of_day,
        sum(case when settles_instalments then amount else 0 end) over in_order as paid_after
    from with_split
    -- no two rows are alike in this order, so that a running sum needs no frame of rows; Spark has none for lead
    window in_order as (partition by lender, loan_id order by value_on, posted_on, payment_id)
)

select
    lender,
    loan_id,
    payment_id,
    payment_no,
    is_last_of_day,
    value_on,
    posted_on,
    kind,
    {{ money('amount') }} as amount,
    sign,
    is_cash,
    settles_instalments,
    is_reversed,
    reopens_on,
    bridge_column,
    terminal_state,
    instalment_no,
    has_split,
    {% for part in ['principal', 'interest', 'fee', 'penalty', 'effect'] -%}
    {{ money(part) }} as {{ part }},
    {% endfor -%}
    -- nothing is settled by less than nothing
    {{ money('greatest(paid_after - effect, 0)') }} as paid_before,
    {{ money('greatest(paid_after, 0)') }} as paid_after
from running
