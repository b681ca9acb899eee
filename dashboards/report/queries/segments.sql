-- Borrowers of the newest month-end by age, by income and by how many loans they have at all lenders.
with

-- of the lender: a book that is gone has no rows at it
newest as (
    select
        lender,
        cast(date_trunc('month', cast(data_as_of + 1 as timestamp)) as date) - 1 as month_end
    from dim_lender
)

select
    segments.lender,
    segments.month_end,
    ways.way,
    ways.segment,
    cast(sum(segments.borrowers) as bigint) as borrowers,
    cast(sum(segments.overdue_borrowers) as bigint) as overdue_borrowers,
    round(sum(segments.overdue_borrowers) / nullif(sum(segments.borrowers), 0), 6) as overdue_share,
    sum(segments.outstanding_principal) as outstanding_principal,
    sum(segments.balance_overdue_30) as balance_overdue_30,
    round(sum(segments.balance_overdue_30) / nullif(sum(segments.outstanding_principal), 0), 6) as par30_rate
from mart_borrower_segment_monthly as segments
inner join newest on segments.lender = newest.lender and segments.month_end = newest.month_end
cross join lateral (
    values
    (1, 'birth_decade', segments.birth_decade),
    (2, 'income_band', segments.income_band),
    (3, 'loan_count_band', segments.loan_count_band)
) as ways (sort_order, way, segment)
group by segments.lender, segments.month_end, ways.sort_order, ways.way, ways.segment
order by
    segments.lender,
    ways.sort_order,
    ways.segment = 'unknown',
    array_position(array['low', 'lower_middle', 'middle', 'upper_middle', 'high'], ways.segment),
    ways.segment
