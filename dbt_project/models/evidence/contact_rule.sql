-- The rules of contact, version by version: [in_force_from, in_force_until).
select
    rule,
    effective_from as in_force_from,
    coalesce(
        lead(effective_from) over (partition by rule order by effective_from), {{ last_day_ever() }}
    ) as in_force_until,
    channels,
    most_connected_calls_a_day
from {{ ref('contact_rules') }}
