-- A loan that has entered the book has exactly one state on every day from its entry on: intervals start with the
-- entry, meet without gap or overlap, and the last one is open.
with

intervals as (
    select
        lender,
        loan_id,
        valid_from,
        valid_to,
        lead(valid_from) over (partition by lender, loan_id order by valid_from) as next_from,
        row_number() over (partition by lender, loan_id order by valid_from) as place
    from {{ ref('int_loan_state') }}
)

select loans.lender, loans.loan_id, intervals.valid_from
from {{ ref('int_loan') }} as loans
inner join {{ ref('int_lender') }} as lenders on loans.lender = lenders.lender
left join intervals on loans.lender = intervals.lender and loans.loan_id = intervals.loan_id
where
    loans.entered_on <= lenders.data_as_of
    and (
        intervals.loan_id is null
        or (intervals.place = 1 and intervals.valid_from <> loans.entered_on)
        or intervals.valid_to is distinct from intervals.next_from
        or intervals.valid_from > lenders.data_as_of
    )
