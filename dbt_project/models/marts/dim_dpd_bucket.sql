select
    scheme,
    bucket,
    sort_order,
    min_dpd,
    max_dpd,
    label_en,
    label_zh,
    is_terminal
from {{ ref('dpd_buckets') }}
