-- The conventions each product of each lender is measured by: the product's own, else the lender's, else the default;
-- of those the newest in force on the business date. One row per lender and product.
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
    where general.effective_from <= {{ business_date() }}
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

chosen as (
    {{ newest_per_key(
        'candidates', ['lender', 'product', 'convention'], 'closeness desc, effective_from desc',
        ['lender', 'product', 'convention', 'value']
    ) }}
)

select
    lender,
    product,
    cast(max(case when convention = 'first_day' then value end) as integer) as first_day,
    cast(max(case when convention = 'tol_abs' then value end) as numeric(18, 2)) as tol_abs,
    cast(max(case when convention = 'tol_pct' then value end) as numeric(9, 6)) as tol_pct,
    cast(max(case when convention = 'grace_days' then value end) as integer) as grace_days,
    max(case when convention = 'outstanding' then value end) as outstanding,
    replace(max(case when convention = 'allocation_order' then value end), ' ', '') as allocation_order,
    max(case when convention = 'scheme' then value end) as scheme,
    cast(max(case when convention = 'default_dpd' then value end) as integer) as default_dpd,
    max(case when convention = 'risk_regime' then value end) as risk_regime
from chosen
group by lender, product
