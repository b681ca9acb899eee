-- How many rows of each loan are held out of the marts, and why.
select
    lender,
    entity,
    reason,
    loan_id,
    count(*) as orphan_rows
from {{ ref('int_held_out') }}
group by lender, entity, reason, loan_id
