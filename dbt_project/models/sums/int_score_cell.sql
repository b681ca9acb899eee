-- Quarters of disbursement of which a build recomputes how the score did: one of their loans, or whether it was past 30
-- by the end of its sixth month, has changed, or the sixth month of the youngest is over.
with

-- most of what happens to a loan leaves alone what is asked here
loans_changed as (
    select lender, product, {{ quarter_end('disbursed_on') }} as vintage_quarter
    from {{ changed('int_loan') }} as loans
    group by lender, loan_id, build_id, product, disbursed_on, principal, credit_score, entered_on
    having count(*) = 1
),

crossings_changed as (
    select loans.lender, loans.product, {{ quarter_end('loans.disbursed_on') }} as vintage_quarter
    from {{ changed('int_threshold_crossing') }} as crossings
    inner join {{ ref('int_loan') }} as loans
        on
            crossings.lender = loans.lender
            and crossings.loan_id = loans.loan_id
            and crossings.crossed_on <= {{ month_end(add_months('loans.disbursed_on', 6)) }}
    where crossings.threshold_dpd = 30
),

quarters as (
    select lender, product, vintage_quarter, true as is_changed from loans_changed
    union all
    select lender, product, vintage_quarter, true as is_changed from crossings_changed
    union all
    select lender, product, {{ quarter_end('disbursed_on') }} as vintage_quarter, false as is_changed
    from {{ standing('int_loan') }} as loans
),

with_end as (
    select *, {{ month_end(add_months('vintage_quarter', 6)) }} as judged_on from quarters
)

select
    quarters.lender,
    quarters.product,
    quarters.vintage_quarter
from with_end as quarters
inner join {{ ref('int_passage') }} as passage
    on
        quarters.lender = passage.lender
        and quarters.judged_on <= passage.passed_until
        and (quarters.is_changed or quarters.judged_on > passage.passed_from)
group by quarters.lender, quarters.product, quarters.vintage_quarter
