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

naming as (
    select * from known where reverses_payment_id is not null
),

-- What payments undo: a payment that undoes another does what that one did, backwards; returning a recovery leaves
-- instalments alone. A return may be undone itself: then the money is there again, and does what it did at first. One
-- that undoes a payment we do not have waits for it without effect.
undoing as (
    select
        naming.lender,
        naming.loan_id,
        naming.payment_id,
        coalesce(firsts.kind, originals.kind) as kind,
        case when original_kinds.sign < 0 and coalesce(first_kinds.sign, 1) > 0 then 1 else -1 end as direction,
        originals.payment_id is null
        or (originals.reverses_payment_id is not null and firsts.payment_id is null) as waits_for_original,
        coalesce(originals.instalment_no, firsts.instalment_no) as instalment_no,
        originals.amount,
        {% for component in components -%}
        case
            when {% for each in components -%}
                originals.{{ each }} is null and {% endfor %}abs(originals.amount) = abs(firsts.amount)
                then firsts.{{ component }}
            else originals.{{ component }}
        end as {{ component }}{{ ',' if not loop.last }}
        {% endfor %}
    from naming
    left join known as originals
        on
            naming.lender = originals.lender
            and naming.reverses_payment_id = originals.payment_id
            and naming.loan_id = originals.loan_id
    left join {{ ref('payment_kinds') }} as original_kinds on originals.kind = original_kinds.kind
    left join known as firsts
        on
            originals.lender = firsts.lender
            and originals.reverses_payment_id = firsts.payment_id
            and originals.loan_id = firsts.loan_id
    left join {{ ref('payment_kinds') }} as first_kinds on firsts.kind = first_kinds.kind
),

-- what payments had taken back from them, by what was not undone again
undone as (
    select
        naming.lender,
        naming.loan_id,
        naming.reverses_payment_id as payment_id,
        sum(case when undone_again.payment_id is null then abs(naming.amount) else 0 end) as taken_back
    from naming
    left join naming as undone_again
        on
            naming.lender = undone_again.lender
            and naming.loan_id = undone_again.loan_id
            and naming.payment_id = undone_again.reverses_payment_id
    group by naming.lender, naming.loan_id, naming.reverses_payment_id
),

with_effect as (
    select
        known.lender,
        known.loan_id,
        known.payment_id,
        known.value_on,
        coalesce(known.posted_on, known.value_on) as posted_on,
        known.kind,
        kinds.sign,
        -- what ends a loan has not ended it once all of it is taken back
        case when undone.taken_back >= abs(known.amount) then null else kinds.terminal_state end as terminal_state,
        kinds.reopens_on,
        coalesce(undoing.direction, -1) as direction,
        known.amount as amount_sent,
        coalesce(undone_kinds.is_cash, kinds.is_cash) as would_be_cash,
        coalesce(undone_kinds.bridge_column, kinds.bridge_column) as bridge_column,
        undone.payment_id is not null as is_reversed,
        coalesce(undoing.waits_for_original, false) as waits_for_original,
        coalesce(undone_kinds.settles_instalments, kinds.settles_instalments) as would_settle,
        coalesce(known.instalment_no, undoing.instalment_no) as instalment_no,
        -- what undoes all of a payment undoes its split
        case
            when {% for component in components -%}
                known.{{ component }} is null and {% endfor %}abs(known.amount) = abs(undoing.amount)
                then true
            else false
        end as takes_over_split,
        {% for component in components -%}
        known.{{ component }} as {{ component }}_sent,
        undoing.{{ component }} as {{ component }}_undone{{ ',' if not loop.last }}
        {% endfor %}
    from known
    inner join {{ ref('payment_kinds') }} as kinds on known.kind = kinds.kind
    left join undoing
        on
            known.lender = undoing.lender
            and known.loan_id = undoing.loan_id
            and known.payment_id = undoing.payment_id
    left join {{ ref('payment_kinds') }} as undone_kinds on undoing.kind = undone_kinds.kind
    left join undone
        on
            known.lender = undone.lender
            and known.loan_id = undone.loan_id
            and known.payment_id = undone.payment_id
),

with_split as (
    select
        *,
        would_be_cash and not waits_for_original as is_cash,
        would_settle and not waits_for_original as settles_instalments,
        -- a return may be sent as 100 or as -100; it goes the same way
        case when sign < 0 then direction * abs(amount_sent) else amount_sent end as amount,
        {% for component in components -%}
        case
            when sign < 0 and takes_over_split then direction * abs({{ component }}_undone)
            when sign < 0 then direction * abs({{ component }}_sent)
            else {{ component }}_sent
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
