{{ config(materialized='cells', meta={
    'cells': 'int_loan_month_cell', 'cell': ['lender', 'month_end']
}) }}
-- The book of each month-end by category of the regime it is under, and beside it by stage of IFRS 9. Loans alike are
-- counted first and classified then.
{%- set ifrs9_in_force_from = '2018-01-01' %}
with

-- under observation after relief a loan counts as the worst it was since the eve of it
in_book as (
    select
        months.lender,
        months.product,
        months.month_end,
        months.dpd,
        months.outstanding_principal,
        observed.lender is not null as is_observed,
        greatest(months.dpd, coalesce(observed.worst_before, 0)) as classified_dpd
    from {{ in_cells(
        'fct_loan_month', 'int_loan_month_cell', on={'lender': 'lender', 'month_end': 'month_end'}
    ) }} as months
    inner join {{ ref('loan_states') }} as states on months.state = states.state and not states.is_terminal
    left join {{ ref('int_observed_dpd') }} as observed
        on
            months.lender = observed.lender
            and months.loan_id = observed.loan_id
            and months.month_end >= observed.starts_on
            and months.month_end < coalesce(observed.ends_on, {{ last_day_ever() }})
),

alike as (
    select
        lender,
        product,
        month_end,
        dpd,
        is_observed,
        classified_dpd,
        count(*) as loans,
        sum(outstanding_principal) as outstanding_principal
    from in_book
    group by lender, product, month_end, dpd, is_observed, classified_dpd
),

with_conventions as (
    select alike.*, conventions.risk_regime, conventions.default_dpd
    from alike
    inner join {{ ref('int_convention') }} as conventions
        on
            alike.lender = conventions.lender
            and alike.product = conventions.product
            and alike.month_end >= conventions.in_force_from
            and alike.month_end < conventions.in_force_until
),

classified as (
    select
        loans_alike.lender,
        loans_alike.product,
        loans_alike.month_end,
        rules.regime,
        rules.category,
        cast(rules.in_force_from as {{ dbt.type_string() }}) as rule_version,
        loans_alike.loans,
        loans_alike.outstanding_principal
    from with_conventions as loans_alike
    inner join {{ ref('int_risk_rule') }} as rules
        on
            loans_alike.risk_regime = rules.regime
            and loans_alike.is_observed = rules.is_observed
            and loans_alike.month_end >= rules.in_force_from
            and loans_alike.month_end < rules.in_force_until
            and loans_alike.classified_dpd >= rules.min_dpd
            and loans_alike.classified_dpd <= rules.max_dpd
    union all
    select
        loans_alike.lender,
        loans_alike.product,
        loans_alike.month_end,
        'ifrs9' as regime,
        'stage_' || cast({{ ifrs9_stage('loans_alike', 'ifrs9') }} as {{ dbt.type_string() }}) as category,
        '{{ ifrs9_in_force_from }}' as rule_version,
        loans_alike.loans,
        loans_alike.outstanding_principal
    from with_conventions as loans_alike
    inner join {{ ref('ifrs9_stages') }} as ifrs9
        on loans_alike.dpd >= ifrs9.min_dpd and loans_alike.dpd <= coalesce(ifrs9.max_dpd, 2147483647)
)

select
    lender,
    product,
    month_end,
    regime,
    category,
    rule_version,
    cast(sum(loans) as bigint) as loans,
    {{ money('sum(outstanding_principal)') }} as outstanding_principal
from classified
group by lender, product, month_end, regime, category, rule_version
