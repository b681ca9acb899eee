{{ config(meta={'recomputed': 'stg_touched_position', 'recomputed_by': ['lender', 'loan_id', 'as_of']}) }}
-- What lenders say about known loans, day by day as reported. A build that goes on from the one before takes the new
-- positions of all loans, touched or not.
select
    positions.lender,
    positions.loan_id,
    positions.as_of,
    positions.outstanding_principal,
    positions.overdue_principal,
    positions.dpd,
    positions.status
from {{ ref('stg_reported_position') }} as positions
inner join {{ ref('stg_loan') }} as loans
    on positions.lender = loans.lender and positions.loan_id = loans.loan_id
{%- if not execute or goes_on() %}
inner join {{ ref('stg_touched_position') }} as touched_positions
    on
        positions.lender = touched_positions.lender
        and positions.loan_id = touched_positions.loan_id
        and positions.as_of = touched_positions.as_of
{%- endif %}
