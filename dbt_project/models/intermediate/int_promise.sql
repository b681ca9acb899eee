{{ config(meta={'recomputed': 'int_worked_loan', 'recomputed_in': 'intermediate'}) }}
-- What became of every promise to pay: the money of its loan from the day it was given until the promised day, and the
-- days of grace that the conventions of the promised day allow. Each promise is judged by itself.
with

promises as (
    select
        actions.lender,
        actions.action_id,
        actions.loan_id,
        actions.acted_on,
        actions.promised_on,
        actions.promised_amount,
        {{ add_days('actions.promised_on', 'conventions.promise_grace_days') }} as judged_on,
        conventions.promise_kept_share
    from {{ touched('int_collection_action', 'int_worked_loan') }} as actions
    inner join {{ ref('int_convention') }} as conventions
        on
            actions.lender = conventions.lender
            and actions.product = conventions.product
            and actions.promised_on >= conventions.in_force_from
            and actions.promised_on < conventions.in_force_until
    where actions.promised_amount > 0
),

paid as (
    select
        promises.lender,
        promises.action_id,
        sum(payments.amount) as amount
    from promises
    inner join {{ touched('int_payment_allocation', 'int_worked_loan') }} as payments
        on
            promises.lender = payments.lender
            and promises.loan_id = payments.loan_id
            and promises.acted_on <= payments.value_on
            and promises.judged_on >= payments.value_on
    where payments.is_cash
    group by promises.lender, promises.action_id
)

select
    promises.lender,
    promises.action_id,
    promises.loan_id,
    promises.acted_on,
    promises.promised_on,
    promises.promised_amount,
    promises.judged_on,
    {{ money('coalesce(paid.amount, 0)') }} as paid_amount,
    case
        when promises.judged_on > lenders.data_as_of then 'pending'
        when paid.amount >= promises.promise_kept_share * promises.promised_amount then 'kept'
        when paid.amount > 0 then 'partly_kept'
        else 'broken'
    end as promise_kept
from promises
inner join {{ ref('int_lender') }} as lenders on promises.lender = lenders.lender
left join paid on promises.lender = paid.lender and promises.action_id = paid.action_id
