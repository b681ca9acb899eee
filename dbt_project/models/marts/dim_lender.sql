select
    lender,
    name_en,
    name_zh,
    currency,
    timezone,
    data_as_of,
    last_delivery_at,
    is_stale,
    days_stale
from {{ ref('int_lender') }}
