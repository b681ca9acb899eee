-- Every convention that measures a loan on the day asked about, its value, and whose it is: the product's own, the
-- lender's, or the default. The same choice as in int_convention, which keeps the values alone.
{%- set day = "cast(current_setting('arrears.as_of') as date)" %}
with

loans as (
    select
        loans.lender, loans.loan_id, loans.product, greatest({{ day }}, loans.disbursed_on) as day
    from {{ ref('stg_loan') }} as loans
),

in_force as (
    select
        loans.lender, loans.loan_id, general.convention, general.value, general.effective_from,
        0 as closeness, 'default' as set_by
    from loans
    inner join {{ ref('conventions') }} as general on loans.day >= general.effective_from
    union all
    select
        loans.lender,
        loans.loan_id,
        own.convention,
        own.value,
        own.effective_from,
        case when own.product is null then 1 else 2 end as closeness,
        case when own.product is null then 'lender' else 'product' end as set_by
    from loans
    inner join {{ ref('stg_lender_convention') }} as own
        on
            loans.lender = own.lender
            and (own.product is null or loans.product = own.product)
            and loans.day >= own.effective_from
)

{{ newest_per_key(
    'in_force', ['lender', 'loan_id', 'convention'], 'closeness desc, effective_from desc',
    ['lender', 'loan_id', 'convention', 'value', 'set_by', 'effective_from']
) }}
order by lender, loan_id, convention
