select
    lender,
    name_en,
    name_zh,
    currency,
    timezone,
    calendar
from {{ source('ops', 'lender') }}
