{{ config(materialized='cells', meta={
    'cells': 'int_forbearance_cell', 'cell': ['lender', 'kind', 'granted_month']
}) }}
-- What was granted in each month, and how those loans fared 3, 6 and 12 months later. An outcome is shown once every
-- loan of the month has come that far.
{%- set months_after = forbearance_horizons() %}
select
    followed.lender,
    followed.kind,
    followed.granted_month,
    count(*) as loans,
    {{ money('sum(followed.outstanding_principal)') }} as outstanding_principal,
    {{ money('sum(followed.amount_waived)') }} as amount_waived,
    {% for months in months_after -%}
    cast(
        case
            when {{ month_end(add_months('followed.granted_month', months)) }} <= lenders.data_as_of
                then sum(followed.performing_{{ months }}m)
        end as bigint
    ) as performing_{{ months }}m,
    {% endfor -%}
    cast(sum(case when followed.redefaulted_on <= lenders.data_as_of then 1 else 0 end) as bigint) as redefaulted_loans,
    cast(sum(followed.cosmetic_cures) as bigint) as cosmetic_cures
from {{ in_cells(
    'int_forbearance', 'int_forbearance_cell',
    on={'lender': 'lender', 'kind': 'kind', 'granted_month': 'granted_month'}
) }} as followed
inner join {{ ref('int_lender') }} as lenders
    on followed.lender = lenders.lender and followed.granted_on <= lenders.data_as_of
group by followed.lender, followed.kind, followed.granted_month, lenders.data_as_of
