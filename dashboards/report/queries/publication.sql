-- The publication that the report is about. What changes later (whether it is current, whether it is kept) is left out.
select
    publication_id,
    published_at,
    business_date,
    gate_status,
    approved_by,
    reason,
    restores,
    rows_added,
    rows_closed,
    code_version
from marts.publication
where publication_id = cast(current_setting('arrears.publication') as bigint)
