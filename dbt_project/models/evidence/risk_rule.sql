-- The categories of every regime by days past due, version by version: [in_force_from, in_force_until).
select
    regime,
    in_force_from,
    in_force_until,
    category,
    min_dpd,
    max_dpd
from {{ ref('int_risk_rule') }}
where not is_observed
