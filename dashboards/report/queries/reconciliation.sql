-- The lender's own figures against ours on the newest day on which it reported any.
with

newest as (
    select
        lender,
        max(as_of_date) as as_of_date
    from mart_reconciliation_daily
    group by lender
)

select
    breaks.lender,
    breaks.as_of_date,
    breaks.break_type,
    breaks.loans,
    breaks.our_amount,
    breaks.reported_amount,
    breaks.our_amount - breaks.reported_amount as difference,
    breaks.oldest_break_on
from mart_reconciliation_daily as breaks
inner join newest on breaks.lender = newest.lender and breaks.as_of_date = newest.as_of_date
order by breaks.lender, breaks.break_type <> 'none', breaks.break_type
