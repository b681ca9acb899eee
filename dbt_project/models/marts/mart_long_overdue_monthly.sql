{{ config(materialized='cells', meta={
    'cells': 'int_long_overdue_cell', 'cell': ['lender', 'month_end']
}) }}
-- Loans of the book that have been overdue for more than half a year, and what came in from them in the twelve months
-- after. The last year of cells is not over and says so. The band about_one_year overlaps the others: not to be added.
select
    months.lender,
    months.product,
    months.month_end,
    months.dpd_band,
    count(*) as loans,
    {{ money('sum(months.outstanding_principal)') }} as outstanding_principal,
    {{ money('sum(months.overdue_amount)') }} as overdue_amount,
    {{ money('sum(months.recovered_next_12m)') }} as recovered_next_12m,
    months.followed_until <= lenders.data_as_of as is_complete
from {{ in_cells(
    'int_long_overdue', 'int_long_overdue_cell', on={'lender': 'lender', 'month_end': 'month_end'}
) }} as months
inner join {{ ref('int_lender') }} as lenders on months.lender = lenders.lender
group by
    months.lender, months.product, months.month_end, months.dpd_band, months.followed_until, lenders.data_as_of
