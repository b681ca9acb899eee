-- "More than 30 days past due" must begin where a bucket begins, or rates and buckets tell two stories.
select thresholds.*
from {{ ref('overdue_thresholds') }} as thresholds
left join {{ ref('dpd_buckets') }} as buckets
    on
        thresholds.scheme = buckets.scheme
        and thresholds.min_dpd = buckets.min_dpd
        and not buckets.is_terminal
where buckets.bucket is null
