-- The rules of risk classification as they apply on a day, [in_force_from, in_force_until): of each regime the newest
-- version, for loans under observation beside the others. A loan under observation is special mention or worse.
with

versions as (
    select
        regime,
        effective_from,
        lead(effective_from) over (partition by regime order by effective_from) as replaced_on
    from {{ ref('risk_categories') }}
    group by regime, effective_from
),

floors as (
    select regime, effective_from, category, sort_order
    from {{ ref('risk_categories') }}
    where category = 'special_mention'
),

rules as (
    select regime, effective_from, false as is_observed, category, min_dpd, max_dpd
    from {{ ref('risk_categories') }}
    union all
    select
        categories.regime,
        categories.effective_from,
        true as is_observed,
        case when categories.sort_order < floors.sort_order then floors.category else categories.category end
            as category,
        categories.min_dpd,
        categories.max_dpd
    from {{ ref('risk_categories') }} as categories
    left join floors on categories.regime = floors.regime and categories.effective_from = floors.effective_from
)

select
    rules.regime,
    rules.is_observed,
    rules.category,
    rules.min_dpd,
    coalesce(rules.max_dpd, 2147483647) as max_dpd,
    rules.effective_from as in_force_from,
    coalesce(versions.replaced_on, {{ last_day_ever() }}) as in_force_until
from rules
inner join versions on rules.regime = versions.regime and rules.effective_from = versions.effective_from
