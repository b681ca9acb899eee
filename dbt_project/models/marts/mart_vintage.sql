{{ config(materialized='cells', meta={
    'cells': 'int_vintage_cell', 'cell': ['lender', 'product', 'vintage_month']
}) }}
-- Loans by month of disbursement, and how many of them had been past each threshold by each month on book (ever) or
-- are at that month-end (current). A cell whose month is not over does not exist. Ever is a running sum of first
-- crossings, so it cannot fall.
{%- set key = ['lender', 'product', 'vintage_month', 'threshold_dpd', 'month_end'] %}
with

cohorts as (
    select
        loans.lender,
        loans.product,
        {{ month_end('loans.disbursed_on') }} as vintage_month,
        lenders.data_as_of,
        count(*) as loans,
        sum(loans.principal) as disbursed_principal
    from {{ in_cells(
        'int_loan', 'int_vintage_cell',
        on={'lender': 'lender', 'product': 'product', month_end('disbursed_on'): 'vintage_month'}
    ) }} as loans
    inner join {{ ref('int_lender') }} as lenders on loans.lender = lenders.lender
    where loans.entered_on <= lenders.data_as_of
    group by loans.lender, loans.product, {{ month_end('loans.disbursed_on') }}, lenders.data_as_of
),

book_months as (
    select lender, product, mob, month_end
    from {{ in_cells(
        'fct_loan_month', 'int_vintage_cell',
        on={'lender': 'lender', 'product': 'product', month_end(add_months('month_end', '-mob')): 'vintage_month'}
    ) }}
    group by lender, product, mob, month_end
),

first_months as (
    select
        lender,
        product,
        {{ month_end(add_months('month_end', '-mob')) }} as vintage_month,
        min(month_end) as first_month_end
    from book_months
    group by lender, product, {{ month_end(add_months('month_end', '-mob')) }}
),

thresholds as (
    select threshold_dpd from {{ ref('overdue_thresholds') }} group by threshold_dpd
),

-- every month from the first in which a loan of the cohort is in the book
grid as (
    select
        cohorts.lender,
        cohorts.product,
        cohorts.vintage_month,
        thresholds.threshold_dpd,
        calendar.date as month_end,
        cohorts.loans,
        cohorts.disbursed_principal
    from cohorts
    cross join thresholds
    inner join first_months
        on
            cohorts.lender = first_months.lender
            and cohorts.product = first_months.product
            and cohorts.vintage_month = first_months.vintage_month
    inner join {{ ref('int_calendar') }} as calendar
        on
            calendar.is_month_end
            and first_months.first_month_end <= calendar.date
            and cohorts.data_as_of >= calendar.date
),

crossings as (
    select
        loans.lender,
        loans.product,
        {{ month_end('loans.disbursed_on') }} as vintage_month,
        crossings.threshold_dpd,
        {{ month_end('crossings.crossed_on') }} as month_end,
        count(*) as loans,
        sum(loans.principal) as principal,
        sum(crossings.outstanding_principal) as balance
    from {{ ref('int_threshold_crossing') }} as crossings
    inner join {{ in_cells(
        'int_loan', 'int_vintage_cell',
        on={'lender': 'lender', 'product': 'product', month_end('disbursed_on'): 'vintage_month'}
    ) }} as loans
        on crossings.lender = loans.lender and crossings.loan_id = loans.loan_id
    inner join {{ ref('int_lender') }} as lenders
        on crossings.lender = lenders.lender and crossings.crossed_on <= lenders.data_as_of
    group by
        loans.lender, loans.product, {{ month_end('loans.disbursed_on') }}, crossings.threshold_dpd,
        {{ month_end('crossings.crossed_on') }}
),

-- what "more than 30 days past due" means is a row of the scheme in force on the day
past_thresholds as (
    select
        conventions.lender,
        conventions.product,
        conventions.in_force_from,
        conventions.in_force_until,
        thresholds.threshold_dpd,
        thresholds.min_dpd
    from {{ ref('int_convention') }} as conventions
    inner join {{ ref('overdue_thresholds') }} as thresholds on conventions.scheme = thresholds.scheme
),

overdue_months as (
    select
        months.lender,
        months.product,
        months.mob,
        past_thresholds.threshold_dpd,
        months.month_end,
        count(*) as loans,
        sum(months.outstanding_principal) as balance
    from {{ in_cells(
        'fct_loan_month', 'int_vintage_cell',
        on={'lender': 'lender', 'product': 'product', month_end(add_months('month_end', '-mob')): 'vintage_month'}
    ) }} as months
    inner join {{ ref('loan_states') }} as states on months.state = states.state and not states.is_terminal
    inner join past_thresholds
        on
            months.lender = past_thresholds.lender
            and months.product = past_thresholds.product
            and months.month_end >= past_thresholds.in_force_from
            and months.month_end < past_thresholds.in_force_until
            and months.dpd >= past_thresholds.min_dpd
    where months.dpd > 0
    group by months.lender, months.product, months.mob, past_thresholds.threshold_dpd, months.month_end
),

-- what a cell is made of, added up rather than joined: most cells have neither a crossing nor an overdue loan
parts as (
    select
        {{ key | join(', ') }}, loans, disbursed_principal,
        0 as crossed_loans, 0 as crossed_principal, 0 as crossed_balance, 0 as current_loans, 0 as current_balance
    from grid
    union all
    select
        {{ key | join(', ') }}, null as loans, null as disbursed_principal,
        loans as crossed_loans, principal as crossed_principal, balance as crossed_balance,
        0 as current_loans, 0 as current_balance
    from crossings
    union all
    select
        lender, product, {{ month_end(add_months('month_end', '-mob')) }} as vintage_month, threshold_dpd, month_end,
        null as loans, null as disbursed_principal, 0 as crossed_loans, 0 as crossed_principal, 0 as crossed_balance,
        loans as current_loans, balance as current_balance
    from overdue_months
),

-- a crossing of the month that is not over has no cell yet
cells as (
    select
        {{ key | join(', ') }},
        max(loans) as loans,
        max(disbursed_principal) as disbursed_principal,
        {% for part in ['crossed_loans', 'crossed_principal', 'crossed_balance', 'current_loans', 'current_balance'] -%}
        sum({{ part }}) as {{ part }}{{ ',' if not loop.last }}
        {% endfor %}
    from parts
    group by {{ key | join(', ') }}
    having max(loans) is not null
)

select
    lender,
    product,
    vintage_month,
    {{ months_between('vintage_month', 'month_end') }} as mob,
    threshold_dpd,
    loans,
    {{ money('disbursed_principal') }} as disbursed_principal,
    cast(sum(crossed_loans) over to_date as bigint) as ever_loans,
    {{ money('sum(crossed_principal) over to_date') }} as ever_principal,
    {{ money('sum(crossed_balance) over to_date') }} as ever_balance,
    cast(current_loans as bigint) as current_loans,
    {{ money('current_balance') }} as current_balance
from cells
window to_date as (
    partition by lender, product, vintage_month, threshold_dpd order by month_end
    rows between unbounded preceding and current row
)
