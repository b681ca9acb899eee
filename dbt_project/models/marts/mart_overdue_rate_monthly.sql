{{ config(materialized='cells', meta={
    'cells': 'int_overdue_rate_cell', 'cell': ['lender', 'month_end']
}) }}
-- Overdue rates of each lender's book at each month-end. Numerators and denominators are sums over one population: the
-- loans that have not left the book.
with

-- what "more than 30 days past due" means is a row of the scheme
thresholds as (
    select
        scheme,
        {% for days in [0, 30, 60, 90] -%}
        max(case when threshold_dpd = {{ days }} then min_dpd end) as past_{{ days }}{{ ',' if not loop.last }}
        {% endfor %}
    from {{ ref('overdue_thresholds') }}
    group by scheme
),

loan_months as (
    select
        months.lender,
        months.month_end,
        loans.borrower_key,
        months.outstanding_principal,
        months.overdue_principal,
        months.overdue_amount,
        months.is_restructured,
        {% for days in [0, 30, 60, 90] -%}
        months.dpd >= thresholds.past_{{ days }} as is_past_{{ days }}{{ ',' if not loop.last }}
        {% endfor %}
    from {{ in_cells(
        'fct_loan_month', 'int_overdue_rate_cell',
        on={'lender': 'lender', 'month_end': 'month_end'}, or_on={'lender': 'lender', 'month_end': 'year_before'}
    ) }} as months
    inner join {{ ref('loan_states') }} as states on months.state = states.state and not states.is_terminal
    inner join {{ ref('int_loan') }} as loans on months.lender = loans.lender and months.loan_id = loans.loan_id
    inner join {{ ref('int_convention') }} as conventions
        on
            months.lender = conventions.lender
            and months.product = conventions.product
            and months.month_end >= conventions.in_force_from
            and months.month_end < conventions.in_force_until
    inner join thresholds on conventions.scheme = thresholds.scheme
),

-- a borrower is as bad as the worst of the loans
borrower_months as (
    select
        lender,
        month_end,
        borrower_key,
        max(case when is_past_0 then 1 else 0 end) as is_overdue
    from loan_months
    group by lender, month_end, borrower_key
),

borrowers as (
    select lender, month_end, count(*) as active_borrowers, sum(is_overdue) as overdue_borrowers
    from borrower_months
    group by lender, month_end
),

totals as (
    select
        lender,
        month_end,
        count(*) as active_loans,
        sum(outstanding_principal) as outstanding_principal,
        sum(case when is_past_0 then 1 else 0 end) as overdue_loans,
        sum(overdue_principal) as overdue_principal,
        sum(overdue_amount) as overdue_amount,
        sum(case when is_past_0 then outstanding_principal else 0 end) as balance_overdue_1,
        sum(case when is_past_30 then outstanding_principal else 0 end) as balance_overdue_30,
        sum(case when is_past_60 then outstanding_principal else 0 end) as balance_overdue_60,
        sum(case when is_past_90 then outstanding_principal else 0 end) as balance_overdue_90,
        sum(case when is_restructured then outstanding_principal else 0 end) as balance_restructured
    from loan_months
    group by lender, month_end
),

-- unrounded, so that changes in percentage points are not differences of rounded rates
rates as (
    select
        totals.*,
        borrowers.active_borrowers,
        borrowers.overdue_borrowers,
        {{ quotient('totals.balance_overdue_1', 'totals.outstanding_principal') }} as overdue_rate,
        {{ quotient('totals.balance_overdue_30', 'totals.outstanding_principal') }} as par30_rate,
        {{ quotient('totals.balance_overdue_60', 'totals.outstanding_principal') }} as par60_rate,
        {{ quotient('totals.balance_overdue_90', 'totals.outstanding_principal') }} as par90_rate
    from totals
    inner join borrowers on totals.lender = borrowers.lender and totals.month_end = borrowers.month_end
)

select
    rates.lender,
    rates.month_end,
    cast(rates.active_loans as bigint) as active_loans,
    cast(rates.active_borrowers as bigint) as active_borrowers,
    {{ money('rates.outstanding_principal') }} as outstanding_principal,
    cast(rates.overdue_loans as bigint) as overdue_loans,
    cast(rates.overdue_borrowers as bigint) as overdue_borrowers,
    {{ money('rates.overdue_principal') }} as overdue_principal,
    {{ money('rates.overdue_amount') }} as overdue_amount,
    {{ money('rates.balance_overdue_1') }} as balance_overdue_1,
    {{ money('rates.balance_overdue_30') }} as balance_overdue_30,
    {{ money('rates.balance_overdue_60') }} as balance_overdue_60,
    {{ money('rates.balance_overdue_90') }} as balance_overdue_90,
    {{ money('rates.balance_restructured') }} as balance_restructured,
    cast(rates.overdue_rate as numeric(9, 6)) as overdue_rate,
    cast(rates.par30_rate as numeric(9, 6)) as par30_rate,
    cast(rates.par60_rate as numeric(9, 6)) as par60_rate,
    cast(rates.par90_rate as numeric(9, 6)) as par90_rate,
    cast((rates.overdue_rate - year_before.overdue_rate) * 100 as numeric(9, 4)) as overdue_rate_yoy_pp,
    cast((rates.par30_rate - year_before.par30_rate) * 100 as numeric(9, 4)) as par30_rate_yoy_pp
from rates
left join rates as year_before
    on
        rates.lender = year_before.lender
        and {{ month_end(add_months('rates.month_end', -12)) }} = year_before.month_end
