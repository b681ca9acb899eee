-- The principal that borrowers of worked loans paid is in the performance of one action, or in nobody's.
with

paid as (
    select
        payments.lender,
        sum(payments.principal) as principal
    from {{ ref('int_payment_allocation') }} as payments
    inner join {{ ref('int_lender') }} as lenders
        on payments.lender = lenders.lender and payments.value_on <= lenders.data_as_of
    where
        payments.is_cash
        and exists (
            select 1
            from {{ ref('int_collection_action') }} as actions
            where actions.lender = payments.lender and actions.loan_id = payments.loan_id
        )
    group by payments.lender
),

credited as (
    select lender, sum(collected_principal_7d) as principal
    from {{ ref('mart_collection_performance_monthly') }}
    group by lender
),

nobodys as (
    select lender, sum(principal) as principal
    from {{ ref('int_payment_attribution') }}
    where action_id is null
    group by lender
)

select
    paid.lender,
    paid.principal as paid_principal,
    credited.principal as credited_principal,
    nobodys.principal as nobodys_principal
from paid
left join credited on paid.lender = credited.lender
left join nobodys on paid.lender = nobodys.lender
where paid.principal <> coalesce(credited.principal, 0) + coalesce(nobodys.principal, 0)
