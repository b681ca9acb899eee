-- Month-ends of which a build recomputes what is summed of a lender's loans: a loan's month has changed, or what its
-- kind of debt hangs on there, or what it has been under observation; or the loan is another borrower's now, or its
-- borrower another's age or income, which is not said in its months.
with

described_otherwise as (
    select lender, loan_id
    from {{ changed('int_loan') }} as loans
    group by lender, loan_id, build_id, borrower_key, birth_year, income_band, disbursed_on
    having count(*) = 1
),

month_ends as (
    select date as month_end from {{ standing('int_calendar') }} as calendar where is_month_end
)

select lender, month_end from {{ changed('fct_loan_month') }} as months
union
select lender, month_end from {{ changed('int_overdue_month') }} as months
union
select observed.lender, month_ends.month_end
from {{ changed_stretches(
    'int_observed_dpd', ['lender', 'loan_id', 'worst_before'], 'starts_on', 'ends_on'
) }} as observed
inner join {{ ref('int_passage') }} as passage on observed.lender = passage.lender
inner join month_ends
    on
        observed.changed_from <= month_ends.month_end
        and observed.changed_until > month_ends.month_end
        and passage.passed_until >= month_ends.month_end
union
select months.lender, months.month_end
from {{ standing('fct_loan_month') }} as months
inner join described_otherwise
    on months.lender = described_otherwise.lender and months.loan_id = described_otherwise.loan_id
