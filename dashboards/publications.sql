-- The newest publications, read as the reader role.
select
    publication_id,
    business_date,
    gate_status,
    rows_added,
    rows_closed
from marts.publication
order by publication_id desc
limit 3
