-- A lender's own conventions that are in force on the business date.
select
    lender,
    product,
    convention,
    value,
    effective_from
from {{ source('ops', 'lender_convention') }}
where effective_from <= {{ business_date() }}
