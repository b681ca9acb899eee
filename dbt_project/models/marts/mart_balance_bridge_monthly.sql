{{ config(materialized='cells', meta={
    'cells': 'int_bridge_cell', 'cell': ['lender', 'product'], 'cell_from': 'month_end'
}) }}
-- From each month's opening to its closing balance, by what moved it. Payments, exits and entries are what the sources
-- say; corrections is what they leave unexplained, so that the bridge ties and shows where it had to.
{%- set flows = ['disbursed', 'scheduled_principal', 'prepaid', 'waived', 'written_off', 'transferred'] %}
with

monthly_flows as (
    select
        lender,
        product,
        month_end,
        {% for flow in flows -%}
        sum(case when flow = '{{ flow }}' then amount else 0 end) as {{ flow }}{{ ',' if not loop.last }}
        {% endfor %}
    from {{ in_cells(
        'int_balance_flow', 'int_bridge_cell', on={'lender': 'lender', 'product': 'product'},
        since={'month_end': 'month_end'}
    ) }}
    group by lender, product, month_end
),

closings as (
    select lender, product, month_end, sum(outstanding_principal) as closing
    from {{ in_cells(
        'fct_loan_month', 'int_bridge_cell', on={'lender': 'lender', 'product': 'product'},
        since={'month_end': 'opens_on'}
    ) }}
    group by lender, product, month_end
),

-- every month from the first loan on, also one without any flow
months as (
    select
        books.lender,
        books.product,
        calendar.date as month_end
    from (
        select loans.lender, loans.product, min(loans.entered_on) as first_day, lenders.data_as_of
        from {{ ref('int_loan') }} as loans
        inner join {{ ref('int_lender') }} as lenders
            on loans.lender = lenders.lender and loans.entered_on <= lenders.data_as_of
        group by loans.lender, loans.product, lenders.data_as_of
    ) as books
    inner join {{ ref('int_calendar') }} as calendar
        on
            calendar.is_month_end
            and books.first_day <= calendar.date
            and books.data_as_of >= calendar.date
),

bridge as (
    select
        months.lender,
        months.product,
        months.month_end,
        coalesce(
            lag(coalesce(closings.closing, 0)) over (
                partition by months.lender, months.product order by months.month_end
            ),
            0
        ) as opening,
        {% for flow in flows -%}
        coalesce(monthly_flows.{{ flow }}, 0) as {{ flow }},
        {% endfor -%}
        coalesce(closings.closing, 0) as closing
    from months
    left join closings
        on
            months.lender = closings.lender
            and months.product = closings.product
            and months.month_end = closings.month_end
    left join monthly_flows
        on
            months.lender = monthly_flows.lender
            and months.product = monthly_flows.product
            and months.month_end = monthly_flows.month_end
)

select
    lender,
    product,
    month_end,
    {{ money('opening') }} as opening,
    {{ money('disbursed') }} as disbursed,
    {{ money('scheduled_principal') }} as scheduled_principal,
    {{ money('prepaid') }} as prepaid,
    {{ money('waived') }} as waived,
    {{ money('written_off') }} as written_off,
    {{ money('transferred') }} as transferred,
    cast(
        closing - (opening + disbursed - scheduled_principal - prepaid - waived - written_off - transferred)
        as numeric(18, 2)
    ) as corrections,
    {{ money('closing') }} as closing
from bridge
