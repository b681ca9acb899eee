-- A lender's own conventions. Those that take effect later stand here too: they change no day before.
select
    lender,
    product,
    convention,
    value,
    effective_from
from {{ source('ops', 'lender_convention') }}
