select
    lender,
    name_en,
    name_zh,
    currency,
    timezone,
    calendar,
    delivery_deadline
from {{ source('ops', 'lender') }}
