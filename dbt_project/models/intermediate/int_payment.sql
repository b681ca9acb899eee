-- Every payment of a known loan, with what it does: the signed amount, whether that settles instalments, and the
-- running total of what has settled instalments before and after it.
with

known as (
    select payments.*
    from {{ ref('stg_payment') }} as payments
    inner join {{ ref('stg_loan') }} as loans
        on payments.lender = loans.lender and payments.loan_id = loans.loan_id
),

reversed as (
    select lender, reverses_payment_id as payment_id
    from known
    where reverses_payment_id is not null
    group by lender, reverses_payment_id
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
        -- a return may be sent as 100 or as -100; it takes money away either way
        {% for part in ['amount', 'principal', 'interest', 'fee', 'penalty'] -%}
        case when kinds.sign < 0 then -abs(known.{{ part }}) else known.{{ part }} end as {{ part }},
        {% endfor -%}
        case when kinds.sign < 0 then -1 else 1 end as sign,
        coalesce(original_kinds.is_cash, kinds.is_cash) as is_cash,
        coalesce(original_kinds.bridge_column, kinds.bridge_column) as bridge_column,
        kinds.terminal_state,
        reversed.payment_id is not null as is_reversed,
        case
            when known.reverses_payment_id is not null and originals.payment_id is null then false
            else coalesce(original_kinds.settles_instalments, kinds.settles_instalments)
        end as settles_instalments
    from known
    inner join {{ ref('payment_kinds') }} as kinds on known.kind = kinds.kind
    left join known as originals
        on
            known.lender = originals.lender
            and known.reverses_payment_id = originals.payment_id
            and known.loan_id = originals.loan_id
    left join {{ ref('payment_kinds') }} as original_kinds on originals.kind = original_kinds.kind
    left join reversed on known.lender = reversed.lender and known.payment_id = reversed.payment_id
),

running as (
    select
        *,
        case when settles_instalments then amount else 0 end as effect,
        sum(case when settles_instalments then amount else 0 end) over (
            partition by lender, loan_id
            order by value_on, posted_on, payment_id
            rows between unbounded preceding and current row
        ) as paid_after
    from with_effect
)

select
    lender,
    loan_id,
    payment_id,
    value_on,
    posted_on,
    kind,
    {{ money('amount') }} as amount,
    sign,
    is_cash,
    settles_instalments,
    is_reversed,
    bridge_column,
    terminal_state,
    {% for part in ['principal', 'interest', 'fee', 'penalty', 'effect'] -%}
    {{ money(part) }} as {{ part }},
    {% endfor -%}
    {{ money('paid_after - effect') }} as paid_before,
    {{ money('paid_after') }} as paid_after
from running
