-- The conventions each product of each lender is measured by, as eras: [in_force_from, in_force_until) in which none
-- of them changes. On a day the closest counts (the product's own, else the lender's, else the default), of those the
-- newest in force. So a convention that changes counts from its date on and rewrites no day before it.
{%- set components = components() %}
with

products as (
    select lender, product from {{ ref('stg_loan') }} group by lender, product
),

candidates as (
    select
        products.lender, products.product, general.convention, general.value, general.effective_from,
        0 as closeness
    from products
    cross join {{ ref('conventions') }} as general
    union all
    select
        products.lender,
        products.product,
        own.convention,
        own.value,
        own.effective_from,
        case when own.product is null then 1 else 2 end as closeness
    from products
    inner join {{ ref('stg_lender_convention') }} as own
        on products.lender = own.lender and (own.product is null or products.product = own.product)
),

eras as (
    select lender, product, effective_from as in_force_from from candidates group by lender, product, effective_from
),

in_force as (
    select
        eras.lender, eras.product, eras.in_force_from, candidates.convention, candidates.value,
        candidates.closeness, candidates.effective_from
    from eras
    inner join candidates
        on
            eras.lender = candidates.lender
            and eras.product = candidates.product
            and eras.in_force_from >= candidates.effective_from
),

chosen as (
    {{ newest_per_key(
        'in_force', ['lender', 'product', 'in_force_from', 'convention'], 'closeness desc, effective_from desc',
        ['lender', 'product', 'in_force_from', 'convention', 'value']
    ) }}
),

pivoted as (
    select
        lender,
        product,
        in_force_from,
        lead(in_force_from) over (partition by lender, product order by in_force_from) as next_from,
        cast(max(case when convention = 'first_day' then value end) as integer) as first_day,
        cast(max(case when convention = 'tol_abs' then value end) as numeric(18, 2)) as tol_abs,
        cast(max(case when convention = 'tol_pct' then value end) as numeric(9, 6)) as tol_pct,
        cast(max(case when convention = 'grace_days' then value end) as integer) as grace_days,
        max(case when convention = 'outstanding' then value end) as outstanding,
        max(case when convention = 'allocation' then value end) as allocation,
        max(case when convention = 'allocation_order' then value end) as allocation_order,
        max(case when convention = 'basis' then value end) as basis,
        max(case when convention = 'day_count' then value end) as day_count,
        max(case when convention = 'non_working_day' then value end) as non_working_day,
        max(case when convention = 'components' then value end) as components,
        max(case when convention = 'scheme' then value end) as scheme,
        cast(max(case when convention = 'default_dpd' then value end) as integer) as default_dpd,
        max(case when convention = 'risk_regime' then value end) as risk_regime,
        cast(max(case when convention = 'promise_grace_days' then value end) as integer) as promise_grace_days,
        cast(max(case when convention = 'promise_kept_share' then value end) as numeric(9, 6)) as promise_kept_share
    from chosen
    group by lender, product, in_force_from
)

select
    lender,
    product,
    -- the first era has no beginning
    case
        when in_force_from = min(in_force_from) over (partition by lender, product) then {{ first_day_ever() }}
        else in_force_from
    end as in_force_from,
    coalesce(next_from, {{ last_day_ever() }}) as in_force_until,
    first_day,
    tol_abs,
    tol_pct,
    grace_days,
    outstanding,
    allocation,
    {% for component in components -%}
    position('{{ component }}' in allocation_order) as {{ component }}_rank,
    case when position('{{ component }}' in components) > 0 then 1 else 0 end as {{ component }}_counts,
    {% endfor -%}
    basis,
    day_count,
    non_working_day,
    scheme,
    default_dpd,
    risk_regime,
    promise_grace_days,
    promise_kept_share
from pivoted
