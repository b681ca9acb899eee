-- A lender's own conventions. Those that take effect later stand here too: they change no day before. What the
-- lender's first contract says without a date of its own was always so: its loans may be older than the contract. First
-- is the first of those that a delivery counts by: what was refused may have been dated by mistake.
with

first_contracts as (
    select deliveries.lender, min(deliveries.contract_effective_from) as effective_from
    from {{ ref('stg_delivery') }} as counting
    inner join {{ source('ops', 'delivery') }} as deliveries on counting.delivery_id = deliveries.delivery_id
    group by deliveries.lender
)

select
    own.lender,
    own.product,
    own.convention,
    own.value,
    case
        when own.effective_from = first_contracts.effective_from then cast('1900-01-01' as date)
        else own.effective_from
    end as effective_from
from {{ source('ops', 'lender_convention') }} as own
left join first_contracts on own.lender = first_contracts.lender
