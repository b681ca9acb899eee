-- What the loans of a product are measured by, era by era: [in_force_from, in_force_until).
with

thresholds as (
    select
        scheme,
        {% for days in [30, 60, 90] -%}
        max(case when threshold_dpd = {{ days }} then min_dpd end) as past_{{ days }}{{ ',' if not loop.last }}
        {% endfor %}
    from {{ ref('overdue_thresholds') }}
    group by scheme
)

select
    conventions.lender,
    conventions.product,
    conventions.in_force_from,
    conventions.in_force_until,
    conventions.outstanding,
    conventions.tol_abs,
    conventions.tol_pct,
    conventions.basis,
    conventions.first_day,
    conventions.day_count,
    conventions.scheme,
    conventions.grace_days,
    conventions.default_dpd,
    conventions.risk_regime,
    conventions.promise_grace_days,
    thresholds.past_30,
    thresholds.past_60,
    thresholds.past_90
from {{ ref('int_convention') }} as conventions
inner join thresholds on conventions.scheme = thresholds.scheme
