-- Cohorts of which a build recomputes the vintages: one of its loans, of their months or of their crossings has
-- changed, a loan has entered, or a month is over.
with

cohorts as (
    select lender, product, {{ month_end('disbursed_on') }} as vintage_month, entered_on
    from {{ standing('int_loan') }} as loans
),

loans as (
    select lender, product, {{ month_end('disbursed_on') }} as vintage_month
    from {{ changed('int_loan') }} as loans
    -- most of what happens to a loan leaves alone what a cohort is made of
    group by lender, loan_id, build_id, product, disbursed_on, principal, entered_on
    having count(*) = 1
),

months as (
    select lender, product, {{ month_end(add_months('month_end', '-mob')) }} as vintage_month
    from {{ changed('fct_loan_month') }} as months
),

crossings as (
    select loans.lender, loans.product, {{ month_end('loans.disbursed_on') }} as vintage_month
    from {{ changed('int_threshold_crossing') }} as crossings
    inner join {{ ref('int_loan') }} as loans
        on crossings.lender = loans.lender and crossings.loan_id = loans.loan_id
    inner join {{ ref('int_passage') }} as passage
        on
            crossings.lender = passage.lender
            and {{ month_end('crossings.crossed_on') }} <= passage.passed_until
),

-- another month of every cohort, or another loan of one
passed as (
    select cohorts.lender, cohorts.product, cohorts.vintage_month
    from cohorts
    inner join {{ ref('int_passage') }} as passage
        on
            cohorts.lender = passage.lender
            and (
                {{ month_end(add_days('passage.passed_from', 1)) }} <= passage.passed_until
                or (cohorts.entered_on > passage.passed_from and cohorts.entered_on <= passage.passed_until)
            )
),

cells as (
    select lender, product, vintage_month from loans
    union all
    select lender, product, vintage_month from months
    union all
    select lender, product, vintage_month from crossings
    union all
    select lender, product, vintage_month from passed
)

-- the first month of the newest cohort is not over
select
    cells.lender,
    cells.product,
    cells.vintage_month
from cells
inner join {{ ref('int_passage') }} as passage
    on cells.lender = passage.lender and cells.vintage_month <= passage.passed_until
group by cells.lender, cells.product, cells.vintage_month
