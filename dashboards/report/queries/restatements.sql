-- Already published history that this publication changed.
select
    lender,
    mart,
    period,
    rows_added,
    rows_changed,
    rows_removed
from marts.publication_change
where publication_id = cast(current_setting('arrears.publication') as bigint) and is_restatement
order by lender, mart, period
