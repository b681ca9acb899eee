{{ config(materialized='cells', meta={
    'cells': 'int_contact_cell', 'cell': ['lender', 'contact_on']
}) }}
-- Actions to which a rule of contact applies, and those that break it, on the agency whose action it was.
select
    lender,
    coalesce(agency, 'in_house') as agency,
    acted_on as contact_on,
    rule,
    count(*) as actions,
    cast(sum(case when is_breach then 1 else 0 end) as bigint) as breaches
from {{ in_cells(
    'int_contact_check', 'int_contact_cell', on={'lender': 'lender', 'acted_on': 'contact_on'}
) }}
group by lender, coalesce(agency, 'in_house'), acted_on, rule
