-- Every position of a loan in the book with a figure is in one row of its day, up to the lender's last day.
with

positions as (
    select
        positions.lender,
        positions.as_of,
        count(*) as loans
    from {{ ref('int_reported_position') }} as positions
    inner join {{ ref('int_loan') }} as loans
        on positions.lender = loans.lender and positions.loan_id = loans.loan_id
    inner join {{ ref('int_lender') }} as lenders on positions.lender = lenders.lender
    where
        positions.as_of >= loans.entered_on
        and positions.as_of <= lenders.data_as_of
        and (positions.outstanding_principal is not null or positions.dpd is not null)
    group by positions.lender, positions.as_of
),

reconciled as (
    select
        lender,
        as_of_date,
        sum(loans) as loans
    from {{ ref('mart_reconciliation_daily') }}
    group by lender, as_of_date
)

select
    coalesce(positions.lender, reconciled.lender) as lender,
    coalesce(positions.as_of, reconciled.as_of_date) as as_of_date,
    positions.loans as loans_reported,
    reconciled.loans as loans_reconciled
from positions
full outer join reconciled on positions.lender = reconciled.lender and positions.as_of = reconciled.as_of_date
where positions.loans is null or reconciled.loans is null or positions.loans <> reconciled.loans
