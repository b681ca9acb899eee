-- The stages of IFRS 9 by days past due.
select
    stage,
    min_dpd,
    coalesce(max_dpd, 2147483647) as max_dpd
from {{ ref('ifrs9_stages') }}
