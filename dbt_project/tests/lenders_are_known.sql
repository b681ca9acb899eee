-- Every lender in a mart is in dim_lender. What is about loans has them by dim_loan.
{% set marts = [
    'dim_loan',
    'mart_ageing_quarterly',
    'mart_balance_bridge_monthly',
    'mart_borrower_segment_monthly',
    'mart_collection_curve',
    'mart_collection_performance_monthly',
    'mart_contact_compliance_daily',
    'mart_data_quality_daily',
    'mart_debt_type_monthly',
    'mart_delinquency_bridge_monthly',
    'mart_delinquency_daily',
    'mart_early_warning_backtest',
    'mart_first_payment_default',
    'mart_forbearance_monthly',
    'mart_inflow_daily',
    'mart_long_overdue_monthly',
    'mart_overdue_rate_monthly',
    'mart_overdue_rate_quarterly',
    'mart_reconciliation_daily',
    'mart_recovery_monthly',
    'mart_risk_classification_monthly',
    'mart_roll_rate_monthly',
    'mart_score_calibration',
    'mart_vintage'
] %}
with
named as (
    {% for mart in marts %}
    select distinct '{{ mart }}' as mart, lender from {{ ref(mart) }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    named.mart,
    named.lender
from named
left join {{ ref('dim_lender') }} as lenders on named.lender = lenders.lender
where lenders.lender is null
