{{ config(meta={'recomputed': 'int_worked_loan', 'recomputed_in': 'intermediate'}) }}
-- The action that each payment of a borrower follows, for loans that anybody ever worked on: the last one on its loan
-- within the seven days before it, and that of its own day. A payment that undoes another goes where that one went,
-- whenever it comes. Null: nobody's.
with recursive

worked_loans as (
    select lender, loan_id from {{ touched('int_collection_action', 'int_worked_loan') }} group by lender, loan_id
),

payments as (
    select
        allocated.lender,
        allocated.loan_id,
        allocated.payment_id,
        allocated.value_on,
        allocated.principal,
        originals.payment_id as undoes_payment_id
    from {{ touched('int_payment_allocation', 'int_worked_loan') }} as allocated
    inner join worked_loans
        on allocated.lender = worked_loans.lender and allocated.loan_id = worked_loans.loan_id
    inner join {{ ref('int_lender') }} as lenders
        on allocated.lender = lenders.lender and allocated.value_on <= lenders.data_as_of
    inner join {{ touched('stg_payment', 'int_worked_loan') }} as sent
        on allocated.lender = sent.lender and allocated.payment_id = sent.payment_id
    left join {{ touched('stg_payment', 'int_worked_loan') }} as originals
        on
            sent.lender = originals.lender
            and sent.loan_id = originals.loan_id
            and sent.reverses_payment_id = originals.payment_id
    where allocated.is_cash
),

-- A return may be returned: each payment with all it undoes, down to the first. Fifty returns in a row are payments
-- that are said to undo each other, and have no first.
returns as (
    select lender, payment_id, undoes_payment_id, 1 as in_a_row
    from payments
    where undoes_payment_id is not null
    union all
    select returns.lender, returns.payment_id, payments.undoes_payment_id, returns.in_a_row + 1 as in_a_row
    from returns
    inner join payments
        on returns.lender = payments.lender and returns.undoes_payment_id = payments.payment_id
    where payments.undoes_payment_id is not null and returns.in_a_row < 50
),

undone as (
    select lender, payment_id, undoes_payment_id from returns group by lender, payment_id, undoes_payment_id
),

candidates as (
    select
        payments.lender,
        payments.payment_id,
        actions.action_id,
        actions.acted_at
    from payments
    inner join {{ touched('int_collection_action', 'int_worked_loan') }} as actions
        on
            payments.lender = actions.lender
            and payments.loan_id = actions.loan_id
            and payments.value_on >= actions.acted_on
            and payments.value_on <= {{ add_days('actions.acted_on', '7') }}
    where payments.undoes_payment_id is null
),

followed as (
    {{ newest_per_key(
        'candidates', ['lender', 'payment_id'], 'acted_at desc, action_id desc', ['lender', 'payment_id', 'action_id']
    ) }}
),

-- only the first payment of a chain follows an action itself
attributed as (
    select lender, payment_id, action_id from followed
    union all
    select undone.lender, undone.payment_id, followed.action_id
    from undone
    inner join followed on undone.lender = followed.lender and undone.undoes_payment_id = followed.payment_id
)

select
    payments.lender,
    payments.loan_id,
    payments.payment_id,
    payments.value_on,
    payments.principal,
    attributed.action_id
from payments
left join attributed on payments.lender = attributed.lender and payments.payment_id = attributed.payment_id
